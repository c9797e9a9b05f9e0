// SPDX-License-Identifier: Apache-2.0

import NIOCore
import RavioliWire
import Testing

struct ServerConnectionMachineTests {
    typealias Action = ServerConnectionMachine.Action

    static let start = WireInstant(nanoseconds: 1_000_000_000)

    static func opened(_ limits: WireLimits = .defaults) throws -> ServerConnectionMachine {
        var machine = ServerConnectionMachine(limits: limits)
        let action = try machine.frameReceived(Self.frame(Samples.hello()), now: start)
        guard case .sendHello = action else { throw WireError(.internalFault, "no hello") }
        return machine
    }

    static func frame(_ bytes: ByteBuffer) -> Frame {
        var rest = bytes
        guard let header = FrameHeader(peeking: rest) else { preconditionFailure("a test's frame is short") }
        rest.moveReaderIndex(forwardBy: FrameHeader.bytes)
        return Frame(header: header, payload: rest)
    }

    static func frame(
        _ kind: FrameKind, _ id: UInt32, _ flags: FrameFlags = [], _ payload: [UInt8] = []
    ) -> Frame {
        Frame(
            header: FrameHeader(payloadBytes: UInt32(payload.count), streamID: id, kind: kind, flags: flags),
            payload: ByteBuffer(bytes: payload))
    }

    static func chunked(_ id: UInt32, total: UInt32, first: [UInt8]) -> Frame {
        var payload = ByteBuffer()
        CallFrame(
            remaining: RemainingTime(nanoseconds: 1_000_000), method: 0, name: ByteBuffer(string: "a/b")
        )
        .write(into: &payload)
        payload.writeInteger(total)
        payload.writeBytes(first)
        return Frame(
            header: FrameHeader(
                payloadBytes: UInt32(payload.readableBytes), streamID: id, kind: .call,
                flags: [.last, .message, .chunked, .name]),
            payload: payload)
    }

    private func call(_ machine: inout ServerConnectionMachine, _ id: UInt32) throws -> Action {
        try machine.frameReceived(Self.frame(Samples.call(id, message: [1, 2])), now: Self.start)
    }

    // MARK: Calls

    @Test func startsACallWhoseMessageIsWhole() throws {
        var machine = try Self.opened()
        guard case .beginCall(let slot, let head, let message) = try call(&machine, 1) else {
            Issue.record("no call")
            return
        }
        #expect(head.method == 0)
        #expect(message.map { Array($0.readableBytesView) } == [1, 2])
        #expect(machine.callsRunning == 1)
        #expect(machine.handlerReturned(slot) == 1)
        #expect(machine.callsRunning == 0)
        #expect(machine.callsOpen == 0)
    }

    @Test func assemblesChunksThenStarts() throws {
        var machine = try Self.opened()
        guard
            case .beginCall(let slot, _, nil) = try machine.frameReceived(
                Self.chunked(1, total: 5, first: [1, 2]), now: Self.start)
        else {
            Issue.record("the call should wait for its chunks")
            return
        }
        #expect(machine.bytesHeld == 5)
        #expect(try machine.frameReceived(Self.frame(.data, 1, [], [3]), now: Self.start) == .none)
        let last = try machine.frameReceived(Self.frame(.data, 1, [], [4, 5]), now: Self.start)
        guard case .startCall(slot, let message) = last else {
            Issue.record("\(last)")
            return
        }
        #expect(message.joined() == [1, 2, 3, 4, 5])
        #expect(machine.bytesHeld == 0)
    }

    @Test func queuesAboveTheRunningLimitAndStartsInOrder() throws {
        var limits = WireLimits.defaults
        limits.callsRunningMax = 1
        limits.callsQueuedMax = 2
        var machine = try Self.opened(limits)
        guard case .beginCall(let first, _, .some) = try call(&machine, 1),
            case .beginCall(let second, _, nil) = try call(&machine, 2),
            case .beginCall(let third, _, nil) = try call(&machine, 3)
        else {
            Issue.record("one should run and two wait")
            return
        }
        guard case .refuse(4, _, let refusal) = try call(&machine, 4) else {
            Issue.record("the fourth should be refused")
            return
        }
        #expect(refusal.code == 8)
        #expect(machine.nextWaiting() == nil)
        #expect(machine.handlerReturned(first) == 1)
        #expect(machine.nextWaiting()?.0 == second)
        #expect(machine.deadlinePassed(third) == .endUnstarted(third, streamID: 3, code: 4))
        #expect(machine.handlerReturned(second) == 2)
        #expect(machine.nextWaiting() == nil)
        #expect(machine.bytesHeld == 0)
    }

    @Test func aCancelledCallKeepsItsPlaceUntilItsHandlerReturns() throws {
        var limits = WireLimits.defaults
        limits.callsRunningMax = 1
        var machine = try Self.opened(limits)
        guard case .beginCall(let slot, _, _) = try call(&machine, 1) else { return }
        let action = try machine.frameReceived(Self.frame(.cancel, 1, [], [1]), now: Self.start)
        #expect(action == .cancelHandler(slot, streamID: 1, code: 1))
        #expect(machine.callsRunning == 1)
        #expect(try machine.frameReceived(Self.frame(.cancel, 1, [], [1]), now: Self.start) == .none)
        guard case .beginCall(_, _, nil) = try call(&machine, 2) else {
            Issue.record("the place should not be free yet")
            return
        }
        #expect(machine.handlerReturned(slot) == nil)
        #expect(machine.nextWaiting() != nil)
    }

    @Test func deadlinePassedAnswersOnceAndCancels() throws {
        var machine = try Self.opened()
        guard case .beginCall(let slot, _, _) = try call(&machine, 1) else { return }
        #expect(machine.deadlinePassed(slot) == .cancelHandler(slot, streamID: 1, code: 4))
        #expect(machine.deadlinePassed(slot) == .none)
        #expect(machine.handlerReturned(slot) == nil)
    }

    @Test func losingTheConnectionCancelsWhatRunsAndForgetsWhatWaits() throws {
        var limits = WireLimits.defaults
        limits.callsRunningMax = 1
        var machine = try Self.opened(limits)
        guard case .beginCall(let running, _, _) = try call(&machine, 1) else { return }
        _ = try call(&machine, 2)
        #expect(machine.connectionClosed().count == 2)
        #expect(machine.callsOpen == 1)
        #expect(machine.handlerReturned(running) == nil)
        #expect(machine.callsOpen == 0)
        #expect(machine.bytesHeld == 0)
    }

    @Test func refusesNewCallsWhileDraining() throws {
        var machine = try Self.opened()
        guard case .beginCall(let slot, _, _) = try call(&machine, 1) else { return }
        #expect(machine.drainBegan().lastStreamID == 1)
        guard case .refuse(2, _, let refusal) = try call(&machine, 2) else {
            Issue.record("should be refused")
            return
        }
        #expect(refusal.code == 14)
        #expect(machine.handlerReturned(slot) == 1)
    }

    // MARK: Limits

    @Test func refusesMetadataOverTheLimitAndGoesOn() throws {
        var machine = try Self.opened()
        var payload = ByteBuffer()
        CallFrame(
            remaining: RemainingTime(nanoseconds: 1000), method: 0, name: ByteBuffer(string: "a/b"),
            metadata: ByteBuffer(repeating: 0, count: 8193)
        ).write(into: &payload)
        let frame = Frame(
            header: FrameHeader(
                payloadBytes: UInt32(payload.readableBytes), streamID: 1, kind: .call,
                flags: [.last, .message, .metadata, .name]), payload: payload)
        guard case .refuse(1, .some, let refusal) = try machine.frameReceived(frame, now: Self.start) else {
            Issue.record("should be refused")
            return
        }
        #expect(refusal.code == 8)
        #expect(refusal.text.contains("metadataBytesMax = 8192"))
        guard
            case .beginCall = try machine.frameReceived(
                Self.frame(Samples.call(2, bindsFirst: false)), now: Self.start)
        else {
            Issue.record("the connection should go on")
            return
        }
    }

    @Test func refusesADeclaredMessageOverTheLimitBeforeItsChunks() throws {
        var machine = try Self.opened()
        let action = try machine.frameReceived(Self.chunked(1, total: .max, first: [1]), now: Self.start)
        guard case .refuse(1, _, let refusal) = action else {
            Issue.record("should be refused")
            return
        }
        #expect(refusal.code == 8)
        #expect(machine.bytesHeld == 0)
        #expect(try machine.frameReceived(Self.frame(.data, 1, [], [2]), now: Self.start) == .none)
    }

    @Test func floodsEndTheConnection() throws {
        var limits = WireLimits.defaults
        limits.controlFrames = .init(burst: 3, perSecond: 1)
        limits.cancels = .init(burst: 2, perSecond: 0)
        limits.glitches = .init(burst: 2, perSecond: 0)
        limits.pingIntervalMin = .zero
        var machine = try Self.opened(limits)
        let ping = Self.frame(.ping, 0, [], [0, 0, 0, 0, 0, 0, 0, 1])
        for _ in 0..<3 {
            #expect(
                try machine.frameReceived(ping, now: Self.start)
                    == .answerPing(PingFrame(token: 1, isAnswer: true)))
        }
        #expect(code { () throws(WireError) in try machine.frameReceived(ping, now: Self.start) } == .flood)
        let later = WireInstant(nanoseconds: Self.start.nanoseconds + 1_000_000_000)
        #expect(code { () throws(WireError) in try machine.frameReceived(ping, now: later) } == nil)

        guard case .beginCall(let slot, _, _) = try call(&machine, 1) else { return }
        _ = machine.handlerReturned(slot)
        let cancel = Self.frame(.cancel, 1, [], [1])
        #expect(try machine.frameReceived(cancel, now: later) == .none)
        #expect(try machine.frameReceived(cancel, now: later) == .none)
        #expect(code { () throws(WireError) in try machine.frameReceived(cancel, now: later) } == .flood)

        let late = Self.frame(.data, 1, [], [9])
        #expect(try machine.frameReceived(late, now: later) == .none)
        #expect(try machine.frameReceived(late, now: later) == .none)
        #expect(code { () throws(WireError) in try machine.frameReceived(late, now: later) } == .flood)
    }

    /// `answered`: a call ends between the pings, which forgives them.
    @Test(arguments: [false, true])
    func pingsThatComeTooOftenEndTheConnection(answered: Bool) throws {
        var machine = try Self.opened()
        let ping = Self.frame(.ping, 0, [], [0, 0, 0, 0, 0, 0, 0, 1])
        var found: WireError.Code?
        for round in 0..<4 as Range<UInt32> {
            let now = WireInstant(nanoseconds: Self.start.nanoseconds + Int64(round) * 9_000_000_000)
            found = code { () throws(WireError) in try machine.frameReceived(ping, now: now) }
            if round < 3 { #expect(found == nil) }
            guard answered, case .beginCall(let slot, _, _) = try call(&machine, round + 1) else { continue }
            _ = machine.handlerReturned(slot)
        }
        #expect(found == (answered ? nil : .tooManyPings))
    }

    @Test func anAnsweredPingIsToldApartFromAPing() throws {
        var machine = try Self.opened()
        let answer = Self.frame(.ping, 0, .ack, [0, 0, 0, 0, 0, 0, 0, 7])
        for _ in 0..<100 {
            #expect(try machine.frameReceived(answer, now: Self.start) == .pingAnswered(token: 7))
        }
        #expect(
            code { () throws(WireError) in try machine.frameReceived(answer, now: Self.start) } == .flood)
    }

    // MARK: Illegal frames

    static let illegal: [(Frame, WireError.Code)] = [
        (frame(Samples.hello()), .outOfOrder),
        (frame(.end, 1, [], [0, 2]), .outOfOrder),
        (frame(.data, 1, [], [1]), .outOfOrder),
        (frame(.data, 1, [.message], [1]), .outOfOrder),
        (frame(.data, 1), .malformedFrame),
        (frame(.cancel, 1, [], [1]), .outOfOrder),
        (frame(.cancel, 1), .malformedFrame),
        (frame(.ping, 1, [], [0, 0, 0, 0, 0, 0, 0, 1]), .malformedFrame),
        (frame(.ping, 0, [], [1]), .malformedFrame),
        (frame(.goaway, 0, [], [1]), .malformedFrame),
        (frame(.credit, 0, [], [0, 0, 0, 0]), .malformedFrame),
        (frame(FrameKind(rawValue: 9), 0), .unknownKind),
        (frame(.call, 0, [.last, .message], [0, 0, 0, 0, 0, 0, 0, 0]), .outOfOrder),
        (frame(.call, 1, [.last, .message], [0, 0, 0, 1, 0, 0, 2, 0]), .outOfOrder),
        (frame(.call, 1, [.last, .message], [0, 0, 0, 1, 0xFF, 0xFF, 2, 0]), .malformedFrame),
        (frame(.call, 1, [.last, .message, .name], [0, 0, 0, 1, 0, 5, 2, 0, 1, 97]), .outOfOrder),
        (frame(.call, 1, [.last, .message, .name], [0, 0, 0, 1, 0, 0, 2, 0, 9, 97]), .malformedFrame),
        (frame(.call, 1, [.last, .message, .name], [0, 0, 0, 1, 0, 0, 2, 0, 0]), .malformedFrame),
        (frame(.call, 1, [.last, .message, .metadata], [0, 0, 0, 1, 0, 0, 2, 0, 0, 9]), .malformedFrame),
        (frame(.call, 1, [.last, .message], [0, 0, 0, 1, 0, 0, 4, 0]), .malformedFrame),
        (frame(.call, 1, [.last, .message, .status], [0, 0, 0, 1, 0, 0, 2, 0]), .malformedFrame),
        (
            frame(.call, 1, [.last, .message, .compressed, .name], [0, 0, 0, 1, 0, 0, 2, 0, 1, 97]),
            .malformedFrame
        ),
    ]

    @Test(arguments: illegal.indices)
    func anIllegalFrameEndsTheConnection(_ index: Int) throws {
        var machine = try Self.opened()
        let (frame, expected) = Self.illegal[index]
        #expect(
            code { () throws(WireError) in try machine.frameReceived(frame, now: Self.start) } == expected)
    }

    @Test func anythingBeforeTheHelloIsOutOfOrder() {
        for kind in 2...9 as ClosedRange<UInt8> {
            var machine = ServerConnectionMachine(limits: .defaults)
            let frame = Self.frame(FrameKind(rawValue: kind), 0)
            #expect(
                code { () throws(WireError) in try machine.frameReceived(frame, now: Self.start) }
                    == .outOfOrder)
        }
    }

    @Test func streamIdsOnlyGrow() throws {
        var machine = try Self.opened()
        guard case .beginCall(let slot, _, _) = try call(&machine, 1) else { return }
        _ = machine.handlerReturned(slot)
        #expect(
            code { () throws(WireError) in
                try machine.frameReceived(Self.frame(Samples.call(1)), now: Self.start)
            } == .outOfOrder)
    }

    @Test func skipsIgnorableKinds() throws {
        var machine = try Self.opened()
        let frame = Self.frame(FrameKind(rawValue: 200), 7, [.status], [1, 2, 3])
        #expect(try machine.frameReceived(frame, now: Self.start) == .none)
    }
}
