// SPDX-License-Identifier: Apache-2.0

// MARK: - Out of a C struct

extension DynamicMessage {
    /// Reads a message out of a decoded struct of its type, which the guard or the JSON parser has bounded in depth.
    init(from fields: FieldReader, as type: MessageDescriptor) {
        self.init(type)
        for field in type.fields {
            guard let slot = field.slot, let value = Self.value(of: field, slot, fields) else { continue }
            let isAbsent = value.isDefault && (field.presence == .implicit || field.isRepeated)
            if !isAbsent { values[field.number] = value }
        }
        unknownFields = fields.unknownFields()
    }

    /// The value of a field; `nil` if it is absent.
    private static func value(
        of field: FieldDescriptor, _ slot: MessageLayout.Slot, _ fields: FieldReader
    ) -> DynamicValue? {
        if field.isMap { return map(field, slot, fields) }
        if field.isRepeated { return list(field, slot, fields) }
        if field.oneofIndex != nil {
            guard fields.oneofCase(slot.mark) == field.number else { return nil }
        } else if slot.mark != 0 {
            guard fields.isPresent(slot.mark) else { return nil }
        }
        return single(field, FieldReader(fields.base + slot.offset))
    }

    /// The value that lies at the reader's start; `nil` for a message that is absent.
    private static func single(_ field: FieldDescriptor, _ value: FieldReader) -> DynamicValue? {
        switch field.kind {
        case .int32, .sint32, .sfixed32: return .int32(value.int32(at: 0))
        case .int64, .sint64, .sfixed64: return .int64(value.int64(at: 0))
        case .uint32, .fixed32: return .uint32(value.uint32(at: 0))
        case .uint64, .fixed64: return .uint64(value.uint64(at: 0))
        case .float: return .float(value.float(at: 0))
        case .double: return .double(value.double(at: 0))
        case .bool: return .bool(value.bool(at: 0))
        case .string: return .string(value.string(at: 0))
        case .bytes: return .bytes(value.bytes(at: 0))
        case .enumeration: return .enumeration(value.int32(at: 0))
        case .message, .group:
            guard let type = field.messageType, let base = value.load(0, as: UnsafeRawPointer?.self) else {
                return nil
            }
            return .message(DynamicMessage(from: FieldReader(base), as: type))
        }
    }

    private static func list(
        _ field: FieldDescriptor, _ slot: MessageLayout.Slot, _ fields: FieldReader
    ) -> DynamicValue {
        let count: Int = fields.load(slot.mark)
        guard count > 0, let first = fields.load(slot.offset, as: UnsafeRawPointer?.self) else {
            return .list([])
        }
        let stride = field.kind.structSize
        return .list((0..<count).compactMap { single(field, FieldReader(first + $0 * stride)) })
    }

    private static func map(
        _ field: FieldDescriptor, _ slot: MessageLayout.Slot, _ fields: FieldReader
    ) -> DynamicValue {
        guard let key = field.messageType?.fields.first, let value = field.messageType?.fields.last,
            let keySlot = key.slot, let valueSlot = value.slot
        else { return .map([:]) }
        let entries = fields.map(at: slot.offset, count: slot.mark) { entry in
            (
                self.value(of: key, keySlot, entry) ?? key.defaultValue,
                self.value(of: value, valueSlot, entry) ?? value.defaultValue
            )
        }
        return .map(entries)
    }
}

// MARK: - Into a C struct

extension DynamicMessage {
    /// Writes the message into an empty struct of its type.
    func write(to fields: inout FieldWriter) {
        for field in type.fields {
            guard let slot = field.slot, let value = values[field.number] else { continue }
            switch value {
            case .list(let elements): Self.write(elements, field, slot, to: &fields)
            case .map(let entries): Self.write(entries, field, slot, to: &fields)
            default:
                Self.write(value, at: fields.base + slot.offset, to: &fields)
                if slot.mark != 0 { fields.store(field.oneofIndex == nil ? 1 : field.number, at: slot.mark) }
            }
        }
        fields.unknownFields(unknownFields)
    }

    /// Stores one value, which takes as many bytes as its kind does.
    private static func write(
        _ value: DynamicValue, at target: UnsafeMutableRawPointer, to fields: inout FieldWriter
    ) {
        fields.sizeBound &+= FieldWriter.tagSize &+ FieldWriter.varintSize
        switch value {
        case .int32(let value), .enumeration(let value): target.storeBytes(of: value, as: Int32.self)
        case .int64(let value): target.storeBytes(of: value, as: Int64.self)
        case .uint32(let value): target.storeBytes(of: value, as: UInt32.self)
        case .uint64(let value): target.storeBytes(of: value, as: UInt64.self)
        case .float(let value): target.storeBytes(of: value, as: Float.self)
        case .double(let value): target.storeBytes(of: value, as: Double.self)
        case .bool(let value): target.storeBytes(of: value ? 1 : 0, as: Int32.self)
        case .string(var value): value.withUTF8 { fields.blob(UnsafeRawBufferPointer($0), at: target) }
        case .bytes(let value): value.withUnsafeBytes { fields.blob($0, at: target) }
        case .message(let value):
            let type = value.type
            let pointer = fields.nested(cTable: type.cTable, size: type.structSize) { value.write(to: &$0) }
            target.storeBytes(of: pointer, as: UnsafeMutableRawPointer?.self)
        case .list, .map: break
        }
    }

    private static func write(
        _ elements: [DynamicValue], _ field: FieldDescriptor, _ slot: MessageLayout.Slot,
        to fields: inout FieldWriter
    ) {
        let stride = field.kind.structSize
        guard let memory = fields.room(elements.count, stride: stride, at: slot.offset, count: slot.mark)
        else {
            return
        }
        memory.initializeMemory(as: UInt8.self, repeating: 0, count: elements.count * stride)
        for (index, element) in elements.enumerated() {
            write(element, at: memory + index * stride, to: &fields)
        }
        // The length of a packed list.
        fields.sizeBound &+= FieldWriter.tagSize &+ FieldWriter.varintSize
    }

    private static func write(
        _ entries: [DynamicValue: DynamicValue], _ field: FieldDescriptor, _ slot: MessageLayout.Slot,
        to fields: inout FieldWriter
    ) {
        guard let type = field.messageType, let key = type.fields.first?.slot,
            let item = type.fields.last?.slot,
            let memory = fields.room(entries.count, stride: 8, at: slot.offset, count: slot.mark)
        else { return }
        let ordered = fields.isDeterministic ? entries.sorted { $0.key.isBefore($1.key) } : Array(entries)
        for (index, (entryKey, entryValue)) in ordered.enumerated() {
            let pointer = fields.nested(cTable: type.cTable, size: type.structSize) { entry in
                write(entryKey, at: entry.base + key.offset, to: &entry)
                entry.store(Int32(1), at: key.mark)
                write(entryValue, at: entry.base + item.offset, to: &entry)
                if item.mark != 0 { entry.store(Int32(1), at: item.mark) }
            }
            memory.storeBytes(of: pointer, toByteOffset: index * 8, as: UnsafeMutableRawPointer?.self)
        }
    }
}
