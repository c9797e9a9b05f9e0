// SPDX-License-Identifier: Apache-2.0

import CProtobufC

/// Builds the table by which protobuf-c packs and unpacks a message type.
///
/// Three faults of protobuf-c are avoided by what the tables say: every singular scalar is OPTIONAL with a `has_`
/// mark (label NONE would drop -0.0), strings are BYTES (type STRING would cut at NUL), and no field has a default
/// (one inside a oneof would be freed; protobuf-c issue 804).
enum CTable {
    /// Fills the memory behind ``MessageDescriptor/cTable``. It is never freed, like the descriptor itself.
    static func fill(for message: MessageDescriptor) {
        let fields = message.fields.filter { $0.slot != nil }.map(entry)
        let ranges = ranges(of: fields.map { Int32(bitPattern: $0.id) })
        var table = ProtobufCMessageDescriptor()
        table.magic = UInt32(PROTOBUF_C__MESSAGE_DESCRIPTOR_MAGIC)
        table.name = name
        table.short_name = name
        table.c_name = name
        table.package_name = name
        table.sizeof_message = message.structSize
        table.n_fields = UInt32(fields.count)
        table.fields = permanent(fields)
        table.n_field_ranges = UInt32(max(ranges.count - 1, 0))
        table.field_ranges = permanent(ranges)
        UnsafeMutableRawPointer(mutating: message.cTable)
            .assumingMemoryBound(to: ProtobufCMessageDescriptor.self)
            .initialize(to: table)
    }

    /// protobuf-c reads names for debug output only; errors of ours come from the guard.
    nonisolated(unsafe) private static let name = UnsafePointer(permanent([CChar(0)]))

    private static func entry(_ field: FieldDescriptor) -> ProtobufCFieldDescriptor {
        var entry = ProtobufCFieldDescriptor()
        entry.name = name
        entry.id = UInt32(bitPattern: field.number)
        entry.label = field.isRepeated ? PROTOBUF_C_LABEL_REPEATED : PROTOBUF_C_LABEL_OPTIONAL
        entry.type = field.kind.cType
        entry.offset = UInt32(field.slot?.offset ?? 0)
        entry.quantifier_offset = UInt32(field.slot?.mark ?? 0)
        entry.descriptor = field.messageType?.cTable
        entry.default_value = nil
        if field.isPacked { entry.flags |= UInt32(PROTOBUF_C_FIELD_FLAG_PACKED.rawValue) }
        if field.oneofIndex != nil { entry.flags |= UInt32(PROTOBUF_C_FIELD_FLAG_ONEOF.rawValue) }
        return entry
    }

    /// One range for each run of consecutive numbers and a closing one; none if there are no fields.
    private static func ranges(of numbers: [Int32]) -> [ProtobufCIntRange] {
        guard !numbers.isEmpty else { return [] }
        var ranges: [ProtobufCIntRange] = []
        for (index, number) in numbers.enumerated() where index == 0 || numbers[index - 1] != number - 1 {
            ranges.append(ProtobufCIntRange(start_value: number, orig_index: UInt32(index)))
        }
        return ranges + [ProtobufCIntRange(start_value: 0, orig_index: UInt32(numbers.count))]
    }

    private static func permanent<Element: BitwiseCopyable>(_ elements: [Element]) -> UnsafePointer<Element>?
    {
        guard !elements.isEmpty else { return nil }
        let memory = UnsafeMutableBufferPointer<Element>.allocate(capacity: elements.count)
        _ = memory.initialize(from: elements)
        return memory.baseAddress.map { UnsafePointer($0) }
    }
}

extension FieldKind {
    fileprivate var cType: ProtobufCType {
        switch self {
        case .double: PROTOBUF_C_TYPE_DOUBLE
        case .float: PROTOBUF_C_TYPE_FLOAT
        case .int64: PROTOBUF_C_TYPE_INT64
        case .uint64: PROTOBUF_C_TYPE_UINT64
        case .int32: PROTOBUF_C_TYPE_INT32
        case .fixed64: PROTOBUF_C_TYPE_FIXED64
        case .fixed32: PROTOBUF_C_TYPE_FIXED32
        case .bool: PROTOBUF_C_TYPE_BOOL
        case .string, .bytes: PROTOBUF_C_TYPE_BYTES
        case .group, .message: PROTOBUF_C_TYPE_MESSAGE
        case .uint32: PROTOBUF_C_TYPE_UINT32
        case .enumeration: PROTOBUF_C_TYPE_ENUM
        case .sfixed32: PROTOBUF_C_TYPE_SFIXED32
        case .sfixed64: PROTOBUF_C_TYPE_SFIXED64
        case .sint32: PROTOBUF_C_TYPE_SINT32
        case .sint64: PROTOBUF_C_TYPE_SINT64
        }
    }
}
