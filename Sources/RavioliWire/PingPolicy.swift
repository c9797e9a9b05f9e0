// SPDX-License-Identifier: Apache-2.0

// gRPC's rule (gRFC A8): an end that asks more often than the other allows is told so and left. What we send for a call
// forgives it, because an end that waits for an answer and reads one may well ask next. The bucket of control frames
// still bounds pings that are forgiven.

/// Judges how often a peer pings.
package struct PingPolicy: Sendable, Hashable {
    private let intervalMin: Int64
    private let strikesMax: Int
    private var last: WireInstant?
    private var strikes = 0

    package init(limits: WireLimits) {
        let (seconds, attoseconds) = limits.pingIntervalMin.components
        // `WireLimits.check()` keeps it below a day.
        intervalMin = seconds &* 1_000_000_000 &+ attoseconds / 1_000_000_000
        strikesMax = limits.pingStrikesMax
    }

    /// A ping arrived; false when it is one too many.
    package mutating func pingReceived(now: WireInstant) -> Bool {
        defer { last = now }
        guard let last, now < last.advanced(by: intervalMin) else { return true }
        strikes += 1
        return strikes <= strikesMax
    }

    /// We sent something for a call: pings before it count no more.
    package mutating func callFrameSent() {
        last = nil
        strikes = 0
    }
}
