// SPDX-License-Identifier: Apache-2.0

// The server's end of a connection. Three kinds of wrong input are told apart:
//   – a violation of the protocol throws: say goaway with its code, close;
//   – a call that cannot be accepted is refused with an end frame, and the connection goes on;
//   – what a correct peer may send late (frames of a call that has ended) is ignored and costs a glitch.

package import NIOCore

/// Decides what each frame means; owns no socket, clock or task.
package struct ServerConnectionMachine: Sendable {
    /// Why a call is refused before its handler starts, as a status code and text. Always marked "not executed".
    package struct Refusal: Sendable, Hashable {
        package var code: UInt8
        package var text: String
        package init(code: UInt8, text: String) {
            self.code = code
            self.text = text
        }
    }

    package enum Action: Sendable, Hashable {
        /// Nothing.
        case none
        /// Send our hello; calls may follow.
        case sendHello(peer: Hello)
        /// A call has begun. With a message its handler starts now; without, it waits for chunks or a place.
        case beginCall(CallSlot, CallFrame, message: ByteBuffer?)
        /// A call that had to wait starts.
        case startCall(CallSlot, message: ReceivedMessage)
        /// A call with a stream of requests has begun. Its handler starts now, or when ``nextWaiting()`` says so.
        case beginStream(CallSlot, CallFrame, StreamReceiver.Event, isEnded: Bool, starts: Bool)
        /// The stream's requests go on.
        case requests(CallSlot, StreamReceiver.Event, isEnded: Bool)
        /// A stream broke a limit of ours: cancel its handler, and end the call with the refusal.
        case refuseStream(CallSlot, streamID: UInt32, Refusal, wasStarted: Bool)
        /// More may be sent: on one stream, or on all.
        case credit(CallSlot?)
        /// Answer this stream with an end.
        case refuse(streamID: UInt32, CallFrame?, Refusal)
        /// Send an end with this code, marked not executed; the slot is free again.
        case endUnstarted(CallSlot, streamID: UInt32, code: UInt8)
        /// Cancel the handler and send an end with this code, marked maybe executed.
        case cancelHandler(CallSlot, streamID: UInt32, code: UInt8)
        /// Send the ping back as an answer.
        case answerPing(PingFrame)
        /// The peer answered a ping of ours.
        case pingAnswered(token: UInt64)
        /// The peer leaves; it opens no further calls.
        case noteGoaway(GoawayFrame)
    }

    private enum State: Sendable, Hashable { case awaitingHello, open, draining(last: UInt32), closed }

    let limits: WireLimits
    private var state = State.awaitingHello
    var calls = SlotTable<ServerCallMachine>()
    var waiting: [CallSlot] = []
    private var waitingHead = 0
    var running = 0
    var assemblyBytes = 0
    var lastStreamID: UInt32 = 0
    private var methodsBound = 0
    private var cancels: TokenBucket
    private var controlFrames: TokenBucket
    private var glitches: TokenBucket
    private var pings: PingPolicy
    package var flow: FlowControl

    package init(limits: WireLimits) {
        self.limits = limits
        pings = PingPolicy(limits: limits)
        flow = FlowControl(limits: limits)
        cancels = TokenBucket(limits.cancels)
        controlFrames = TokenBucket(limits.controlFrames)
        glitches = TokenBucket(limits.glitches)
    }

    /// Handlers that have not returned.
    package var callsRunning: Int { running }
    /// Calls that hold a slot: running, waiting for a place or for chunks.
    package var callsOpen: Int { calls.count }
    /// Declared bytes of requests that are incomplete, wait or have not been read.
    package var bytesHeld: Int { assemblyBytes }
    /// Highest call id seen, for a goaway.
    package var lastAccepted: UInt32 { lastStreamID }
    package var helloReceived: Bool { state != .awaitingHello }

    // MARK: Frames

    /// Whether frames mean anything but a greeting.
    var takesFrames: Bool { state != .closed && state != .awaitingHello }

    /// A frame arrived.
    package mutating func frameReceived(_ frame: Frame, now: WireInstant) throws(WireError) -> Action {
        switch state {
        case .awaitingHello: return try firstFrameReceived(frame)
        case .closed: return .none
        case .open, .draining: break
        }
        switch frame.header.kind {
        case .call: return try callReceived(frame, now: now)
        case .data: return try dataReceived(frame, now: now)
        case .cancel: return try cancelReceived(frame, now: now)
        case .ping: return try pingReceived(frame, now: now)
        case .goaway: return try goawayReceived(frame, now: now)
        case .credit: return try creditReceived(frame, now: now)
        case .hello: throw WireError(.outOfOrder, "a second hello")
        case .end: throw WireError(.outOfOrder, "an end from a client")
        default: return try unknownReceived(frame, now: now)
        }
    }

    private mutating func firstFrameReceived(_ frame: Frame) throws(WireError) -> Action {
        guard frame.header.kind == .hello, frame.header.streamID == 0 else {
            throw WireError(.outOfOrder, "the first frame is not a hello")
        }
        try frame.requireNoFlags()
        let hello = try Hello(payload: frame.payload)
        state = .open
        flow.helloReceived(hello)
        return .sendHello(peer: hello)
    }

    private mutating func callReceived(_ frame: Frame, now: WireInstant) throws(WireError) -> Action {
        let id = frame.header.streamID
        guard id > lastStreamID else {
            throw WireError(.outOfOrder, "a call's stream id \(id) is not above \(lastStreamID)")
        }
        lastStreamID = id
        var payload = frame.payload
        let call = try CallFrame(from: &payload, flags: frame.header.flags)
        try checkBinding(call)
        let part = try MessagePart(rest: payload, flags: frame.header.flags)
        if let refusal = refusal(of: call, flags: frame.header.flags, part: part, id: id) {
            try spendGlitch(now)
            return .refuse(streamID: id, call, refusal)
        }
        switch part {
        case .whole(let message) where frame.header.flags.contains(.last): return admit(id, call, message)
        case .first(let first, let total) where frame.header.flags.contains(.last):
            assemblyBytes += total
            let assembly = MessageAssembly(first: first, total: total)
            let slot = calls.insert(id, machine(.assembling(assembly)))
            return .beginCall(slot, call, message: nil)
        case .chunk: throw WireError(.malformedFrame, "a call with bytes that belong to no message")
        case .none, .whole, .first: return beginStream(id, call, part, flags: frame.header.flags)
        }
    }

    func machine(_ state: ServerCallMachine.State) -> ServerCallMachine {
        ServerCallMachine(state: state, sendCredit: SendCredit(flow.streamSendInitial))
    }

    private mutating func admit(_ id: UInt32, _ call: CallFrame, _ message: ByteBuffer) -> Action {
        if running < limits.callsRunningMax {
            running += 1
            return .beginCall(calls.insert(id, machine(.running)), call, message: message)
        }
        // Copied: a waiting call must not hold the whole read it came in.
        let kept = ByteBuffer(bytes: message.readableBytesView)
        assemblyBytes += kept.readableBytes
        let slot = calls.insert(id, machine(.queued(.whole(kept))))
        waiting.append(slot)
        return .beginCall(slot, call, message: nil)
    }

    private mutating func checkBinding(_ call: CallFrame) throws(WireError) {
        if call.method == MethodBinding.unbound {
            guard call.name != nil else { throw WireError(.malformedFrame, "a call that names no method") }
        } else if call.name != nil {
            guard Int(call.method) == methodsBound, methodsBound < limits.methodsMax else {
                throw WireError(
                    .outOfOrder, "method number \(call.method) bound; the next is \(methodsBound)")
            }
            methodsBound += 1
        } else if Int(call.method) >= methodsBound {
            throw WireError(.outOfOrder, "method number \(call.method) used before it was bound")
        }
    }

    private func refusal(of call: CallFrame, flags: FrameFlags, part: MessagePart, id: UInt32) -> Refusal? {
        if case .draining(let last) = state, id > last {
            return Refusal(code: 14, text: "the server is stopping")
        }
        guard calls.count < limits.callsRunningMax + limits.callsQueuedMax else {
            let most = limits.callsRunningMax + limits.callsQueuedMax
            return Refusal(code: 8, text: "over callsRunningMax + callsQueuedMax = \(most) calls")
        }
        if let metadata = call.metadata, metadata.readableBytes > limits.metadataBytesMax {
            let found = metadata.readableBytes
            return Refusal(
                code: 8,
                text: "metadata of \(found) bytes is over metadataBytesMax = \(limits.metadataBytesMax)")
        }
        let bytes = part.declaredBytes
        guard bytes <= limits.messageBytesMax else {
            return Refusal(
                code: 8,
                text: "a request of \(bytes) bytes is over messageBytesMax = \(limits.messageBytesMax)")
        }
        guard bytes <= limits.assemblyBytesMax - assemblyBytes else {
            return Refusal(code: 8, text: "over assemblyBytesMax = \(limits.assemblyBytesMax)")
        }
        return nil
    }

    private mutating func dataReceived(_ frame: Frame, now: WireInstant) throws(WireError) -> Action {
        let flags = frame.header.flags
        guard flags.isSubset(of: [.last, .message, .chunked, .counted, .waited, .compressed]) else {
            throw WireError(.malformedFrame, "a data frame with unknown flags")
        }
        guard flags.contains(.counted) || !flags.contains(.waited) else {
            throw WireError(.malformedFrame, "the flag waited without counted")
        }
        let part = try MessagePart(rest: frame.payload, flags: flags)
        guard part != .none || flags == .last else {
            throw WireError(.malformedFrame, "an empty data frame")
        }
        if flags.contains(.counted) { try flow.received(part.cost, flags: flags) }
        guard let slot = try dataSlot(frame, part, now: now) else { return .none }
        guard var call = calls[slot] else { return .none }
        if call.requests != nil { return try requestsReceived(slot, part, flags: flags) }
        if call.state == .lingering { return .none }
        guard flags.isEmpty else {
            throw WireError(.outOfOrder, "a data frame that begins a message after the only one")
        }
        guard case .assembling = call.state else {
            throw WireError(.outOfOrder, "a chunk after the whole request")
        }
        // One owner while the chunk is appended, so that the assembly is not copied. What stands in for it holds
        // nothing and no place, in case the chunk breaks the protocol.
        calls[slot] = machine(.queued(.whole(ByteBuffer())))
        let held = call.assemblyBytes
        let result = try call.chunkReceived(frame.payload)
        calls[slot] = call
        guard case .complete(let message) = result else { return .none }
        if running < limits.callsRunningMax {
            assemblyBytes -= held
            running += 1
            return .startCall(slot, message: .blocks(message))
        }
        calls[slot]?.queued(.blocks(message))
        waiting.append(slot)
        return .none
    }

    private mutating func cancelReceived(_ frame: Frame, now: WireInstant) throws(WireError) -> Action {
        try frame.requireNoFlags()
        let cancel = try CancelFrame(payload: frame.payload)
        guard cancels.take(now: now) else {
            throw WireError(
                .flood, "more cancels than \(limits.cancels.burst) + \(limits.cancels.perSecond)/s")
        }
        let id = frame.header.streamID
        guard id > 0, id <= lastStreamID else {
            throw WireError(.outOfOrder, "a cancel of stream \(id), which was never opened")
        }
        guard let slot = calls.slot(of: id) else { return .none }
        return endEarly(slot, code: cancel.code == 4 ? 4 : 1)
    }

    private mutating func pingReceived(_ frame: Frame, now: WireInstant) throws(WireError) -> Action {
        try frame.requireConnectionStream()
        let ping = try PingFrame(payload: frame.payload, flags: frame.header.flags)
        try spendControl(now)
        if ping.isAnswer { return .pingAnswered(token: ping.token) }
        guard pings.pingReceived(now: now) else {
            throw WireError(
                .tooManyPings, "pings less than pingIntervalMin = \(limits.pingIntervalMin) apart")
        }
        return .answerPing(PingFrame(token: ping.token, isAnswer: true))
    }

    private mutating func goawayReceived(_ frame: Frame, now: WireInstant) throws(WireError) -> Action {
        try frame.requireConnectionStream()
        try frame.requireNoFlags()
        try spendControl(now)
        return .noteGoaway(try GoawayFrame(payload: frame.payload, textBytesMax: limits.textBytesMax))
    }

    private mutating func unknownReceived(_ frame: Frame, now: WireInstant) throws(WireError) -> Action {
        guard frame.header.kind.isIgnorable else {
            throw WireError(.unknownKind, "a frame of unknown kind \(frame.header.kind.rawValue)")
        }
        try spendControl(now)
        return .none
    }

    // MARK: Our own events

    /// The call of a data frame. What is counted and belongs to no open call gives its credit back at once.
    private mutating func dataSlot(
        _ frame: Frame, _ part: MessagePart, now: WireInstant
    ) throws(WireError) -> CallSlot? {
        let id = frame.header.streamID
        guard frame.header.flags.contains(.counted) else { return try openSlot(id, now: now) }
        guard id > 0, id <= lastStreamID else {
            throw WireError(.outOfOrder, "a frame of stream \(id), which was never opened")
        }
        // No glitch: its credit has paid for it.
        guard let slot = calls.slot(of: id), calls[slot]?.state != .lingering else {
            flow.returned(part.cost)
            return nil
        }
        return slot
    }

    /// The call's time is up.
    package mutating func deadlinePassed(_ slot: CallSlot) -> Action { endEarly(slot, code: 4) }

    mutating func endEarly(_ slot: CallSlot, code: UInt8) -> Action {
        guard calls[slot] != nil else { return .none }
        let id = calls.id(of: slot)
        switch calls[slot]?.endedEarly() ?? .nothing {
        case .sendEndAndFree:
            forget(slot)
            return .endUnstarted(slot, streamID: id, code: code)
        case .cancelHandlerAndSendEnd:
            returnHeld(slot)
            return .cancelHandler(slot, streamID: id, code: code)
        case .nothing:
            return .none
        }
    }

    /// The stream of an open call.
    package func streamID(of slot: CallSlot) -> UInt32? { calls[slot] == nil ? nil : calls.id(of: slot) }

    /// A call that had begun is refused before its handler started: its slot is free.
    package mutating func callRefused(_ slot: CallSlot) {
        guard let call = calls[slot] else { return }
        if call.state == .running { running -= 1 }
        forget(slot)
    }

    private mutating func forget(_ slot: CallSlot) {
        assemblyBytes -= calls[slot]?.assemblyBytes ?? 0
        returnHeld(slot)
        forgetWaiting(slot)
        calls.remove(slot)
    }

    /// Nobody reads the stream's requests any more: what they hold is free.
    private mutating func returnHeld(_ slot: CallSlot) {
        guard let held = calls[slot]?.requests?.held else { return }
        calls[slot]?.requests = nil
        flow.returned(held.connection)
        assemblyBytes -= held.assembly
    }

    private mutating func forgetWaiting(_ slot: CallSlot) {
        if let position = waiting[waitingHead...].firstIndex(of: slot) { waiting.remove(at: position) }
    }

    /// A frame of a call goes out: pings may come more freely.
    mutating func callFrameSent() { pings.callFrameSent() }

    /// A handler returned: its place is free.
    ///
    /// - Returns: The stream to answer, or nil when the peer had its end before.
    package mutating func handlerReturned(_ slot: CallSlot) -> UInt32? {
        guard let call = calls[slot] else { return nil }
        let id = calls.id(of: slot)
        returnHeld(slot)
        calls.remove(slot)
        running -= 1
        pings.callFrameSent()
        return call.state == .running && state != .closed ? id : nil
    }

    /// The next call that may start, after places became free.
    package mutating func nextWaiting() -> (CallSlot, ReceivedMessage)? {
        guard waitingHead < waiting.count, running < limits.callsRunningMax, state != .closed else {
            return nil
        }
        let slot = waiting[waitingHead]
        waitingHead += 1
        if waitingHead == waiting.count {
            waiting.removeAll(keepingCapacity: true)
            waitingHead = 0
        }
        let held = calls[slot]?.assemblyBytes ?? 0
        guard let message = calls[slot]?.started() else { return nil }
        assemblyBytes -= held
        running += 1
        return (slot, message)
    }

    /// The server stops: calls opened from now on are refused. Returns the goaway to send.
    package mutating func drainBegan() -> GoawayFrame {
        if case .open = state { state = .draining(last: lastStreamID) }
        return GoawayFrame(lastStreamID: lastStreamID, code: .none, reason: "the server is stopping")
    }

    /// The connection is gone: returns the calls whose handlers must be cancelled. They leave when those return.
    package mutating func connectionClosed() -> [CallSlot] {
        guard state != .closed else { return [] }
        state = .closed
        waiting = []
        waitingHead = 0
        assemblyBytes = 0
        let open = calls.openSlots
        for slot in open {
            calls[slot]?.requests = nil
            if calls[slot]?.endedEarly() == .sendEndAndFree { calls.remove(slot) }
        }
        return open
    }

    // MARK: Rules shared by the frames

    private mutating func openSlot(_ id: UInt32, now: WireInstant) throws(WireError) -> CallSlot? {
        guard id > 0, id <= lastStreamID else {
            throw WireError(.outOfOrder, "a frame of stream \(id), which was never opened")
        }
        if let slot = calls.slot(of: id) { return slot }
        // A call that was refused or has ended: its sender could not know yet.
        try spendGlitch(now)
        return nil
    }

    private mutating func spendControl(_ now: WireInstant) throws(WireError) {
        guard controlFrames.take(now: now) else {
            let rate = limits.controlFrames
            throw WireError(.flood, "more control frames than \(rate.burst) + \(rate.perSecond)/s")
        }
    }

    mutating func spendGlitch(_ now: WireInstant) throws(WireError) {
        guard glitches.take(now: now) else {
            let rate = limits.glitches
            throw WireError(.flood, "more suspicious events than \(rate.burst) + \(rate.perSecond)/s")
        }
    }
}

extension MessagePart {
    /// Length of the message this part belongs to, as far as the part tells it.
    package var declaredBytes: Int {
        switch self {
        case .none: 0
        case .whole(let message): message.readableBytes
        case .first(_, let total): total
        case .chunk(let chunk): chunk.readableBytes
        }
    }
}
