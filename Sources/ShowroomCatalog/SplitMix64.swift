// SPDX-License-Identifier: Apache-2.0

/// A small generator of pseudo-random numbers whose sequence depends on the seed alone, on every platform and
/// in every release (Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", 2014).
///
/// Not for secrets: one output gives away all others.
struct SplitMix64 {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    /// The next 64 bits.
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    // The standard library's `random(in:using:)` may draw differently in another release; these never do.

    /// A number from 0 up to, and not including, 1.
    mutating func unit() -> Double {
        Double(next() >> 11) * 0x1p-53
    }

    /// A number from `range`, all equally likely.
    mutating func number(in range: ClosedRange<Int>) -> Int {
        range.lowerBound + Int(next() % UInt64(range.count))
    }

    /// A number around `mean`, roughly bell-shaped, never further away than three times `deviation`.
    mutating func bell(mean: Double, deviation: Double) -> Double {
        // The sum of twelve has the variance 1; of three, a quarter of that.
        let sum = unit() + unit() + unit() - 1.5
        return mean + sum * 2 * deviation
    }

    /// One of the elements; there must be one.
    mutating func pick<Element>(_ elements: [Element]) -> Element {
        elements[number(in: 0...elements.count - 1)]
    }
}
