// SPDX-License-Identifier: Apache-2.0

import NIOCore
import RavioliWire
import Testing

/// The books of credit: what a sender may send, what a receiver gives back, and that no message waits for ever.
struct StreamCreditTests {
    @Test func whatIsReadIsGivenBackInQuarters() throws {
        var credit = ReceiveCredit(1_000)
        #expect(try credit.received(600) == nil)
        #expect(credit.returned(200) == nil)
        #expect(credit.returned(100) == 300)
        #expect(credit.outstanding == 700)
    }

    @Test func aPeerThatIsNearlyOutOfCreditIsGivenLess() throws {
        var credit = ReceiveCredit(65_536)
        #expect(try credit.received(65_000) == nil)
        #expect(credit.returned(4_095) == nil)
        #expect(credit.returned(1) == 4_096)
    }

    /// The peer waited, and here was nothing to read: more could have been under way.
    @Test func aWindowThatHoldsThePeerUpIsDoubledUpToItsBound() throws {
        var credit = ReceiveCredit(100_000, windowMax: 300_000)
        try receiveAndRead(&credit, 100_000)
        #expect(try credit.received(10, hasWaited: true) == 100_000)
        #expect((credit.window, credit.outstanding) == (200_000, 199_990))
        #expect(try credit.received(10, hasWaited: true) == nil, "once for each half of the window")
        try receiveAndRead(&credit, 100_000)
        #expect(try credit.received(10, hasWaited: true) == 100_000)
        try receiveAndRead(&credit, 300_000 - 40)
        #expect(try credit.received(10, hasWaited: true) == nil)
        #expect(credit.window == 300_000)
    }

    private func receiveAndRead(_ credit: inout ReceiveCredit, _ cost: Int) throws {
        #expect(try credit.received(cost) == nil)
        _ = credit.returned(cost)
    }

    /// A peer that waits for a reader who is behind wants no larger window.
    @Test func aWindowThatHoldsNobodyUpStaysAsItIs() throws {
        var credit = ReceiveCredit(100_000, windowMax: 800_000)
        #expect(try credit.received(100_000) == nil)
        for _ in 0..<50 {
            #expect(credit.returned(25_000) == 25_000)
            #expect(try credit.received(25_000, hasWaited: true) == nil)
        }
        #expect(credit.window == 100_000)
    }

    @Test func moreThanTheCreditEndsTheConnection() {
        var credit = ReceiveCredit(100)
        #expect(throws: WireError.self) { try credit.received(101) }
        var send = SendCredit(.max)
        #expect(send.available == Int(Int32.max))
        #expect(throws: WireError.self) { try send.granted(1) }
    }

    @Test func aMessageThatFitsGoesWhole() {
        func bytes(_ left: Int, begins: Bool = true, available: Int, frame: Int = 1_000) -> Int? {
            StreamCost.bytesToSend(
                left: left, begins: begins, available: available, frameBytesMax: frame, window: 100_000)
        }
        #expect(bytes(0, available: 16) == 0)
        #expect(bytes(0, available: 15) == nil)
        #expect(bytes(1_000, available: 1_016) == 1_000)
        #expect(bytes(1_001, available: 5_000) == 996)
        #expect(bytes(900, available: 800) == nil)
        #expect(bytes(50_000, begins: false, available: 50_000) == 1_000)
        #expect(bytes(10, begins: false, available: 10) == 10)
        #expect(bytes(10, begins: false, available: 9) == nil)
    }

    /// Both ends' machines of one connection with some streams, frames exchanged at once, messages read at random: every
    /// message arrives whole and in order, whatever the windows and sizes are, and all credit comes back.
    @Test(arguments: 0..<60)
    func everyMessageArrives(seed: UInt64) throws {
        var run = try StreamRun(seed: seed)
        try run.sendAndReadAll()
        #expect(run.sent == run.read && run.sent > 0)
        #expect(run.bytesUnreadMost <= run.bytesUnreadBound)
        #expect(run.server.bytesHeld == 0)
    }
}

/// A client that sends on several streams and a server that reads them.
private struct StreamRun {
    private struct Stream {
        let slot: CallSlot
        let id: UInt32
        var unsent: [Int]
        var offset: Int?
        var unread: [(bytes: Int, cost: MessageCost)] = []
    }

    private var random: SplitMix64
    private var client: ClientConnectionMachine
    private(set) var server: ServerConnectionMachine
    private var streams: [Stream] = []
    private let frameBytesMax: Int
    private let window: Int
    private let now = WireInstant(nanoseconds: 1)
    private(set) var sent = 0
    private(set) var read = 0
    private(set) var bytesUnreadMost = 0
    let bytesUnreadBound: Int

    init(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        var limits = WireLimits.defaults
        limits.frameBytesMax = 20_000
        limits.streamCreditBytes = 20_000 + random.below(60_000)
        limits.connectionCreditBytes = limits.streamCreditBytes + random.below(50_000)
        limits.messageBytesMax = 300_000
        limits.streamCreditBytesMax = limits.streamCreditBytes * random.below(4)
        limits.connectionCreditBytesMax = limits.connectionCreditBytes * random.below(4)
        frameBytesMax = 1_024 + random.below(18_000)
        window = limits.streamCreditBytes
        server = ServerConnectionMachine(limits: limits)
        client = ClientConnectionMachine(limits: limits)
        self.random = random
        let count = 1 + self.random.below(6)
        bytesUnreadBound =
            max(limits.connectionCreditBytes, limits.connectionCreditBytesMax) + count
            * limits.messageBytesMax
        _ = try client.frameReceived(Self.hello(limits), now: now)
        _ = try server.frameReceived(Self.hello(limits), now: now)
        for _ in 0..<count { try open() }
    }

    private static func hello(_ limits: WireLimits) -> Frame {
        var buffer = ByteBuffer()
        Hello(limits: limits).write(into: &buffer)
        return ServerConnectionMachineTests.frame(buffer)
    }

    private mutating func open() throws {
        guard let opening = client.callOpened(isStream: true) else {
            throw WireError(.internalFault, "no place")
        }
        var payload: [UInt8] = [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 2, 0, 3]
        payload += Array("a/b".utf8)
        let action = try server.frameReceived(
            ServerConnectionMachineTests.frame(.call, opening.streamID, .name, payload), now: now)
        guard case .beginStream(_, _, _, _, true) = action else {
            throw WireError(.internalFault, "no stream")
        }
        let sizes = (0..<20).map { _ in
            random.below(3) == 0 ? random.below(300_000) : random.below(3_000)
        }
        sent += sizes.reduce(0, +)
        streams.append(Stream(slot: opening.slot, id: opening.streamID, unsent: sizes))
    }

    mutating func sendAndReadAll() throws {
        var idle = 0
        while streams.contains(where: { !$0.unsent.isEmpty || !$0.unread.isEmpty }) {
            let index = random.below(streams.count)
            let moved = random.below(3) > 0 ? try sendFrame(index) : try readMessages(index)
            idle = moved ? 0 : idle + 1
            if idle > 500 { throw WireError(.internalFault, "nothing moves any more") }
        }
    }

    private mutating func sendFrame(_ index: Int) throws -> Bool {
        guard let total = streams[index].unsent.first else { return false }
        let (from, begins) = (streams[index].offset ?? 0, streams[index].offset == nil)
        guard
            let count = StreamCost.bytesToSend(
                left: total - from, begins: begins, available: client.sendCredit(streams[index].slot),
                frameBytesMax: frameBytesMax, window: window)
        else { return false }
        let isChunked = begins && count < total
        var payload = ByteBuffer()
        if isChunked { payload.writeInteger(UInt32(total)) }
        payload.writeRepeatingByte(7, count: count)
        var flags: FrameFlags = begins ? [.counted, .message] : .counted
        if isChunked { flags.insert(.chunked) }
        client.spendCredit(streams[index].slot, StreamCost.of(bytes: count, beginsMessage: begins))
        streams[index].offset = from + count
        if from + count == total {
            streams[index].offset = nil
            streams[index].unsent.removeFirst()
        }
        let frame = Frame(
            header: FrameHeader(
                payloadBytes: UInt32(payload.readableBytes), streamID: streams[index].id, kind: .data,
                flags: flags), payload: payload)
        if case .requests(_, .message(let message, let cost), _) = try server.frameReceived(frame, now: now) {
            streams[index].unread.append((message.bytes, cost))
        }
        try carryGrants()
        let unread = streams.reduce(0) { $0 + $1.unread.reduce(0) { $0 + $1.bytes } }
        bytesUnreadMost = max(bytesUnreadMost, unread)
        return true
    }

    private mutating func readMessages(_ index: Int) throws -> Bool {
        guard !streams[index].unread.isEmpty else { return false }
        let next = streams[index].unread.removeFirst()
        read += next.bytes
        server.requestsRead(streamID: streams[index].id, next.cost)
        try carryGrants()
        return true
    }

    private mutating func carryGrants() throws {
        for grant in server.flow.takeGrants() {
            var buffer = ByteBuffer()
            CreditFrame(bytes: grant.bytes).write(streamID: grant.streamID, into: &buffer)
            _ = try client.frameReceived(ServerConnectionMachineTests.frame(buffer), now: now)
        }
    }
}

extension SplitMix64 {
    fileprivate mutating func below(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &self) }
}
