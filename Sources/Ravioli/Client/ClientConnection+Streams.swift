// SPDX-License-Identifier: Apache-2.0

import NIOCore
import RavioliWire

extension ClientConnection: StreamCreditSource {
    func sendCredit(_ slot: CallSlot) -> Int { machine.sendCredit(slot) }
    func spendCredit(_ slot: CallSlot, _ cost: Int) {
        machine.spendCredit(slot, cost)
        messageMoved(slot)
    }

    func watchMessages(_ slot: CallSlot, _ timeout: Duration) {
        records[slot.index]?.watch = MessageWatch(slot, timeout: timeout, owner: self, on: link.context)
    }

    private func messageMoved(_ slot: CallSlot) {
        if let watch = records[slot.index]?.watch { watch.moved(now: link.context.now) }
    }

    func messagesMayBeLate(_ watch: MessageWatch) {
        guard let pending = records[watch.slot.index], pending.watch === watch,
            watch.isUp(owner: self, on: link.context)
        else { return }
        let report = DeadlineReport(
            phase: .idle, hop: hopName, method: pending.call.request.method.fullName)
        giveUp(watch.slot, .timeUp(call: report, executed: .maybe))
    }

    /// A server of an older level would take a stream for a broken unary call.
    func requireStreams() throws(RPCError) {
        guard (machine.peer?.level ?? 0) >= 2 else {
            throw RPCError(
                call: .unimplemented, "the server does not speak streams, level 2 of the protocol",
                executed: .no)
        }
    }

    /// The requests of a call that has just been opened follow as they come.
    func beginRequests(_ opening: ClientConnectionMachine.Opening) {
        guard let stream = records[opening.slot.index]?.stream else { return }
        let output = StreamOutput(
            streamID: opening.streamID, slot: opening.slot, outbox: stream.outbox, closesSide: true,
            credit: self, spareMemory: link.context.spareMemory)
        records[opening.slot.index]?.output = output
        link.send(output)
    }

    /// The stream in this slot has messages to send.
    func outputWanted(_ slot: CallSlot) {
        if let output = records[slot.index]?.output { link.send(output) }
    }

    /// Responses of the stream in this slot have been read.
    func responsesRead(_ slot: CallSlot, _ cost: MessageCost) {
        guard let streamID = machine.streamID(of: slot) else { return }
        machine.responsesRead(streamID: streamID, cost)
        sendGrants()
    }

    func sendGrants() {
        if machine.flow.hasGrants { link.sendGrants(machine.flow.takeGrants()) }
    }

    func deliver(_ slot: CallSlot, _ event: StreamReceiver.Event) {
        guard case .message(let message, let cost) = event, let stream = records[slot.index]?.stream else {
            return
        }
        stream.responseReceived()
        stream.inbox.deliver(message, cost)
        messageMoved(slot)
    }

    /// Takes the whole messages of a stream that come next, frame after frame; returns whether there were any.
    func takeRun() -> Bool {
        let slot: CallSlot? = decoder.takeFrames { frames in
            guard let (slot, run) = machine.runReceived(frames) else { return nil }
            if let stream = records[slot.index]?.stream {
                stream.responseReceived()
                stream.inbox.deliver(
                    run: UnsafeRawBufferPointer(rebasing: frames[..<run.bytes]), link.context.spareMemory)
            }
            return (slot, run.bytes)
        }
        guard let slot else { return false }
        messageMoved(slot)
        return true
    }

    func deliver(_ slot: CallSlot, metadata block: ByteBuffer) {
        guard let stream = records[slot.index]?.stream else { return }
        // Metadata that cannot be read is not worth the call: it is as if there were none.
        stream.metadata.set((try? Metadata(block: block, limits: options.limits)) ?? Metadata())
    }

    func creditReceived(_ slot: CallSlot?) {
        guard let slot else { return link.sendBlocked() }
        if let output = records[slot.index]?.output { link.send(output) }
    }
}
