// SPDX-License-Identifier: Apache-2.0

/// Known attacks on protocols like this one: who plays the attacker here, and which bound is asserted.
enum AttackTable {
    struct Row: Sendable {
        let attack: String
        /// What keeps the attacker from winning.
        let bound: String
        /// Cases of wirespec, by number.
        let cases: [Int]
        /// Tests that measure what cases cannot, by the names of their functions.
        let tests: [String]
    }

    static let rows: [Row] = [
        Row(
            attack: "rapid reset (CVE-2023-44487)",
            bound: "cancelled handlers keep their places; a bucket of cancels, then `flood`",
            cases: [154, 405, 406, 407], tests: ["cancelledCallsKeepTheirPlaces"]),
        Row(
            attack: "provoked resets (MadeYouReset, CVE-2025-8671)",
            bound:
                "each refusal costs a glitch, then `flood`; a refused stream's handler is stopped and keeps its place",
            cases: [321, 333, 336, 409, 410, 413], tests: ["announcedMessagesStayInTheirBudget"]),
        Row(
            attack: "header continuation flood (2024)",
            bound: "metadata is one block in one frame, 8 KiB and 64 pairs; a second one is `out_of_order`",
            cases: [223, 225, 325, 410, 615, 616, 673, 676, 677], tests: ["a_header_of_63_KB_is_refused"]),
        Row(
            attack: "settings, ping and reset floods (CVE-2019-9512 to 9518)",
            bound:
                "a bucket for control frames, one for pings, then the end; no calls begin for who does not read",
            cases: [32, 400, 401, 402, 403, 404, 414, 552, 553, 579],
            tests: ["serverStopsAnsweringWhoDoesNotRead"]),
        Row(
            attack: "empty or tiny data, tiny windows",
            bound:
                "an empty frame is `malformed_frame`; a message costs 16 bytes more than it has; small credit costs a "
                + "glitch",
            cases: [322, 323, 369, 370, 371, 372, 408, 415, 416, 646, 683, 691],
            tests: [
                "unreadStreamsStayInConnectionsCredit", "unreadResponsesStayInTheirCredit",
                "client_slow_reader", "server_slow_reader",
            ]),
        Row(
            attack: "huge length prefix",
            bound: "refused before memory is taken; memory grows with bytes received",
            cases: [24, 25, 81, 82, 83, 270, 271, 412, 544, 545, 649, 650, 682],
            tests: [
                "announcedFrameIsNotHeld", "serversFramesHoldWhatCame", "announcedResponsesStayInTheirBudget",
                "frameOverLimitIsNotAwaited", "announcedMessagesStayInTheirBudget",
            ]),
        Row(
            attack: "slow senders and slow readers",
            bound: "5 s for a hello, 20 s for a frame, about a megabyte unsent, credit for streams",
            cases: [33, 34, 35, 105, 106, 107, 371, 520, 521, 554],
            tests: [
                "drippedFrameHoldsWhatCame", "serverStopsAnsweringWhoDoesNotRead", "answersGoOnWhenPeerReads",
                "aServerPingsASilentClientAndGivesItUp",
            ]),
        Row(
            attack: "ids used up or used again", bound: "ids grow; a client moves on at 75 % of them",
            cases: [95, 101, 102, 104, 190, 194, 195],
            tests: ["aClientMovesToAnotherConnectionWhenItsIdsAreUsed"]),
        Row(
            attack: "decompression bomb",
            bound: "compression is not negotiated: a frame that claims it is `malformed_frame`",
            cases: [5, 176, 328, 608, 655], tests: ["client_compressed_unary"]),
        Row(
            attack: "hash flooding",
            bound:
                "metadata is an array of 64 pairs, calls sit in a table by slot, 512 numbers are bound; Swift's seed is "
                + "random",
            cases: [194, 222, 223, 233], tests: ["coversEveryAttack"]),
        Row(
            attack: "amplified texts and labels",
            bound: "a text is at most 1,024 bytes, and echoes no control characters",
            cases: [131, 132, 182, 183, 577, 578, 618, 620], tests: ["textsAboutHostileNamesAreShortAndClean"]
        ),
        Row(
            attack: "protobuf: recursion, counts, sizes", bound: "the guard, before anything is decoded",
            cases: [206, 207, 621, 622],
            tests: [
                "boundsDepth", "refusesTwentyNineKilobytesOfNesting",
                "refusesMillionsOfEmptyMessagesBeforeAllocating",
                "aLengthOfFourGibibytesAllocatesNothing",
            ]),
        Row(
            attack: "protocol confusion, spoofed identity",
            bound:
                "the first bytes decide; identity is the certificate's alone, and rules are looked at before decoding",
            cases: [30, 31, 40, 50, 52, 59, 519, 522, 523],
            tests: [
                "deniedRequestsAreNotDecoded", "aCallerWithTwoNamesIsRefused",
                "aCallerWithAnotherHandshakeIsRefused",
            ]),
        Row(
            attack: "any of them, for those who share the server",
            bound: "honest calls are answered while attackers come again and again", cases: [],
            tests: ["honestCallsAreAnsweredMeanwhile"]),
    ]
}
