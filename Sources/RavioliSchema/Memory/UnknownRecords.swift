// SPDX-License-Identifier: Apache-2.0

import CProtobufC

/// Moves unknown fields between a message's C struct and their encoded form.
///
/// protobuf-c keeps a list of (tag, wire type, data). It cannot keep what it rejects: groups and fields of another
/// wire type than the schema's. The ``Normalizer`` therefore hands those over inside a record of field number 0,
/// which no peer can send because the guard refuses it; here it is unwrapped again.
@usableFromInline
enum UnknownRecords {
    /// The number under which the normaliser wraps a record.
    static let wrapperNumber: UInt32 = 0

    /// The unknown fields of the struct at `base`, encoded.
    @usableFromInline @inline(never)
    static func collect(_ base: UnsafeRawPointer) -> UnknownFields {
        let message = base.assumingMemoryBound(to: ProtobufCMessage.self).pointee
        let records = UnsafeBufferPointer(start: message.unknown_fields, count: Int(message.n_unknown_fields))
        var bytes: [UInt8] = []
        for record in records {
            let data = UnsafeBufferPointer(start: record.data, count: record.len)
            if record.tag == wrapperNumber {
                bytes += data.drop { $0 >= 0x80 }.dropFirst()
            } else {
                appendVarint(UInt64(record.tag) << 3 | UInt64(record.wire_type.rawValue), to: &bytes)
                bytes += data
            }
        }
        return UnknownFields(verified: bytes)
    }

    /// Gives `bytes` to the struct at `base` as one record: protobuf-c writes its tag and then its data untouched,
    /// so everything behind the first tag may stand in the data, whatever it is.
    @usableFromInline @inline(never)
    static func attach(_ bytes: [UInt8], to base: UnsafeMutableRawPointer, writer: inout FieldWriter) {
        guard let memory = writer.allocate(bytes.count),
            let record = writer.allocate(MemoryLayout<ProtobufCMessageUnknownField>.size)
        else { return }
        bytes.withUnsafeBytes { memory.copyMemory(from: $0.baseAddress!, byteCount: bytes.count) }
        let (tag, tagSize) = tag(at: bytes)
        record.bindMemory(to: ProtobufCMessageUnknownField.self, capacity: 1).initialize(
            to: ProtobufCMessageUnknownField(
                tag: UInt32(truncatingIfNeeded: tag >> 3), wire_type: ProtobufCWireType(UInt32(tag & 7)),
                len: bytes.count - tagSize, data: (memory + tagSize).assumingMemoryBound(to: UInt8.self)))
        let message = base.assumingMemoryBound(to: ProtobufCMessage.self)
        message.pointee.n_unknown_fields = 1
        message.pointee.unknown_fields = record.assumingMemoryBound(to: ProtobufCMessageUnknownField.self)
        writer.sizeBound += bytes.count + FieldWriter.tagSize
    }
}

// MARK: - For JSON, in an arena

extension UnknownRecords {
    /// Whether the struct at `base` has any.
    @inline(__always)
    static func areAny(in base: UnsafeRawPointer) -> Bool {
        base.assumingMemoryBound(to: ProtobufCMessage.self).pointee.n_unknown_fields != 0
    }

    /// Whether the struct at `base` has one of this number.
    static func contains(_ number: Int32, in base: UnsafeRawPointer) -> Bool {
        records(in: base).contains { $0.tag == UInt32(bitPattern: number) }
    }

    /// Takes those of this number out.
    static func remove(_ number: Int32, from base: UnsafeMutableRawPointer) {
        let message = base.assumingMemoryBound(to: ProtobufCMessage.self)
        guard let first = message.pointee.unknown_fields else { return }
        var count = 0
        for record in records(in: base) where record.tag != UInt32(bitPattern: number) {
            first[count] = record
            count += 1
        }
        message.pointee.n_unknown_fields = UInt32(count)
    }

    /// Gives `bytes`, encoded fields of one number, to the struct at `base` behind those that it has; false if there is
    /// no memory left. The bytes stay where they are.
    static func attach(
        _ bytes: UnsafeRawBufferPointer, to base: UnsafeMutableRawPointer, arena: Arena
    ) -> Bool {
        guard !bytes.isEmpty, let start = bytes.baseAddress else { return true }
        let message = base.assumingMemoryBound(to: ProtobufCMessage.self)
        let before = records(in: base)
        let stride = MemoryLayout<ProtobufCMessageUnknownField>.stride
        guard let memory = Arena.allocate((before.count + 1) * stride, from: arena.state) else {
            return false
        }
        let records = memory.bindMemory(to: ProtobufCMessageUnknownField.self, capacity: before.count + 1)
        for (index, record) in before.enumerated() { (records + index).initialize(to: record) }
        let (tag, tagSize) = tag(at: bytes)
        (records + before.count).initialize(
            to: ProtobufCMessageUnknownField(
                tag: UInt32(truncatingIfNeeded: tag >> 3), wire_type: ProtobufCWireType(UInt32(tag & 7)),
                len: bytes.count - tagSize,
                data: UnsafeMutablePointer(
                    mutating: (start + tagSize).assumingMemoryBound(to: UInt8.self))))
        message.pointee.unknown_fields = records
        message.pointee.n_unknown_fields = UInt32(before.count + 1)
        return true
    }

    private static func records(
        in base: UnsafeRawPointer
    ) -> UnsafeBufferPointer<ProtobufCMessageUnknownField> {
        let message = base.assumingMemoryBound(to: ProtobufCMessage.self).pointee
        return UnsafeBufferPointer(start: message.unknown_fields, count: Int(message.n_unknown_fields))
    }

    /// The tag that encoded fields begin with, and its size.
    private static func tag(at bytes: some Sequence<UInt8>) -> (tag: UInt64, size: Int) {
        var tag: UInt64 = 0
        var size = 0
        for byte in bytes.prefix(5) {
            tag |= UInt64(byte & 0x7f) << UInt64(7 * size)
            size += 1
            if byte < 0x80 { break }
        }
        return (tag, size)
    }
}

/// Appends a base-128 varint.
func appendVarint(_ value: UInt64, to bytes: inout [UInt8]) {
    var rest = value
    while rest >= 0x80 {
        bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
        rest >>= 7
    }
    bytes.append(UInt8(truncatingIfNeeded: rest))
}
