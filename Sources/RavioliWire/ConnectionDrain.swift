// SPDX-License-Identifier: Apache-2.0

// A server that names the last call it accepts while calls are on their way to it refuses those. So it first announces
// that it leaves (id ffffffff) and asks for a sign of life: the answer proves that the client has read the announcement,
// and that whatever it sent before has been read here. Only then is the last id named, and nothing is refused. The client
// closes when it has all its answers; a server that closed first, with a late cancel unread, would make the network drop
// answers that are under way.

/// How a server's end of a connection is left without losing a call.
package struct ConnectionDrain: Sendable, Hashable {
    package enum Action: Sendable, Hashable {
        case none
        /// Send a goaway with the last id `ffffffff`, then a ping with ``ConnectionDrain/pingToken``.
        case announce
        /// Refuse calls from here on, and send a goaway with the last accepted id.
        case sendLastID
        case close
    }

    private enum State: Sendable, Hashable {
        case serving
        case announced(until: WireInstant)
        case finishing
        case leaving(until: WireInstant)
        case over
    }

    /// No keepalive ping has this token.
    package static let pingToken = UInt64.max
    private let answerTimeout: Int64
    private let closeTimeout: Int64
    private var state = State.serving

    /// - Parameters:
    ///   - answerTimeout: Nanoseconds to wait for the client's answer.
    ///   - closeTimeout: Nanoseconds to wait, without calls, for the client to close.
    package init(answerTimeout: Int64, closeTimeout: Int64) {
        self.answerTimeout = answerTimeout
        self.closeTimeout = closeTimeout
    }

    package var nextTimer: WireInstant? {
        switch state {
        case .announced(let until), .leaving(let until): until
        case .serving, .finishing, .over: nil
        }
    }

    /// The server leaves.
    package mutating func began(now: WireInstant) -> Action {
        guard state == .serving else { return .none }
        state = .announced(until: now.advanced(by: answerTimeout))
        return .announce
    }

    /// The client answered a ping.
    package mutating func pingAnswered(token: UInt64) -> Action {
        guard case .announced = state, token == Self.pingToken else { return .none }
        state = .finishing
        return .sendLastID
    }

    /// No call is open, and nothing waits to be sent.
    package mutating func callsEnded(now: WireInstant) {
        if state == .finishing { state = .leaving(until: now.advanced(by: closeTimeout)) }
    }

    /// The time of ``nextTimer`` has come.
    package mutating func timerFired(now: WireInstant) -> Action {
        switch state {
        case .announced(let until) where now >= until:
            state = .finishing
            return .sendLastID
        case .leaving(let until) where now >= until:
            state = .over
            return .close
        default: return .none
        }
    }
}
