// SPDX-License-Identifier: Apache-2.0

// A connection on the server: carries out what the state machine decides, and keeps, in an array under the machine's
// slots, what the machine must not know: tasks, timers, calls. Loop only.

import Logging
import NIOCore
import RavioliWire

/// One client's connection. Loop only.
final class ServerConnection: ConnectionEndpoint, TimerOwner {
    /// What a connection keeps for one of its calls.
    final class Record {
        let streamID: UInt32
        let call: ServerCall
        /// The streams of a call that has some.
        var stream: ServerStream?
        var output: StreamOutput?
        /// Watches the streams when their silence is limited.
        var watch: MessageWatch?
        var task: Task<Void, Never>?
        let timer: TimerID

        init(streamID: UInt32, call: ServerCall, timer: TimerID) {
            self.streamID = streamID
            self.call = call
            self.timer = timer
        }
    }

    static let readsOnlyWhileWritable = true

    let link: FrameLink
    let server: ServerCore
    private let methods: [ServedMethod]
    // Unchecked, here and on the client: several files use them, so the compiler would check each access of each frame.
    @exclusivity(unchecked) var machine: ServerConnectionMachine
    @exclusivity(unchecked) var decoder: FrameDecoder
    /// Stands between us and a client that speaks ttrpc; nil for all others.
    var ttrpc: TTRPCTranslator?
    @exclusivity(unchecked) var records: [Record?] = []
    /// The number of each bound method's handler; negative for an unknown method, whose name is kept.
    private var bound: [Int] = []
    private var unknownNames: [Int: String] = [:]
    private(set) var handle: Handle?
    /// What the caller may call by the policy that it was worked out for; nil before the first call.
    private var permissions: Permissions?
    private var frameTimer = TimerID.none
    private(set) var isClosed = false
    /// No further calls are wanted; the connection closes once those that run have ended.
    var isStopping = false
    var drainReason = ""
    @exclusivity(unchecked) var watch: LifeWatch?
    /// Whether frames or calls wait until the peer has read more of what it asked for.
    private var isHeldUp = false
    private var lastStarted: MethodName?
    private(set) var peerMessageBytesMax = 0
    private(set) var peerMetadataBytesMax = 0
    private(set) var sendWindow = 0
    /// Hears when the connection is gone and every handler has returned.
    var onGone: (() -> Void)?

    /// Timer keys that no stream id has: stream 0 is the connection's.
    private static let frameTimerKey: UInt32 = 0

    init(_ server: ServerCore, context: LoopContext) {
        self.server = server
        link = FrameLink(context)
        methods = server.methods(on: context)
        machine = ServerConnectionMachine(limits: server.options.limits)
        decoder = FrameDecoder(limits: server.options.limits)
        link.owner = self
    }

    deinit { link.owner = nil }

    func outputWanted() {
        startWaiting()
        if ttrpc != nil { ttrpcOutputWanted() }
    }
    func messageSent(_ streamID: UInt32) { closeIfDone() }

    // MARK: ConnectionEndpoint

    func connected(peer: Peer) {
        handle = Handle(self, server: server, peer: peer)
        if isStopping { return awaitHelloBriefly() }
        // A client of ttrpc may connect long before its first call. The time of any other begins with its first byte.
        if !server.options.servesTTRPC { armFrameTimer(server.options.limits.helloTimeout) }
    }

    func received(_ bytes: ByteBuffer) {
        if isClosed { return }
        if ttrpc != nil { return ttrpcReceived(bytes) }
        decoder.append(bytes)
        watch?.life.bytesRead(now: WireInstant(nanoseconds: link.context.now))
        readFrames()
    }

    private func readFrames() {
        do throws(WireError) {
            var now = link.context.now
            var completed = false
            var frames = 0
            while mayGoOn() {
                while takeRun() { completed = true }
                guard let frame = try decoder.next() else { break }
                completed = true
                frames += 1
                if frames % LoopContext.share == 0 { link.flushEarly() }
                if isClosed { return }
                perform(try machine.frameReceived(frame, now: WireInstant(nanoseconds: now)), now: now)
                if isClosed { return }
                now = noteTimeSpent(since: now)
            }
            sendGrants()
            watchForCompletion(completed: completed)
        } catch {
            violated(error)
        }
    }

    /// Whether another call may begin. A few bytes can ask for megabytes, and calls that end at once have no limit of
    /// their own: without this, one read full of calls could make us gather gigabytes for a peer that reads nothing.
    private func mayGoOn() -> Bool {
        if link.unsentBytes <= server.options.limits.connectionCreditBytes { return true }
        isHeldUp = true
        return false
    }

    func outputFlushed() {
        guard isHeldUp, !isClosed else { return }
        isHeldUp = false
        readFrames()
        // Calls that wait for a place go on with the flush.
        link.touched()
    }

    /// One look at the clock per frame tells both when the next one arrives and whether a handler held up the loop.
    func noteTimeSpent(since before: Int64) -> Int64 {
        let now = link.context.now
        server.stallObserver.workEnded(lastStarted, nanoseconds: now - before)
        return now
    }

    func disconnected(cause: (any Error)?) {
        close()
    }

    // MARK: Carrying out

    func perform(_ action: ServerConnectionMachine.Action, now: Int64) {
        switch action {
        case .none: break
        case .beginCall(let slot, let head, let message): begin(slot, head, message, now: now)
        case .startCall(let slot, let message): start(slot, message)
        case .beginStream(let slot, let head, let event, let isEnded, let starts):
            beginStream(slot, head, event, isEnded: isEnded, starts: starts, now: now)
        case .requests(let slot, let event, let isEnded): deliver(slot, event, isEnded: isEnded)
        case .refuseStream(let slot, let streamID, let refusal, let wasStarted):
            refuseStream(slot, streamID, refusal, wasStarted: wasStarted)
        case .credit(let slot): creditReceived(slot)
        case .sendHello(let peer): greet(peer)
        case .refuse(let streamID, let head, let refusal):
            if let head { noteBinding(head) }
            sendEnd(streamID, RPCError(StatusCode(wire: refusal.code), refusal.text, executed: .no))
        case .endUnstarted(let slot, let streamID, let code):
            let error = early(code, slot, isStarted: false)
            release(slot)
            sendEnd(streamID, error)
        case .cancelHandler(let slot, let streamID, let code):
            let error = early(code, slot, isStarted: true)
            cancelHandler(slot)
            sendEnd(streamID, error)
        case .answerPing(let ping):
            ping.write(into: &link.out)
            link.touched()
        case .pingAnswered(let token): pingAnswered(token: token)
        case .noteGoaway: closeIfDone()
        }
    }

    private func greet(_ peer: Hello) {
        link.frameBytesMax =
            ttrpc == nil
            ? min(Int(peer.frameBytesMax), server.options.limits.frameBytesMax) : TTRPC.frameBytesMax
        peerMessageBytesMax = Int(peer.messageBytesMax)
        sendWindow = min(Int(peer.streamCreditBytes), Int(peer.connectionCreditBytes))
        peerMetadataBytesMax = min(
            Int(peer.metadataBytesMax), server.options.limits.metadataBytesMax,
            EndFrame.metadataBytesMax(frameBytesMax: link.frameBytesMax))
        server.hello.write(into: &link.out)
        link.touched()
        let terms = ttrpc == nil ? server.lifeTerms : server.lifeTerms.withoutPings
        lifeBegan(terms, random: link.context.random())
        if isStopping { drainBegan() }
    }

    // MARK: Calls

    func begin(_ slot: CallSlot, _ head: CallFrame, _ message: ByteBuffer?, now: Int64) {
        guard let streamID = machine.streamID(of: slot) else { return }
        noteBinding(head)
        do {
            let record = try admit(slot, head, streamID: streamID, now: now)
            store(record, in: slot)
            if let message { start(slot, .whole(message)) }
        } catch {
            machine.callRefused(slot)
            sendEnd(streamID, error)
        }
    }

    private func check(_ number: Int, _ access: AccessSource, _ peer: Peer) throws(RPCError) {
        if let permissions, access.isCurrent(permissions) { return try permissions.check(number) }
        let current = access.permissions(of: peer.identity)
        permissions = current
        try current.check(number)
    }

    func admit(
        _ slot: CallSlot, _ head: CallFrame, streamID: UInt32, now: Int64
    ) throws(RPCError) -> Record {
        let number = try handlerNumber(of: head)
        guard let handle else { throw RPCError(.internal, "a call on a closed connection", executed: .no) }
        if let access = server.access { try check(number, access, handle.peer) }
        let method = methods[number]
        let deadline = try deadline(of: head, now: now, isStream: method.isStream)
        let metadata = try metadata(of: head)
        let call = ServerCall(
            method, slot: slot, head: head, deadline: deadline, metadata: metadata, connection: handle)
        let timer =
            deadline == .never
            ? .none
            : link.context.setTimer(
                at: deadline.uptimeNanoseconds, LoopTimer(owner: self, subject: call, key: streamID))
        let record = Record(streamID: streamID, call: call, timer: timer)
        if call.isStream { attachStream(to: record) }
        return record
    }

    private func deadline(of head: CallFrame, now: Int64, isStream: Bool) throws(RPCError) -> Deadline {
        guard let remaining = head.remaining.nanoseconds else {
            if isStream { return .never }
            throw RPCError(.invalidArgument, "a unary call without a deadline", executed: .no)
        }
        guard remaining > 0 else {
            throw RPCError(.deadlineExceeded, "the deadline had passed when the call arrived", executed: .no)
        }
        return Deadline(uptimeNanoseconds: now &+ remaining)
    }

    private func metadata(of head: CallFrame) throws(RPCError) -> Metadata {
        guard let block = head.metadata else { return Metadata() }
        do throws(BlockError) {
            return try Metadata(block: block, limits: server.options.limits)
        } catch {
            let code: StatusCode = error.reason == .overLimit ? .resourceExhausted : .invalidArgument
            throw RPCError(code, error.text, executed: .no)
        }
    }

    func store(_ record: Record, in slot: CallSlot) {
        while records.count <= slot.index { records.append(nil) }
        records[slot.index] = record
    }

    func start(_ slot: CallSlot, _ message: ReceivedMessage?) {
        guard let record = records[slot.index] else { return }
        lastStarted = record.call.method
        if !server.observers.isEmpty { observeStart(of: record.call) }
        let task =
            switch (record.call.served.handler.body, message) {
            case (.unary(_, let beginLong), .blocks(let blocks)?): beginLong(blocks, record.call)
            case (.unary(let begin, _), .whole(let message)?):
                message.withUnsafeReadableBytes { begin($0, record.call) }
            case (.unary(let begin, _), nil): begin(UnsafeRawBufferPointer(start: nil, count: 0), record.call)
            case (.stream(let begin), _): startStream(record, message, begin)
            }
        // A handler that did not suspend has ended by now, and its slot may belong to another call.
        if let task, records[slot.index] === record { record.task = task }
    }

    /// A handler ended, with a response or an error.
    func handlerReturned(_ call: ServerCall, _ end: ServerCall.End) {
        guard records[call.slot.index]?.call === call else { return }
        let streamID = machine.handlerReturned(call.slot)
        if !server.observers.isEmpty { observe(end, of: call) }
        if call.isCancelled { server.lateWork.add(nanoseconds: link.context.now - call.cancelledAt) }
        release(call.slot)
        if let streamID {
            switch end {
            case .response(let bytes): sendResponse(streamID, .borrowed(bytes), call.metadataToSend)
            case .ownedResponse(let bytes): sendResponse(streamID, .owned(bytes), call.metadataToSend)
            case .sent: sendResponse(streamID, nil, call.metadataToSend)
            case .error(let error): sendEnd(streamID, error, metadata: call.metadataToSend)
            }
        }
        link.touched()
        if watch?.life.limitsIdleness == true {
            watch?.life.callEnded(now: WireInstant(nanoseconds: link.context.now))
        }
        closeIfDone()
        reportIfGone()
    }

    /// Fills places that became free. At the end of the turn, not where a handler ended: a handler that ends at once
    /// would come back here, as deep as there are calls waiting.
    private func startWaiting() {
        while mayGoOn(), let (slot, message) = machine.nextWaiting() {
            // A stream's requests have been delivered as they came.
            let isStream = machine.hasRequestStream(slot)
            start(slot, isStream ? nil : message)
        }
    }

    func cancelHandler(_ slot: CallSlot) {
        guard let record = records[slot.index] else { return }
        link.context.cancelTimer(record.timer)
        record.watch?.cancel(on: link.context)
        record.call.markCancelled(at: link.context.now)
        if let stream = record.stream { endStream(stream, of: record) }
        record.task?.cancel()
    }

    func release(_ slot: CallSlot) {
        guard let record = records[slot.index] else { return }
        link.context.cancelTimer(record.timer)
        record.watch?.cancel(on: link.context)
        record.output?.drop()
        records[slot.index] = nil
    }

    func timerFired(_ timer: LoopTimer) {
        if timer.subject == nil, timer.key == LifeWatch.timerKey { return lifeTimerFired() }
        if let watch = timer.subject as? MessageWatch { return messagesMayBeLate(watch) }
        guard let call = timer.subject as? ServerCall else {
            violated(
                WireError(
                    .timeout, machine.helloReceived ? "a frame was not completed in time" : "no hello in time"
                ))
            return
        }
        guard let record = records[call.slot.index], record.call === call else { return }
        perform(machine.deadlinePassed(call.slot), now: link.context.now)
    }

    // MARK: Methods by number

    func noteBinding(_ head: CallFrame) {
        guard let name = head.name, head.method != MethodBinding.unbound else { return }
        let text = String(decoding: name.readableBytesView, as: UTF8.self)
        if let number = server.methods.number(of: text) {
            bound.append(number)
        } else {
            unknownNames[bound.count] = text
            bound.append(-1)
        }
    }

    private func handlerNumber(of head: CallFrame) throws(RPCError) -> Int {
        if head.method == MethodBinding.unbound {
            let name = head.name.map { String(decoding: $0.readableBytesView, as: UTF8.self) } ?? ""
            if let number = server.methods.number(of: name) { return number }
            throw RPCError(.unimplemented, server.methods.explanation(for: name), executed: .no)
        }
        let number = bound[Int(head.method)]
        if number >= 0 { return number }
        let name = unknownNames[Int(head.method)] ?? ""
        throw RPCError(.unimplemented, server.methods.explanation(for: name), executed: .no)
    }

    // MARK: Ending

    var helloReceived: Bool { machine.helloReceived }
    var hasCalls: Bool { machine.callsOpen > 0 }

    /// Calls are refused from here on; those accepted go on.
    func sendLastID() {
        var goaway = machine.drainBegan()
        goaway.reason = drainReason
        goaway.write(into: &link.out)
        link.touched()
    }

    func closeIfDone() {
        if isStopping, !isClosed, machine.callsOpen == 0, !link.hasBacklog { callsEnded() }
    }

    private func finish() {
        link.closeAfterFlush()
        close()
    }

    /// Closes now, whatever runs.
    func abort() {
        if !isClosed { finish() }
    }

    func violated(_ error: WireError) {
        if isClosed || error.code == .wrongProtocol && ttrpcBegan() { return }
        server.note(error, from: handle?.peer)
        if error.code == .wrongProtocol, let foreign = decoder.foreignProtocol {
            link.out.writeImmutableBuffer(foreign.answer())
        } else {
            GoawayFrame(lastStreamID: machine.lastAccepted, code: error.code, reason: error.message)
                .write(into: &link.out)
        }
        finish()
    }

    /// Ends at once: handlers are cancelled, and their ends are awaited but sent nowhere.
    func close() {
        if isClosed { return }
        isClosed = true
        link.context.cancelTimer(frameTimer)
        watch?.cancel(on: link.context)
        for slot in machine.connectionClosed() {
            cancelHandler(slot)
            if machine.streamID(of: slot) == nil { release(slot) }
        }
        // Calls that still run keep the handle, and through it the connection, until they return.
        handle = nil
        reportIfGone()
    }

    private func reportIfGone() {
        guard isClosed, machine.callsOpen == 0 else { return }
        onGone?()
        onGone = nil
    }

    // MARK: Slow peers

    /// A frame has its time from its first byte, however slowly the others drip in.
    func watchForCompletion(completed: Bool) {
        guard machine.helloReceived else {
            if frameTimer == .none { armFrameTimer(server.options.limits.helloTimeout) }
            return
        }
        if completed || isHeldUp, frameTimer != .none {
            link.context.cancelTimer(frameTimer)
            frameTimer = .none
        }
        // What waits because of us is not late.
        if (ttrpc?.bytesIncomplete ?? decoder.bytesHeld) > 0, !isHeldUp, frameTimer == .none {
            armFrameTimer(server.options.limits.frameTimeout)
        }
    }

    /// A client whose hello is on its way gets an answer; one that connects and is silent keeps no server from stopping.
    func awaitHelloBriefly() {
        link.context.cancelTimer(frameTimer)
        armFrameTimer(min(server.options.limits.drainCloseTimeout, server.options.limits.helloTimeout))
    }

    private func armFrameTimer(_ timeout: Duration) {
        let at = Deadline(now: link.context.now, after: timeout).uptimeNanoseconds
        frameTimer = link.context.setTimer(
            at: at, LoopTimer(owner: self, subject: nil, key: Self.frameTimerKey))
    }
}
