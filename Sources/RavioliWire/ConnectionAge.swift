// SPDX-License-Identifier: Apache-2.0

// Two reasons to end a connection on which nothing is wrong. An idle one costs memory at both ends. An old one keeps its
// client on the replica that was there first: without a largest age a new replica gets no traffic.

/// Ends a connection that had no call for a time.
package struct Idleness: Sendable, Hashable {
    private let timeout: Int64?
    private var idleSince: WireInstant

    /// - Parameter timeout: Nanoseconds without a call; nil for no limit.
    package init(timeout: Int64?, now: WireInstant) {
        self.timeout = timeout
        idleSince = now
    }

    package var isLimited: Bool { timeout != nil }

    package var nextTimer: WireInstant? { timeout.map { idleSince.advanced(by: $0) } }

    /// A call ended.
    package mutating func callEnded(now: WireInstant) { idleSince = now }

    /// The time of ``nextTimer`` has come; returns whether the connection has been idle for all of it.
    package mutating func timerFired(callsOpen: Bool, now: WireInstant) -> Bool {
        guard let due = nextTimer, now >= due else { return false }
        idleSince = now
        return !callsOpen
    }
}

/// Ends a connection at an age: first no further calls, then, after a grace, whatever still runs.
package struct ConnectionAge: Sendable, Hashable {
    package enum Action: Sendable, Hashable {
        case none
        /// The age is reached: take no further calls.
        case retire
        /// The grace is over: close.
        case close
    }

    private enum State: Sendable, Hashable {
        case ageless
        case serving(until: WireInstant)
        case retired(until: WireInstant)
    }

    private let grace: Int64
    private var state = State.ageless

    /// - Parameters:
    ///   - ageMax: Nanoseconds; nil for no limit.
    ///   - grace: Nanoseconds for running calls after that.
    ///   - random: From 0 to 1: shifts the age by up to a tenth either way, so that connections made together do not end
    ///     together.
    package init(ageMax: Int64?, grace: Int64, random: Double, now: WireInstant) {
        self.grace = grace
        guard let ageMax else { return }
        let shift = ageMax.tenth(2 * random - 1)
        state = .serving(until: now.advanced(by: ageMax).advanced(by: shift))
    }

    package var nextTimer: WireInstant? {
        switch state {
        case .ageless: nil
        case .serving(let until), .retired(let until): until
        }
    }

    /// The time of ``nextTimer`` has come.
    package mutating func timerFired(now: WireInstant) -> Action {
        switch state {
        case .serving(let until) where now >= until:
            state = .retired(until: now.advanced(by: grace))
            return .retire
        case .retired(let until) where now >= until:
            state = .ageless
            return .close
        default: return .none
        }
    }
}
