// SPDX-License-Identifier: Apache-2.0

// A connection on the client: carries out what the state machine decides, and keeps the callers that wait, in an array
// under the machine's slots. Loop only.

import NIOCore
import RavioliWire

/// Hears what happens to a client's connection. Loop only.
protocol ClientConnectionObserver: AnyObject {
    /// Calls can be opened now: the hello came, or a place became free.
    func connectionHasPlace(_ connection: ClientConnection)
    /// No further calls can be opened; those open may still end. `unaccepted` were sent and not read: they can run
    /// elsewhere.
    func connectionLeaves(_ connection: ClientConnection, reason: String, unaccepted: [PendingCall])
    /// The server has read a call and refused it before it ran: it can run elsewhere. With its error if it cannot.
    func connectionRefused(_ connection: ClientConnection, _ pending: PendingCall, _ error: RPCError)
    /// The server was asked for a sign of life too often.
    func connectionPingedTooOften(_ connection: ClientConnection)
    /// The connection is gone, and every call on it has been ended, but those that were not sent wholly: `unsent`.
    func connectionClosed(_ connection: ClientConnection, cause: String, unsent: [PendingCall])
}

/// The connection to one server. Loop only.
final class ClientConnection: ConnectionEndpoint, TimerOwner {
    static let readsOnlyWhileWritable = false

    let link: FrameLink
    /// Unowned for speed; the client closes its connections, and a closed connection lets go of it.
    unowned var observer: (any ClientConnectionObserver)?
    let options: ClientOptions
    /// What the server is called where errors name it: its own name, or what was connected to.
    private(set) var hopName: String
    @exclusivity(unchecked) var machine: ClientConnectionMachine
    @exclusivity(unchecked) var decoder: FrameDecoder
    @exclusivity(unchecked) var records: [PendingCall?] = []
    private var deadlineTimer = TimerID.none
    private(set) var isClosed = false
    @exclusivity(unchecked) var watch: LifeWatch?
    /// Why the connection is being left.
    private var leaveReason = "its server went away"
    /// Whether a call has ended on this connection, or it stood idle for its time: a server that greets and leaves has
    /// not served.
    private(set) var hasServed = false
    /// This connection's number for each method of the process; -1 until bound.
    private var methodNumbers: [Int32] = []
    private var peerMetadataBytesMax = 0
    private var peerMessageBytesMax = 0
    private(set) var sendWindow = 0

    init(_ context: LoopContext, options: ClientOptions, target: String) {
        self.options = options
        hopName = target
        link = FrameLink(context)
        machine = ClientConnectionMachine(limits: options.limits)
        decoder = FrameDecoder(limits: options.limits)
        link.owner = self
    }

    deinit { link.owner = nil }

    func outputWanted() {}
    func messageSent(_ streamID: UInt32) { machine.requestSent(streamID) }

    /// Whether a call can be opened now.
    var hasPlace: Bool { !isClosed && machine.isOpen && machine.calls.count < machine.callsMax }

    /// Whether further calls can be opened, now or later.
    var takesCalls: Bool { machine.isOpen && !isClosed }

    /// Whether this call is open in this slot here.
    func holds(_ call: ClientCall, _ slot: CallSlot) -> Bool {
        slot.index < records.count && records[slot.index]?.call === call
    }

    /// Calls whose callers wait for an end.
    var callsHeld: Int {
        var held = 0
        for record in records where record != nil { held += 1 }
        return held
    }

    // MARK: ConnectionEndpoint

    func connected(peer: Peer) {
        // The client may have been closed while it connected.
        guard !isClosed else {
            link.closeAfterFlush()
            return
        }
        Hello(limits: options.limits, details: HelloDetails(service: options.name).block).write(
            into: &link.out)
        link.touched()
        let at = Deadline(now: link.context.now, after: options.limits.helloTimeout).uptimeNanoseconds
        deadlineTimer = link.context.setTimer(at: at, LoopTimer(owner: self, subject: nil, key: 0))
    }

    func received(_ bytes: ByteBuffer) {
        if isClosed { return }
        decoder.append(bytes)
        do throws(WireError) {
            let now = WireInstant(nanoseconds: link.context.now)
            watch?.life.bytesRead(now: now)
            var completed = false
            while true {
                while takeRun() { completed = true }
                guard let frame = try decoder.next() else { break }
                completed = true
                if frame.header.kind == .end {
                    // What is left of a request that the server has answered before its end is not sent.
                    link.drop(streamID: frame.header.streamID)
                    watch?.life.callEnded(now: now)
                }
                perform(try machine.frameReceived(frame, now: now))
                if isClosed { return }
            }
            sendGrants()
            watchForCompletion(completed: completed)
        } catch {
            violated(error)
        }
    }

    func disconnected(cause: (any Error)?) {
        close(cause.map { "the connection was lost: \($0)" } ?? "the server closed the connection")
    }

    private func perform(_ action: ClientConnectionMachine.Action) {
        switch action {
        case .none: break
        case .open(let hello): opened(hello)
        case .endCall(let slot, let end, let message): finish(slot, end, message)
        case .releaseCall: placeFreed()
        case .failCall(let slot, let streamID, let code, let text):
            sendCancel(streamID, .cancelled)
            fail(slot, RPCError(call: StatusCode(wire: code), text, executed: .maybe))
        case .responses(let slot, let event): deliver(slot, event)
        case .metadata(let slot, let block): deliver(slot, metadata: block)
        case .credit(let slot): creditReceived(slot)
        case .answerPing(let ping):
            ping.write(into: &link.out)
            link.touched()
        case .leave(let goaway, let unaccepted): leave(goaway, unaccepted)
        }
    }

    private func opened(_ hello: Hello) {
        link.context.cancelTimer(deadlineTimer)
        deadlineTimer = .none
        link.frameBytesMax = min(Int(hello.frameBytesMax), options.limits.frameBytesMax)
        peerMetadataBytesMax = min(
            Int(hello.metadataBytesMax), options.limits.metadataBytesMax,
            CallFrame.metadataBytesMax(frameBytesMax: link.frameBytesMax))
        peerMessageBytesMax = Int(hello.messageBytesMax)
        sendWindow = min(Int(hello.streamCreditBytes), Int(hello.connectionCreditBytes))
        lifeBegan(options.lifeTerms, random: link.context.random())
        hopName = HelloDetails(block: hello.details).nameForErrors ?? hopName
        observer?.connectionHasPlace(self)
    }

    // MARK: Calls

    /// Sends a call. There must be a place. Fails the caller when the request cannot travel.
    func open(_ pending: PendingCall) {
        let call = pending.call
        do throws(RPCError) {
            let metadata = try call.request.metadata.block(
                bytesMax: peerMetadataBytesMax, pairsMax: options.limits.metadataPairsMax)
            guard call.request.message.count <= peerMessageBytesMax else {
                let bytes = call.request.message.count
                let text = "a request of \(bytes) bytes is over the server's messageBytesMax"
                throw RPCError(call: .resourceExhausted, "\(text) = \(peerMessageBytesMax)", executed: .no)
            }
            if pending.stream != nil { try requireStreams() }
            guard let opening = machine.callOpened(isStream: pending.stream != nil) else {
                throw RPCError(call: .unavailable, "the connection takes no further calls", executed: .no)
            }
            send(call, opening, metadata)
            store(pending, in: opening.slot)
            if let timeout = pending.stream?.messageTimeout { watchMessages(opening.slot, timeout) }
            if pending.call.streamsRequests { beginRequests(opening) }
            if watch?.life.isResting == true { restEnded() }
        } catch {
            link.context.cancelTimer(pending.timer)
            pending.call.place = .nowhere
            pending.resume(.failure(error))
        }
    }

    private func send(
        _ call: ClientCall, _ opening: ClientConnectionMachine.Opening, _ metadata: ByteBuffer?
    ) {
        // Through the call, field by field: a copy of the request would retain all that it holds.
        var head = CallFrame(
            remaining: call.request.deadline.remaining(at: link.context.now), method: 0,
            criticality: call.request.criticality.rawValue, attempt: call.request.attempt, metadata: metadata)
        (head.method, head.name) = number(of: call.request.method)
        if call.streamsRequests {
            link.sendHead(head, streamID: opening.streamID)
            machine.requestSent(opening.slot)
        } else if link.sendCall(head, streamID: opening.streamID, message: call.request.message) {
            machine.requestSent(opening.slot)
        }
    }

    /// The connection's number for a method, and its name when the number is new or there is none.
    private func number(of method: MethodName) -> (UInt16, ByteBuffer?) {
        guard let index = method.index else { return (MethodBinding.unbound, method.bytes) }
        if index < methodNumbers.count, methodNumbers[index] >= 0 {
            return (UInt16(truncatingIfNeeded: methodNumbers[index]), nil)
        }
        guard let number = machine.methodBound() else { return (MethodBinding.unbound, method.bytes) }
        while methodNumbers.count <= index { methodNumbers.append(-1) }
        methodNumbers[index] = Int32(number)
        return (number, method.bytes)
    }

    private func store(_ pending: PendingCall, in slot: CallSlot) {
        pending.call.place = .open(slot)
        while records.count <= slot.index { records.append(nil) }
        records[slot.index] = pending
    }

    /// Takes a caller out of its slot: from now on it is resumed by whoever took it.
    private func take(_ slot: CallSlot) -> PendingCall? {
        guard let pending = takeKeepingTimer(slot) else { return nil }
        link.context.cancelTimer(pending.timer)
        return pending
    }

    private func takeKeepingTimer(_ slot: CallSlot) -> PendingCall? {
        guard slot.index < records.count, let pending = records[slot.index] else { return nil }
        records[slot.index] = nil
        pending.call.place = .nowhere
        pending.watch?.cancel(on: link.context)
        return pending
    }

    private func finish(_ slot: CallSlot, _ end: EndFrame, _ message: ReceivedMessage?) {
        if end.isRefusalToServe, let pending = takeKeepingTimer(slot) {
            observer?.connectionRefused(self, pending, RPCError(end, limits: options.limits))
        }
        let pending = take(slot)
        if let stream = pending?.stream {
            if let message { stream.inbox.deliver(message, MessageCost()) }
            pending?.resume(result(end, .whole(ByteBuffer())))
        } else {
            pending?.resume(result(end, message))
        }
        placeFreed()
    }

    private func result(_ end: EndFrame, _ message: ReceivedMessage?) -> CallResult {
        guard end.isOK else { return .failure(RPCError(end, limits: options.limits)) }
        guard let message = message else {
            return .failure(
                RPCError(call: .internal, "the server ended the call without an answer", executed: .yes))
        }
        var metadata = Metadata()
        if let block = end.metadata {
            do throws(BlockError) {
                metadata = try Metadata(block: block, limits: options.limits)
            } catch {
                let code: StatusCode = error.reason == .overLimit ? .resourceExhausted : .internal
                return .failure(RPCError(call: code, "the response's \(error.text)", executed: .yes))
            }
        }
        return .success(ReceivedAnswer(message: OwnedMessage(message), metadata: metadata))
    }

    private func fail(_ slot: CallSlot, _ error: RPCError) {
        take(slot)?.resume(.failure(error))
    }

    private func placeFreed() {
        hasServed = true
        observer?.connectionHasPlace(self)
        closeIfDone()
    }

    /// The caller of an open call was cancelled.
    func cancel(_ slot: CallSlot) {
        let executed = RPCError.Executed(machine.executedIfLost(slot))
        let now = WireInstant(nanoseconds: link.context.now)
        if let streamID = machine.callerCancelled(slot, now: now) { sendCancel(streamID, .cancelled) }
        fail(slot, RPCError(call: .cancelled, "the caller was cancelled", executed: executed))
    }

    /// An open call is given up though its caller waits.
    func giveUp(_ slot: CallSlot, _ error: RPCError) {
        let now = WireInstant(nanoseconds: link.context.now)
        if let streamID = machine.callerCancelled(slot, now: now) { sendCancel(streamID, error.code) }
        fail(slot, error)
    }

    /// An open call's time is up.
    func deadlinePassed(_ slot: CallSlot) {
        let executed = RPCError.Executed(machine.executedIfLost(slot))
        let now = WireInstant(nanoseconds: link.context.now)
        if let streamID = machine.deadlinePassed(slot, now: now) { sendCancel(streamID, .deadlineExceeded) }
        let report = DeadlineReport(
            phase: executed == .no ? .sending : .handler, hop: hopName,
            method: records[slot.index]?.call.request.method.fullName ?? "")
        fail(slot, .timeUp(call: report, executed: executed))
    }

    private func sendCancel(_ streamID: UInt32, _ code: StatusCode) {
        link.drop(streamID: streamID)
        CancelFrame(code: code.rawValue).write(streamID: streamID, into: &link.out)
        link.touched()
    }

    // MARK: Ending

    private func leave(_ goaway: GoawayFrame, _ unaccepted: [CallSlot]) {
        let reason = goaway.code == .none ? goaway.reason : "\(goaway.code): \(goaway.reason)"
        let unaccepted = unaccepted.compactMap { takeKeepingTimer($0) }
        leaveReason = reason
        if goaway.code == .tooManyPings { observer?.connectionPingedTooOften(self) }
        observer?.connectionLeaves(self, reason: reason, unaccepted: unaccepted)
        if machine.peer == nil {
            close("the server refused the connection: \(reason)")
        } else {
            closeIfDone()
        }
    }

    /// No further calls are opened; the connection closes when the last one has ended.
    func leaveBegan() {
        machine.leaveBegan()
        closeIfDone()
    }

    private func closeIfDone() {
        guard !isClosed, !machine.isOpen, machine.peer != nil, machine.callsOpen == 0 else { return }
        link.closeAfterFlush()
        close("the connection was left: \(leaveReason)")
    }

    var hasCalls: Bool { machine.callsOpen > 0 }
    var keepaliveTimeout: Duration { options.keepalive.timeout }

    /// Nobody has called for the whole time: the server is told that nothing is wrong.
    func leaveIdle() {
        hasServed = true
        leaveReason = "it was idle"
        GoawayFrame(lastStreamID: 0, code: .none, reason: "the client is idle").write(into: &link.out)
        observer?.connectionLeaves(self, reason: leaveReason, unaccepted: [])
    }

    private func violated(_ error: WireError) {
        if isClosed { return }
        if error.code != .wrongProtocol {
            GoawayFrame(lastStreamID: 0, code: error.code, reason: error.message).write(into: &link.out)
        }
        link.closeAfterFlush()
        let needsTLS = error.code == .wrongProtocol && decoder.foreignProtocol == .tls
        close(needsTLS ? "the server requires TLS" : "the server broke the protocol: \(error)")
    }

    /// Ends at once: every caller is told what may have happened to its call.
    func close(_ cause: String) {
        if isClosed { return }
        isClosed = true
        link.context.cancelTimer(deadlineTimer)
        watch?.cancel(on: link.context)
        if link.transport != nil { link.closeAfterFlush() }
        var unsent: [PendingCall] = []
        for slot in machine.connectionClosed() {
            let executed = RPCError.Executed(machine.executedIfLost(slot))
            if executed == .no {
                if let pending = takeKeepingTimer(slot) { unsent.append(pending) }
            } else {
                fail(slot, RPCError(call: .unavailable, cause, executed: executed))
            }
        }
        observer?.connectionClosed(self, cause: cause, unsent: unsent)
        observer = nil
    }

    // MARK: Slow peers

    func timerFired(_ timer: LoopTimer) {
        if let watch = timer.subject as? MessageWatch { return messagesMayBeLate(watch) }
        if timer.key == LifeWatch.timerKey { return lifeTimerFired() }
        deadlineTimer = .none
        violated(
            WireError(
                .timeout, machine.peer == nil ? "no hello in time" : "a frame was not completed in time"))
    }

    private func watchForCompletion(completed: Bool) {
        guard machine.peer != nil else { return }
        if completed, deadlineTimer != .none {
            link.context.cancelTimer(deadlineTimer)
            deadlineTimer = .none
        }
        guard decoder.bytesHeld > 0, deadlineTimer == .none else { return }
        let at = Deadline(now: link.context.now, after: options.limits.frameTimeout).uptimeNanoseconds
        deadlineTimer = link.context.setTimer(at: at, LoopTimer(owner: self, subject: nil, key: 0))
    }
}

extension EndFrame {
    fileprivate var isOK: Bool { code == StatusCode.ok.rawValue }
    /// The server read the call and did not run it, for a reason of its own and not the call's.
    fileprivate var isRefusalToServe: Bool {
        code == StatusCode.unavailable.rawValue && executed == .no
    }
}
