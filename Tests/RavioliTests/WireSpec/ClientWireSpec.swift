// SPDX-License-Identifier: Apache-2.0

import Ravioli
import RavioliWire

/// The cases of servers' bytes, by chapter. Their numbers begin at 500; those below are the clients'.
enum ClientWireSpec {
    static let all = hellos + frames + goaways + ends + answers + streams

    private typealias Case = ClientWireCase

    static let hellos: [ClientWireCase] = [
        Case(500, "Hello", "is all that is needed", ok, tells: .ok),
        Case(501, "Hello", "a higher minor version", hello: Wire.hello { $0.minor = 255 }, ok, tells: .ok),
        Case(502, "Hello", "unknown features", hello: Wire.hello { $0.features = .max }, ok, tells: .ok),
        Case(
            503, "Hello", "details that are no protobuf", hello: Wire.hello { $0.details = [0xFF, 0xFF] }, ok,
            tells: .ok),
        Case(504, "Hello", "a level of the future", hello: Wire.hello { $0.level = 255 }, ok, tells: .ok),
        Case(505, "Hello", "level 0", hello: Wire.hello { $0.level = 0 }, ok, tells: .ok),
        Case(
            506, "Levels", "a stream at level 1", by: .watch, hello: Wire.hello { $0.level = 1 },
            tells: .unimplemented, .no, then: .stands),
        Case(
            507, "Hello", "major 2", hello: Wire.hello { $0.major = 2 }, tells: .unavailable, .no,
            then: .goaway(.helloRefused)),
        Case(
            508, "Hello", "byte 7 is not 0", hello: Wire.hello { $0.reserved = 1 }, tells: .unavailable, .no,
            then: .goaway(.malformedFrame)),
        Case(
            509, "Hello", "frames of 1,023", hello: Wire.hello { $0.frame = 1023 }, tells: .unavailable, .no,
            then: .goaway(.helloRefused)),
        Case(
            510, "Hello", "frames of 1,024, a longer call", by: .unary(bytes: 5000),
            hello: Wire.hello { $0.frame = 1024 }, ok, tells: .ok),
        Case(
            511, "Limits and defaults", "frames of 1,024, more metadata than fits",
            by: .unary(metadataBytes: 2000), hello: Wire.hello { $0.frame = 1024 }, tells: .resourceExhausted,
            .no,
            then: .stands),
        Case(
            512, "Limits and defaults", "frames of 1,024, as much metadata as fits",
            by: .unary(bytes: 300, metadataBytes: 700), hello: Wire.hello { $0.frame = 1024 }, ok, tells: .ok),
        Case(
            513, "Hello", "no messages", by: .unary(bytes: 1), hello: Wire.hello { $0.message = 0 },
            tells: .resourceExhausted, .no, then: .stands),
        Case(
            514, "Hello", "no calls: callers wait", hello: Wire.hello { $0.calls = 0 },
            tells: .deadlineExceeded, .no, then: .stands, timeout: .milliseconds(300)),
        Case(
            515, "Hello", "no metadata", by: .unary(metadataBytes: 1), hello: Wire.hello { $0.metadata = 0 },
            tells: .resourceExhausted, .no, then: .stands),
        Case(
            516, "Hello", "2,049 bytes", hello: Wire.hello { $0.details = Wire.zeros(2005) },
            tells: .unavailable, .no, then: .goaway(.frameTooLarge)),
        Case(
            517, "Hello", "flags", hello: Wire.hello(flags: 1), tells: .unavailable, .no,
            then: .goaway(.malformedFrame)),
        Case(
            518, "Hello", "a byte short", hello: Wire.frame(1, 0, 0, Wire.Hello().payload.dropLast()),
            tells: .unavailable, .no, then: .goaway(.malformedFrame)),
        Case(
            519, "Hello", "another magic", hello: Wire.hello { $0.magic = Wire.text("RAVE") },
            tells: .unavailable, .no, then: .ends),
        Case(
            520, "Hello", "does not come", hello: [], tells: .unavailable, .no, then: .goaway(.timeout),
            limits: .hasty),
        Case(
            521, "Hello", "stays incomplete", hello: Wire.hello().dropLast(), tells: .unavailable, .no,
            then: .goaway(.timeout), limits: .hasty),
        Case(
            522, "Other protocols on the port", "HTTP/1", hello: Wire.text("HTTP/1.1 400 Bad Request\r\n"),
            tells: .unavailable, .no, then: .ends),
        Case(
            523, "Over TLS", "an alert", hello: [0x15, 3, 3, 0, 2, 2, 40], tells: .unavailable, .no,
            then: .ends),
        Case(
            524, "Other protocols on the port", "SSH", hello: Wire.text("SSH-2.0-OpenSSH\r\n"),
            tells: .unavailable, .no, then: .ends),
        Case(
            525, "Connection, client side", "an end before the hello", hello: Wire.end(1),
            tells: .unavailable,
            .no, then: .ends),
        Case(
            526, "Connection, client side", "a hello twice", Wire.hello(), tells: .unavailable, .maybe,
            then: .goaway(.outOfOrder)),
        Case(
            527, "Connection, client side", "a goaway for a hello", hello: Wire.goaway(5, Wire.text("no")),
            tells: .unavailable, .no, then: .isNeverGood),
        Case(
            528, "Connection, client side", "silence after the hello", tells: .deadlineExceeded, .maybe,
            then: .stands, timeout: .milliseconds(300)),
        Case(
            529, "Hello", "any limits",
            hello: Wire.hello {
                ($0.frame, $0.message, $0.calls, $0.metadata) = (.max, .max, .max, .max)
                ($0.streamCredit, $0.connectionCredit) = (.max, .max)
            }, ok, tells: .ok),
    ]

    static let frames: [ClientWireCase] = [
        Case(
            540, "Kinds", "0", Wire.frame(0, 0, 0), tells: .unavailable, .maybe, then: .goaway(.unknownKind)),
        Case(
            541, "Kinds", "9", Wire.frame(9, 1, 0), tells: .unavailable, .maybe, then: .goaway(.unknownKind)),
        Case(
            542, "Kinds", "127", Wire.frame(127, 0, 0), tells: .unavailable, .maybe,
            then: .goaway(.unknownKind)),
        Case(
            543, "Kinds", "128 to 255 are skipped", Wire.frame(128, 1, 0), Wire.frame(255, 77, 0xFF, [1]), ok,
            tells: .ok),
        Case(
            544, "Frames", "a payload above the limit", Wire.header(65_537, 1, 4, 2), tells: .unavailable,
            .maybe, then: .goaway(.frameTooLarge)),
        Case(
            545, "Frames", "4 GiB of payload", Wire.header(.max, 0, 200, 0), tells: .unavailable, .maybe,
            then: .goaway(.frameTooLarge)),
        Case(
            546, "Kinds", "a call from a server", Wire.call(2), tells: .unavailable, .maybe,
            then: .goaway(.outOfOrder)),
        Case(
            547, "Kinds", "a cancel from a server", Wire.cancel(1), tells: .unavailable, .maybe,
            then: .goaway(.outOfOrder)),
        Case(
            548, "Connection frames", "a ping of 7 bytes", Wire.ping(Wire.zeros(7)), tells: .unavailable,
            .maybe, then: .goaway(.malformedFrame)),
        Case(
            549, "Connection frames", "a ping on a call's stream", Wire.ping(stream: 1), tells: .unavailable,
            .maybe, then: .goaway(.malformedFrame)),
        Case(
            550, "Flags", "a ping with 0x02", Wire.ping(flags: 2), tells: .unavailable, .maybe,
            then: .goaway(.malformedFrame)),
        Case(551, "Connection frames", "an answer to no ping", Wire.ping(flags: 1), ok, tells: .ok),
        Case(
            552, "Security considerations", "a ping flood", Wire.times(11) { _ in Wire.ping() },
            tells: .unavailable, .maybe, then: .goaway(.flood), limits: .small),
        Case(
            553, "Security considerations", "a flood of ignorable frames",
            Wire.times(11) { _ in Wire.frame(200, 0, 0) }, tells: .unavailable, .maybe, then: .goaway(.flood),
            limits: .small),
        Case(
            554, "Limits and defaults", "half a frame, and silence", Wire.header(100, 1, 4, 2) + [0],
            tells: .unavailable, .maybe, then: .goaway(.timeout), limits: .hasty),
        Case(
            555, "Frames", "half a header, and the end", Wire.header(100, 1, 4, 2).dropLast(4), closes: true,
            tells: .unavailable, .maybe, then: .ends),
        Case(
            556, "Frames", "half a payload, and the end", Wire.header(100, 1, 4, 2) + [0, 2, 1], closes: true,
            tells: .unavailable, .maybe, then: .ends),
        Case(
            557, "Frames", "the end, and nothing else", closes: true, tells: .unavailable, .maybe, then: .ends
        ),
    ]

    static let goaways: [ClientWireCase] = [
        Case(
            570, "Connection frames", "the call goes on", goaway(.max), ok, tells: .ok, then: .ends),
        Case(
            571, "Connection frames", "a call that was not accepted, by a server that has served none",
            goaway(0),
            tells: .unavailable, .no, then: .ends),
        Case(
            572, "Connection frames", "an error, and the end", goaway(1, 9), closes: true,
            tells: .unavailable,
            .maybe, then: .ends),
        Case(
            573, "Connection frames", "an unknown code", goaway(1, 200), closes: true, tells: .unavailable,
            .maybe, then: .ends),
        Case(
            574, "Connection frames", "4 bytes", Wire.frame(8, 0, 0, Wire.zeros(4)), tells: .unavailable,
            .maybe, then: .goaway(.malformedFrame)),
        Case(
            575, "Flags", "a goaway with 0x01", Wire.goaway(flags: 1), tells: .unavailable, .maybe,
            then: .goaway(.malformedFrame)),
        Case(
            576, "Kinds", "a goaway on a call's stream", Wire.frame(8, 1, 0, Wire.zeros(5)),
            tells: .unavailable, .maybe, then: .goaway(.malformedFrame)),
        Case(
            577, "Security considerations", "a book", goaway(1, 9, [UInt8](repeating: 0x61, count: 60_000)),
            closes: true, tells: .unavailable, .maybe, then: .ends),
        Case(
            578, "Security considerations", "no UTF-8", goaway(1, 9, [0xFF, 0xC0, 0x1B]), closes: true,
            tells: .unavailable, .maybe, then: .ends),
        Case(
            579, "Security considerations", "a goaway flood", Wire.times(11) { _ in goaway(.max) },
            tells: .unavailable, .maybe, then: .goaway(.flood), limits: .small),
        Case(580, "Connection frames", "too_many_pings", goaway(.max, 11), ok, tells: .ok, then: .ends),
    ]

    static let ok = Wire.end(1, message: Wire.hi)

    private static func goaway(_ last: UInt32, _ code: UInt8 = 0, _ text: [UInt8] = []) -> [UInt8] {
        Wire.frame(8, 0, 0, Wire.u32(last) + [code] + text)
    }
}
