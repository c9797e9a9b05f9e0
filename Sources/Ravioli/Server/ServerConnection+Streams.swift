// SPDX-License-Identifier: Apache-2.0

import NIOCore
import RavioliWire

extension ServerConnection: StreamCreditSource {
    func sendCredit(_ slot: CallSlot) -> Int { machine.sendCredit(slot) }
    func spendCredit(_ slot: CallSlot, _ cost: Int) {
        machine.spendCredit(slot, cost)
        messageMoved(slot)
    }

    private func messageMoved(_ slot: CallSlot) {
        if let watch = records[slot.index]?.watch { watch.moved(now: link.context.now) }
    }

    func messagesMayBeLate(_ watch: MessageWatch) {
        guard let record = records[watch.slot.index], record.watch === watch,
            watch.isUp(owner: self, on: link.context)
        else { return }
        record.call.markIdle()
        perform(machine.deadlinePassed(watch.slot), now: link.context.now)
    }

    /// A call whose requests are not complete. A method that takes one request has nothing to wait for.
    func beginStream(
        _ slot: CallSlot, _ head: CallFrame, _ event: StreamReceiver.Event, isEnded: Bool, starts: Bool,
        now: Int64
    ) {
        guard let streamID = machine.streamID(of: slot) else { return }
        noteBinding(head)
        do throws(RPCError) {
            let record = try admit(slot, head, streamID: streamID, now: now)
            guard record.call.isStream else {
                link.context.cancelTimer(record.timer)
                throw RPCError(
                    .invalidArgument, "\(record.call.method) takes exactly one request", executed: .no)
            }
            store(record, in: slot)
            deliver(slot, event, isEnded: isEnded)
            if starts { start(slot, nil) }
        } catch {
            machine.callRefused(slot)
            sendEnd(streamID, error)
        }
    }

    func attachStream(to record: Record) {
        let stream = ServerStream(record.call, window: server.options.limits.streamCreditBytes)
        record.stream = stream
        record.output = StreamOutput(
            streamID: record.streamID, slot: record.call.slot, outbox: stream.outbox, closesSide: false,
            credit: self, spareMemory: link.context.spareMemory)
        if let timeout = server.options.messageTimeout {
            record.watch = MessageWatch(record.call.slot, timeout: timeout, owner: self, on: link.context)
        }
    }

    /// Starts a handler with streams. `message` is the only request of a call that came whole.
    func startStream(
        _ record: Record, _ message: ReceivedMessage?,
        _ begin: (ServerStream, ServerCall) -> Task<Void, Never>?
    ) -> Task<Void, Never>? {
        guard let stream = record.stream else { return nil }
        if let message {
            stream.inbox.deliver(message, MessageCost())
            stream.inbox.end(.success(()))
        }
        return begin(stream, record.call)
    }

    func deliver(_ slot: CallSlot, _ event: StreamReceiver.Event, isEnded: Bool) {
        guard let stream = records[slot.index]?.stream else { return }
        if case .message(let message, let cost) = event {
            stream.inbox.deliver(message, cost)
            messageMoved(slot)
        }
        if isEnded { stream.inbox.end(.success(())) }
    }

    /// Takes the whole messages of a stream that come next, frame after frame; returns whether there were any.
    func takeRun() -> Bool {
        let slot: CallSlot? = decoder.takeFrames { frames in
            guard let (slot, run) = machine.runReceived(frames) else { return nil }
            records[slot.index]?.stream?.inbox.deliver(
                run: UnsafeRawBufferPointer(rebasing: frames[..<run.bytes]), link.context.spareMemory)
            return (slot, run.bytes)
        }
        guard let slot else { return false }
        messageMoved(slot)
        return true
    }

    func refuseStream(
        _ slot: CallSlot, _ streamID: UInt32, _ refusal: ServerConnectionMachine.Refusal, wasStarted: Bool
    ) {
        if wasStarted { cancelHandler(slot) } else { release(slot) }
        sendEnd(
            streamID,
            RPCError(StatusCode(wire: refusal.code), refusal.text, executed: wasStarted ? .maybe : .no))
    }

    /// The call has ended for its caller: whatever its handler waits for ends too.
    func endStream(_ stream: ServerStream, of record: Record) {
        record.output?.drop()
        stream.end(
            record.call.deadline.hasPassed || record.call.isIdle
                ? .timeUp(report(record.call, isStarted: true), executed: .maybe)
                : RPCError(.cancelled, "the call has ended for its caller", executed: .maybe))
    }

    /// The handler of a call has messages to send.
    func outputWanted(_ call: ServerCall) {
        if let output = record(of: call)?.output { link.send(output) }
    }

    /// The handler of a call has read requests.
    func requestsRead(_ call: ServerCall, _ cost: MessageCost) {
        guard let record = record(of: call) else { return }
        machine.requestsRead(streamID: record.streamID, cost)
        sendGrants()
    }

    /// Metadata goes ahead of the first response; what cannot travel is left out, as with an error.
    func sendMetadata(_ call: ServerCall, _ metadata: Metadata) {
        guard let record = record(of: call), !call.isCancelled, let block = try? block(of: metadata) else {
            return
        }
        link.sendMetadata(block, streamID: record.streamID)
    }

    private func record(of call: ServerCall) -> Record? {
        guard call.slot.index < records.count, let record = records[call.slot.index], record.call === call
        else { return nil }
        return record
    }

    func sendGrants() {
        guard machine.flow.hasGrants else { return }
        let grants = machine.flow.takeGrants()
        if ttrpc == nil { link.sendGrants(grants) } else { ttrpcGranted(grants) }
    }

    func creditReceived(_ slot: CallSlot?) {
        guard let slot else { return link.sendBlocked() }
        if let output = records[slot.index]?.output { link.send(output) }
    }

    /// What is held for the peer, in bytes; see ``WireLimits/connectionBytesMax``.
    var bytesHeld: Int {
        machine.bytesHeld + machine.flow.bytesHeld + decoder.bytesHeld + link.unsentBytes
    }
}
