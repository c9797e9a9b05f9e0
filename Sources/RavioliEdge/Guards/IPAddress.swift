// SPDX-License-Identifier: Apache-2.0

/// An address of IPv4 or IPv6. One of IPv4 and the same one mapped into IPv6 are equal.
package struct IPAddress: Sendable, Hashable, CustomStringConvertible {
    /// The first half of the address as IPv6.
    let high: UInt64
    /// The second half.
    let low: UInt64

    var isV4: Bool { high == 0 && low >> 32 == 0xFFFF }

    /// Reads an address as RFC 4291 and RFC 6943 write it: no leading zeros in IPv4, no zone, no brackets, no port.
    package init?(_ text: some StringProtocol) {
        let bytes = Array(text.utf8)
        guard (2...45).contains(bytes.count) else { return nil }
        if let four = Self.four(bytes[...]) {
            (high, low) = (0, 0xFFFF << 32 | UInt64(four))
            return
        }
        guard let groups = Self.groups(bytes) else { return nil }
        high = groups[..<4].reduce(0) { $0 << 16 | UInt64($1) }
        low = groups[4...].reduce(0) { $0 << 16 | UInt64($1) }
    }

    private static func four(_ bytes: ArraySlice<UInt8>) -> UInt32? {
        let parts = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var address: UInt32 = 0
        for part in parts {
            guard (1...3).contains(part.count), part.count == 1 || part.first != UInt8(ascii: "0"),
                let value = number(part, radix: 10), value <= 255
            else { return nil }
            address = address << 8 | UInt32(value)
        }
        return address
    }

    /// The eight groups of an address of IPv6.
    private static func groups(_ bytes: [UInt8]) -> [UInt16]? {
        let colon = UInt8(ascii: ":")
        guard
            let gap = bytes.indices.dropLast().first(where: { bytes[$0] == colon && bytes[$0 + 1] == colon })
        else {
            guard let groups = run(bytes[...]), groups.count == 8 else { return nil }
            return groups
        }
        guard let head = run(bytes[..<gap], isHead: true), let tail = run(bytes[(gap + 2)...]),
            head.count + tail.count < 8
        else { return nil }
        return head + [UInt16](repeating: 0, count: 8 - head.count - tail.count) + tail
    }

    /// Groups between colons; the last may be two of them, written as IPv4.
    private static func run(_ bytes: ArraySlice<UInt8>, isHead: Bool = false) -> [UInt16]? {
        if bytes.isEmpty { return [] }
        let parts = bytes.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        var groups: [UInt16] = []
        for (index, part) in parts.enumerated() {
            if (1...4).contains(part.count), let value = number(part, radix: 16) {
                groups.append(UInt16(value))
            } else if index == parts.count - 1, !isHead, let address = four(part) {
                groups += [UInt16(address >> 16), UInt16(truncatingIfNeeded: address)]
            } else {
                return nil
            }
        }
        return groups
    }

    /// At most four digits, so it always fits.
    private static func number(_ digits: ArraySlice<UInt8>, radix: UInt32) -> UInt32? {
        var value: UInt32 = 0
        for digit in digits {
            guard let digit = Character(Unicode.Scalar(digit)).hexDigitValue, digit < radix else {
                return nil
            }
            value = value * radix + UInt32(digit)
        }
        return value
    }

    /// As RFC 5952 writes it.
    package var description: String {
        if isV4 { return [24, 16, 8, 0].map { "\(low >> $0 & 0xFF)" }.joined(separator: ".") }
        let groups = [high, low].flatMap { half in [48, 32, 16, 0].map { half >> $0 & 0xFFFF } }
        var gap = 0..<0
        var start = 0
        while start < 8 {
            let end = groups[start...].firstIndex { $0 != 0 } ?? 8
            if end - start > max(gap.count, 1) { gap = start..<end }
            start = end + 1
        }
        let texts = groups.map { String($0, radix: 16) }
        if gap.isEmpty { return texts.joined(separator: ":") }
        return texts[..<gap.lowerBound].joined(separator: ":") + "::"
            + texts[gap.upperBound...].joined(separator: ":")
    }
}

/// Addresses that begin alike, as `10.0.0.0/8`.
package struct IPNetwork: Sendable, Hashable {
    private let first: IPAddress
    /// Of an address as IPv6.
    private let bits: Int

    /// Reads an address and, behind a slash, how many of its bits count: all, if there is none.
    package init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let address = IPAddress(parts[0]) else { return nil }
        let bitsMax = address.isV4 ? 32 : 128
        var bits = bitsMax
        if parts.count == 2 {
            guard let given = Int(parts[1]), given >= 0, given <= bitsMax, "\(given)" == parts[1] else {
                return nil
            }
            bits = given
        }
        first = address
        self.bits = bits + 128 - bitsMax
    }

    package func contains(_ address: IPAddress) -> Bool {
        guard address.isV4 == first.isV4 else { return false }
        let highBits = min(bits, 64)
        let lowBits = bits - highBits
        return (address.high ^ first.high) & Self.mask(highBits) == 0
            && (address.low ^ first.low) & Self.mask(lowBits) == 0
    }

    private static func mask(_ bits: Int) -> UInt64 { bits == 0 ? 0 : ~0 << UInt64(64 - bits) }
}
