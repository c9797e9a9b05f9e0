// SPDX-License-Identifier: Apache-2.0

/// Counts events against a burst and a rate, in integers, with the time passed in.
///
/// Tokens are kept in billionths, so that a rate per second multiplies nanoseconds exactly.
package struct TokenBucket: Sendable, Hashable {
    private static let scale: Int64 = 1_000_000_000
    private let capacity: Int64
    private let perSecond: Int64
    private var level: Int64
    private var updated: WireInstant?

    /// A full bucket.
    package init(_ rate: WireLimits.Rate) {
        // `WireLimits.check()` keeps both below 2^30, so the products fit in 61 bits.
        capacity = Int64(clamping: rate.burst) &* Self.scale
        perSecond = Int64(clamping: rate.perSecond)
        level = capacity
    }

    /// Takes one token if there is one.
    package mutating func take(now: WireInstant) -> Bool {
        refill(now: now)
        guard level >= Self.scale else { return false }
        level -= Self.scale
        return true
    }

    private mutating func refill(now: WireInstant) {
        defer { updated = now }
        guard let updated, now > updated else { return }
        let (gained, overflow) = (now.nanoseconds - updated.nanoseconds)
            .multipliedReportingOverflow(by: perSecond)
        level = overflow ? capacity : min(capacity, level &+ min(gained, capacity))
    }
}
