// SPDX-License-Identifier: Apache-2.0
//
// Floats are printed with the fewest digits that read back to the same value. The standard library finds them, but
// makes a string. Most floats in messages are short decimals, though: if value × 10^k rounds to an integer of at most
// 15 digits and that integer / 10^k is the value again, then its digits are the ones sought, because two decimals of
// at most 15 digits never read as the same double (6 digits for floats).

extension JSONBuffer {
    /// More than any float takes, quotes included.
    static let floatSize = 40
    private static let placesMax = 6

    mutating func put(_ value: Double) {
        guard value.isFinite else { return putSpecial(isNaN: value.isNaN, isNegative: value < 0) }
        let magnitude = value.magnitude
        if magnitude == 0 || magnitude >= 1e-3 && magnitude < 1e15 {
            for places in 0...Self.placesMax {
                let power = PowersOfTen.power(places)
                let scaled = (magnitude * power).rounded()
                guard scaled < 1e15 else { break }
                if scaled / power == magnitude {
                    return putDecimal(UInt64(scaled), places: places, isNegative: value.sign == .minus)
                }
            }
        }
        putDescription(value.description)
    }

    mutating func put(_ value: Float) {
        guard value.isFinite else { return putSpecial(isNaN: value.isNaN, isNegative: value < 0) }
        let magnitude = value.magnitude
        if magnitude == 0 || magnitude >= 1e-3 && magnitude < 1e6 {
            for places in 0...Self.placesMax {
                let power = Float(PowersOfTen.power(places))
                let scaled = (magnitude * power).rounded()
                guard scaled < 1e6 else { break }
                if scaled / power == magnitude {
                    return putDecimal(UInt64(scaled), places: places, isNegative: value.sign == .minus)
                }
            }
        }
        putDescription(value.description)
    }

    /// `digits` / 10^`places`, which has no zero at its end unless `places` is 0.
    private mutating func putDecimal(_ digits: UInt64, places: Int, isNegative: Bool) {
        if isNegative { put(UInt8(ascii: "-")) }
        guard places > 0 else { return put(digits) }
        let power = UInt64(PowersOfTen.power(places))
        put(digits / power)
        put(UInt8(ascii: "."))
        put(Int64(digits % power), digits: places)
    }

    /// The standard library's digits, without a fraction of zero.
    private mutating func putDescription(_ text: String) {
        var text = text
        text.withUTF8 { bytes in
            let hasZeroFraction =
                bytes.count > 2 && bytes[bytes.count - 1] == 48 && bytes[bytes.count - 2] == 46
            put(UnsafeBufferPointer(rebasing: bytes.dropLast(hasZeroFraction ? 2 : 0)))
        }
    }

    private mutating func putSpecial(isNaN: Bool, isNegative: Bool) {
        if isNaN { return put("\"NaN\"") }
        put(isNegative ? "\"-Infinity\"" : "\"Infinity\"")
    }
}
