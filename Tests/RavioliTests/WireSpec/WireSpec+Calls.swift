// SPDX-License-Identifier: Apache-2.0

extension WireSpec {
    private static let frame = "The call frame"
    private static let lastMessage = Wire.last | Wire.message

    /// A call with these flags besides those of a whole unary call.
    private static func call(_ stream: UInt32, _ flags: UInt8, _ payload: [UInt8]) -> [UInt8] {
        Wire.frame(2, stream, lastMessage | flags, payload)
    }

    /// The first call of a method, which binds this number.
    private static func bind(
        _ stream: UInt32, _ number: UInt16, _ name: String = "ravioli.trial.v1.Trial/Echo"
    )
        -> [UInt8]
    {
        call(stream, Wire.name, Wire.head(Wire.minute, number) + Wire.named(name) + Wire.hi)
    }

    private static func numbered(_ stream: UInt32, _ number: UInt16) -> [UInt8] {
        call(stream, 0, Wire.head(Wire.minute, number) + Wire.hi)
    }

    private static func ended(_ streams: ClosedRange<UInt32>, _ code: UInt8 = 0) -> WireCase.Expectation {
        .ends(streams.map { .init($0, code, code == 0 ? .yes : .no) })
    }

    static let calls: [WireCase] = [
        WireCase(170, frame, "by name", Wire.call(1), expects: .ok),
        WireCase(171, frame, "a number before it is bound", numbered(1, 0), expects: .outOfOrder),
        WireCase(172, frame, "7 bytes", call(1, 0, Wire.zeros(7)), expects: .malformed),
        WireCase(173, frame, "no bytes", Wire.frame(2, 1, lastMessage), expects: .malformed),
        WireCase(174, "Flags", "a call with status", call(1, Wire.status, Wire.head()), expects: .malformed),
        WireCase(
            175, "Flags", "a call with counted", call(1, Wire.counted, Wire.head()), expects: .malformed),
        WireCase(
            176, "Flags", "a compressed call",
            call(1, Wire.name | Wire.compressed, Wire.head() + Wire.trial("Echo") + Wire.hi),
            expects: .malformed),
        WireCase(
            177, "Flags", "chunked without message",
            Wire.frame(
                2, 1, Wire.last | Wire.chunked | Wire.name, Wire.head() + Wire.trial("Echo") + Wire.hi),
            expects: .malformed),
        WireCase(
            178, "Flags", "bytes without message",
            Wire.frame(2, 1, Wire.last | Wire.name, Wire.head() + Wire.trial("Echo") + Wire.hi),
            expects: .malformed),
        WireCase(179, frame, "an empty name", call(1, Wire.name, Wire.head() + [0]), expects: .malformed),
        WireCase(
            180, frame, "a name without its length", call(1, Wire.name, Wire.head()), expects: .malformed),
        WireCase(
            181, frame, "a name longer than its frame", call(1, Wire.name, Wire.head() + [200, 1, 2]),
            expects: .malformed),
        WireCase(
            182, frame, "an unknown name of 255 bytes",
            call(1, Wire.name, Wire.head() + Wire.named(String(repeating: "x", count: 255))),
            expects: .end(1, 12, .no)),
        WireCase(
            183, frame, "a name that is no UTF-8", call(1, Wire.name, Wire.head() + [2, 0xFF, 0xC0]),
            expects: .end(1, 12, .no)),
        WireCase(
            184, frame, "a method the service has not",
            call(1, Wire.name, Wire.head() + Wire.trial("Nothing")), expects: .end(1, 12, .no)),
        WireCase(
            185, frame, "another case", call(1, Wire.name, Wire.head() + Wire.trial("echo")),
            expects: .end(1, 12, .no)),
        WireCase(186, frame, "neither number nor name", numbered(1, Wire.unbound), expects: .malformed),
        WireCase(187, frame, "a number, bound and used", bind(1, 0), numbered(2, 0), expects: ended(1...2)),
        WireCase(188, frame, "numbers begin at 0", bind(1, 1), expects: .outOfOrder),
        WireCase(189, frame, "numbers have no gaps", bind(1, 0), bind(2, 2), expects: .outOfOrder),
        WireCase(190, frame, "a number bound twice", bind(1, 0), bind(2, 0), expects: .outOfOrder),
        WireCase(
            191, frame, "a method bound twice", bind(1, 0), bind(2, 1), numbered(3, 1), expects: ended(1...3)),
        WireCase(
            192, frame, "an unknown method is bound all the same", bind(1, 0, "no.Such/Method"),
            numbered(2, 0),
            bind(3, 1), expects: .ends([.init(1, 12, .no), .init(2, 12, .no), .init(3, 0, .yes)])),
        WireCase(
            193, frame, "a refused call binds",
            call(
                1, Wire.name | Wire.metadata,
                Wire.head(Wire.minute, 0) + Wire.trial("Echo") + Wire.u16(9000) + Wire.zeros(9000)),
            numbered(2, 0), expects: .ends([.init(1, 8, .no), .init(2, 0, .yes)])),
        WireCase(
            194, "Limits and defaults", "more numbers than the server binds",
            Wire.times(5) { bind($0, UInt16($0 - 1)) }, expects: .outOfOrder, limits: .small),
        WireCase(
            195, "Limits and defaults", "as many numbers as the server binds, then names",
            Wire.times(4) { bind($0, UInt16($0 - 1)) }, Wire.call(5), expects: ended(1...5), limits: .small),
        WireCase(
            196, frame, "criticality 0 to 3",
            Wire.times(4) {
                call(
                    $0, Wire.name,
                    Wire.head(Wire.minute, Wire.unbound, UInt8($0 - 1)) + Wire.trial("Echo") + Wire.hi)
            }, expects: ended(1...4)),
        WireCase(
            197, frame, "criticality 4",
            call(1, Wire.name, Wire.head(Wire.minute, Wire.unbound, 4) + Wire.trial("Echo") + Wire.hi),
            expects: .malformed),
        WireCase(
            198, frame, "attempt 255",
            call(1, Wire.name, Wire.head(Wire.minute, Wire.unbound, 2, 255) + Wire.trial("Echo") + Wire.hi),
            expects: .ok),
        WireCase(199, frame, "no time left", Wire.call(1, remaining: 0), expects: .end(1, 4, .no)),
        WireCase(
            200, frame, "no milliseconds left", Wire.call(1, remaining: 1 << 31), expects: .end(1, 4, .no)),
        WireCase(201, frame, "all microseconds", Wire.call(1, remaining: 0x7FFF_FFFF), expects: .ok),
        WireCase(202, frame, "all milliseconds", Wire.call(1, remaining: .max - 1), expects: .ok),
        WireCase(
            203, frame, "a unary call without deadline", Wire.call(1, remaining: Wire.unlimited),
            expects: .end(1, 3, .no)),
        WireCase(
            204, "Requests and responses", "a unary call without message",
            Wire.frame(2, 1, Wire.last | Wire.name, Wire.head() + Wire.trial("Echo")),
            expects: .end(1, 3, .no)),
        WireCase(
            205, "Requests and responses", "a unary call whose requests follow", Wire.open(1, "Echo"),
            expects: .end(1, 3, .no)),
        WireCase(
            206, "Of one call", "a message that cannot be decoded", Wire.call(1, "Echo", [0xFF]),
            expects: .end(1, 3, .no)),
        WireCase(
            207, "Of one call", "a message nested too deep",
            Wire.call(1, "Echo", [UInt8](repeating: 0x0B, count: 4000)), expects: .end(1, 8, .no)),
        WireCase(
            208, "Of one call", "an unknown field", Wire.call(1, "Echo", Wire.hi + Wire.field(15, 1)),
            expects: .ok),
        WireCase(
            209, "Requests and responses", "data after the only request", Wire.call(1, "Hang", []),
            Wire.data(1, lastMessage, Wire.hi), expects: .outOfOrder),
    ]

    private static let names = [
        "Upper", "", "with space", "colon:", "line\n", "nul\0", "ümlaut",
    ]

    static let metadata: [WireCase] =
        [
            WireCase(220, frame, "an empty block", Wire.call(1, metadata: []), expects: .ok),
            WireCase(221, frame, "a pair", Wire.call(1, metadata: Wire.pair("x-id", "7")), expects: .ok),
            WireCase(
                222, "Limits and defaults", "64 pairs",
                Wire.call(1, metadata: Wire.times(64) { Wire.pair("n\($0)", "") }), expects: .ok),
            WireCase(
                223, "Limits and defaults", "65 pairs",
                Wire.call(1, metadata: Wire.times(65) { Wire.pair("n\($0)", "") }), expects: .end(1, 8, .no)),
            WireCase(
                224, "Limits and defaults", "8,192 bytes",
                Wire.call(1, metadata: Wire.pair("n", String(repeating: "x", count: 8192 - 9))), expects: .ok),
            WireCase(
                225, "Limits and defaults", "8,193 bytes",
                Wire.call(1, metadata: Wire.pair("n", String(repeating: "x", count: 8193 - 9))),
                expects: .end(1, 8, .no)),
            WireCase(
                226, frame, "a block longer than its frame",
                call(
                    1, Wire.name | Wire.metadata,
                    Wire.head() + Wire.trial("Echo") + Wire.u16(5) + Wire.hi), expects: .malformed),
            WireCase(
                227, frame, "half a length",
                call(1, Wire.name | Wire.metadata, Wire.head() + Wire.trial("Echo") + [0]),
                expects: .malformed),
            WireCase(
                228, "Of one call", "no protobuf", Wire.call(1, metadata: [0xFF, 0xFF]),
                expects: .end(1, 3, .no)),
            WireCase(
                229, "Of one call", "a pair longer than its block",
                Wire.call(1, metadata: [0x0A, 0x7F, 0x0A]),
                expects: .end(1, 3, .no)),
            WireCase(
                230, "Of one call", "a control character as value",
                Wire.call(1, metadata: Wire.pair("n", "a\nb")),
                expects: .end(1, 3, .no)),
            WireCase(
                231, "Of one call", "a value beyond ASCII", Wire.call(1, metadata: Wire.pair("n", "é")),
                expects: .end(1, 3, .no)),
            WireCase(
                232, frame, "any bytes for -bin",
                Wire.call(1, metadata: Wire.pair(Wire.text("n-bin"), Array(0...255))), expects: .ok),
            WireCase(
                233, frame, "a name twice",
                Wire.call(1, metadata: Wire.pair("n", "1") + Wire.pair("n", "2")), expects: .ok),
            WireCase(
                234, frame, "an unknown field in a block", Wire.call(1, metadata: Wire.field(9, 1)),
                expects: .ok),
        ]
        + names.enumerated().map {
            WireCase(
                240 + $0, "Of one call", "the name \($1.debugDescription)",
                Wire.call(1, metadata: Wire.pair($1, "v")), expects: .end(1, 3, .no))
        }

    private static let section = "Chunks"

    static let chunks: [WireCase] = [
        WireCase(
            260, section, "two", Wire.chunkedCall(1, total: 4, [0x0A, 2]), Wire.data(1, 0, [1, 2]),
            expects: .ok),
        WireCase(
            261, section, "of one byte each", Wire.chunkedCall(1, total: 4, [0x0A]), Wire.data(1, 0, [2]),
            Wire.data(1, 0, [3]), Wire.data(1, 0, [4]), expects: .ok),
        WireCase(
            262, section, "of two calls, interleaved",
            Wire.chunkedCall(1, total: 4, [0x0A, 2]), Wire.chunkedCall(2, total: 4, [0x0A, 2]),
            Wire.data(2, 0, [1, 2]), Wire.data(1, 0, [1, 2]), expects: ended(1...2)),
        WireCase(
            263, section, "a first chunk that is all", Wire.chunkedCall(1, total: 4, Wire.hi),
            expects: .malformed),
        WireCase(
            264, section, "a first chunk that is more", Wire.chunkedCall(1, total: 3, Wire.hi),
            expects: .malformed),
        WireCase(265, section, "of nothing", Wire.chunkedCall(1, total: 0, []), expects: .malformed),
        WireCase(
            266, section, "an empty first chunk", Wire.chunkedCall(1, total: 4, []), expects: .malformed),
        WireCase(
            267, section, "half a length",
            call(1, Wire.name | Wire.chunked, Wire.head() + Wire.trial("Echo") + [0, 0]), expects: .malformed),
        WireCase(
            268, section, "past the end", Wire.chunkedCall(1, total: 4, [0x0A]), Wire.data(1, 0, Wire.hi),
            expects: .malformed),
        WireCase(
            269, section, "an empty chunk", Wire.chunkedCall(1, total: 4, [0x0A]), Wire.data(1, 0),
            expects: .malformed),
        WireCase(
            270, section, "over the message limit", Wire.chunkedCall(1, total: 4 << 20 + 1, [1]),
            Wire.data(1, 0, [1]), expects: .end(1, 8, .no)),
        WireCase(
            271, section, "4 GiB announced", Wire.chunkedCall(1, total: .max, [1]), expects: .end(1, 8, .no)),
        WireCase(
            272, section, "at the message limit",
            Wire.chunkedCall(1, total: 16_384, Wire.field(1, Wire.zeros(16_381)).prefix(4000) + []),
            Wire.times(3) { _ in Wire.data(1, 0, Wire.zeros(4000)) }, Wire.data(1, 0, Wire.zeros(384)),
            expects: .ok, limits: .small),
        WireCase(
            273, "Limits and defaults", "more under assembly than the connection may hold",
            Wire.times(3) { Wire.chunkedCall($0, total: 16_384, [1]) }, expects: .end(3, 8, .no),
            probe: .ping, limits: .small),
        WireCase(
            274, "A call on the server", "a cancel while a message is assembled",
            Wire.chunkedCall(1, total: 4, [0x0A]), Wire.cancel(1), Wire.data(1, 0, [2, 1, 1]),
            expects: .end(1, 1, .no)),
        WireCase(
            275, "A call on the server", "a deadline while a message is assembled",
            Wire.chunkedCall(1, total: 4, [0x0A], remaining: 20_000), expects: .end(1, 4, .no)),
        WireCase(
            276, section, "a message inside another", Wire.chunkedCall(1, total: 4, [0x0A]),
            Wire.data(1, Wire.message, Wire.hi), expects: .outOfOrder),
        WireCase(277, section, "of no call", Wire.data(1, 0, [1]), expects: .outOfOrder),
        WireCase(
            278, "Ignored", "of a call that has ended", Wire.call(1), Wire.data(1, 0, [1]), expects: .ok),
        WireCase(
            279, section, "a counted chunk of a unary call", Wire.chunkedCall(1, total: 4, [0x0A]),
            Wire.data(1, Wire.counted, [2, 1, 1]), expects: .outOfOrder),
        WireCase(
            280, "Of one call", "an unknown method in chunks",
            Wire.chunkedCall(1, total: 4, [0x0A], "Nothing"), Wire.data(1, 0, [2, 1, 1]),
            expects: .end(1, 12, .no)),
    ]
}
