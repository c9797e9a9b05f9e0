// SPDX-License-Identifier: Apache-2.0

// Deadlines cross the wire as the time that remains, never as a clock value, because two machines share no clock.
// Four bytes hold it: microseconds up to 35 minutes, and with the top bit set milliseconds up to 24 days.

/// The time a call may still take, as its frame carries it.
package struct RemainingTime: Sendable, Hashable {
    /// The four bytes on the wire.
    package let rawValue: UInt32
    package init(rawValue: UInt32) { self.rawValue = rawValue }

    /// No deadline at all; allowed for streams, refused for unary calls at level 1.
    package static let unlimited = RemainingTime(rawValue: .max)

    private static let millisecondFlag: UInt32 = 0x8000_0000

    /// Nanoseconds rounded up to what the field can say; negative values become 0, more than 24 days the maximum.
    package init(nanoseconds: Int64) {
        let microseconds = nanoseconds <= 0 ? 0 : (nanoseconds - 1) / 1000 + 1
        if microseconds < Int64(Self.millisecondFlag) {
            rawValue = UInt32(microseconds)
        } else {
            let milliseconds = min((microseconds - 1) / 1000 + 1, Int64(Self.millisecondFlag) - 2)
            rawValue = Self.millisecondFlag | UInt32(milliseconds)
        }
    }

    /// The same in nanoseconds; nil when unlimited. Cannot overflow: 2^31 milliseconds are 2^51 nanoseconds.
    package var nanoseconds: Int64? {
        if rawValue == .max { return nil }
        if rawValue & Self.millisecondFlag == 0 { return Int64(rawValue) &* 1000 }
        return Int64(rawValue & ~Self.millisecondFlag) &* 1_000_000
    }
}

/// A moment on this machine's monotonic clock, in nanoseconds since an unknown start.
///
/// The state machines never read a clock: whoever feeds them events says what time it is.
package struct WireInstant: Sendable, Hashable, Comparable {
    package var nanoseconds: Int64
    package init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }
    package static func < (a: WireInstant, b: WireInstant) -> Bool { a.nanoseconds < b.nanoseconds }
}
