// SPDX-License-Identifier: Apache-2.0

// A peer whose machine lost its power, or whose way here was cut, says nothing: only a question tells it from a peer that
// has nothing to say. Any byte read is a sign of life, so a busy connection is never asked. The last read is noted as a
// number and looked at when the timer fires; no timer moves while calls come and go.

/// Decides when a connection asks its peer for a sign of life, and when it is given up.
package struct Keepalive: Sendable, Hashable {
    /// What one end of a connection has decided. Nanoseconds.
    package struct Terms: Sendable, Hashable {
        /// Silence after which the peer is asked; nil for never.
        package var interval: Int64?
        /// Time for a sign of life after the question.
        package var timeout: Int64
        /// Whether the peer is asked while no call is open, too.
        package var pingsWithoutCalls: Bool

        package init(interval: Int64?, timeout: Int64, pingsWithoutCalls: Bool) {
            self.interval = interval
            self.timeout = timeout
            self.pingsWithoutCalls = pingsWithoutCalls
        }
    }

    package enum Action: Sendable, Hashable {
        case none
        case sendPing
        /// The peer gave no sign of life in time.
        case peerIsDead
    }

    private enum State: Sendable, Hashable {
        case off
        /// No call is open, and none is asked for.
        case resting
        /// Silence is measured since the last read.
        case watching(until: WireInstant)
        case asked(at: WireInstant, until: WireInstant)
    }

    private let interval: Int64
    private let timeout: Int64
    private let pingsWithoutCalls: Bool
    private var state = State.off
    private var lastRead: WireInstant

    /// Keepalive of a connection that stands since `now`.
    ///
    /// - Parameter random: From 0 to 1: lengthens the interval by up to a tenth, so that connections made together do not
    ///   ask together. Never shortens it: the peer counts pings that come too early.
    package init(_ terms: Terms, random: Double, now: WireInstant) {
        let least = WireInstant(nanoseconds: terms.interval ?? 0)
        interval = least.advanced(by: least.nanoseconds.tenth(random)).nanoseconds
        timeout = terms.timeout
        pingsWithoutCalls = terms.pingsWithoutCalls
        lastRead = now
        guard terms.interval != nil else { return }
        state = pingsWithoutCalls ? .watching(until: now.advanced(by: interval)) : .resting
    }

    /// Whether ``callOpened(now:)`` must be told of the next call.
    package var isResting: Bool { if case .resting = state { true } else { false } }

    /// When ``timerFired(callsOpen:now:)`` is wanted.
    package var nextTimer: WireInstant? {
        switch state {
        case .off, .resting: nil
        case .watching(let until), .asked(_, let until): until
        }
    }

    /// Bytes arrived, whatever they are.
    package mutating func bytesRead(now: WireInstant) { lastRead = now }

    /// A call was opened. After a longer silence the peer is asked at once: a dead one is found in the timeout alone.
    package mutating func callOpened(now: WireInstant) -> Action {
        guard isResting else { return .none }
        return look(now)
    }

    /// The time of ``nextTimer`` has come, or is past.
    package mutating func timerFired(callsOpen: Bool, now: WireInstant) -> Action {
        switch state {
        case .off, .resting: return .none
        case .watching:
            if !callsOpen, !pingsWithoutCalls {
                state = .resting
                return .none
            }
            return look(now)
        case .asked(let at, let until):
            // The question follows a silence, so a read of the same moment came after it.
            if lastRead >= at {
                state = .watching(until: lastRead.advanced(by: interval))
                return .none
            }
            guard now >= until else { return .none }
            state = .off
            return .peerIsDead
        }
    }

    private mutating func look(_ now: WireInstant) -> Action {
        let due = lastRead.advanced(by: interval)
        guard now >= due else {
            state = .watching(until: due)
            return .none
        }
        state = .asked(at: now, until: now.advanced(by: timeout))
        return .sendPing
    }
}

extension WireInstant {
    /// The moment so many nanoseconds later, or the last there is.
    package func advanced(by nanoseconds: Int64) -> WireInstant {
        let (sum, overflow) = self.nanoseconds.addingReportingOverflow(nanoseconds)
        return WireInstant(nanoseconds: overflow ? .max : sum)
    }
}

extension Int64 {
    /// A share, from −1 to 1, of a tenth of the duration.
    func tenth(_ share: Double) -> Int64 {
        Int64(Double(self / 10) * Swift.max(-1, Swift.min(share, 1)))
    }
}
