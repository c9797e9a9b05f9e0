// SPDX-License-Identifier: Apache-2.0

import RavioliSchema

/// How one field of a message looks in Swift: its property, and the code that moves it between the Swift value and
/// the C struct. `_r` and `_w`, which no field can be called, name the reader and the writer in generated code.
struct FieldShape {
    let field: FieldDescriptor
    /// The property's name.
    let name: String
    /// The Swift type of one value: an element, if the field is a list.
    let elementType: String
    /// The property's type.
    let type: String
    /// What the property is when the field is absent.
    let defaultValue: String

    private let slot: MessageLayout.Slot
    /// The Swift type of the message that the field belongs to.
    private let owner: String

    /// `nil` for a group, which has no place in the C struct.
    init?(_ field: FieldDescriptor, name: String, owner: String, names: TypeNames) {
        guard let slot = field.slot else { return nil }
        self.field = field
        self.name = name
        self.slot = slot
        self.owner = owner
        elementType = Self.elementType(of: field, names, inside: owner)
        if field.isMap, let entry = field.messageType {
            type = Self.mapType(of: entry, names, inside: owner)
            defaultValue = "[:]"
        } else if field.isRepeated {
            type = "[\(elementType)]"
            defaultValue = "[]"
        } else if field.presence == .implicit {
            type = elementType
            defaultValue = Self.zero(of: field)
        } else {
            type = elementType + "?"
            defaultValue = "nil"
        }
    }

    private static func elementType(
        of field: FieldDescriptor, _ names: TypeNames, inside owner: String
    ) -> String {
        switch field.kind {
        case .message, .group: declaredType(field.messageType?.fullName, names, inside: owner)
        case .enumeration: declaredType(field.enumType?.fullName, names, inside: owner)
        case .string: names.swift("String")
        case .bytes: "[\(names.swift("UInt8"))]"
        case .bool: names.swift("Bool")
        case .float: names.swift("Float")
        case .double: names.swift("Double")
        case .int32, .sint32, .sfixed32: names.swift("Int32")
        case .uint32, .fixed32: names.swift("UInt32")
        case .int64, .sint64, .sfixed64: names.swift("Int64")
        case .uint64, .fixed64: names.swift("UInt64")
        }
    }

    /// A type declared in the message itself goes by its simple name there.
    private static func declaredType(_ fullName: String?, _ names: TypeNames, inside owner: String) -> String
    {
        let name = fullName.flatMap { names.types[$0] } ?? ""
        let isNested = !owner.isEmpty && scopeOf(name) == owner
        return isNested ? simpleName(name) : name
    }

    private static func mapType(
        of entry: MessageDescriptor, _ names: TypeNames, inside owner: String
    ) -> String {
        let parts = entry.fields.map { elementType(of: $0, names, inside: owner) }
        return "[\(parts[0]): \(parts[1])]"
    }

    private static func zero(of field: FieldDescriptor) -> String {
        switch field.kind {
        case .string: "\"\""
        case .bytes: "[]"
        case .bool: "false"
        case .enumeration: field.enumType.map { EnumNames($0).literal(0) } ?? "0"
        default: "0"
        }
    }

    /// Roughly how many bytes the property takes in a Swift struct; messages count by `sizeOf`.
    func inlineSize(_ sizeOf: (MessageDescriptor) -> Int) -> Int {
        if field.isRepeated { return 8 }
        switch field.kind {
        case .string: return 16
        case .bytes: return 8
        case .message: return field.messageType.map(sizeOf) ?? 8
        default: return field.kind.structSize + (field.presence == .implicit ? 0 : field.kind.structSize)
        }
    }

    // MARK: Code

    /// The constant that holds the entry type of a map.
    var entryConstant: String { "entry\(field.number)" }

    /// Reads the property.
    var read: String {
        if field.isMap, let entry = field.messageType { return readMap(entry) }
        if field.isRepeated {
            return "_r.\(Self.listAccessor(field.kind))(at: \(slot.offset), count: \(slot.mark))"
        }
        if field.kind == .message || field.presence == .implicit { return readValue }
        return "_r.isPresent(\(slot.mark)) ? \(readValue) : nil"
    }

    /// Reads a member of a oneof that is known to be set.
    var readMember: String { field.kind == .message ? "\(readValue) ?? .init()" : readValue }

    private var readValue: String { "_r.\(Self.accessor(field.kind))(at: \(slot.offset))" }

    private func readMap(_ entry: MessageDescriptor) -> String {
        let parts = entry.fields.map { part in
            let value = "$0.\(Self.accessor(part.kind))(at: \(part.slot?.offset ?? 0))"
            return part.kind == .message ? "\(value) ?? .init()" : value
        }
        return "_r.map(at: \(slot.offset), count: \(slot.mark)) { (\(parts[0]), \(parts[1])) }"
    }

    /// The property inside `write(to: &w)`.

    /// Writes the property.
    var write: String {
        if field.isMap, let entry = field.messageType { return writeMap(entry) }
        let accessor = field.isRepeated ? Self.listAccessor(field.kind) : Self.accessor(field.kind)
        if field.isRepeated { return "_w.\(accessor)(\(name), at: \(slot.offset), count: \(slot.mark))" }
        if field.kind == .message { return "_w.message(\(name), at: \(slot.offset))" }
        return "_w.\(accessor)(\(name), at: \(slot.offset), has: \(slot.mark))"
    }

    /// Writes a member of a oneof from the constant `value`.
    var writeMember: String {
        "_w.\(Self.accessor(field.kind))(set: value, at: \(slot.offset), in: \(slot.mark), as: \(field.number))"
    }

    private func writeMap(_ entry: MessageDescriptor) -> String {
        let parts = zip(entry.fields, ["$1", "$2"]).map { part, value in
            let slot = part.slot ?? .init(offset: 0, mark: 0)
            if part.kind == .message { return "$0.message(\(value), at: \(slot.offset))" }
            return
                "$0.\(Self.accessor(part.kind))(set: \(value), at: \(slot.offset), in: \(slot.mark), as: 1)"
        }
        return """
            _w.map(\(name), at: \(slot.offset), count: \(slot.mark), entry: \(owner).\(entryConstant)) {
                \(parts[0])
                \(parts[1])
            }
            """
    }

    /// The reader's and writer's method for a value of this kind.
    private static func accessor(_ kind: FieldKind) -> String {
        switch kind {
        case .double: "double"
        case .float: "float"
        case .int32, .sint32, .sfixed32: "int32"
        case .uint32, .fixed32: "uint32"
        case .int64, .sint64, .sfixed64: "int64"
        case .uint64, .fixed64: "uint64"
        case .bool: "bool"
        case .string: "string"
        case .bytes: "bytes"
        case .enumeration: "enumeration"
        case .message, .group: "message"
        }
    }

    private static func listAccessor(_ kind: FieldKind) -> String {
        kind == .bytes ? "blobs" : accessor(kind) + "s"
    }
}
