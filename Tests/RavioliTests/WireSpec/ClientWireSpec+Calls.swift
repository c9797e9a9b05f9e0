// SPDX-License-Identifier: Apache-2.0

import Ravioli
import RavioliWire

extension ClientWireSpec {
    private typealias Case = ClientWireCase
    private static let end = "The end frame"
    private static let chunked = Wire.message | Wire.chunked

    /// An end of stream 1 with a block of metadata or of status.
    private static func end(_ code: UInt8, _ flag: UInt8, block: [UInt8]) -> [UInt8] {
        Wire.frame(4, 1, flag | Wire.message, [code, 2] + Wire.u16(UInt16(block.count)) + block + Wire.hi)
    }

    static let ends: [ClientWireCase] = [
        Case(600, end, "no answer", Wire.end(1), tells: .internal, .yes),
        Case(601, end, "an unknown code", Wire.end(1, 200), tells: .unknown, .yes),
        Case(602, end, "an error, not executed", Wire.end(1, 5, .no), tells: .notFound, .no),
        Case(
            603, end, "an unknown mark", Wire.frame(4, 1, 0, [0, 3]), tells: .unavailable, .maybe,
            then: .goaway(.malformedFrame)),
        Case(
            604, end, "1 byte", Wire.frame(4, 1, 0, [0]), tells: .unavailable, .maybe,
            then: .goaway(.malformedFrame)),
        Case(
            605, end, "no bytes", Wire.frame(4, 1, 0), tells: .unavailable, .maybe,
            then: .goaway(.malformedFrame)),
        Case(
            606, "Flags", "an end with last", Wire.frame(4, 1, Wire.last, [0, 2]), tells: .unavailable,
            .maybe,
            then: .goaway(.malformedFrame)),
        Case(
            607, "Flags", "an end with chunked", Wire.frame(4, 1, chunked, [0, 2, 0, 0, 0, 9, 1]),
            tells: .unavailable, .maybe, then: .goaway(.malformedFrame)),
        Case(
            608, "Flags", "a compressed end",
            Wire.frame(4, 1, Wire.message | Wire.compressed, [0, 2] + Wire.hi), tells: .unavailable, .maybe,
            then: .goaway(.malformedFrame)),
        Case(
            609, "Flags", "bytes without message", Wire.frame(4, 1, 0, [0, 2] + Wire.hi), tells: .unavailable,
            .maybe, then: .goaway(.malformedFrame)),
        Case(
            610, "Kinds", "an end of no call", Wire.end(7), tells: .unavailable, .maybe,
            then: .goaway(.outOfOrder)),
        Case(
            611, "Kinds", "an end on stream 0", Wire.end(0), tells: .unavailable, .maybe,
            then: .goaway(.outOfOrder)),
        Case(612, "Ignored", "a second end", ok, Wire.end(1), tells: .ok),
        Case(
            613, "Security considerations", "a flood of ends", ok, Wire.times(11) { _ in Wire.end(1) },
            tells: .ok, nil, then: .goaway(.flood), limits: .small),
        Case(
            614, end, "a metadata block longer than its frame",
            Wire.frame(4, 1, Wire.metadata, [0, 2, 0xFF, 0xFF, 1]), tells: .unavailable, .maybe,
            then: .goaway(.malformedFrame)),
        Case(
            615, "Limits and defaults", "8,193 bytes of metadata",
            end(0, Wire.metadata, block: Wire.pair("n", String(repeating: "x", count: 8193 - 9))),
            tells: .resourceExhausted, .yes),
        Case(
            616, "Limits and defaults", "65 pairs",
            end(0, Wire.metadata, block: Wire.times(65) { Wire.pair("n\($0)", "") }),
            tells: .resourceExhausted, .yes),
        Case(
            617, end, "metadata that is no protobuf", end(0, Wire.metadata, block: [0xFF]), tells: .internal,
            .yes),
        Case(
            618, "Limits and defaults", "a status of 20,000 bytes",
            end(5, Wire.status, block: Wire.field(1, Wire.zeros(19_990))), tells: .notFound, .yes),
        Case(
            619, end, "a status that is no protobuf", end(5, Wire.status, block: [0xFF]), tells: .notFound,
            .yes),
        Case(
            620, end, "a status that is no UTF-8", end(5, Wire.status, block: Wire.field(1, [0xFF, 0xC0])),
            tells: .notFound, .yes),
        Case(
            621, "Security considerations", "an answer that cannot be decoded", Wire.end(1, message: [0xFF]),
            tells: .internal, .yes),
        Case(
            622, "Security considerations", "an answer nested too deep",
            Wire.end(1, message: [UInt8](repeating: 0x0B, count: 4000)), tells: .internal, .yes),
    ]

    static let answers: [ClientWireCase] = [
        Case(
            640, "Chunks", "an answer in a data frame", Wire.data(1, Wire.message, Wire.hi), Wire.end(1),
            tells: .ok),
        Case(
            641, "Chunks", "an answer in two", Wire.data(1, chunked, Wire.u32(4) + [0x0A]),
            Wire.data(1, 0, [2, 1, 1]), Wire.end(1), tells: .ok),
        Case(
            642, "Chunks", "two answers", Wire.data(1, Wire.message, Wire.hi),
            Wire.data(1, Wire.message, Wire.hi), tells: .unavailable, .maybe, then: .goaway(.outOfOrder)),
        Case(
            643, "Chunks", "an answer, and one in the end", Wire.data(1, Wire.message, Wire.hi), ok,
            tells: .unavailable, .maybe, then: .goaway(.outOfOrder)),
        Case(
            644, "Chunks", "a chunk of no message", Wire.data(1, 0, [1]), tells: .unavailable, .maybe,
            then: .goaway(.outOfOrder)),
        Case(
            645, "Chunks", "past the end", Wire.data(1, chunked, Wire.u32(4) + [0x0A]),
            Wire.data(1, 0, Wire.hi),
            tells: .unavailable, .maybe, then: .goaway(.malformedFrame)),
        Case(
            646, "Chunks", "an empty chunk", Wire.data(1, chunked, Wire.u32(4) + [0x0A]), Wire.data(1, 0),
            tells: .unavailable, .maybe, then: .goaway(.malformedFrame)),
        Case(
            647, "Chunks", "half an answer, and an OK end", Wire.data(1, chunked, Wire.u32(4) + [0x0A]),
            Wire.end(1), tells: .internal, .yes),
        Case(
            648, "Chunks", "half an answer, and an error", Wire.data(1, chunked, Wire.u32(4) + [0x0A]),
            Wire.end(1, 13, .maybe), tells: .internal, .maybe),
        Case(
            649, "Chunks", "over the message limit", Wire.data(1, chunked, Wire.u32(4 << 20 + 1) + [1]),
            Wire.data(1, 0, [1]), tells: .resourceExhausted, .maybe),
        Case(
            650, "Chunks", "4 GiB announced", Wire.data(1, chunked, Wire.u32(.max) + [1]),
            tells: .resourceExhausted, .maybe),
        Case(
            651, "Requests and responses", "metadata ahead of a unary answer",
            Wire.data(1, Wire.metadata, [0, 0]), tells: .unavailable, .maybe, then: .goaway(.outOfOrder)),
        Case(
            652, "Kinds", "data of no call", Wire.data(9, 0, [1]), tells: .unavailable, .maybe,
            then: .goaway(.outOfOrder)),
        Case(
            653, "Kinds", "data on stream 0", Wire.data(0, 0, [1]), tells: .unavailable, .maybe,
            then: .goaway(.outOfOrder)),
        Case(654, "Ignored", "data of a call that has ended", ok, Wire.data(1, 0, [1]), tells: .ok),
        Case(
            655, "Flags", "compressed data", Wire.data(1, Wire.message | Wire.compressed, Wire.hi),
            tells: .unavailable, .maybe, then: .goaway(.malformedFrame)),
        Case(
            656, "Flags", "data with name", Wire.data(1, Wire.name, [1]), tells: .unavailable, .maybe,
            then: .goaway(.malformedFrame)),
        Case(
            657, "Flags", "data with last from a server", Wire.data(1, Wire.message | Wire.last, Wire.hi),
            tells: .unavailable, .maybe, then: .goaway(.malformedFrame)),
        Case(
            658, "Requests and responses", "a stream that was not asked for", Wire.request(1),
            tells: .unimplemented, .maybe),
    ]

    private static let responses = "Requests and responses"
    private static let metadata = Wire.data(1, Wire.metadata, Wire.u16(8) + Wire.pair("n", "v"))

    static let streams: [ClientWireCase] = [
        Case(
            670, responses, "responses, and an end", by: .watch, Wire.request(1), Wire.request(1),
            Wire.end(1), tells: .ok),
        Case(671, responses, "none", by: .watch, Wire.end(1), tells: .ok),
        Case(
            672, responses, "metadata first", by: .watch, metadata, Wire.request(1), Wire.end(1), tells: .ok),
        Case(
            673, responses, "metadata twice", by: .watch, metadata, metadata, tells: .unavailable, .maybe,
            then: .goaway(.outOfOrder)),
        Case(
            674, responses, "metadata late", by: .watch, Wire.request(1), metadata, tells: .unavailable,
            .maybe,
            then: .goaway(.outOfOrder)),
        Case(
            675, responses, "metadata and more", by: .watch, Wire.data(1, Wire.metadata, [0, 0, 1]),
            tells: .unavailable, .maybe, then: .goaway(.malformedFrame)),
        Case(
            676, "Limits and defaults", "9,000 bytes of metadata are dropped", by: .watch,
            Wire.data(1, Wire.metadata, Wire.u16(9000) + Wire.zeros(9000)), Wire.request(1), Wire.end(1),
            tells: .ok),
        Case(
            677, "Security considerations", "metadata without end", by: .watch,
            Wire.times(1000) { _ in metadata }, tells: .unavailable, .maybe, then: .goaway(.outOfOrder)),
        Case(
            678, responses, "an answer given once", by: .watch, Wire.data(1, Wire.message, Wire.hi),
            Wire.end(1),
            tells: .ok),
        Case(
            679, "Chunks", "a counted chunk of no message", by: .watch, Wire.data(1, Wire.counted, [1]),
            tells: .unavailable, .maybe, then: .goaway(.outOfOrder)),
        Case(
            680, "Chunks", "a response inside another", by: .watch,
            Wire.data(1, chunked | Wire.counted, Wire.u32(4) + [0x0A]), Wire.request(1), tells: .unavailable,
            .maybe, then: .goaway(.outOfOrder)),
        Case(
            681, "Chunks", "half a response, and an OK end", by: .watch,
            Wire.data(1, chunked | Wire.counted, Wire.u32(4) + [0x0A]), Wire.end(1), tells: .internal, .yes),
        Case(
            682, "Chunks", "a response over the message limit", by: .watch,
            Wire.data(1, chunked | Wire.counted, Wire.u32(.max) + [1]), tells: .resourceExhausted, .maybe),
        Case(
            683, "Credit", "responses over a stream's credit", by: .lateWatch,
            Wire.times(513) { _ in Wire.request(1, []) }, tells: .unavailable, .maybe,
            then: .goaway(.creditExceeded), limits: .small),
        Case(
            684, "Credit", "counted data of a call that has ended", ok,
            Wire.times(100) { _ in Wire.request(1) },
            tells: .ok),
        Case(
            685, "Credit", "of nothing", Wire.credit(0, 0), tells: .unavailable, .maybe,
            then: .goaway(.malformedFrame)),
        Case(
            686, "Credit", "of 3 bytes", Wire.frame(6, 0, 0, Wire.zeros(3)), tells: .unavailable, .maybe,
            then: .goaway(.malformedFrame)),
        Case(
            687, "Flags", "a credit with 0x80", Wire.frame(6, 0, 0x80, Wire.u32(9999)), tells: .unavailable,
            .maybe, then: .goaway(.malformedFrame)),
        Case(
            688, "Credit", "above 2^31 - 1", Wire.credit(0, .max), tells: .unavailable, .maybe,
            then: .goaway(.creditExceeded)),
        Case(
            689, "Credit", "above 2^31 - 1 for a stream", by: .watch, Wire.credit(1, 1 << 30),
            Wire.credit(1, 1 << 30), tells: .unavailable, .maybe, then: .goaway(.creditExceeded)),
        Case(
            690, "Credit", "of no call", Wire.credit(9, 65_536), tells: .unavailable, .maybe,
            then: .goaway(.outOfOrder)),
        Case(
            691, "Security considerations", "credit in drips", Wire.times(11) { _ in Wire.credit(0, 1) },
            tells: .unavailable, .maybe, then: .goaway(.flood), limits: .small),
        Case(
            692, "Of one call", "a response that cannot be decoded", by: .watch, Wire.request(1, [0xFF]),
            tells: .internal, nil),
    ]
}
