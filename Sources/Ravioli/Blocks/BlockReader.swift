// SPDX-License-Identifier: Apache-2.0

// Metadata, status and hello details are protobuf messages of two or three string fields (`Protos/ravioli/rpc/v1`).
// They are read and written by hand here, for two reasons: metadata is on the way of every call, before any handler,
// and must not cost an arena and a generated value; and a peer's block is refused by pairs and bytes while it is
// read, not after. A test holds the bytes equal to what the generated types produce.

import NIOCore

/// A peer's block that breaks its format or its limits.
struct BlockError: Error, Hashable {
    enum Reason: Hashable { case malformed, overLimit }
    let reason: Reason
    let text: String

    static func malformed(_ text: String) -> BlockError { BlockError(reason: .malformed, text: text) }
    static func overLimit(_ text: String) -> BlockError { BlockError(reason: .overLimit, text: text) }
}

/// Walks the fields of a protobuf message, one level, without recursion.
struct BlockReader {
    private var bytes: ByteBuffer

    init(_ bytes: ByteBuffer) { self.bytes = bytes }

    /// A length-delimited field.
    struct Field {
        let number: UInt64
        let value: ByteBuffer
    }

    /// The next length-delimited field; other fields are skipped, as unknown fields are.
    mutating func next() throws(BlockError) -> Field? {
        while bytes.readableBytes > 0 {
            let tag = try varint()
            guard tag >> 3 != 0, tag <= UInt64(UInt32.max) else {
                throw .malformed("a field number out of range")
            }
            switch tag & 7 {
            case 0: _ = try varint()
            case 1: _ = try take(8)
            case 2: return Field(number: tag >> 3, value: try take(try varint()))
            case 5: _ = try take(4)
            default: throw .malformed("a group or unknown wire type")
            }
        }
        return nil
    }

    /// A field whose value is of either kind.
    struct AnyField {
        enum Value {
            case number(UInt64)
            case bytes(ByteBuffer)
        }
        let number: UInt64
        let value: Value
    }

    /// The next length-delimited field or varint; other fields are skipped.
    mutating func nextOfAnyKind() throws(BlockError) -> AnyField? {
        while bytes.readableBytes > 0 {
            let tag = try varint()
            guard tag >> 3 != 0, tag <= UInt64(UInt32.max) else {
                throw .malformed("a field number out of range")
            }
            switch tag & 7 {
            case 0: return AnyField(number: tag >> 3, value: .number(try varint()))
            case 1: _ = try take(8)
            case 2: return AnyField(number: tag >> 3, value: .bytes(try take(try varint())))
            case 5: _ = try take(4)
            default: throw .malformed("a group or unknown wire type")
            }
        }
        return nil
    }

    private mutating func varint() throws(BlockError) -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 64, by: 7) {
            guard let byte = bytes.readInteger(as: UInt8.self) else { throw .malformed("a truncated number") }
            value |= UInt64(byte & 0x7F) << shift
            if byte & 0x80 == 0 {
                guard shift < 63 || byte <= 1 else { break }
                return value
            }
        }
        throw .malformed("a number above 64 bits")
    }

    private mutating func take(_ length: UInt64) throws(BlockError) -> ByteBuffer {
        guard let length = Int(exactly: length), let slice = bytes.readSlice(length: length) else {
            throw .malformed("a field past the end of its block")
        }
        return slice
    }
}

extension ByteBuffer {
    /// Valid UTF-8, or an error.
    func blockText(_ what: StaticString) throws(BlockError) -> String {
        guard let text = String(validating: readableBytesView, as: UTF8.self) else {
            throw .malformed("\(what) is not UTF-8")
        }
        return text
    }

    /// A length-delimited field, left out when empty as proto3 does.
    mutating func writeField(_ number: UInt8, _ value: some Collection<UInt8>) {
        if !value.isEmpty { writePresentField(number, value) }
    }

    /// A length-delimited field, written even when empty: an element of a repeated field.
    mutating func writePresentField(_ number: UInt8, _ value: some Collection<UInt8>) {
        writeInteger(number << 3 | 2)
        writeVarint(UInt64(value.count))
        writeBytes(value)
    }

    mutating func writeVarint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            writeInteger(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        writeInteger(UInt8(truncatingIfNeeded: rest))
    }
}
