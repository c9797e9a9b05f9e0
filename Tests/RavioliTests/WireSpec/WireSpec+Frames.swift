// SPDX-License-Identifier: Apache-2.0

import RavioliWire

extension WireSpec {
    static let frames: [WireCase] = [
        WireCase(
            80, "Frames", "a payload at the limit", Wire.frame(200, 0, 0, Wire.zeros(65_536)),
            expects: .nothing),
        WireCase(
            81, "Frames", "a payload above the limit", Wire.header(65_537, 1, 2, 3),
            expects: .goaway(.frameTooLarge)),
        WireCase(
            82, "Frames", "4 GiB of payload", Wire.header(.max, 1, 2, 3), expects: .goaway(.frameTooLarge)),
        WireCase(
            83, "Frames", "an ignorable frame above the limit", Wire.header(65_537, 0, 200, 0),
            expects: .goaway(.frameTooLarge)),
        WireCase(
            84, "Frames", "a call that fills its frame",
            Wire.call(1, "Echo", Wire.field(1, Wire.zeros(65_536 - 8 - 28 - 4))), expects: .ok),
        WireCase(85, "Kinds", "0", Wire.frame(0, 0, 0), expects: .goaway(.unknownKind)),
        WireCase(86, "Kinds", "9", Wire.frame(9, 0, 0), expects: .goaway(.unknownKind)),
        WireCase(87, "Kinds", "9 on a call's stream", Wire.frame(9, 1, 0), expects: .goaway(.unknownKind)),
        WireCase(88, "Kinds", "127", Wire.frame(127, 0, 0, [1]), expects: .goaway(.unknownKind)),
        WireCase(89, "Kinds", "128 is skipped", Wire.frame(128, 0, 0), expects: .nothing),
        WireCase(90, "Kinds", "255 is skipped", Wire.frame(255, 0, 0, [1, 2, 3]), expects: .nothing),
        WireCase(91, "Kinds", "skipped on any stream", Wire.frame(200, 77, 0), expects: .nothing),
        WireCase(92, "Kinds", "skipped with any flags", Wire.frame(200, 1, 0xFF, [0]), expects: .nothing),
        WireCase(93, "Kinds", "an end from a client", Wire.frame(4, 1, 0, [0, 2]), expects: .outOfOrder),
        WireCase(
            94, "Kinds", "an end of an open call", Wire.open(1), Wire.frame(4, 1, 0, [0, 2]),
            expects: .outOfOrder),
        WireCase(95, "Kinds", "a call on stream 0", Wire.call(0), expects: .outOfOrder),
        WireCase(96, "Kinds", "data on stream 0", Wire.data(0, 0, [1]), expects: .outOfOrder),
        WireCase(97, "Kinds", "counted data on stream 0", Wire.request(0), expects: .outOfOrder),
        WireCase(98, "Kinds", "a cancel on stream 0", Wire.cancel(0), expects: .outOfOrder),
        WireCase(99, "Kinds", "a ping on a call's stream", Wire.ping(stream: 1), expects: .malformed),
        WireCase(
            100, "Kinds", "a goaway on a call's stream", Wire.frame(8, 1, 0, [0, 0, 0, 0, 0]),
            expects: .malformed),
        WireCase(101, "Frames", "an id twice", Wire.call(5), Wire.call(5), expects: .outOfOrder),
        WireCase(102, "Frames", "an id that shrinks", Wire.call(5), Wire.call(4), expects: .outOfOrder),
        WireCase(
            103, "Frames", "ids with gaps", Wire.call(5), Wire.call(1_000_000),
            expects: .ends([.init(5, 0, .yes), .init(1_000_000, 0, .yes)])),
        WireCase(
            104, "Frames", "the highest id", Wire.call(.max), expects: .end(.max, 0, .yes), probe: .ping),
        WireCase(
            105, "Limits and defaults", "half a frame", Wire.call(1).dropLast(), expects: .goaway(.timeout),
            limits: .hasty),
        WireCase(
            106, "Limits and defaults", "half a header", Wire.call(1), Wire.zeros(5),
            expects: .goaway(.timeout), limits: .hasty),
        WireCase(
            107, "Limits and defaults", "one byte of the next frame", Wire.ping(), [0],
            expects: .goaway(.timeout), limits: .hasty),
    ]

    static let connectionFrames: [WireCase] = [
        WireCase(120, "Connection frames", "a ping", Wire.ping(), expects: .nothing),
        WireCase(121, "Connection frames", "an answer to no ping", Wire.ping(flags: 1), expects: .nothing),
        WireCase(
            122, "Connection frames", "a ping of 7 bytes", Wire.ping(Wire.zeros(7)), expects: .malformed),
        WireCase(
            123, "Connection frames", "a ping of 9 bytes", Wire.ping(Wire.zeros(9)), expects: .malformed),
        WireCase(124, "Connection frames", "an empty ping", Wire.ping([]), expects: .malformed),
        WireCase(125, "Flags", "a ping with 0x02", Wire.ping(flags: 2), expects: .malformed),
        WireCase(126, "Flags", "a ping with 0x81", Wire.ping(flags: 0x81), expects: .malformed),
        WireCase(127, "Connection frames", "a goaway", Wire.goaway(), expects: .nothing),
        WireCase(
            128, "Connection frames", "a goaway of 4 bytes", Wire.frame(8, 0, 0, Wire.zeros(4)),
            expects: .malformed),
        WireCase(129, "Flags", "a goaway with 0x01", Wire.goaway(flags: 1), expects: .malformed),
        WireCase(
            130, "Connection frames", "a goaway of an unknown code", Wire.goaway(200), expects: .nothing),
        WireCase(
            131, "Connection frames", "a goaway with a book", Wire.goaway(0, Wire.zeros(60_000)),
            expects: .nothing),
        WireCase(
            132, "Connection frames", "a goaway that is no UTF-8", Wire.goaway(0, [0xFF, 0xC0]),
            expects: .nothing),
        WireCase(
            133, "Flags", "a cancel with 0x01", Wire.open(1), Wire.frame(5, 1, 1, [1]), expects: .malformed),
        WireCase(
            134, "Flags", "a credit with 0x80", Wire.frame(6, 0, 0x80, Wire.u32(9999)), expects: .malformed),
    ]

    static let cancels: [WireCase] = [
        WireCase(
            140, "Cancel and deadline (level 1)", "stops the handler", Wire.call(1, "Hang", []),
            Wire.cancel(1), expects: .end(1, 1, .maybe)),
        WireCase(
            141, "Cancel and deadline (level 1)", "tells the deadline", Wire.call(1, "Hang", []),
            Wire.cancel(1, 4), expects: .end(1, 4, .maybe)),
        WireCase(
            142, "Cancel and deadline (level 1)", "another code is read as CANCELLED",
            Wire.call(1, "Hang", []), Wire.cancel(1, 77), expects: .end(1, 1, .maybe)),
        WireCase(
            143, "Cancel and deadline (level 1)", "twice", Wire.call(1, "Hang", []), Wire.cancel(1),
            Wire.cancel(1), expects: .end(1, 1, .maybe)),
        WireCase(
            144, "Cancel and deadline (level 1)", "after the end", Wire.call(1), Wire.cancel(1), expects: .ok),
        WireCase(145, "Cancel and deadline (level 1)", "of no call", Wire.cancel(1), expects: .outOfOrder),
        WireCase(
            146, "Cancel and deadline (level 1)", "of a later call", Wire.call(1), Wire.cancel(2),
            expects: .outOfOrder),
        WireCase(
            147, "Cancel and deadline (level 1)", "of two bytes", Wire.call(1), Wire.frame(5, 1, 0, [1, 1]),
            expects: .malformed),
        WireCase(
            148, "Cancel and deadline (level 1)", "of no bytes", Wire.call(1), Wire.frame(5, 1, 0),
            expects: .malformed),
        WireCase(
            149, "Cancel and deadline (level 1)", "passes while the handler runs",
            Wire.call(1, "Hang", [], remaining: 20_000), expects: .end(1, 4, .maybe)),
        WireCase(
            150, "Cancel and deadline (level 1)", "passes while requests are awaited",
            Wire.open(1, remaining: 20_000), expects: .end(1, 4, .maybe)),
        WireCase(
            151, "A call on the server", "a cancel in the queue",
            Wire.open(1), Wire.open(2), Wire.call(3), Wire.cancel(3), expects: .end(3, 1, .no), probe: .ping,
            limits: .small),
        WireCase(
            152, "A call on the server", "a deadline in the queue",
            Wire.open(1), Wire.open(2), Wire.call(3, remaining: 20_000), expects: .end(3, 4, .no),
            probe: .ping, limits: .small),
        WireCase(
            153, "A call on the server", "a place becomes free",
            Wire.open(1), Wire.open(2), Wire.call(3), Wire.cancel(1),
            expects: .ends([.init(1, 1, .maybe), .init(3, 0, .yes)]), limits: .small),
        WireCase(
            154, "A call on the server", "a cancelled handler keeps its place",
            Wire.call(1, "Hang", Wire.field(1, 1)), Wire.open(2), Wire.cancel(1), Wire.call(3),
            expects: .end(1, 1, .maybe), probe: .ping, limits: .small),
        WireCase(
            155, "Limits and defaults", "a full queue",
            Wire.times(4) { Wire.open($0) }, Wire.call(5), expects: .end(5, 8, .no), probe: .ping,
            limits: .small),
        WireCase(
            156, "A call on the server", "chunks of a running call", Wire.call(1, "Hang", []),
            Wire.data(1, 0, [1]), expects: .outOfOrder),
        WireCase(
            157, "A call on the server", "chunks of a lingering call",
            Wire.call(1, "Hang", Wire.field(1, 1)), Wire.cancel(1), Wire.data(1, 0, [1]),
            expects: .end(1, 1, .maybe)),
        WireCase(
            158, "A call on the server", "chunks of a queued call",
            Wire.open(1), Wire.open(2), Wire.call(3), Wire.data(3, 0, [1]), expects: .outOfOrder,
            limits: .small),
    ]
}
