// SPDX-License-Identifier: Apache-2.0

/// The characters of JSON text. Source: RFC 8259.
package enum JSONText {
    private static let ones: UInt64 = 0x0101_0101_0101_0101
    private static let highs: UInt64 = 0x8080_8080_8080_8080

    /// The high bit of each of eight bytes that cannot stand in a string as it is: below 0x20, `"` and `\`. Above the
    /// lowest hit there may be false ones.
    @inline(__always)
    static func specials(in word: UInt64) -> UInt64 {
        let controls = word &- ones &* 0x20
        let quotes = (word ^ ones &* 0x22) &- ones
        let escapes = (word ^ ones &* 0x5c) &- ones
        return (controls | quotes | escapes) & ~word & highs
    }

    /// As ``specials(in:)``, and bytes outside ASCII as well.
    @inline(__always)
    static func specialsOrNonASCII(in word: UInt64) -> UInt64 {
        let controls = word &- ones &* 0x20
        let quotes = (word ^ ones &* 0x22) &- ones
        let escapes = (word ^ ones &* 0x5c) &- ones
        return (controls | quotes | escapes | word) & highs
    }

    /// The letter behind the backslash for a byte that has a short escape; 0 if it has none.
    @inline(__always)
    static func shortEscape(of byte: UInt8) -> UInt8 {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): byte
        case 0x08: UInt8(ascii: "b")
        case 0x09: UInt8(ascii: "t")
        case 0x0a: UInt8(ascii: "n")
        case 0x0c: UInt8(ascii: "f")
        case 0x0d: UInt8(ascii: "r")
        default: 0
        }
    }

    /// The byte that a short escape stands for; `nil` for what is none.
    static func unescaped(_ letter: UInt8) -> UInt8? {
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): letter
        case UInt8(ascii: "b"): 0x08
        case UInt8(ascii: "t"): 0x09
        case UInt8(ascii: "n"): 0x0a
        case UInt8(ascii: "f"): 0x0c
        case UInt8(ascii: "r"): 0x0d
        default: nil
        }
    }

    @inline(__always)
    static func isDigit(_ byte: UInt8) -> Bool { byte &- UInt8(ascii: "0") < 10 }

    /// Whether the byte may stand in a path of a `google.protobuf.FieldMask` as it is, in both spellings.
    static func isInMaskPath(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || isDigit(byte) || byte == UInt8(ascii: ".")
    }

    /// The text as a JSON string.
    package static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            if scalar.value >= 0x20, scalar != "\"", scalar != "\\" {
                result.unicodeScalars.append(scalar)
                continue
            }
            let letter = shortEscape(of: UInt8(truncatingIfNeeded: scalar.value))
            let digits = String(scalar.value, radix: 16)
            result += letter == 0 ? "\\u" + String(repeating: "0", count: 4 - digits.count) + digits : "\\"
            if letter != 0 { result.unicodeScalars.append(Unicode.Scalar(letter)) }
        }
        return result + "\""
    }
}
