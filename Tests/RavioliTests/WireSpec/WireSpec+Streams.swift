// SPDX-License-Identifier: Apache-2.0

import RavioliWire

extension WireSpec {
    private static let section = "Requests and responses"

    static let streams: [WireCase] = [
        WireCase(
            300, section, "three requests", Wire.open(1), Wire.request(1), Wire.request(1),
            Wire.request(1, Wire.hi, Wire.last), expects: .ok),
        WireCase(
            301, section, "half-close", Wire.open(1), Wire.request(1), Wire.data(1, Wire.last), expects: .ok),
        WireCase(302, section, "no request", Wire.open(1), Wire.data(1, Wire.last), expects: .ok),
        WireCase(
            303, section, "a call frame without request, and no more",
            Wire.frame(2, 1, Wire.last | Wire.name, Wire.head() + Wire.trial("Collect")), expects: .ok),
        WireCase(
            304, section, "the first request in the call frame",
            Wire.frame(2, 1, Wire.message | Wire.name, Wire.head() + Wire.trial("Collect") + Wire.hi),
            Wire.request(1, Wire.hi, Wire.last), expects: .ok),
        WireCase(305, section, "the only request in the call frame", Wire.call(1, "Collect"), expects: .ok),
        WireCase(
            306, section, "no deadline", Wire.call(1, "Collect", remaining: Wire.unlimited), expects: .ok),
        WireCase(
            307, section, "an empty request", Wire.open(1), Wire.request(1, [], Wire.last), expects: .ok),
        WireCase(
            308, section, "both sides", Wire.open(1, "Converse"), Wire.request(1), Wire.data(1, Wire.last),
            expects: .ok),
        WireCase(
            309, section, "the server ends first", Wire.open(1), Wire.request(1, Wire.ends), expects: .ok),
        WireCase(
            310, section, "requests after the server's end", Wire.open(1), Wire.request(1, Wire.ends),
            Wire.times(9) { _ in Wire.request(1) }, expects: .ok),
        WireCase(
            311, section, "a message after last", Wire.open(1, "Hang"), Wire.data(1, Wire.last),
            expects: .end(1, 3, .no)),
        WireCase(
            312, section, "a request after last", Wire.open(1, "Converse"),
            Wire.request(1, Wire.hangs, Wire.last), Wire.request(1), expects: .outOfOrder),
        WireCase(
            313, section, "last twice", Wire.open(1, "Converse"), Wire.request(1, Wire.hangs, Wire.last),
            Wire.data(1, Wire.last), expects: .outOfOrder),
        WireCase(
            314, section, "a request without counted", Wire.open(1), Wire.data(1, Wire.message, Wire.hi),
            expects: .outOfOrder),
        WireCase(
            315, section, "a chunk of no message", Wire.open(1), Wire.data(1, Wire.counted, [1]),
            expects: .outOfOrder),
        WireCase(
            316, section, "a message inside another", Wire.open(1),
            Wire.data(1, Wire.message | Wire.chunked | Wire.counted, Wire.u32(4) + [0x0A]), Wire.request(1),
            expects: .outOfOrder),
        WireCase(
            317, "Chunks", "of a stream's message", Wire.open(1),
            Wire.data(1, Wire.message | Wire.chunked | Wire.counted | Wire.last, Wire.u32(4) + [0x0A]),
            Wire.data(1, Wire.counted, [2, 1, 1]), expects: .ok),
        WireCase(
            318, "Chunks", "past the end of a stream's message", Wire.open(1),
            Wire.data(1, Wire.message | Wire.chunked | Wire.counted, Wire.u32(4) + [0x0A]),
            Wire.data(1, Wire.counted, Wire.hi), expects: .malformed),
        WireCase(
            319, "Chunks", "counted unlike the message", Wire.open(1),
            Wire.data(1, Wire.message | Wire.chunked | Wire.counted, Wire.u32(4) + [0x0A]),
            Wire.data(1, 0, [1]), expects: .outOfOrder),
        WireCase(
            320, "Chunks", "last on a chunk", Wire.open(1),
            Wire.data(1, Wire.message | Wire.chunked | Wire.counted, Wire.u32(4) + [0x0A]),
            Wire.data(1, Wire.counted | Wire.last, [2, 1, 1]), expects: .outOfOrder),
        WireCase(
            321, "Chunks", "a stream's message over the limit", Wire.open(1),
            Wire.data(1, Wire.message | Wire.chunked | Wire.counted, Wire.u32(4 << 20 + 1) + [1]),
            Wire.data(1, Wire.counted, [1]), expects: .end(1, 8, .maybe)),
        WireCase(322, section, "an empty data frame", Wire.open(1), Wire.data(1, 0), expects: .malformed),
        WireCase(
            323, section, "an empty counted frame", Wire.open(1), Wire.data(1, Wire.counted),
            expects: .malformed),
        WireCase(
            324, section, "a counted half-close", Wire.open(1), Wire.data(1, Wire.counted | Wire.last),
            expects: .malformed),
        WireCase(
            325, section, "metadata from a client", Wire.open(1), Wire.data(1, Wire.metadata, [0, 0]),
            expects: .malformed),
        WireCase(
            326, "Flags", "waited without counted", Wire.open(1),
            Wire.data(1, Wire.waited | Wire.message, Wire.hi), expects: .malformed),
        WireCase(
            389, "Flags", "a request that waited", Wire.open(1), Wire.request(1, Wire.hi, Wire.waited),
            Wire.data(1, Wire.last), expects: .ok),
        WireCase(
            327, "Flags", "data with status", Wire.open(1), Wire.data(1, Wire.status, [1]),
            expects: .malformed),
        WireCase(
            328, "Flags", "compressed data", Wire.open(1),
            Wire.data(1, Wire.message | Wire.counted | Wire.compressed, Wire.hi), expects: .malformed),
        WireCase(
            329, "Flags", "data, chunked without message", Wire.open(1),
            Wire.data(1, Wire.chunked | Wire.counted, Wire.u32(9) + [1]), expects: .malformed),
        WireCase(330, section, "requests of no call", Wire.request(3), expects: .outOfOrder),
        WireCase(331, section, "half-close of no call", Wire.data(3, Wire.last), expects: .outOfOrder),
        WireCase(
            332, "Ignored", "half-close of a call that has ended", Wire.call(1), Wire.data(1, Wire.last),
            expects: .ok),
        WireCase(
            333, section, "a second request where one is taken",
            Wire.frame(2, 1, Wire.message | Wire.name, Wire.head() + Wire.trial("Watch") + Wire.hangs),
            Wire.request(1), expects: .end(1, 3, .no)),
        WireCase(
            334, section, "no request where one is taken",
            Wire.frame(2, 1, Wire.last | Wire.name, Wire.head() + Wire.trial("Watch")),
            expects: .end(1, 3, .no)),
        WireCase(
            335, section, "a stream of a method that is not there", Wire.open(1, "Nothing"), Wire.request(1),
            expects: .end(1, 12, .no)),
        WireCase(
            336, "Of one call", "a request that cannot be decoded", Wire.open(1), Wire.request(1, [0xFF]),
            expects: .end(1, 3, .maybe)),
        WireCase(337, section, "no time left", Wire.open(1, remaining: 0), expects: .end(1, 4, .no)),
        WireCase(
            338, section, "a cancel", Wire.open(1), Wire.request(1), Wire.cancel(1), Wire.request(1),
            expects: .end(1, 1, .maybe)),
    ]

    private static let credit = "Credit"

    /// A stream whose handler reads one request and no more.
    private static func stuck(_ stream: UInt32) -> [UInt8] {
        Wire.open(stream, "Converse") + Wire.request(stream, Wire.hangs)
    }

    /// A request that costs this much.
    private static func costing(_ bytes: Int, _ stream: UInt32) -> [UInt8] {
        Wire.request(stream, Wire.field(1, Wire.zeros(bytes - 16 - 3)))
    }

    static let credits: [WireCase] = [
        WireCase(350, credit, "for the connection", Wire.credit(0, 65_536), expects: .nothing),
        WireCase(351, credit, "for a stream", Wire.open(1), Wire.credit(1, 65_536), expects: .nothing),
        WireCase(352, credit, "of nothing", Wire.credit(0, 0), expects: .malformed),
        WireCase(353, credit, "of 3 bytes", Wire.frame(6, 0, 0, Wire.zeros(3)), expects: .malformed),
        WireCase(354, credit, "of 5 bytes", Wire.frame(6, 0, 0, [1, 1, 1, 1, 1]), expects: .malformed),
        WireCase(355, credit, "of no call", Wire.credit(1, 65_536), expects: .outOfOrder),
        WireCase(356, credit, "of a call that has ended", Wire.call(1), Wire.credit(1, 65_536), expects: .ok),
        WireCase(
            357, credit, "up to 2^31 - 1", Wire.credit(0, UInt32(Int32.max) - 1 << 20), expects: .nothing),
        WireCase(
            358, credit, "above 2^31 - 1", Wire.credit(0, UInt32(Int32.max) - 1 << 20 + 1),
            expects: .goaway(.creditExceeded)),
        WireCase(359, credit, "all ones", Wire.credit(0, .max), expects: .goaway(.creditExceeded)),
        WireCase(
            360, credit, "above 2^31 - 1 for a stream", Wire.open(1), Wire.credit(1, 1 << 30),
            Wire.credit(1, 1 << 30), expects: .goaway(.creditExceeded)),
        WireCase(
            361, credit, "above a hello's all", raw: Wire.hello { $0.connectionCredit = .max },
            Wire.credit(0, 1), expects: .goaway(.creditExceeded)),
        WireCase(
            362, credit, "all of a stream's is used", stuck(1), costing(4096, 1), costing(4096 - 18, 1),
            expects: .nothing, probe: .ping, limits: .small),
        WireCase(
            363, credit, "a byte more than a stream's", stuck(1), costing(4096, 1), costing(4096 - 17, 1),
            Wire.request(1, []), expects: .goaway(.creditExceeded), limits: .small),
        WireCase(
            364, credit, "more than the connection's, over streams that nobody reads",
            Wire.times(3) { Wire.open($0, "Converse") + Wire.request($0, Wire.hangs) },
            Wire.times(2) { costing(4096, $0) + costing(4000, $0) }, costing(200, 3),
            expects: .goaway(.creditExceeded), limits: .small),
        WireCase(
            365, credit, "what is read comes back", Wire.open(1),
            Wire.times(20) { _ in costing(1500, 1) }, expects: .nothing, probe: .ping),
        WireCase(
            366, credit, "requests of a call that has ended cost nothing in the end", Wire.open(1, "Nothing"),
            Wire.times(20) { _ in costing(4000, 1) }, expects: .end(1, 12, .no), limits: .small),
        WireCase(
            367, credit, "a chunk costs", stuck(1),
            Wire.data(1, Wire.message | Wire.chunked | Wire.counted, Wire.u32(8000) + Wire.zeros(4092)),
            Wire.data(1, Wire.counted, Wire.zeros(3908)), expects: .nothing, probe: .ping, limits: .small),
        WireCase(
            368, credit, "a message beyond the stream's credit gets what it lacks", Wire.open(1),
            Wire.data(
                1, Wire.message | Wire.chunked | Wire.counted | Wire.last,
                Wire.u32(12_000) + Wire.field(1, Wire.zeros(11_997)).prefix(4000)),
            Wire.times(2) { _ in Wire.data(1, Wire.counted, Wire.zeros(4000)) }, expects: .ok,
            limits: .small),
        WireCase(
            369, credit, "an answer waits for credit", raw: Wire.hello { $0.streamCredit = 0 },
            Wire.call(1, "Watch"), Wire.credit(1, 100), expects: .ok),
        WireCase(
            370, credit, "an answer waits for the connection's credit",
            raw: Wire.hello { $0.connectionCredit = 0 }, Wire.call(1, "Watch"), Wire.credit(0, 100),
            expects: .ok),
        WireCase(
            371, credit, "no credit, no answer", raw: Wire.hello { $0.streamCredit = 0 },
            Wire.call(1, "Watch"), expects: .nothing),
        WireCase(
            372, credit, "a call that waits for credit can be cancelled",
            raw: Wire.hello { $0.streamCredit = 0 }, Wire.call(1, "Watch"), Wire.cancel(1),
            expects: .end(1, 1, .maybe)),
    ]

    private static let security = "Security considerations"
    private static let flood = WireCase.Expectation.goaway(.flood)

    /// Each would be legal once; the bucket is what ends it.
    static let floods: [WireCase] = [
        WireCase(
            400, security, "pings, as many as are forgiven", Wire.times(3) { _ in Wire.ping() },
            expects: .nothing,
            limits: .small),
        WireCase(
            401, security, "a ping flood", Wire.times(11) { _ in Wire.ping() },
            expects: .goaway(.tooManyPings), limits: .small),
        WireCase(
            402, security, "a flood of answers to pings", Wire.times(11) { _ in Wire.ping(flags: 1) },
            expects: flood, limits: .small),
        WireCase(
            403, security, "a goaway flood", Wire.times(11) { _ in Wire.goaway() }, expects: flood,
            limits: .small),
        WireCase(
            404, security, "a flood of ignorable frames", Wire.times(11) { _ in Wire.frame(200, 0, 0) },
            expects: flood, limits: .small),
        WireCase(
            405, security, "rapid reset", Wire.times(11) { Wire.open($0) + Wire.cancel($0) }, expects: flood,
            limits: .small),
        WireCase(
            406, security, "rapid reset within the bucket: handlers keep their places",
            Wire.times(2) { Wire.call($0, "Hang", Wire.field(1, 1)) + Wire.cancel($0) },
            Wire.call(3), Wire.call(4), Wire.call(5),
            expects: .ends([.init(1, 1, .maybe), .init(2, 1, .maybe), .init(5, 8, .no)]), probe: .ping,
            limits: .small),
        WireCase(
            407, security, "cancels of calls that have ended", Wire.call(1),
            Wire.times(11) { _ in Wire.cancel(1) },
            expects: flood, limits: .small),
        WireCase(
            408, security, "credit in drips", Wire.times(11) { _ in Wire.credit(0, 1) }, expects: flood,
            limits: .small),
        WireCase(
            409, security, "refusals that were provoked",
            Wire.times(11) { Wire.chunkedCall($0, total: .max, [1]) }, expects: flood, limits: .small),
        WireCase(
            410, security, "metadata bombs",
            Wire.times(11) { Wire.call($0, metadata: Wire.zeros(513)) }, expects: flood, limits: .small),
        WireCase(
            411, security, "chunks of a call that has ended", Wire.call(1),
            Wire.times(11) { _ in Wire.data(1, 0, [1]) }, expects: flood, limits: .small),
        WireCase(
            412, security, "messages announced and never sent",
            Wire.times(13) { Wire.chunkedCall($0, total: 16_384, [1]) }, expects: flood, limits: .small),
        WireCase(
            413, security, "more calls than places and queue",
            Wire.times(15) { Wire.open($0) }, expects: flood, limits: .small),
        WireCase(
            414, security, "a hello flood", Wire.times(3) { _ in Wire.hello() }, expects: .outOfOrder),
        WireCase(
            415, security, "empty frames", Wire.open(1), Wire.times(3) { _ in Wire.data(1, 0) },
            expects: .malformed),
        WireCase(
            416, security, "empty messages are not free", stuck(1),
            Wire.times(600) { _ in Wire.request(1, []) },
            expects: .goaway(.creditExceeded), limits: .small),
    ]
}
