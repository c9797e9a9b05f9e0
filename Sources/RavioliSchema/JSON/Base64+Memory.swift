// SPDX-License-Identifier: Apache-2.0

// The same as in `Base64.swift`, between pieces of memory and without arrays: for the JSON codec.
extension Base64 {
    private static let digits: StaticString =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

    /// For each byte the value of the digit, 255 for what is none; both alphabets.
    nonisolated(unsafe) private static let valueTable: UnsafePointer<UInt8> = {
        let table = UnsafeMutablePointer<UInt8>.allocate(capacity: 256)
        table.initialize(repeating: 255, count: 256)
        for value in 0..<64 { table[Int(digits.utf8Start[value])] = UInt8(value) }
        table[Int(UInt8(ascii: "-"))] = 62
        table[Int(UInt8(ascii: "_"))] = 63
        return UnsafePointer(table)
    }()

    /// How many characters `count` bytes become, padded.
    static func encodedSize(_ count: Int) -> Int { (count + 2) / 3 * 4 }

    /// Encodes in the standard alphabet, padded; `target` has room for ``encodedSize(_:)``.
    static func encode(_ bytes: UnsafeRawBufferPointer, into target: UnsafeMutablePointer<UInt8>) {
        let digits = digits.utf8Start
        var target = target
        var position = 0
        while bytes.count &- position >= 3 {
            let group =
                UInt32(bytes[position]) << 16 | UInt32(bytes[position &+ 1]) << 8
                | UInt32(bytes[position &+ 2])
            target[0] = digits[Int(group >> 18)]
            target[1] = digits[Int(group >> 12 & 63)]
            target[2] = digits[Int(group >> 6 & 63)]
            target[3] = digits[Int(group & 63)]
            target += 4
            position &+= 3
        }
        let rest = bytes.count &- position
        guard rest > 0 else { return }
        let group = UInt32(bytes[position]) << 16 | (rest > 1 ? UInt32(bytes[position &+ 1]) << 8 : 0)
        target[0] = digits[Int(group >> 18)]
        target[1] = digits[Int(group >> 12 & 63)]
        target[2] = rest > 1 ? digits[Int(group >> 6 & 63)] : UInt8(ascii: "=")
        target[3] = UInt8(ascii: "=")
    }

    /// Decodes either alphabet, padded or not, into `target`, which has room for `text.count / 4 * 3 + 3` bytes.
    ///
    /// - Returns: how many bytes were written; `nil` for what is no base64.
    static func decode(_ text: UnsafeBufferPointer<UInt8>, into target: UnsafeMutablePointer<UInt8>) -> Int? {
        let values = valueTable
        var count = text.count
        while count > 0, text.count - count < 2, text[count - 1] == UInt8(ascii: "=") { count -= 1 }
        guard count % 4 != 1, count == text.count || text.count % 4 == 0 else { return nil }
        var written = 0
        var position = 0
        while count &- position >= 4 {
            let (a, b) = (values[Int(text[position])], values[Int(text[position &+ 1])])
            let (c, d) = (values[Int(text[position &+ 2])], values[Int(text[position &+ 3])])
            guard (a | b | c | d) < 64 else { return nil }
            let group = UInt32(a) << 18 | UInt32(b) << 12 | UInt32(c) << 6 | UInt32(d)
            target[written] = UInt8(truncatingIfNeeded: group >> 16)
            target[written &+ 1] = UInt8(truncatingIfNeeded: group >> 8)
            target[written &+ 2] = UInt8(truncatingIfNeeded: group)
            written &+= 3
            position &+= 4
        }
        return decodeRest(text, position..<count, values, target, written)
    }

    /// The two or three digits at the end that make one or two bytes.
    private static func decodeRest(
        _ text: UnsafeBufferPointer<UInt8>, _ rest: Range<Int>, _ values: UnsafePointer<UInt8>,
        _ target: UnsafeMutablePointer<UInt8>, _ written: Int
    ) -> Int? {
        guard !rest.isEmpty else { return written }
        var group: UInt32 = 0
        for position in rest {
            guard values[Int(text[position])] < 64 else { return nil }
            group = group << 6 | UInt32(values[Int(text[position])])
        }
        guard rest.count == 3 else {
            target[written] = UInt8(truncatingIfNeeded: group >> 4)
            return written + 1
        }
        target[written] = UInt8(truncatingIfNeeded: group >> 10)
        target[written + 1] = UInt8(truncatingIfNeeded: group >> 2)
        return written + 2
    }
}
