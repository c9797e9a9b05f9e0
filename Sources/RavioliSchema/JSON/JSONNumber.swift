// SPDX-License-Identifier: Apache-2.0

/// A number as it stands in JSON text: `mantissa` × 10^`exponent`, exact unless digits were left out.
///
/// Integers are read exactly from any spelling (`100`, `1e2`, `100.0`). A float whose digits and power of ten are both
/// exact doubles is one correctly rounded multiplication or division away (Clinger, 1990); all others go the long way
/// through the standard library.
struct JSONNumber {
    private(set) var isNegative = false
    private(set) var mantissa: UInt64 = 0
    private(set) var exponent = 0
    /// Whether no digit but zero was left out of the mantissa.
    private(set) var isExact = true
    private var isFull = false
    /// The text from its sign to its last digit.
    let start: UnsafePointer<UInt8>
    private(set) var end: UnsafePointer<UInt8>

    /// An exponent that no digits can make up for; bounds the arithmetic.
    private static let exponentMax = 1 << 32

    /// Reads a number by RFC 8259, section 6; `nil` if none starts here. What follows it is not looked at.
    @inline(__always)
    init?(at start: UnsafePointer<UInt8>, before limit: UnsafePointer<UInt8>) {
        self.start = start
        end = start
        if end < limit, end.pointee == UInt8(ascii: "-") {
            isNegative = true
            end += 1
        }
        guard end < limit, JSONText.isDigit(end.pointee) else { return nil }
        if end.pointee == UInt8(ascii: "0") {
            end += 1
        } else {
            // 18 digits fit for certain.
            let safe = limit - end > 18 ? end + 18 : limit
            while end < safe, JSONText.isDigit(end.pointee) {
                mantissa = mantissa &* 10 &+ UInt64(end.pointee &- UInt8(ascii: "0"))
                end += 1
            }
        }
        guard end < limit else { return }
        guard end.pointee <= UInt8(ascii: "e"), end.pointee != UInt8(ascii: ",") else { return }
        if !readRest(before: limit) { return nil }
    }

    /// The digits beyond those that fit for certain, a fraction and an exponent.
    private mutating func readRest(before limit: UnsafePointer<UInt8>) -> Bool {
        let hasLeadingZero = mantissa == 0
        while !hasLeadingZero, end < limit, JSONText.isDigit(end.pointee) {
            if !take(end.pointee &- UInt8(ascii: "0")) { exponent &+= 1 }
            end += 1
        }
        if end < limit, end.pointee == UInt8(ascii: ".") {
            end += 1
            guard end < limit, JSONText.isDigit(end.pointee) else { return false }
            while end < limit, JSONText.isDigit(end.pointee) {
                if take(end.pointee &- UInt8(ascii: "0")) { exponent &-= 1 }
                end += 1
            }
        }
        guard end < limit, end.pointee | 0x20 == UInt8(ascii: "e") else { return true }
        return readExponent(before: limit)
    }

    /// Appends a digit; false if it does not fit, or one before it did not.
    private mutating func take(_ digit: UInt8) -> Bool {
        if !isFull {
            let (tenfold, over) = mantissa.multipliedReportingOverflow(by: 10)
            let (sum, carry) = tenfold.addingReportingOverflow(UInt64(digit))
            if !over, !carry {
                mantissa = sum
                return true
            }
            isFull = true
        }
        if digit != 0 { isExact = false }
        return false
    }

    private mutating func readExponent(before limit: UnsafePointer<UInt8>) -> Bool {
        end += 1
        var isMinus = false
        if end < limit, end.pointee == UInt8(ascii: "-") || end.pointee == UInt8(ascii: "+") {
            isMinus = end.pointee == UInt8(ascii: "-")
            end += 1
        }
        guard end < limit, JSONText.isDigit(end.pointee) else { return false }
        var value = 0
        while end < limit, JSONText.isDigit(end.pointee) {
            value = min(value &* 10 &+ Int(end.pointee &- UInt8(ascii: "0")), Self.exponentMax)
            end += 1
        }
        exponent &+= isMinus ? -value : value
        return true
    }

    // MARK: Integers

    /// The absolute value, if the number is an integer that fits.
    @inline(__always)
    var magnitude: UInt64? { exponent == 0 && isExact ? mantissa : scaledMagnitude }

    private var scaledMagnitude: UInt64? {
        guard isExact else { return nil }
        guard mantissa != 0 else { return 0 }
        var value = mantissa
        var exponent = exponent
        while exponent < 0 {
            guard value % 10 == 0 else { return nil }
            value /= 10
            exponent &+= 1
        }
        while exponent > 0 {
            let (tenfold, over) = value.multipliedReportingOverflow(by: 10)
            guard !over else { return nil }
            value = tenfold
            exponent &-= 1
        }
        return value
    }

    /// Whether the number is an integer, in range or not.
    var isInteger: Bool {
        guard exponent < 0, mantissa != 0 else { return true }
        var value = mantissa
        for _ in 0..<min(-exponent, 20) {
            guard value % 10 == 0 else { return false }
            value /= 10
        }
        return isExact && value != 0
    }

    /// The value as a signed integer, if it is one.
    @inline(__always)
    var signed: Int64? {
        guard let magnitude else { return nil }
        if magnitude <= UInt64(Int64.max) { return isNegative ? -Int64(magnitude) : Int64(magnitude) }
        return isNegative && magnitude == UInt64(Int64.max) + 1 ? .min : nil
    }

    /// The value as an unsigned integer, if it is one.
    @inline(__always)
    var unsigned: UInt64? {
        guard let magnitude, !isNegative || magnitude == 0 else { return nil }
        return magnitude
    }

    // MARK: Floats

    /// The nearest double; infinite if the number is out of range.
    @inline(__always)
    var double: Double {
        if isExact, mantissa <= 1 << 53, exponent >= -22, exponent <= 22 {
            let digits = Double(mantissa)
            let value =
                exponent < 0 ? digits / PowersOfTen.power(-exponent) : digits * PowersOfTen.power(exponent)
            return isNegative ? -value : value
        }
        return Double(text) ?? .infinity
    }

    /// The nearest float; infinite if the number is out of range.
    var float: Float {
        guard mantissa != 0 else { return isNegative ? -0.0 : 0.0 }
        let wide = double
        // A double half way between two floats may have been rounded to lie there; then the digits decide.
        let isHalfWay = wide.bitPattern & 0x1fff_ffff == 0x1000_0000
        let isOrdinary = wide.magnitude >= Double(Float.leastNormalMagnitude) && wide.magnitude < 3e38
        return isOrdinary && !isHalfWay ? Float(wide) : Float(text) ?? .infinity
    }

    private var text: String {
        String(decoding: UnsafeBufferPointer(start: start, count: end - start), as: UTF8.self)
    }
}

/// The powers of ten that a double holds exactly.
enum PowersOfTen {
    /// 10^`exponent`, which is 0 … 22. The compiler makes a table of it; a constant array would be made when first
    /// used, and looked after at each use.
    static func power(_ exponent: Int) -> Double {
        switch exponent {
        case 1: 1e1
        case 2: 1e2
        case 3: 1e3
        case 4: 1e4
        case 5: 1e5
        case 6: 1e6
        case 7: 1e7
        case 8: 1e8
        case 9: 1e9
        case 10: 1e10
        case 11: 1e11
        case 12: 1e12
        case 13: 1e13
        case 14: 1e14
        case 15: 1e15
        case 16: 1e16
        case 17: 1e17
        case 18: 1e18
        case 19: 1e19
        case 20: 1e20
        case 21: 1e21
        case 22: 1e22
        default: 1
        }
    }
}
