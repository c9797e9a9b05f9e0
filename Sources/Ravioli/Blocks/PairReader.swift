// SPDX-License-Identifier: Apache-2.0

// Metadata as everybody writes it: for each pair a field 1 with its length, in it the name as field 1, and unless it is
// empty the value as field 2. A block of that form whose pairs keep to the rules is taken over as it is; all others go
// through `BlockReader`.

import NIOCore

/// Walks encoded pairs without making values of them.
struct PairReader {
    /// Where a pair's parts lie in the block.
    struct Position {
        let name: Range<Int>
        let value: Range<Int>
    }

    private let block: ByteBuffer
    /// What comes next.
    private(set) var offset: Int

    init(_ block: ByteBuffer, at offset: Int = 0) {
        self.block = block
        self.offset = offset
    }

    /// The next pair; nil at the end, and where the block has another form.
    mutating func next() -> Position? {
        block.withUnsafeReadableBytes { Self.next(in: $0, at: &offset) }
    }

    /// The pair at a position.
    func pair(_ position: Position) -> Metadata.Pair {
        block.withUnsafeReadableBytes { bytes in
            Metadata.Pair(
                name: String(decoding: bytes[position.name], as: UTF8.self),
                value: Array(bytes[position.value]))
        }
    }

    /// Whether the pair at a position has this name.
    func isNamed(_ position: Position, _ name: String) -> Bool {
        block.withUnsafeReadableBytes { $0[position.name].elementsEqual(name.utf8) }
    }

    /// The number of pairs of a block that has this form and keeps all rules; nil for any other block.
    static func count(ofCheckedPairsIn block: ByteBuffer) -> Int? {
        block.withUnsafeReadableBytes { bytes in
            var (offset, count) = (0, 0)
            while let pair = next(in: bytes, at: &offset) {
                guard mayTravel(bytes[pair.name], bytes[pair.value]) else { return nil }
                count += 1
            }
            return offset == bytes.count ? count : nil
        }
    }

    private static func mayTravel(
        _ name: Slice<UnsafeRawBufferPointer>, _ value: Slice<UnsafeRawBufferPointer>
    )
        -> Bool
    {
        guard !name.isEmpty, name.allSatisfy(isNameByte) else { return false }
        return value.allSatisfy(isTextByte) || name.suffix(4).elementsEqual("-bin".utf8)
    }

    private static func next(in bytes: UnsafeRawBufferPointer, at offset: inout Int) -> Position? {
        var at = offset
        guard let pair = field(1, in: bytes, at: &at, end: bytes.count, canBeEmpty: true)
        else { return nil }
        at = pair.lowerBound
        // The fields of an empty name are left out; no such pair may travel, but it can be built.
        let name = field(1, in: bytes, at: &at, end: pair.upperBound) ?? at..<at
        let value = field(2, in: bytes, at: &at, end: pair.upperBound) ?? at..<at
        guard at == pair.upperBound else { return nil }
        offset = at
        return Position(name: name, value: value)
    }

    /// Where the value of a length-delimited field with this number lies, if it comes next.
    private static func field(
        _ number: UInt8, in bytes: UnsafeRawBufferPointer, at offset: inout Int, end: Int,
        canBeEmpty: Bool = false
    ) -> Range<Int>? {
        guard offset < end, bytes[offset] == number << 3 | 2 else { return nil }
        var (at, length, shift) = (offset + 1, 0, 0)
        // Five bytes of length hold more than any block.
        while shift < 35 {
            guard at < end else { return nil }
            let byte = bytes[at]
            at += 1
            length |= Int(byte & 0x7F) << shift
            shift += 7
            if byte & 0x80 != 0 { continue }
            guard length <= end - at, byte != 0 || shift == 7 && canBeEmpty else { return nil }
            offset = at + length
            return at..<offset
        }
        return nil
    }

    static func isTextByte(_ byte: UInt8) -> Bool { byte >= 0x20 && byte < 0x7F }

    static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
        case UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."): true
        default: false
        }
    }
}

extension ByteBuffer {
    /// Appends a pair in the form that ``PairReader`` reads.
    mutating func writePair(_ pair: Metadata.Pair) {
        let (name, value) = (pair.name.utf8.count, pair.value.count)
        writeInteger(UInt8(1 << 3 | 2))
        writeVarint(UInt64(Self.fieldBytes(name) + Self.fieldBytes(value)))
        writeField(1, pair.name.utf8)
        writeField(2, pair.value)
    }

    /// Bytes of a length-delimited field with a number below 16 that is left out when empty.
    private static func fieldBytes(_ count: Int) -> Int {
        if count == 0 { return 0 }
        return 1 + (64 - UInt64(count).leadingZeroBitCount + 6) / 7 + count
    }
}
