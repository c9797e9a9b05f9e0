// SPDX-License-Identifier: Apache-2.0

/// Base64 (RFC 4648, sections 4 and 5).
package enum Base64 {
    private static let standard = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    /// For each byte the value of the digit, 255 for what is none; both alphabets.
    private static let values: [UInt8] = {
        var values = [UInt8](repeating: 255, count: 256)
        for (value, digit) in standard.enumerated() { values[Int(digit)] = UInt8(value) }
        values[Int(UInt8(ascii: "-"))] = 62
        values[Int(UInt8(ascii: "_"))] = 63
        return values
    }()

    /// Encodes in the standard alphabet, padded unless told otherwise.
    package static func encode(_ bytes: some Collection<UInt8>, padded: Bool = true) -> String {
        var digits: [UInt8] = []
        digits.reserveCapacity((bytes.count + 2) / 3 * 4)
        var iterator = bytes.makeIterator()
        while let first = iterator.next() {
            let second = iterator.next()
            let third = second == nil ? nil : iterator.next()
            let group = UInt32(first) << 16 | UInt32(second ?? 0) << 8 | UInt32(third ?? 0)
            digits.append(standard[Int(group >> 18)])
            digits.append(standard[Int(group >> 12 & 63)])
            if second != nil { digits.append(standard[Int(group >> 6 & 63)]) }
            if third != nil { digits.append(standard[Int(group & 63)]) }
        }
        while padded, digits.count % 4 != 0 { digits.append(UInt8(ascii: "=")) }
        return String(decoding: digits, as: UTF8.self)
    }

    /// Decodes either alphabet, padded or not; `nil` for anything else, also for padding in the wrong place.
    package static func decode(_ text: String) -> [UInt8]? { decode(Array(text.utf8)) }

    /// Decodes either alphabet, padded or not; `nil` for anything else, also for padding in the wrong place.
    package static func decode(_ text: some BidirectionalCollection<UInt8>) -> [UInt8]? {
        var digits = text[...]
        var padding = 0
        while padding < 2, digits.last == UInt8(ascii: "=") {
            digits = digits.dropLast()
            padding += 1
        }
        let count = digits.count
        guard count % 4 != 1, padding == 0 || (count + padding) % 4 == 0 else { return nil }
        var result: [UInt8] = []
        result.reserveCapacity(count / 4 * 3 + 2)
        var group: UInt32 = 0
        var filled = 0
        for digit in digits {
            let value = values[Int(digit)]
            guard value != 255 else { return nil }
            group = group << 6 | UInt32(value)
            filled += 1
            guard filled == 4 else { continue }
            for shift: UInt32 in [16, 8, 0] { result.append(UInt8(truncatingIfNeeded: group >> shift)) }
            group = 0
            filled = 0
        }
        if filled == 3 {
            result += [UInt8(truncatingIfNeeded: group >> 10), UInt8(truncatingIfNeeded: group >> 2)]
        }
        if filled == 2 { result.append(UInt8(truncatingIfNeeded: group >> 4)) }
        return result
    }
}
