// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// A random source that gives the same numbers for the same seed, on every machine.
///
/// Tasks may share one; what they get then depends on who comes first, which a ``Simulation`` makes the same each time.
public final class SeededRandom: Sendable {
    private let state: Mutex<UInt64>

    /// The numbers of a seed.
    public init(seed: UInt64) { state = Mutex(seed) }

    /// The next 64 bits (SplitMix64).
    public func next() -> UInt64 { state.withLock { Self.number(after: &$0) } }

    /// The number that follows a state.
    static func number(after state: inout UInt64) -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// A number of the range, each about equally likely.
    public func int(in range: ClosedRange<Int>) -> Int {
        let count = UInt64(bitPattern: Int64(range.upperBound &- range.lowerBound)) &+ 1
        let offset = count == 0 ? next() : next().multipliedFullWidth(by: count).high
        return range.lowerBound &+ Int(truncatingIfNeeded: offset)
    }

    /// A duration of the range, in whole nanoseconds.
    public func duration(in range: ClosedRange<Duration>) -> Duration {
        .nanoseconds(int(in: range.lowerBound.nanoseconds...range.upperBound.nanoseconds))
    }

    /// From 0 to 1.
    public func unit() -> Double { Double(next() >> 11) / Double(1 << 53) }

    /// Whether something happens that happens so often among a million times.
    public func happens(perMillion: Int) -> Bool { perMillion > 0 && int(in: 0...999_999) < perMillion }
}

extension Duration {
    /// Whole nanoseconds; at most what 64 bits hold.
    var nanoseconds: Int {
        let (seconds, attoseconds) = components
        let (scaled, overflow) = Int(seconds).multipliedReportingOverflow(by: 1_000_000_000)
        if overflow { return seconds < 0 ? .min : .max }
        let (sum, carry) = scaled.addingReportingOverflow(Int(attoseconds / 1_000_000_000))
        return carry ? (seconds < 0 ? .min : .max) : sum
    }
}
