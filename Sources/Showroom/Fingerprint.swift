// SPDX-License-Identifier: Apache-2.0

/// A 64-bit fingerprint (FNV-1a) of a sequence of values, the same in every process and on every machine.
///
/// It tells accidents apart, not attacks: anybody can compute two inputs with the same fingerprint.
package struct Fingerprint: Sendable {
    /// The fingerprint of what was added so far.
    package private(set) var value: UInt64 = 0xCBF2_9CE4_8422_2325

    package init() {}

    /// Adds bytes.
    package mutating func add(_ bytes: some Sequence<UInt8>) {
        for byte in bytes {
            value = (value ^ UInt64(byte)) &* 0x0000_0100_0000_01B3
        }
    }

    /// Adds a number.
    package mutating func add(_ number: Int64) {
        withUnsafeBytes(of: number.bigEndian) { add($0) }
    }

    /// Adds a text with its length, so that `"ab", "c"` and `"a", "bc"` differ.
    package mutating func add(_ text: String) {
        add(Int64(text.utf8.count))
        add(text.utf8)
    }

    /// Adds a number that may be absent, which differs from every number.
    package mutating func add(_ number: Int64?) {
        add([number == nil ? 0 : 1])
        if let number { add(number) }
    }
}
