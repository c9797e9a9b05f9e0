// SPDX-License-Identifier: Apache-2.0
//
// What attackers can make a server hold. The live cases show how their connections end; here the same bytes go through
// the decoder and the state machine, which say after each read how much they hold.

import NIOCore
import RavioliWire
import Testing

@Suite struct HeldMemoryTests {
    /// The receiving half of a connection, without a socket. Handlers that start never return.
    private struct Receiver {
        var decoder: FrameDecoder
        var machine: ServerConnectionMachine
        /// The most it held after a read, in bytes: of frames that are not complete, and of messages.
        var heldMax = 0
        var error: WireError?

        init(_ limits: WireLimits) {
            decoder = FrameDecoder(limits: limits)
            machine = ServerConnectionMachine(limits: limits)
            receive(Wire.hello())
        }

        mutating func receive(_ bytes: [UInt8]) {
            guard error == nil else { return }
            decoder.append(ByteBuffer(bytes: bytes))
            do throws(WireError) {
                while let frame = try decoder.next() {
                    _ = try machine.frameReceived(frame, now: WireInstant(nanoseconds: 0))
                }
            } catch {
                self.error = error
            }
            heldMax = max(heldMax, decoder.bytesHeld + machine.bytesHeld)
        }
    }

    @Test func announcedFrameIsNotHeld() {
        var receiver = Receiver(.defaults)
        receiver.receive(Wire.header(65_536, 1, 2, 3) + [0])
        #expect(receiver.heldMax == 11)
        receiver.receive(Wire.zeros(100))
        #expect(receiver.heldMax == 111)
    }

    @Test func drippedFrameHoldsWhatCame() {
        var receiver = Receiver(.defaults)
        let call = Wire.call(1, "Echo", Wire.zeros(1000))
        for (count, byte) in call.dropLast().enumerated() {
            receiver.receive([byte])
            #expect(receiver.heldMax == count + 1)
        }
        receiver.receive([0])
        #expect(receiver.decoder.bytesHeld == 0)
    }

    @Test func frameOverLimitIsNotAwaited() {
        var receiver = Receiver(.defaults)
        receiver.receive(Wire.header(65_537, 1, 2, 3))
        #expect(receiver.error?.code == .frameTooLarge)
        #expect(receiver.heldMax <= 10)
    }

    @Test func announcedMessagesStayInTheirBudget() {
        var limits = WireLimits.small
        limits.callsQueuedMax = 1000
        limits.glitches.burst = 1000
        var receiver = Receiver(limits)
        for id in 1...500 { receiver.receive(Wire.chunkedCall(UInt32(id), total: 16_384, [1])) }
        #expect(receiver.error == nil)
        #expect(receiver.heldMax == limits.assemblyBytesMax)
    }

    @Test func queuedCallsStayInTheirBudget() {
        var limits = WireLimits.small
        limits.callsQueuedMax = 1000
        limits.glitches.burst = 1000
        var receiver = Receiver(limits)
        for id in 1...500 { receiver.receive(Wire.call(UInt32(id), "Echo", Wire.zeros(4000))) }
        #expect(receiver.error == nil)
        #expect((limits.assemblyBytesMax - 4000...limits.assemblyBytesMax).contains(receiver.heldMax))
        #expect(receiver.machine.callsRunning == limits.callsRunningMax)
    }

    @Test func cancelledCallsKeepTheirPlaces() {
        var limits = WireLimits.small
        limits.cancels.burst = 1000
        limits.glitches.burst = 1000
        var receiver = Receiver(limits)
        for id in 1...500 { receiver.receive(Wire.call(UInt32(id)) + Wire.cancel(UInt32(id))) }
        #expect(receiver.error == nil)
        #expect(receiver.machine.callsRunning == limits.callsRunningMax)
        #expect(receiver.machine.callsOpen <= limits.callsRunningMax + limits.callsQueuedMax)
        #expect(receiver.heldMax <= Wire.hi.count)
    }

    @Test func unreadStreamsStayInConnectionsCredit() {
        var limits = WireLimits.small
        limits.callsRunningMax = 100
        var receiver = Receiver(limits)
        var cost = 0
        for id in 1...100 as ClosedRange<UInt32> {
            receiver.receive(Wire.open(id))
            for _ in 1...2 where receiver.error == nil {
                receiver.receive(Wire.request(id, Wire.zeros(4000)))
                if receiver.error == nil { cost += 4016 }
            }
        }
        #expect(receiver.error?.code == .creditExceeded)
        #expect(cost <= limits.connectionCreditBytes)
    }

    // MARK: What servers can make a client hold

    /// The receiving half of a client's connection, with calls that nobody reads.
    private struct Caller {
        var decoder: FrameDecoder
        var machine: ClientConnectionMachine
        /// Bytes of messages that came for callers.
        var delivered = 0
        var heldMax = 0
        var error: WireError?

        init(_ limits: WireLimits, streams: Int) {
            decoder = FrameDecoder(limits: limits)
            machine = ClientConnectionMachine(limits: limits)
            receive(Wire.hello())
            for _ in 0..<streams { _ = machine.callOpened(isStream: true) }
        }

        mutating func receive(_ bytes: [UInt8]) {
            guard error == nil else { return }
            decoder.append(ByteBuffer(bytes: bytes))
            do throws(WireError) {
                while let frame = try decoder.next() {
                    let action = try machine.frameReceived(frame, now: WireInstant(nanoseconds: 0))
                    if case .responses(_, .message(let message, _)) = action {
                        delivered += message.bytes
                    }
                }
            } catch {
                self.error = error
            }
            heldMax = max(heldMax, decoder.bytesHeld)
        }
    }

    @Test func unreadResponsesStayInTheirCredit() {
        var one = Caller(.small, streams: 1)
        for _ in 0..<100 { one.receive(Wire.request(1, Wire.zeros(1000))) }
        #expect(one.error?.code == .creditExceeded)
        #expect(one.delivered <= WireLimits.small.streamCreditBytes)
        #expect(one.delivered > WireLimits.small.streamCreditBytes - 1016)

        var many = Caller(.small, streams: 50)
        for id in 1...50 as ClosedRange<UInt32> { many.receive(Wire.request(id, Wire.zeros(1000))) }
        #expect(many.error?.code == .creditExceeded)
        #expect(many.delivered <= WireLimits.small.connectionCreditBytes)
    }

    @Test func serversFramesHoldWhatCame() {
        var caller = Caller(.small, streams: 1)
        let answer = Wire.request(1, Wire.zeros(4000))
        for byte in answer.dropLast() { caller.receive([byte]) }
        #expect(caller.heldMax == answer.count - 1)
        var liar = Caller(.small, streams: 1)
        liar.receive(Wire.header(4097, 1, 3, 0x82) + Wire.zeros(4000))
        #expect(liar.error?.code == .frameTooLarge && liar.heldMax <= 4010)
    }

    /// Messages announced in chunks get credit beyond the stream's, but never more than one of them for a stream.
    @Test func announcedResponsesStayInTheirBudget() {
        var caller = Caller(.small, streams: 50)
        var refused = 0
        for id in 1...50 as ClosedRange<UInt32> {
            caller.receive(Wire.data(id, Wire.message | Wire.chunked | Wire.counted, Wire.u32(16_384) + [1]))
            if !caller.machine.isWaiting(CallSlot(index: Int(id) - 1)) { refused += 1 }
        }
        #expect(caller.error == nil)
        #expect(50 - refused == WireLimits.small.assemblyBytesMax / 16_384)
    }
}
