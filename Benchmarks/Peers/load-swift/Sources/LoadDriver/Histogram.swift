// SPDX-License-Identifier: Apache-2.0

/// How often which time was taken: 64 steps an octave, so a recorded time is at most 1.6 % off.
struct Histogram: Sendable {
    private(set) var counts = [UInt32](repeating: 0, count: 64 * 59)
    private(set) var sum: UInt64 = 0
    private(set) var max: UInt64 = 0

    mutating func record(_ nanoseconds: UInt64) {
        counts[Self.bucket(of: nanoseconds)] &+= 1
        sum &+= nanoseconds
        max = Swift.max(max, nanoseconds)
    }

    mutating func add(_ other: Histogram) {
        for index in counts.indices { counts[index] &+= other.counts[index] }
        sum &+= other.sum
        max = Swift.max(max, other.max)
    }

    var count: UInt64 { counts.reduce(0) { $0 + UInt64($1) } }

    /// In nanoseconds.
    func percentile(_ share: Double) -> Double {
        let all = count
        let wanted = UInt64(Double(all) * share)
        var seen: UInt64 = 0
        for (index, count) in counts.enumerated() {
            seen += UInt64(count)
            if seen > wanted || seen == all { return Self.middle(ofBucket: index) }
        }
        return 0
    }

    private static func bucket(of value: UInt64) -> Int {
        guard value >= 64 else { return Int(value) }
        let exponent = 63 - value.leadingZeroBitCount
        return ((exponent - 5) << 6) + Int((value >> UInt64(exponent - 6)) & 63)
    }

    private static func middle(ofBucket index: Int) -> Double {
        guard index >= 64 else { return Double(index) }
        let exponent = (index >> 6) + 5
        return Double(UInt64(64 + (index & 63)) << UInt64(exponent - 6)) * (1 + 1.0 / 256)
    }
}
