// SPDX-License-Identifier: Apache-2.0

import NIOCore
import RavioliWire
import Testing

struct ClientConnectionMachineTests {
    static let now = WireInstant(nanoseconds: 5_000_000_000)

    static func opened(
        _ limits: WireLimits = .defaults, server: WireLimits = .defaults
    ) throws -> ClientConnectionMachine {
        var machine = ClientConnectionMachine(limits: limits)
        guard
            case .open = try machine.frameReceived(
                ServerConnectionMachineTests.frame(Samples.hello(server)), now: now)
        else { throw WireError(.internalFault, "not open") }
        return machine
    }

    private func frame(
        _ kind: FrameKind, _ id: UInt32, _ flags: FrameFlags = [], _ payload: [UInt8] = []
    ) -> Frame {
        ServerConnectionMachineTests.frame(kind, id, flags, payload)
    }

    private func refusesCalls(_ machine: inout ClientConnectionMachine) -> Bool {
        machine.callOpened() == nil
    }

    private func open(_ machine: inout ClientConnectionMachine) throws -> ClientConnectionMachine.Opening {
        let opening = machine.callOpened()
        return try #require(opening)
    }

    private func opening(_ machine: inout ClientConnectionMachine) throws -> ClientConnectionMachine.Opening {
        let opening = try open(&machine)
        machine.requestSent(opening.slot)
        return opening
    }

    @Test func takesNoCallBeforeTheHello() {
        var machine = ClientConnectionMachine(limits: .defaults)
        #expect(refusesCalls(&machine))
    }

    @Test func endsACallWithItsAnswer() throws {
        var machine = try Self.opened()
        let call = try opening(&machine)
        let action = try machine.frameReceived(
            frame(.end, call.streamID, [.message], [0, 2, 9]), now: Self.now)
        #expect(
            action
                == .endCall(
                    call.slot, EndFrame(code: 0, executed: .yes), message: .whole(ByteBuffer(bytes: [9]))))
        #expect(machine.callsOpen == 0)
    }

    @Test func keepsToTheServersLimit() throws {
        var server = WireLimits.defaults
        server.callsRunningMax = 2
        var machine = try Self.opened(server: server)
        let first = try opening(&machine)
        _ = try opening(&machine)
        #expect(refusesCalls(&machine))
        _ = try machine.frameReceived(frame(.end, first.streamID, [], [1, 0]), now: Self.now)
        #expect(machine.hasPlace)
    }

    @Test func anAbandonedCallKeepsItsPlaceUntilItsEnd() throws {
        var server = WireLimits.defaults
        server.callsRunningMax = 1
        var machine = try Self.opened(server: server)
        let call = try opening(&machine)
        #expect(machine.callerCancelled(call.slot, now: Self.now) == call.streamID)
        #expect(machine.callerCancelled(call.slot, now: Self.now) == nil)
        #expect(!machine.hasPlace)
        let action = try machine.frameReceived(frame(.end, call.streamID, [], [1, 1]), now: Self.now)
        #expect(action == .releaseCall(call.slot))
        #expect(machine.hasPlace)
    }

    @Test func aDeadlineSendsACancelOnlyForAnIncompleteRequest() throws {
        var machine = try Self.opened()
        let sent = try opening(&machine)
        #expect(machine.deadlinePassed(sent.slot, now: Self.now) == nil)
        let partial = try open(&machine)
        #expect(machine.executedIfLost(partial.slot) == .no)
        #expect(machine.deadlinePassed(partial.slot, now: Self.now) == partial.streamID)
    }

    @Test func assemblesAnAnswerFromDataFrames() throws {
        var machine = try Self.opened()
        let call = try opening(&machine)
        let first = frame(.data, call.streamID, [.message, .chunked], [0, 0, 0, 3, 1])
        #expect(try machine.frameReceived(first, now: Self.now) == .none)
        #expect(try machine.frameReceived(frame(.data, call.streamID, [], [2, 3]), now: Self.now) == .none)
        let action = try machine.frameReceived(frame(.end, call.streamID, [], [0, 2]), now: Self.now)
        guard case .endCall(call.slot, EndFrame(code: 0, executed: .yes), let message?) = action else {
            Issue.record("\(action)")
            return
        }
        #expect(message.joined() == [1, 2, 3])
    }

    @Test func anAnswerOverTheLimitFailsItsCallAlone() throws {
        var limits = WireLimits.defaults
        limits.messageBytesMax = 10
        var machine = try Self.opened(limits)
        let call = try opening(&machine)
        let action = try machine.frameReceived(
            frame(.data, call.streamID, [.message, .chunked], [0, 0, 0, 11, 1]), now: Self.now)
        guard case .failCall(call.slot, call.streamID, 8, let text) = action else {
            Issue.record("should fail the call")
            return
        }
        #expect(text.contains("messageBytesMax = 10"))
        #expect(try machine.frameReceived(frame(.data, call.streamID, [], [2]), now: Self.now) == .none)
        #expect(
            try machine.frameReceived(frame(.end, call.streamID, [], [0, 2]), now: Self.now)
                == .releaseCall(call.slot))
    }

    @Test func goawayNamesTheCallsThatWereNotAccepted() throws {
        var machine = try Self.opened()
        let first = try opening(&machine)
        let second = try opening(&machine)
        let third = try opening(&machine)
        _ = machine.callerCancelled(third.slot, now: Self.now)
        let action = try machine.frameReceived(frame(.goaway, 0, [], [0, 0, 0, 1, 0]), now: Self.now)
        guard case .leave(let goaway, let unaccepted) = action else {
            Issue.record("should leave")
            return
        }
        #expect(goaway.code == .none)
        #expect(unaccepted == [second.slot])
        #expect(!machine.isOpen)
        #expect(machine.callsOpen == 1)
        let end = try machine.frameReceived(frame(.end, first.streamID, [.message], [0, 2]), now: Self.now)
        guard case .endCall(first.slot, _, _) = end else {
            Issue.record("the accepted call should end")
            return
        }
    }

    @Test func marksWhatALostConnectionLeavesOpen() throws {
        var machine = try Self.opened()
        let sent = try opening(&machine)
        let partial = try open(&machine)
        #expect(Set(machine.connectionClosed()) == [sent.slot, partial.slot])
        #expect(machine.executedIfLost(sent.slot) == .maybe)
        #expect(machine.executedIfLost(partial.slot) == .no)
        #expect(machine.connectionClosed().isEmpty)
    }

    @Test func movesOnWhenTheIdSpaceIsUsed() throws {
        var limits = WireLimits.defaults
        limits.streamIDMax = 2
        var machine = try Self.opened(limits)
        _ = try opening(&machine)
        #expect(machine.isOpen)
        _ = try opening(&machine)
        #expect(!machine.isOpen)
        #expect(refusesCalls(&machine))
    }

    @Test func withholdsCancelsAboveTheServersRate() throws {
        var limits = WireLimits.defaults
        limits.cancels = .init(burst: 1, perSecond: 0)
        var machine = try Self.opened(limits)
        let first = try opening(&machine)
        let second = try opening(&machine)
        #expect(machine.callerCancelled(first.slot, now: Self.now) != nil)
        #expect(machine.callerCancelled(second.slot, now: Self.now) == nil)
        #expect(!machine.isWaiting(second.slot))
    }

    @Test func numbersMethodsUntilTheirLimit() throws {
        var limits = WireLimits.defaults
        limits.methodsMax = 2
        var machine = try Self.opened(limits)
        #expect(machine.methodBound() == 0)
        #expect(machine.methodBound() == 1)
        #expect(machine.methodBound() == nil)
    }

    @Test func illegalFramesEndTheConnection() throws {
        let illegal: [(Frame, WireError.Code)] = [
            (frame(.call, 1), .outOfOrder), (frame(.cancel, 1), .outOfOrder),
            (frame(.end, 5, [], [0, 2]), .outOfOrder), (frame(.end, 0, [], [0, 2]), .outOfOrder),
            (frame(.end, 1, [], [0]), .malformedFrame), (frame(.end, 1, [], [0, 3]), .malformedFrame),
            (frame(.end, 1, [.last], [0, 2]), .malformedFrame), (frame(.data, 1), .malformedFrame),
            (frame(.data, 1, [], [1]), .outOfOrder), (frame(.data, 1, [.status], [1]), .malformedFrame),
            (frame(FrameKind(rawValue: 77), 0), .unknownKind),
            (ServerConnectionMachineTests.frame(Samples.hello()), .outOfOrder),
        ]
        for (frame, expected) in illegal {
            var machine = try Self.opened()
            _ = try opening(&machine)
            #expect(
                code { () throws(WireError) in try machine.frameReceived(frame, now: Self.now) } == expected)
        }
    }
}
