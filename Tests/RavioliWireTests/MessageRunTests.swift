// SPDX-License-Identifier: Apache-2.0

import NIOCore
import RavioliWire
import Testing

/// Many frames of a stream taken as one run mean what they mean one by one: the same messages, books, credit and errors.
struct MessageRunTests {
    @Test func aRunIsTakenAsItsFramesWouldBe() throws {
        var (messages, errors) = (0, Set<WireError.Code>())
        for seed in 0..<300 {
            for isServer in [true, false] {
                let end = try compare(UInt64(seed), server: isServer)
                messages += end.messagesInRuns
                if let error = end.error { errors.insert(error) }
            }
        }
        #expect(messages > 10_000 && errors.isSuperset(of: [.malformedFrame, .outOfOrder, .creditExceeded]))
    }

    private func compare(_ seed: UInt64, server: Bool) throws -> Receiver {
        var random = SplitMix64(seed: seed)
        var limits = WireLimits.defaults
        limits.frameBytesMax = 20_000
        limits.messageBytesMax = 15_000 + random.below(20_000)
        limits.streamCreditBytes = 20_000 + random.below(20_000)
        limits.connectionCreditBytes = limits.streamCreditBytes + random.below(20_000)
        let streams = UInt32(1 + random.below(3))
        var runs = try Receiver(limits, streams: streams, isServer: server, takesRuns: true)
        var frames = try Receiver(limits, streams: streams, isServer: server, takesRuns: false)
        for _ in 0..<40 {
            let bytes = Self.read(&random, streams: streams)
            runs.received(bytes)
            frames.received(bytes)
            #expect(runs.unread == frames.unread && runs.error == frames.error, "seed \(seed)")
            #expect(runs.books == frames.books && runs.bytesHeld == frames.bytesHeld, "seed \(seed)")
            if runs.error != nil { break }
            let count = random.below(runs.unread.count + 1)
            runs.readMessages(count)
            frames.readMessages(count)
            #expect(runs.grants == frames.grants, "seed \(seed)")
        }
        #expect(frames.messagesInRuns == 0)
        return runs
    }

    /// What arrives at once: frames of which most are whole messages, and perhaps a part of one.
    private static func read(_ random: inout SplitMix64, streams: UInt32) -> ByteBuffer {
        var bytes = ByteBuffer()
        for _ in 0..<random.below(20) {
            // Now and then of a stream that was never opened.
            let id = 1 + UInt32(random.below(random.below(900) == 0 ? 9 : Int(streams)))
            let size = random.below(40) == 0 ? random.below(20_001) : random.below(200)
            var flags: FrameFlags = [.counted, .message]
            switch random.below(1_000) {
            case 0: flags = .counted
            case 1: flags = [.counted, .message, .chunked]
            case 2: flags.insert(.last)
            case 3: flags = .message
            case 4: flags.insert(.compressed)
            case 5..<99: flags.insert(.waited)
            default: break
            }
            FrameHeader(payloadBytes: UInt32(size), streamID: id, kind: .data, flags: flags).write(
                into: &bytes)
            bytes.writeRepeatingByte(UInt8(random.below(3)), count: size)
        }
        return bytes
    }

    @Test func packedMessagesComeOutAsTheyWentIn() {
        var packed = PackedMessages()
        for size in [0, 1, 4_096, 0] {
            [UInt8](repeating: 7, count: size).withUnsafeBytes { packed.append($0, isCounted: size != 1) }
        }
        var sizes: [Int] = []
        var costs: [Int] = []
        while let cost = packed.takeNext({ sizes.append($0.count) }) { costs.append(cost) }
        #expect(sizes == [0, 1, 4_096, 0] && costs == [16, 0, 4_112, 16] && packed.isEmpty)
    }

    @Test func aRunEndsAtEachOfItsBounds() {
        func write(cost: Int = .max, payload: Int = .max, wanted: Int = .max, until: Int = .max) -> [Int] {
            var packed = PackedMessages()
            for size in [10, 20, 30] {
                [UInt8](repeating: 7, count: size).withUnsafeBytes { packed.append($0) }
            }
            var out = ByteBuffer()
            let bounds = MessageRun.Bounds(costMax: cost, payloadBytesMax: payload, bytesWanted: wanted)
            let run = packed.write(into: &out, streamID: 9, within: bounds, until: until, hasWaited: true)
            var sizes: [Int] = []
            while let header = FrameHeader(peeking: out) {
                let waited: FrameFlags = sizes.isEmpty ? .waited : []
                #expect(header.streamID == 9 && header.flags == waited.union([.counted, .message]))
                sizes.append(Int(header.payloadBytes))
                out.moveReaderIndex(forwardBy: 10 + Int(header.payloadBytes))
            }
            #expect(out.readableBytes == 0 && run.count == sizes.count)
            #expect(run.cost == sizes.reduce(0) { $0 + $1 + 16 } && run.bytes == run.cost - 6 * run.count)
            return sizes
        }
        #expect(write() == [10, 20, 30])
        #expect(write(cost: 62) == [10, 20])
        #expect(write(cost: 61) == [10])
        #expect(write(cost: 25) == [])
        #expect(write(payload: 29) == [10, 20])
        #expect(write(wanted: 21) == [10, 20])
        #expect(write(wanted: 20) == [10])
        #expect(write(until: 50) == [10, 20])
    }
}

/// One end of a connection that is sent streams of messages.
private struct Receiver {
    struct Message: Equatable {
        let slot: CallSlot
        let bytes: Int
        let cost: MessageCost
    }

    private var decoder: FrameDecoder
    private var server: ServerConnectionMachine
    private var client: ClientConnectionMachine
    private let isServer: Bool
    private let takesRuns: Bool
    private let now = WireInstant(nanoseconds: 1)
    private(set) var unread: [Message] = []
    private(set) var error: WireError.Code?
    private(set) var grants: [FlowControl.Grant] = []
    private(set) var messagesInRuns = 0

    init(_ limits: WireLimits, streams: UInt32, isServer: Bool, takesRuns: Bool) throws {
        decoder = FrameDecoder(limits: limits)
        server = ServerConnectionMachine(limits: limits)
        client = ClientConnectionMachine(limits: limits)
        self.isServer = isServer
        self.takesRuns = takesRuns
        var hello = ByteBuffer()
        Hello(limits: limits).write(into: &hello)
        _ = try client.frameReceived(ServerConnectionMachineTests.frame(hello), now: now)
        received(hello)
        for _ in 0..<streams {
            guard let opening = client.callOpened(isStream: true) else { continue }
            var payload: [UInt8] = [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 2, 0, 3]
            payload += Array("a/b".utf8)
            if !isServer { continue }
            _ = try server.frameReceived(
                ServerConnectionMachineTests.frame(.call, opening.streamID, .name, payload), now: now)
        }
    }

    var books: ConnectionBooks { isServer ? server.books : client.books }
    var bytesHeld: Int { decoder.bytesHeld }

    mutating func received(_ bytes: ByteBuffer) {
        decoder.append(bytes)
        do throws(WireError) {
            while true {
                while takesRuns, takeRun() {}
                guard let frame = try decoder.next() else { return }
                try received(frame)
            }
        } catch {
            self.error = error.code
        }
    }

    private mutating func takeRun() -> Bool {
        var messages: [Message] = []
        let taken: Bool? = decoder.takeFrames { frames in
            guard let (slot, run) = isServer ? server.runReceived(frames) : client.runReceived(frames) else {
                return nil
            }
            var packed = PackedMessages()
            packed.append(run: UnsafeRawBufferPointer(rebasing: frames[..<run.bytes]))
            var bytes = 0
            while let cost = packed.takeNext({ bytes = $0.count }) {
                let cost = MessageCost(stream: cost, connection: cost)
                messages.append(Message(slot: slot, bytes: bytes, cost: cost))
            }
            return (true, run.bytes)
        }
        unread += messages
        messagesInRuns += messages.count
        return taken != nil
    }

    private mutating func received(_ frame: Frame) throws(WireError) {
        if !isServer, client.peer != nil, frame.header.kind == .hello { return }
        if isServer {
            if case .requests(let slot, .message(let message, let cost), _) =
                try server.frameReceived(frame, now: now)
            {
                unread.append(Message(slot: slot, bytes: message.bytes, cost: cost))
            }
        } else if case .responses(let slot, .message(let message, let cost)) =
            try client.frameReceived(frame, now: now)
        {
            unread.append(Message(slot: slot, bytes: message.bytes, cost: cost))
        }
    }

    mutating func readMessages(_ count: Int) {
        for message in unread.prefix(count) {
            if isServer, let id = server.streamID(of: message.slot) {
                server.requestsRead(streamID: id, message.cost)
            } else if let id = client.streamID(of: message.slot) {
                client.responsesRead(streamID: id, message.cost)
            }
        }
        unread.removeFirst(count)
        grants = isServer ? server.flow.takeGrants() : client.flow.takeGrants()
    }
}

extension SplitMix64 {
    fileprivate mutating func below(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &self) }
}
