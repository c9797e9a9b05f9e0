// SPDX-License-Identifier: Apache-2.0

import Glibc

/// SplitMix64: the same numbers for the same seed, everywhere.
struct Dice: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
        return mixed ^ mixed >> 31
    }

    mutating func byte() -> UInt8 { UInt8(truncatingIfNeeded: next()) }
    mutating func chance(_ oneIn: Int) -> Bool { next() % UInt64(oneIn) == 0 }
}

/// How long a fuzz test runs and with which seed; see the README beside the tests.
struct FuzzPlan {
    let seed: UInt64
    private let end: ContinuousClock.Instant

    init(share: Double = 1) {
        let seconds = getenv("RAVIOLI_FUZZ_SECONDS").flatMap { Double(String(cString: $0)) } ?? 2
        seed =
            getenv("RAVIOLI_FUZZ_SEED").flatMap { UInt64(String(cString: $0)) }
            ?? UInt64.random(in: 0...99_999_999)
        end = .now + .seconds(seconds * share)
        print("fuzzing with RAVIOLI_FUZZ_SEED=\(seed)")
    }

    var isOver: Bool { .now >= end }
}

extension [UInt8] {
    /// A few random changes: bits, bytes, pieces taken out, put in or repeated.
    mutating func mutate(_ dice: inout Dice) {
        for _ in 0...Int.random(in: 0...4, using: &dice) {
            guard !isEmpty else { return append(dice.byte()) }
            let index = Int.random(in: 0..<count, using: &dice)
            switch dice.next() % 7 {
            case 0: self[index] = dice.byte()
            case 1: self[index] ^= 1 << UInt8(dice.next() % 8)
            case 2: remove(at: index)
            case 3: insert([0, 1, 0x7f, 0x80, 0xff, dice.byte()].randomElement(using: &dice) ?? 0, at: index)
            case 4: removeSubrange(index...)
            case 5: insert(contentsOf: self[index..<Swift.min(count, index + 12)], at: index)
            default: removeSubrange(index..<Swift.min(count, index + Int.random(in: 1...8, using: &dice)))
            }
        }
    }
}
