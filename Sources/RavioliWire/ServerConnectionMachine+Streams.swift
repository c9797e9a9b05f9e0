// SPDX-License-Identifier: Apache-2.0

// Streams on the server: calls whose requests are a stream, and credit in both directions. A stream that waits for a
// place is read all the same; its credit bounds what gathers.

import NIOCore

extension ServerConnectionMachine {
    /// A call frame without the last request: the handler starts before the requests are complete.
    mutating func beginStream(
        _ id: UInt32, _ call: CallFrame, _ part: MessagePart, flags: FrameFlags
    ) -> Action {
        var requests = StreamReceiver(limits: limits)
        let event = requests.callReceived(part, isLast: flags.contains(.last))
        assemblyBytes += requests.held.assembly
        let starts = running < limits.callsRunningMax
        if starts { running += 1 }
        var machine = machine(starts ? .running : .queued(.whole(ByteBuffer())))
        machine.requests = requests
        let slot = calls.insert(id, machine)
        if !starts { waiting.append(slot) }
        return .beginStream(slot, call, event, isEnded: requests.isEnded, starts: starts)
    }

    /// A data frame of a call with a stream of requests.
    mutating func requestsReceived(
        _ slot: CallSlot, _ part: MessagePart, flags: FrameFlags
    ) throws(WireError) -> Action {
        guard var requests = calls[slot]?.requests else { return .none }
        // One owner while a chunk is appended, so that the message under assembly is not copied.
        calls[slot]?.requests = nil
        let event = try flow.dataReceived(
            part, flags: flags, streamID: calls.id(of: slot), by: &requests,
            assemblyBytes: &assemblyBytes, limits: limits)
        calls[slot]?.requests = requests
        guard case .refused(let text) = event else {
            return .requests(slot, event, isEnded: requests.isEnded)
        }
        return refuseStream(slot, Refusal(code: 8, text: text))
    }

    /// Takes the run of whole messages of one stream that `frames` begin with, and nothing else; nil when they begin with
    /// something else.
    package mutating func runReceived(_ frames: UnsafeRawBufferPointer) -> (CallSlot, MessageRun)? {
        guard takesFrames, let id = MessageRun.streamID(frames), let slot = calls.slot(of: id) else {
            return nil
        }
        guard let run = calls[slot]?.runReceived(frames, streamID: id, flow: &flow, limits: limits) else {
            return nil
        }
        return (slot, run)
    }

    private mutating func refuseStream(_ slot: CallSlot, _ refusal: Refusal) -> Action {
        let id = calls.id(of: slot)
        switch endEarly(slot, code: refusal.code) {
        case .endUnstarted: return .refuseStream(slot, streamID: id, refusal, wasStarted: false)
        case .cancelHandler: return .refuseStream(slot, streamID: id, refusal, wasStarted: true)
        default: return .none
        }
    }

    /// Whether the call in this slot was opened with requests to follow.
    package func hasRequestStream(_ slot: CallSlot) -> Bool { calls[slot]?.requests != nil }

    /// The handler has read messages that held so much.
    package mutating func requestsRead(streamID: UInt32, _ cost: MessageCost) {
        guard let slot = calls.slot(of: streamID), calls[slot]?.requests != nil else { return }
        flow.give(calls[slot]?.requests?.read(cost), streamID: streamID)
        flow.returned(cost.connection)
        assemblyBytes -= cost.assembly
    }

    /// What may be sent on the stream of a running call now.
    package func sendCredit(_ slot: CallSlot) -> Int {
        guard let call = calls[slot], call.state == .running else { return 0 }
        return min(call.sendCredit.available, flow.send.available)
    }

    /// A counted frame of the stream goes out.
    package mutating func spendCredit(_ slot: CallSlot, _ cost: Int) {
        calls[slot]?.sendCredit.spend(cost)
        flow.spend(cost)
        callFrameSent()
    }

    mutating func creditReceived(_ frame: Frame, now: WireInstant) throws(WireError) -> Action {
        switch try creditTaken(frame, now: now) {
        case .connection: .credit(nil)
        case .stream(let slot): .credit(slot)
        case .nobody: .none
        }
    }
}

extension MessagePart {
    /// Whether the part belongs to a message that is counted against the budget for such messages.
    var isInSeveralFrames: Bool {
        switch self {
        case .first, .chunk: true
        case .none, .whole: false
        }
    }
}
