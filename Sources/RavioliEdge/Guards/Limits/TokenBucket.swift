// SPDX-License-Identifier: Apache-2.0
//
// A token bucket as the generic cell rate algorithm keeps it: not how full it is, but the moment at which it will be full
// again if nobody takes anything. That is one number, which is right for ever without being touched, and a bucket
// that is full is no different from one that is not kept at all.

/// The arithmetic of the buckets of one rule. Pure: moments in, decisions out. Moments are nanoseconds of a monotonic clock.
package struct TokenBucket: Sendable, Hashable {
    /// What a bucket says.
    package struct Decision: Sendable, Hashable {
        /// Whether the request may pass.
        package var isAllowed: Bool
        /// How many more would be allowed now.
        package var remaining: Int64
        /// Nanoseconds until one more would be.
        package var wait: Int64
    }

    /// Nanoseconds in which one request comes back.
    package let interval: Int64
    /// How many requests a bucket holds.
    package let burst: Int64
    /// Nanoseconds in which an empty bucket becomes full.
    package var capacity: Int64 { Self.clamped(interval.multipliedReportingOverflow(by: burst)) }

    package init(_ rule: RateLimitRule) {
        let window = (rule.window / .seconds(1)) * 1e9
        interval = max(1, Int64(window.isFinite ? min(window, 9e18) : 1) / Int64(max(1, rule.requests)))
        burst = Int64(max(1, rule.burst ?? rule.requests))
    }

    /// Takes a request out of a bucket, if there is one in it.
    ///
    /// - Parameter fullAt: when the bucket is full; in the past for one that is.
    package func take(_ fullAt: inout Int64, now: Int64) -> Decision {
        let next = Self.clamped(max(fullAt, now).addingReportingOverflow(interval))
        guard next - now <= capacity else {
            return Decision(isAllowed: false, remaining: 0, wait: next - now - capacity)
        }
        fullAt = next
        let free = capacity - (next - now)
        let remaining = free / interval
        return Decision(isAllowed: true, remaining: remaining, wait: interval - free % interval)
    }

    /// Puts a request back that was taken.
    package func giveBack(_ fullAt: inout Int64) { fullAt -= interval }

    private static func clamped(_ result: (partialValue: Int64, overflow: Bool)) -> Int64 {
        result.overflow ? .max : result.partialValue
    }
}
