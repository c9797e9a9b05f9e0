// SPDX-License-Identifier: Apache-2.0

import RavioliWire

/// The cases, by chapter.
enum WireSpec {
    static let all =
        hellos + otherProtocols + frames + connectionFrames + calls + metadata + chunks + cancels
        + streams + credits + floods

    static let hellos: [WireCase] = [
        WireCase(1, "Hello", "is all that is needed", raw: Wire.hello(), expects: .nothing),
        WireCase(
            2, "Hello", "a higher minor version is spoken to", raw: Wire.hello { $0.minor = 255 },
            expects: .nothing),
        WireCase(3, "Hello", "level 0", raw: Wire.hello { $0.level = 0 }, expects: .nothing),
        WireCase(4, "Hello", "a level of the future", raw: Wire.hello { $0.level = 255 }, expects: .nothing),
        WireCase(5, "Hello", "unknown features", raw: Wire.hello { $0.features = .max }, expects: .nothing),
        WireCase(6, "Hello", "major 2", raw: Wire.hello { $0.major = 2 }, expects: .goaway(.helloRefused)),
        WireCase(7, "Hello", "major 0", raw: Wire.hello { $0.major = 0 }, expects: .goaway(.helloRefused)),
        WireCase(8, "Hello", "byte 7 is not 0", raw: Wire.hello { $0.reserved = 1 }, expects: .malformed),
        WireCase(9, "Hello", "frames of 1,024", raw: Wire.hello { $0.frame = 1024 }, expects: .nothing),
        WireCase(
            10, "Hello", "frames of 1,023", raw: Wire.hello { $0.frame = 1023 },
            expects: .goaway(.helloRefused)),
        WireCase(
            11, "Hello", "frames of nothing", raw: Wire.hello { $0.frame = 0 },
            expects: .goaway(.helloRefused)),
        WireCase(12, "Hello", "frames of any length", raw: Wire.hello { $0.frame = .max }, expects: .nothing),
        WireCase(
            13, "Hello", "no message is accepted, so no answer can be given",
            raw: Wire.hello { $0.message = 0 }, Wire.call(1), expects: .end(1, 8, .yes), probe: .ping),
        WireCase(14, "Hello", "any message", raw: Wire.hello { $0.message = .max }, expects: .nothing),
        WireCase(15, "Hello", "a client runs no calls", raw: Wire.hello { $0.calls = 0 }, expects: .nothing),
        WireCase(16, "Hello", "any calls", raw: Wire.hello { $0.calls = .max }, expects: .nothing),
        WireCase(17, "Hello", "no metadata", raw: Wire.hello { $0.metadata = 0 }, expects: .nothing),
        WireCase(18, "Hello", "any metadata", raw: Wire.hello { $0.metadata = .max }, expects: .nothing),
        WireCase(
            19, "Hello", "no credit: unary calls need none",
            raw: Wire.hello { ($0.streamCredit, $0.connectionCredit) = (0, 0) }, expects: .nothing),
        WireCase(
            20, "Hello", "any credit, streams",
            raw: Wire.hello { ($0.streamCredit, $0.connectionCredit) = (.max, .max) },
            Wire.call(1, "Watch"), expects: .ok),
        WireCase(
            21, "Hello", "a fingerprint", raw: Wire.hello { $0.fingerprint = Array(1...8) },
            expects: .nothing),
        WireCase(
            22, "Hello", "details that are no protobuf", raw: Wire.hello { $0.details = [0xFF, 0xFF] },
            expects: .nothing),
        WireCase(
            23, "Hello", "2,048 bytes", raw: Wire.hello { $0.details = Wire.zeros(2004) }, expects: .nothing),
        WireCase(
            24, "Hello", "2,049 bytes", raw: Wire.header(2049, 0, 1, 0) + Wire.text("RAVI"),
            expects: .goaway(.frameTooLarge)),
        WireCase(
            25, "Hello", "16 MiB", raw: Wire.header(0xFF_FFFF, 0, 1, 0) + Wire.text("RAVI"),
            expects: .goaway(.frameTooLarge)),
        WireCase(
            26, "Hello", "one byte short", raw: Wire.frame(1, 0, 0, Wire.Hello().payload.dropLast()),
            expects: .malformed),
        WireCase(27, "Hello", "only magic", raw: Wire.frame(1, 0, 0, Wire.text("RAVI")), expects: .malformed),
        WireCase(
            28, "Hello", "an empty payload before magic", raw: Wire.header(0, 0, 1, 0) + Wire.text("RAVI"),
            expects: .malformed),
        WireCase(29, "Hello", "flags", raw: Wire.hello(flags: 1), expects: .malformed),
        WireCase(30, "Hello", "on a call's stream", raw: Wire.hello(stream: 2), expects: .closes([])),
        WireCase(
            31, "Hello", "another magic", raw: Wire.hello { $0.magic = Wire.text("RAVE") },
            expects: .closes([])),
        WireCase(32, "Hello", "twice", Wire.hello(), expects: .outOfOrder),
        WireCase(
            33, "Hello", "does not come", raw: [], expects: .goaway(.timeout), limits: .hasty),
        WireCase(
            34, "Hello", "stays incomplete", raw: Wire.hello().dropLast(), expects: .goaway(.timeout),
            limits: .hasty),
        WireCase(
            35, "Hello", "stops within its header", raw: Wire.zeros(4), expects: .goaway(.timeout),
            limits: .hasty),
    ]

    private static let http = Wire.text("HTTP/1.1 400")
    private static let settings: [UInt8] = [0, 0, 0, 4, 0, 0, 0, 0, 0]
    private static let alert: [UInt8] = [0x15, 3, 3, 0, 2, 2, 40]
    private static let section = "Other protocols on the port"

    static let otherProtocols: [WireCase] =
        ["GET", "POST", "PUT", "HEAD", "DELETE", "OPTIONS", "PATCH", "CONNECT", "TRACE"].enumerated().map {
            WireCase(
                40 + $0, section, "HTTP/1: \($1)", raw: Wire.text($1 + " / HTTP/1.1\r\n\r\n"),
                expects: .closes(http))
        } + [
            WireCase(
                49, section, "HTTP/1: an answer", raw: Wire.text("HTTP/1.1 200"), expects: .closes(http)),
            WireCase(
                50, section, "HTTP/2: a client", raw: Wire.text("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
                expects: .closes(settings)),
            WireCase(51, section, "HTTP/2: a server", raw: settings + [0], expects: .closes(settings)),
            WireCase(52, section, "TLS: a handshake", raw: [0x16, 3, 1, 2, 0], expects: .closes(alert)),
            WireCase(53, section, "TLS: an alert", raw: [0x15, 3, 3, 0, 2], expects: .closes(alert)),
            WireCase(54, section, "almost TLS", raw: [0x16, 4, 1, 2, 0], expects: .closes([])),
            WireCase(
                55, section, "ttrpc: a request", raw: Wire.header(0, 7, 1, 0), expects: .closes([0, 0, 0])),
            WireCase(
                56, section, "ttrpc: a response", raw: Wire.header(0, 1, 2, 0), expects: .closes([0, 0, 0])),
            WireCase(57, section, "ttrpc: data", raw: Wire.header(0, 3, 3, 0), expects: .closes([0, 0, 0])),
            WireCase(
                58, section, "an odd stream of another kind", raw: Wire.header(0, 3, 4, 0),
                expects: .closes([])),
            WireCase(59, section, "a call first", raw: Wire.call(2), expects: .closes([])),
            WireCase(60, section, "a ping first", raw: Wire.ping(), expects: .closes([])),
            WireCase(61, section, "a goaway first", raw: Wire.goaway(), expects: .closes([])),
            WireCase(
                62, section, "an ignorable frame first", raw: Wire.frame(200, 0, 0), expects: .closes([])),
            WireCase(63, section, "SSH", raw: Wire.text("SSH-2.0-OpenSSH\r\n"), expects: .closes([])),
            WireCase(
                64, section, "a method in lower case", raw: Wire.text("get / HTTP/1.1"), expects: .closes([])),
            WireCase(
                65, section, "a method that is none", raw: Wire.text("GETS / HTTP"), expects: .closes([])),
            WireCase(66, section, "noise", raw: [0xFF, 0xFE, 0xFD], expects: .closes([])),
        ]
}
