// SPDX-License-Identifier: Apache-2.0

// Streams on the client: counted data frames are a stream's responses, all others belong to an answer that is given
// once, whatever the requests are. Credit in both directions.

import NIOCore

extension ClientConnectionMachine {
    func streamMachine() -> ClientCallMachine {
        ClientCallMachine(
            responses: StreamReceiver(limits: limits),
            sendCredit: SendCredit(flow.streamSendInitial))
    }

    /// A data frame of a stream of responses.
    mutating func countedReceived(_ frame: Frame, _ part: MessagePart) throws(WireError) -> Action {
        let (id, flags) = (frame.header.streamID, frame.header.flags)
        try flow.received(part.cost, flags: flags)
        guard id > 0, id <= lastStreamID else {
            throw WireError(.outOfOrder, "a frame of stream \(id), which was never opened")
        }
        // A call that has ended or was given up: its credit has paid for the frame, and is given back.
        guard let slot = calls.slot(of: id), calls[slot]?.isAbandoned == false else {
            flow.returned(part.cost)
            return .none
        }
        guard var responses = calls[slot]?.responses else {
            flow.returned(part.cost)
            return failCall(slot, id, code: 12, "the method answers with a stream, which was not asked for")
        }
        // One owner while a chunk is appended, so that the message under assembly is not copied.
        calls[slot]?.responses = nil
        let event = try flow.dataReceived(
            part, flags: flags, streamID: id, by: &responses,
            assemblyBytes: &assemblyBytes, limits: limits)
        calls[slot]?.responses = responses
        guard case .refused(let text) = event else { return .responses(slot, event) }
        return failCall(slot, id, text)
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

    mutating func metadataReceived(_ frame: Frame, now: WireInstant) throws(WireError) -> Action {
        var payload = frame.payload
        guard let block = try payload.readBlock(if: true, "metadata block"), payload.readableBytes == 0 else {
            throw WireError(.malformedFrame, "a data frame with metadata and more")
        }
        guard let slot = try openSlot(frame.header.streamID, now: now) else { return .none }
        if calls[slot]?.isAbandoned == true { return .none }
        guard calls[slot]?.responses?.metadataReceived() == true else {
            throw WireError(.outOfOrder, "metadata after the first answer, or of a unary call")
        }
        return .metadata(slot, block)
    }

    /// The caller has read messages that held so much.
    package mutating func responsesRead(streamID: UInt32, _ cost: MessageCost) {
        guard let slot = calls.slot(of: streamID), calls[slot]?.responses != nil else { return }
        flow.give(calls[slot]?.responses?.read(cost), streamID: streamID)
        flow.returned(cost.connection)
        assemblyBytes -= cost.assembly
    }

    /// Nobody reads the stream's responses any more: what they hold is free.
    mutating func returnHeld(_ slot: CallSlot) {
        guard let held = calls[slot]?.responses?.held else { return }
        calls[slot]?.responses = nil
        flow.returned(held.connection)
        assemblyBytes -= held.assembly
    }

    /// What may be sent on an open call's stream now.
    package func sendCredit(_ slot: CallSlot) -> Int {
        guard let call = calls[slot], !call.isAbandoned else { return 0 }
        return min(call.sendCredit.available, flow.send.available)
    }

    /// A counted frame of the stream goes out.
    package mutating func spendCredit(_ slot: CallSlot, _ cost: Int) {
        calls[slot]?.sendCredit.spend(cost)
        flow.spend(cost)
    }

    mutating func creditReceived(_ frame: Frame, now: WireInstant) throws(WireError) -> Action {
        switch try creditTaken(frame, now: now) {
        case .connection: .credit(nil)
        case .stream(let slot): .credit(slot)
        case .nobody: .none
        }
    }
}
