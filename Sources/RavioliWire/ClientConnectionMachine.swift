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
        case endCall(CallSlot, EndFrame, message: ByteBuffer?)
        /// A call whose caller had gone has ended; the slot is free.
        case releaseCall(CallSlot)
        /// Fail the caller: its answer is over our limit. Send a cancel for the stream.
        case failCall(CallSlot, streamID: UInt32, text: String)
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

    private let limits: WireLimits
    private var state = State.awaitingHello
    private var calls = SlotTable<ClientCallMachine>()
    private var lastStreamID: UInt32 = 0
    private var methodsBound: UInt16 = 0
    private var cancels: TokenBucket
    private var controlFrames: TokenBucket
    private var glitches: TokenBucket
    /// What the server accepts; set by its hello.
    package private(set) var peer: Hello?

    package init(limits: WireLimits) {
        self.limits = limits
        cancels = TokenBucket(limits.cancels)
        controlFrames = TokenBucket(limits.controlFrames)
        glitches = TokenBucket(limits.glitches)
    }

    /// Whether this connection takes further calls, now or once places are free.
    package var isOpen: Bool { state == .open }
    /// Whether a call may be opened now.
    package var hasPlace: Bool { state == .open && calls.count < callsMax }
    /// Calls whose end has not arrived.
    package var callsOpen: Int { calls.count }

    private var callsMax: Int { Int(peer?.callsRunningMax ?? 0) }

    // MARK: Our own events

    /// The next method number, or nil when the connection has no more; the name must travel with it.
    package mutating func methodBound() -> UInt16? {
        guard Int(methodsBound) < min(limits.methodsMax, Int(MethodBinding.unbound) - 1) else { return nil }
        defer { methodsBound += 1 }
        return methodsBound
    }

    /// A caller wants to call; nil when there is no place. Report ``requestSent(_:)`` when it is out.
    package mutating func callOpened() -> Opening? {
        guard hasPlace else { return nil }
        lastStreamID += 1
        let slot = calls.insert(lastStreamID, ClientCallMachine())
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
        guard calls[slot]?.callerCancelled() == .sendCancel, cancels.take(now: now) else { return nil }
        return calls.id(of: slot)
    }

    /// An open call's time is up. Returns the stream to cancel, if the server cannot know it.
    package mutating func deadlinePassed(_ slot: CallSlot, now: WireInstant) -> UInt32? {
        guard calls[slot]?.deadlinePassed() == .sendCancel, cancels.take(now: now) else { return nil }
        return calls.id(of: slot)
    }

    /// The mark for a call whose connection is lost or whose caller gives up now.
    package func executedIfLost(_ slot: CallSlot) -> ExecutedMark { calls[slot]?.executedIfLost ?? .no }

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
        case .credit:
            try spendControl(now)
            _ = try CreditFrame(payload: frame.payload)
            return .none
        case .hello: throw WireError(.outOfOrder, "a second hello")
        case .call, .cancel: throw WireError(.outOfOrder, "a call or cancel from a server")
        default: return try unknownReceived(frame, now: now)
        }
    }

    private mutating func firstFrameReceived(_ frame: Frame) throws(WireError) -> Action {
        if frame.header.kind == .goaway {
            let goaway = try GoawayFrame(payload: frame.payload, textBytesMax: limits.textBytesMax)
            state = .leaving
            return .leave(goaway, unaccepted: [])
        }
        guard frame.header.kind == .hello, frame.header.streamID == 0, frame.header.flags.isEmpty else {
            throw WireError(.outOfOrder, "the first frame is not a hello")
        }
        let hello = try Hello(payload: frame.payload)
        peer = hello
        guard state == .awaitingHello else { return .none }
        state = .open
        return .open(hello)
    }

    private mutating func endReceived(_ frame: Frame, now: WireInstant) throws(WireError) -> Action {
        guard let slot = try openSlot(frame.header.streamID, now: now) else { return .none }
        var payload = frame.payload
        let end = try EndFrame(from: &payload, flags: frame.header.flags)
        let part = try MessagePart(rest: payload, flags: frame.header.flags)
        guard var call = calls[slot] else { return .none }
        let message = try call.endReceived(part)
        calls.remove(slot)
        return call.isAbandoned ? .releaseCall(slot) : .endCall(slot, end, message: message)
    }

    private mutating func dataReceived(_ frame: Frame, now: WireInstant) throws(WireError) -> Action {
        guard frame.header.flags.isSubset(of: [.message, .chunked, .last, .compressed]) else {
            throw WireError(.malformedFrame, "a data frame with unknown flags")
        }
        let part = try MessagePart(rest: frame.payload, flags: frame.header.flags)
        if part == .none { throw WireError(.malformedFrame, "an empty chunk") }
        guard let slot = try openSlot(frame.header.streamID, now: now) else { return .none }
        guard part.declaredBytes <= limits.messageBytesMax else {
            let text =
                "an answer of \(part.declaredBytes) bytes is over messageBytesMax = \(limits.messageBytesMax)"
            guard calls[slot]?.callerCancelled() == .sendCancel else { return .none }
            return .failCall(slot, streamID: frame.header.streamID, text: text)
        }
        try calls[slot]?.partReceived(part)
        return .none
    }

    private mutating func pingReceived(_ frame: Frame, now: WireInstant) throws(WireError) -> Action {
        let ping = try PingFrame(payload: frame.payload, flags: frame.header.flags)
        try spendControl(now)
        return ping.isAnswer ? .none : .answerPing(PingFrame(token: ping.token, isAnswer: true))
    }

    private mutating func goawayReceived(_ frame: Frame, now: WireInstant) throws(WireError) -> Action {
        try spendControl(now)
        let goaway = try GoawayFrame(payload: frame.payload, textBytesMax: limits.textBytesMax)
        state = .leaving
        let unaccepted = calls.openSlots.filter { calls.id(of: $0) > goaway.lastStreamID }
        let waiting = unaccepted.filter { isWaiting($0) }
        for slot in unaccepted { calls.remove(slot) }
        return .leave(goaway, unaccepted: waiting)
    }

    private mutating func unknownReceived(_ frame: Frame, now: WireInstant) throws(WireError) -> Action {
        guard frame.header.kind.isIgnorable else {
            throw WireError(.unknownKind, "a frame of unknown kind \(frame.header.kind.rawValue)")
        }
        try spendControl(now)
        return .none
    }

    private mutating func openSlot(_ id: UInt32, now: WireInstant) throws(WireError) -> CallSlot? {
        guard id > 0, id <= lastStreamID else {
            throw WireError(.outOfOrder, "a frame of stream \(id), which was never opened")
        }
        if let slot = calls.slot(of: id) { return slot }
        guard glitches.take(now: now) else {
            throw WireError(.flood, "more frames of ended calls than \(limits.glitches.burst)")
        }
        return nil
    }

    private mutating func spendControl(_ now: WireInstant) throws(WireError) {
        guard controlFrames.take(now: now) else {
            let rate = limits.controlFrames
            throw WireError(.flood, "more control frames than \(rate.burst) + \(rate.perSecond)/s")
        }
    }
}
