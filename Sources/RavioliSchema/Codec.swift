// SPDX-License-Identifier: Apache-2.0

import CProtobufC

/// Takes a message between its encoded form and its C struct. All calls into protobuf-c are in this file.
enum Codec {
    /// For the guard's stack and what is left over at the ends of blocks, in bytes.
    private static let arenaSlack = 1 << 20

    /// How many bytes the arena may take for a message that the guard lets pass: twice the guard's estimate, since
    /// protobuf-c's lists double, short strings are aligned, and blocks are not filled to the last byte.
    static func arenaBudget(_ limits: SchemaLimits) -> Int {
        limits.decodedBytesMax.addingSaturated(limits.decodedBytesMax).addingSaturated(arenaSlack)
    }

    /// Decodes `bytes` into a struct in the arena.
    ///
    /// - Returns: the struct, valid until the arena is reset.
    static func unpack(
        _ bytes: UnsafeRawBufferPointer, as type: MessageDescriptor, limits: SchemaLimits, arena: Arena
    ) throws(SchemaError) -> UnsafeMutableRawPointer {
        switch try Guard.check(bytes, as: type, limits: limits, arena: arena) {
        case .clean: return try unpackChecked(bytes, as: type, arena: arena)
        case .needsRewrite:
            let rewritten = Normalizer.normalize(bytes, as: type)
            return try rewritten.span.bytes.withUnsafeBytes { bytes throws(SchemaError) in
                try unpackChecked(bytes, as: type, arena: arena)
            }
        }
    }

    private static func unpackChecked(
        _ bytes: UnsafeRawBufferPointer, as type: MessageDescriptor, arena: Arena
    ) throws(SchemaError) -> UnsafeMutableRawPointer {
        let table = type.cTable.assumingMemoryBound(to: ProtobufCMessageDescriptor.self)
        let data = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
        guard let message = protobuf_c_message_unpack(table, arena.allocator, bytes.count, data) else {
            // The guard has let the bytes pass, so this is memory or a fault of ours; the arena knows which.
            throw arena.isExhausted
                ? SchemaError(.limitExceeded, "decoding \(type.fullName) needs more memory than its budget")
                : SchemaError(
                    .invalidSchema, "protobuf-c rejects bytes of \(type.fullName) that the guard has passed")
        }
        return UnsafeMutableRawPointer(message)
    }

    /// An empty struct of this type in the arena.
    static func makeStruct(
        _ type: MessageDescriptor, arena: Arena
    ) throws(SchemaError) -> UnsafeMutableRawPointer {
        guard let memory = Arena.allocate(type.structSize, from: arena.state) else {
            throw SchemaError(.limitExceeded, "\(type.fullName) needs more memory than its budget")
        }
        memory.initializeMemory(as: UInt8.self, repeating: 0, count: type.structSize)
        memory.storeBytes(of: type.cTable, as: UnsafeRawPointer.self)
        return memory
    }

    /// Packs a filled struct into arena memory.
    ///
    /// - Parameter sizeBound: at least the packed size; `nil` lets protobuf-c measure it first.
    static func pack(
        _ message: UnsafeMutableRawPointer, sizeBound: Int?, arena: Arena
    ) throws(SchemaError) -> UnsafeRawBufferPointer {
        let message = message.assumingMemoryBound(to: ProtobufCMessage.self)
        var capacity = sizeBound ?? protobuf_c_message_get_packed_size(message)
        if capacity > SchemaLimits.encodedBytesCeiling {
            capacity = protobuf_c_message_get_packed_size(message)
        }
        guard capacity <= SchemaLimits.encodedBytesCeiling else {
            throw SchemaError(
                .invalidValue, "encoding takes \(capacity) bytes, over protobuf's limit of 2 GiB")
        }
        guard let memory = Arena.allocate(max(capacity, 1), from: arena.state) else {
            throw SchemaError(.limitExceeded, "no memory is left for an encoded message of \(capacity) bytes")
        }
        let count = protobuf_c_message_pack(message, memory.assumingMemoryBound(to: UInt8.self))
        precondition(count <= max(capacity, 1), "the writer's bound of the packed size was too low")
        return UnsafeRawBufferPointer(start: memory, count: count)
    }
}

extension Int {
    /// The sum, or the largest value where it would not fit.
    func addingSaturated(_ other: Int) -> Int {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? .max : sum
    }
}
