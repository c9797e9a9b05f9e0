// SPDX-License-Identifier: Apache-2.0

/// Everything about a connection that time alone decides: keepalive, idleness, age, and its end. One timer serves all.
package struct ConnectionLife: Sendable, Hashable {
    /// What one end has decided. Nanoseconds; nil for no limit.
    package struct Terms: Sendable, Hashable {
        package var keepalive: Keepalive.Terms
        package var idleTimeout: Int64?
        package var ageMax: Int64?
        package var ageGrace: Int64 = 0
        /// See ``ConnectionDrain``; only for an end that drains.
        package var drainAnswerTimeout: Int64 = 0
        package var drainCloseTimeout: Int64 = 0

        package init(keepalive: Keepalive.Terms, idleTimeout: Int64?) {
            self.keepalive = keepalive
            self.idleTimeout = idleTimeout
        }
    }

    package enum Action: Sendable, Hashable {
        case none
        case sendPing(token: UInt64)
        /// The peer gave no sign of life: close.
        case peerIsDead
        /// No call for the whole time: leave politely.
        case leaveIdle
        /// The connection is old enough: drain it.
        case retire
        /// Running calls have had their grace: close.
        case graceOver
        case drain(ConnectionDrain.Action)
    }

    private var keepalive: Keepalive
    private var idleness: Idleness
    private var age: ConnectionAge
    private var drain: ConnectionDrain
    private var pingsSent: UInt64 = 0

    /// The life of a connection that stands since `now`.
    ///
    /// - Parameter random: From 0 to 1; spreads what would otherwise happen to many connections at once.
    package init(_ terms: Terms, random: Double, now: WireInstant) {
        keepalive = Keepalive(terms.keepalive, random: random, now: now)
        idleness = Idleness(timeout: terms.idleTimeout, now: now)
        age = ConnectionAge(ageMax: terms.ageMax, grace: terms.ageGrace, random: random, now: now)
        drain = ConnectionDrain(
            answerTimeout: terms.drainAnswerTimeout, closeTimeout: terms.drainCloseTimeout)
    }

    /// Whether ``callOpened(now:)`` must be told of the next call.
    package var isResting: Bool { keepalive.isResting }

    /// Whether ``callEnded(now:)`` must be told when the last call has ended.
    package var limitsIdleness: Bool { idleness.isLimited }

    /// The earliest moment at which ``timerFired(callsOpen:now:)`` is wanted.
    package var nextTimer: WireInstant? {
        [keepalive.nextTimer, idleness.nextTimer, age.nextTimer, drain.nextTimer].lazy.compactMap(\.self)
            .min()
    }

    package mutating func bytesRead(now: WireInstant) { keepalive.bytesRead(now: now) }

    package mutating func callOpened(now: WireInstant) -> Action {
        keepalive.callOpened(now: now) == .sendPing ? ping() : .none
    }

    package mutating func callEnded(now: WireInstant) { idleness.callEnded(now: now) }

    /// Time has passed. Call again until it returns `none`, then wait for ``nextTimer``.
    package mutating func timerFired(callsOpen: Bool, now: WireInstant) -> Action {
        switch keepalive.timerFired(callsOpen: callsOpen, now: now) {
        case .sendPing: return ping()
        case .peerIsDead: return .peerIsDead
        case .none: break
        }
        switch age.timerFired(now: now) {
        case .retire: return .retire
        case .close: return .graceOver
        case .none: break
        }
        let ending = drain.timerFired(now: now)
        if ending != .none { return .drain(ending) }
        return idleness.timerFired(callsOpen: callsOpen, now: now) ? .leaveIdle : .none
    }

    private mutating func ping() -> Action {
        pingsSent &+= 1
        return .sendPing(token: pingsSent)
    }

    // MARK: The end

    /// This end leaves.
    package mutating func drainBegan(now: WireInstant) -> Action { .drain(drain.began(now: now)) }

    package mutating func pingAnswered(token: UInt64) -> Action { .drain(drain.pingAnswered(token: token)) }

    /// No call is open, and nothing waits to be sent.
    package mutating func callsEnded(now: WireInstant) { drain.callsEnded(now: now) }
}
