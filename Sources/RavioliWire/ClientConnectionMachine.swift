// SPDX-License-Identifier: Apache-2.0

// The client's end of a connection: numbers streams and methods, keeps to the server's limits, and matches ends to
// calls. Wrong input is told apart as on the server: a violation throws, late frames are ignored at the price of a
// glitch, and an answer over our own limits ends its call alone.

package import NIOCore

/// Decides what each frame means and what may be sent; owns no socket, clock or task.
package struct ClientConnectionMachine: Sendable {
    package enum Action: Sendable, Hashable {
        /// Nothing.
        case none
        /// The server accepted us: calls may be opened.
        case open(Hello)
        /// Give the caller its end; the slot is free.
        case endCall(CallSlot, EndFrame, message: ReceivedMessage?)
        /// A call whose caller had gone has ended; the slot is free.
        case releaseCall(CallSlot)
        /// Fail the caller with this code: its answer is over our limit, or a stream it did not ask for. Send a cancel for
        /// the stream.
        case failCall(CallSlot, streamID: UInt32, code: UInt8, text: String)
        /// A stream's responses go on.
        case responses(CallSlot, StreamReceiver.Event)
        /// A stream's metadata, ahead of its first response.
        case metadata(CallSlot, ByteBuffer)
        /// More may be sent: on one stream, or on all.
        case credit(CallSlot?)
        /// Send the ping back as an answer.
        case answerPing(PingFrame)
        /// The server accepts no calls any more; those listed were not accepted and their slots are free.
        case leave(GoawayFrame, unaccepted: [CallSlot])
    }

    /// What opening a call needs on the wire.
    package struct Opening: Sendable, Hashable {
        package let slot: CallSlot
        package let streamID: UInt32
    }

    private enum State: Sendable, Hashable { case awaitingHello, open, leaving, closed }

    let limits: WireLimits
    private var state = State.awaitingHello { didSet { isOpen = state == .open } }
    package internal(set) var calls = SlotTable<ClientCallMachine>()
    var lastStreamID: UInt32 = 0
    private var methodsBound: UInt16 = 0
    private var cancels: TokenBucket
    private var controlFrames: TokenBucket
    private var glitches: TokenBucket
    package var flow: FlowControl
    /// Declared bytes of responses in several frames that have not been read.
    var assemblyBytes = 0
    /// What the server accepts; set by its hello.
    package private(set) var peer: Hello?

    package init(limits: WireLimits) {
        self.limits = limits
        flow = FlowControl(limits: limits)
        cancels = TokenBucket(limits.cancels)
        controlFrames = TokenBucket(limits.controlFrames)
        glitches = TokenBucket(limits.glitches)
    }

    // Stored, as far as every call asks for them: to call a function of another module means to copy the machine first.

    /// Whether this connection takes further calls, now or once places are free.
    package private(set) var isOpen = false
    /// Calls that the server runs at a time.
    package private(set) var callsMax = 0
    /// Whether a call may be opened now.
    package var hasPlace: Bool { isOpen && calls.count < callsMax }
    /// Calls whose end has not arrived.
    package var callsOpen: Int { calls.count }

    // MARK: Our own events

    /// The next method number, or nil when the connection has no more; the name must travel with it.
    package mutating func methodBound() -> UInt16? {
        guard Int(methodsBound) < min(limits.methodsMax, Int(MethodBinding.unbound) - 1) else { return nil }
        defer { methodsBound += 1 }
        return methodsBound
    }

    /// A caller wants to call; nil when there is no place. Report ``requestSent(_:)`` when it is out.
    ///
    /// - Parameter isStream: whether either side of the call is a stream.
    package mutating func callOpened(isStream: Bool = false) -> Opening? {
        guard hasPlace else { return nil }
        lastStreamID += 1
        let slot = calls.insert(lastStreamID, isStream ? streamMachine() : ClientCallMachine())
        if lastStreamID >= limits.streamIDMax { state = .leaving }
        return Opening(slot: slot, streamID: lastStreamID)
    }

    /// The whole request went out with its call frame.
    package mutating func requestSent(_ slot: CallSlot) { calls[slot]?.requestSent() }

    /// The last chunk of a request went out.
    package mutating func requestSent(_ streamID: UInt32) {
        guard let slot = calls.slot(of: streamID) else { return }
        calls[slot]?.requestSent()
    }

    /// The caller of an open call was cancelled. Returns the stream to cancel, if the frame should be sent.
    ///
    /// The server allows a number of cancels a second; above it the frame is withheld and the call ends with its
    /// deadline there.
    package mutating func callerCancelled(_ slot: CallSlot, now: WireInstant) -> UInt32? {
        guard calls[slot]?.callerCancelled() == .sendCancel else { return nil }
        returnHeld(slot)
        guard cancels.take(now: now) else { return nil }
        return calls.id(of: slot)
    }

    /// An open call's time is up. Returns the stream to cancel, if the server cannot know it.
    package mutating func deadlinePassed(_ slot: CallSlot, now: WireInstant) -> UInt32? {
        let abandonment = calls[slot]?.deadlinePassed()
        returnHeld(slot)
        guard abandonment == .sendCancel, cancels.take(now: now) else { return nil }
        return calls.id(of: slot)
    }

    /// The mark for a call whose connection is lost or whose caller gives up now.
    package func executedIfLost(_ slot: CallSlot) -> ExecutedMark { calls[slot]?.executedIfLost ?? .no }

    /// The stream of an open call.
    package func streamID(of slot: CallSlot) -> UInt32? { calls[slot] == nil ? nil : calls.id(of: slot) }

    /// Whether the call's caller still waits.
    package func isWaiting(_ slot: CallSlot) -> Bool { calls[slot].map { !$0.isAbandoned } ?? false }

    /// We open no further calls here.
    package mutating func leaveBegan() {
        if state == .open || state == .awaitingHello { state = .leaving }
    }

    /// The connection is gone: returns every open call. Ask ``executedIfLost(_:)`` before the next event.
    package mutating func connectionClosed() -> [CallSlot] {
        guard state != .closed else { return [] }
        state = .closed
        return calls.openSlots
    }

    // MARK: Frames

    /// Whether frames mean anything but a greeting.
    var takesFrames: Bool { state != .closed && peer != nil }

    /// A frame arrived.
    package mutating func frameReceived(_ frame: Frame, now: WireInstant) throws(WireError) -> Action {
        switch state {
        case .awaitingHello: return try firstFrameReceived(frame)
        case .closed: return .none
        case .open, .leaving:
            if peer == nil { return try firstFrameReceived(frame) }
        }
        switch frame.header.kind {
        case .end: return try endReceived(frame, now: now)
        case .data: return try dataReceived(frame, now: now)
        case .ping: return try pingReceived(frame, now: now)
        case .goaway: return try goawayReceived(frame, now: now)
        case .credit: return try creditReceived(frame, now: now)
        case .hello: throw WireError(.outOfOrder, "a second hello")
        case .call, .cancel: throw WireError(.outOfOrder, "a call or cancel from a server")
        default: return try unknownReceived(frame, now: now)
        }
    }

    private mutating func firstFrameReceived(_ frame: Frame) throws(WireError) -> Action {
        if frame.header.kind == .goaway {
            try frame.requireConnectionStream()
            try frame.requireNoFlags()
            let goaway = try GoawayFrame(payload: frame.payload, textBytesMax: limits.textBytesMax)
            state = .leaving
            return .leave(goaway, unaccepted: [])
        }
        guard frame.header.kind == .hello, frame.header.streamID == 0 else {
            throw WireError(.outOfOrder, "the first frame is not a hello")
        }
        try frame.requireNoFlags()
        let hello = try Hello(payload: frame.payload)
        peer = hello
        callsMax = Int(hello.callsRunningMax)
        flow.helloReceived(hello)
        guard state == .awaitingHello else { return .none }
        state = .open
        return .open(hello)
    }

    private mutating func endReceived(_ frame: Frame, now: WireInstant) throws(WireError) -> Action {
        guard let slot = try openSlot(frame.header.streamID, now: now) else { return .none }
        var payload = frame.payload
        var end = try EndFrame(from: &payload, flags: frame.header.flags)
        let part = try MessagePart(rest: payload, flags: frame.header.flags)
        if case .chunk = part { throw WireError(.malformedFrame, "an end with bytes that are no message") }
        guard var call = calls[slot] else { return .none }
        let message = try call.endReceived(part)
        // A stream that broke off must not look like one that was complete.
        if end.code == 0, call.responses?.isWithinMessage == true { end = .cutOff(end) }
        returnHeld(slot)
        calls.remove(slot)
        return call.isAbandoned ? .releaseCall(slot) : .endCall(slot, end, message: message)
    }

    private mutating func dataReceived(_ frame: Frame, now: WireInstant) throws(WireError) -> Action {
        let flags = frame.header.flags
        if flags == .metadata { return try metadataReceived(frame, now: now) }
        guard flags.isSubset(of: [.message, .chunked, .counted, .waited, .compressed]) else {
            throw WireError(.malformedFrame, "a data frame with unknown flags")
        }
        guard flags.contains(.counted) || !flags.contains(.waited) else {
            throw WireError(.malformedFrame, "the flag waited without counted")
        }
        let part = try MessagePart(rest: frame.payload, flags: flags)
        if part == .none { throw WireError(.malformedFrame, "an empty chunk") }
        if flags.contains(.counted) { return try countedReceived(frame, part) }
        guard let slot = try openSlot(frame.header.streamID, now: now) else { return .none }
        guard part.declaredBytes <= limits.messageBytesMax else {
            return tooLong(slot, frame.header.streamID, part.declaredBytes)
        }
        try calls[slot]?.partReceived(part)
        return .none
    }

    /// An answer is over our limit: its caller fails, the server is told.
    private mutating func tooLong(_ slot: CallSlot, _ streamID: UInt32, _ bytes: Int) -> Action {
        failCall(
            slot, streamID, "an answer of \(bytes) bytes is over messageBytesMax = \(limits.messageBytesMax)")
    }

    mutating func failCall(
        _ slot: CallSlot, _ streamID: UInt32, code: UInt8 = 8, _ text: String
    ) -> Action {
        guard calls[slot]?.callerCancelled() == .sendCancel else { return .none }
        returnHeld(slot)
        return .failCall(slot, streamID: streamID, code: code, text: text)
    }

    private mutating func pingReceived(_ frame: Frame, now: WireInstant) throws(WireError) -> Action {
        try frame.requireConnectionStream()
        let ping = try PingFrame(payload: frame.payload, flags: frame.header.flags)
        try spendControl(now)
        return ping.isAnswer ? .none : .answerPing(PingFrame(token: ping.token, isAnswer: true))
    }

    private mutating func goawayReceived(_ frame: Frame, now: WireInstant) throws(WireError) -> Action {
        try frame.requireConnectionStream()
        try frame.requireNoFlags()
        try spendControl(now)
        let goaway = try GoawayFrame(payload: frame.payload, textBytesMax: limits.textBytesMax)
        state = .leaving
        let unaccepted = calls.openSlots.filter { calls.id(of: $0) > goaway.lastStreamID }
        let waiting = unaccepted.filter { isWaiting($0) }
        for slot in unaccepted {
            returnHeld(slot)
            calls.remove(slot)
        }
        return .leave(goaway, unaccepted: waiting)
    }

    private mutating func unknownReceived(_ frame: Frame, now: WireInstant) throws(WireError) -> Action {
        guard frame.header.kind.isIgnorable else {
            throw WireError(.unknownKind, "a frame of unknown kind \(frame.header.kind.rawValue)")
        }
        try spendControl(now)
        return .none
    }

    mutating func openSlot(_ id: UInt32, now: WireInstant) throws(WireError) -> CallSlot? {
        guard id > 0, id <= lastStreamID else {
            throw WireError(.outOfOrder, "a frame of stream \(id), which was never opened")
        }
        if let slot = calls.slot(of: id) { return slot }
        try spendGlitch(now)
        return nil
    }

    mutating func spendGlitch(_ now: WireInstant) throws(WireError) {
        guard glitches.take(now: now) else {
            throw WireError(.flood, "more suspicious events than \(limits.glitches.burst)")
        }
    }

    private mutating func spendControl(_ now: WireInstant) throws(WireError) {
        guard controlFrames.take(now: now) else {
            let rate = limits.controlFrames
            throw WireError(.flood, "more control frames than \(rate.burst) + \(rate.perSecond)/s")
        }
    }
}

extension EndFrame {
    /// What an OK end in the midst of a message becomes: INTERNAL, and a `ravioli.rpc.v1.Status` with its text, field 1.
    fileprivate static func cutOff(_ end: EndFrame) -> EndFrame {
        let text = "the server ended the call in the midst of a message"
        var status = ByteBuffer(bytes: [0x0A, UInt8(truncatingIfNeeded: text.utf8.count)])
        status.writeString(text)
        return EndFrame(code: 13, executed: end.executed, metadata: end.metadata, status: status)
    }
}
