// SPDX-License-Identifier: Apache-2.0

import NIOCore
import RavioliWire

/// The moment a call must have ended, on this machine's monotonic clock.
///
/// Between machines only the remaining time travels, because they share no clock.
public struct Deadline: Sendable, Hashable, Comparable {
    /// Nanoseconds of the event loops' clock.
    package let uptimeNanoseconds: Int64

    package init(uptimeNanoseconds: Int64) { self.uptimeNanoseconds = uptimeNanoseconds }

    /// No deadline at all, which only streams may have.
    public static let never = Deadline(uptimeNanoseconds: .max)

    /// The deadline that lies `duration` ahead.
    public static func after(_ duration: Duration) -> Deadline {
        Deadline(now: Self.nowNanoseconds, after: duration)
    }

    package init(now: Int64, after duration: Duration) {
        let (sum, overflow) = now.addingReportingOverflow(duration.clampedNanoseconds)
        uptimeNanoseconds = overflow ? .max : sum
    }

    /// The time that is left; zero once it has passed.
    public var remaining: Duration {
        .nanoseconds(max(0, uptimeNanoseconds - Self.nowNanoseconds))
    }

    /// Whether no time is left.
    public var hasPassed: Bool { uptimeNanoseconds <= Self.nowNanoseconds }

    /// Whether `a` is the earlier.
    public static func < (a: Deadline, b: Deadline) -> Bool { a.uptimeNanoseconds < b.uptimeNanoseconds }

    /// What is left, as it travels.
    func remaining(at now: Int64) -> RemainingTime {
        self == .never ? .unlimited : RemainingTime(nanoseconds: uptimeNanoseconds - now)
    }

    package static var nowNanoseconds: Int64 {
        VirtualClock.now ?? Int64(clamping: NIODeadline.now().uptimeNanoseconds)
    }
}
