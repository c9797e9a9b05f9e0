// SPDX-License-Identifier: Apache-2.0

/// Walks the fields of one encoded message in safe Swift, without a schema. It serves descriptors, options and
/// unknown fields; messages themselves go through the guard and protobuf-c.
/// Source: protobuf encoding guide, "Message Structure".
public struct WireRecords: Sendable {
    /// One field as it stands on the wire.
    public struct Record: Sendable, Hashable {
        /// The field's number, 1 … 2^29 − 1.
        public var number: Int32
        /// The field's value.
        public var value: Value
    }

    /// A field's value, told apart by its wire type only.
    public enum Value: Sendable, Hashable {
        case varint(UInt64)
        case fixed64(UInt64)
        case bytes(ArraySlice<UInt8>)
        /// The fields inside a group, without its end tag.
        case group(ArraySlice<UInt8>)
        case fixed32(UInt32)
    }

    private var rest: ArraySlice<UInt8>

    /// The fields of an encoded message that is part of a larger one.
    public init(_ bytes: ArraySlice<UInt8>) { self.rest = bytes }
    /// The fields of an encoded message.
    public init(_ bytes: [UInt8]) { self.rest = bytes[...] }

    /// The next field, or `nil` at the end.
    public mutating func next() throws(SchemaError) -> Record? {
        guard !rest.isEmpty else { return nil }
        let (number, wireType) = try readTag()
        return Record(number: number, value: try readValue(number: number, wireType: wireType))
    }

    private func malformed(_ what: String) -> SchemaError {
        SchemaError(.invalidData, what, offset: rest.startIndex)
    }

    private mutating func readTag() throws(SchemaError) -> (number: Int32, wireType: UInt8) {
        let tag = try readVarint(bytesMax: 5)
        guard tag <= UInt64(UInt32.max), tag >> 3 > 0 else { throw malformed("field number out of range") }
        return (Int32(truncatingIfNeeded: tag >> 3), UInt8(truncatingIfNeeded: tag & 7))
    }

    private mutating func readVarint(bytesMax: Int = 10) throws(SchemaError) -> UInt64 {
        var value: UInt64 = 0
        for position in 0..<bytesMax {
            guard let byte = rest.popFirst() else { throw malformed("truncated varint") }
            value |= UInt64(byte & 0x7f) &<< UInt64(7 &* position)
            if byte & 0x80 == 0 { return value }
        }
        throw malformed("varint longer than \(bytesMax) bytes")
    }

    private mutating func take(_ count: Int) throws(SchemaError) -> ArraySlice<UInt8> {
        guard count <= rest.count else { throw malformed("truncated field") }
        defer { rest = rest.dropFirst(count) }
        return rest.prefix(count)
    }

    private mutating func readValue(number: Int32, wireType: UInt8) throws(SchemaError) -> Value {
        switch wireType {
        case 0: return .varint(try readVarint())
        case 1: return .fixed64(try take(8).reversed().reduce(0) { $0 << 8 | UInt64($1) })
        case 2:
            let length = try readVarint(bytesMax: 5)
            guard length <= UInt64(Int32.max) else { throw malformed("length prefix over 2 GiB") }
            return .bytes(try take(Int(length)))
        case 3: return .group(try readGroup(number))
        case 5: return .fixed32(try take(4).reversed().reduce(0) { $0 << 8 | UInt32($1) })
        default: throw malformed("wire type \(wireType) in an unexpected place")
        }
    }

    /// Reads up to the matching end tag, keeping the open groups on a stack of at most the depth limit.
    private mutating func readGroup(_ number: Int32) throws(SchemaError) -> ArraySlice<UInt8> {
        let body = rest
        var open = [number]
        while true {
            let start = rest.startIndex
            let (inner, wireType) = try readTag()
            switch wireType {
            case 3:
                guard open.count < SchemaLimits.depthCeiling else {
                    throw malformed("groups nested too deep")
                }
                open.append(inner)
            case 4:
                guard open.popLast() == inner else { throw malformed("group ends with another number") }
                if open.isEmpty { return body[body.startIndex..<start] }
            default: _ = try readValue(number: inner, wireType: wireType)
            }
        }
    }
}
