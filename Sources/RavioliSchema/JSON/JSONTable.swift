// SPDX-License-Identifier: Apache-2.0
//
// What printing and parsing need to know of a schema, flat, at fixed addresses and made when the schema is linked:
// per field one call to nothing, no reference count, no dictionary and no `String`. Keys are kept as they are
// printed, so that a field costs one copy and, since most senders write fields in order, one comparison to read.

/// What the JSON codec needs to know of a message type.
struct JSONTable {
    /// How messages of the type look in JSON. Only types of `google.protobuf` that have the shape they should have
    /// are special. Source: ProtoJSON guide, "Representation of each type".
    enum Form: UInt8 {
        case ordinary, timestamp, duration, fieldMask, any, structure, value, listValue, wrapper
    }

    var form: Form
    /// Ascending by number, groups included, with the indices of the descriptor's fields.
    var fields: UnsafeMutablePointer<JSONField>
    var fieldCount: Int
    /// Indices of fields by JSON name and by original name.
    var names: NameTable
    var structSize: Int
    var cTable: UnsafeRawPointer
    /// Whether the type may have extensions.
    var isExtendable: Bool
    /// Whether unknown fields may hold some that JSON shows: groups and extensions.
    var mayCarry: Bool
    /// The type itself, for errors and `Any`.
    var descriptor: Unmanaged<MessageDescriptor>

    /// Fills the memory behind ``MessageDescriptor/jsonTable``. It is never freed, like the descriptor itself.
    static func fill(_ table: UnsafeMutablePointer<JSONTable>, for message: MessageDescriptor) {
        let fields = UnsafeMutablePointer<JSONField>.allocate(capacity: max(message.fields.count, 1))
        for (index, field) in message.fields.enumerated() {
            (fields + index).initialize(to: JSONField(field))
        }
        table.initialize(
            to: JSONTable(
                form: form(of: message), fields: fields, fieldCount: message.fields.count,
                names: names(message.fields),
                structSize: message.structSize, cTable: message.cTable,
                isExtendable: message.isExtendable,
                mayCarry: message.isExtendable || !message.groups.isEmpty,
                descriptor: .passUnretained(message)))
    }

    /// The original name is exact, so it wins over another field's JSON name.
    private static func names(_ fields: [FieldDescriptor]) -> NameTable {
        let indices = fields.indices.map { Int32(truncatingIfNeeded: $0) }
        return NameTable(
            zip(fields.map(\.name), indices).map { ($0, $1) }
                + zip(fields.map(\.jsonName), indices).map { ($0, $1) })
    }

    private static func form(of message: MessageDescriptor) -> Form {
        let package = "google.protobuf."
        guard message.fullName.hasPrefix(package) else { return .ordinary }
        let name = message.fullName.dropFirst(package.count)
        guard let (form, shape) = specialForms[String(name)] else { return .ordinary }
        let actual = message.fields.enumerated().map { index, field in
            Shape(kind: field.kind, isRepeated: field.isRepeated, isInOrder: Int(field.number) == index + 1)
        }
        return actual == shape ? form : .ordinary
    }

    private struct Shape: Equatable {
        var kind: FieldKind
        var isRepeated = false
        var isInOrder = true
    }

    private static let specialForms: [String: (Form, [Shape])] = [
        "Timestamp": (.timestamp, [Shape(kind: .int64), Shape(kind: .int32)]),
        "Duration": (.duration, [Shape(kind: .int64), Shape(kind: .int32)]),
        "FieldMask": (.fieldMask, [Shape(kind: .string, isRepeated: true)]),
        "Any": (.any, [Shape(kind: .string), Shape(kind: .bytes)]),
        "Struct": (.structure, [Shape(kind: .message, isRepeated: true)]),
        "ListValue": (.listValue, [Shape(kind: .message, isRepeated: true)]),
        "Value": (
            .value,
            [
                Shape(kind: .enumeration), Shape(kind: .double), Shape(kind: .string), Shape(kind: .bool),
                Shape(kind: .message), Shape(kind: .message),
            ]
        ),
        "BoolValue": (.wrapper, [Shape(kind: .bool)]),
        "StringValue": (.wrapper, [Shape(kind: .string)]),
        "BytesValue": (.wrapper, [Shape(kind: .bytes)]),
        "Int32Value": (.wrapper, [Shape(kind: .int32)]),
        "UInt32Value": (.wrapper, [Shape(kind: .uint32)]),
        "Int64Value": (.wrapper, [Shape(kind: .int64)]),
        "UInt64Value": (.wrapper, [Shape(kind: .uint64)]),
        "FloatValue": (.wrapper, [Shape(kind: .float)]),
        "DoubleValue": (.wrapper, [Shape(kind: .double)]),
    ]
}

/// What the JSON codec needs to know of a field.
struct JSONField {
    /// What stands behind the key.
    enum Shape: UInt8 {
        case single, list, map
        /// A group: it has no place in the struct, see ``CarriedField``.
        case group
    }

    var kind: FieldKind
    var shape: Shape
    /// Whether the default counts as absent.
    var isImplicit: Bool
    /// Whether the mark is a oneof's case word and holds the number of the member that is set.
    var isInOneof: Bool
    /// Whether `null` is a value of the field, not its absence.
    var takesNull: Bool
    var number: Int32
    /// What the mark of a singular field is set to.
    var markValue: Int32
    /// How values, elements or values of entries are read by the short way, if they are.
    var plain: PlainKind
    /// Whether the field is singular, and its value may be read by the short way.
    var isPlainMember: Bool
    /// Whether the field is a singular message outside a oneof.
    var isPlainMessage: Bool
    var offset: Int
    /// 0 where there is none.
    var mark: Int
    /// `,"jsonName":`
    var key: UnsafeBufferPointer<UInt8>
    /// `,"original_name":`
    var originalKey: UnsafeBufferPointer<UInt8>
    /// `"jsonName":`, its length, and its first eight bytes, lowest first; where it has fewer the mask leaves out the
    /// others. No word matches that of a group, which is not for the short way.
    var keyText: UnsafePointer<UInt8>
    var keyCount: Int
    var keyWord: UInt64
    var keyMask: UInt64
    /// The type of a message, the entry of a map.
    var child: UnsafeMutablePointer<JSONTable>?
    var enumeration: UnsafePointer<JSONEnum>?
    /// The field itself, for errors.
    var descriptor: Unmanaged<FieldDescriptor>

    init(_ field: FieldDescriptor) {
        kind = field.kind
        shape = field.slot == nil ? .group : field.isMap ? .map : field.isRepeated ? .list : .single
        isImplicit = field.presence == .implicit
        isInOneof = field.oneofIndex != nil
        let isNullValue = field.enumType?.fullName == "google.protobuf.NullValue"
        takesNull =
            !field.isRepeated && (isNullValue || field.messageType?.fullName == "google.protobuf.Value")
        number = field.number
        offset = field.slot?.offset ?? 0
        mark = field.slot?.mark ?? 0
        markValue = field.oneofIndex != nil ? field.number : 1
        plain = PlainKind(field.kind, isNullValue: isNullValue)
        isPlainMember = shape == .single && plain != .none
        isPlainMessage = shape == .single && field.kind == .message && !isInOneof
        key = Self.key(field.jsonName)
        originalKey = Self.key(field.isExtension ? field.jsonName : field.name)
        keyText = key.baseAddress.unsafelyUnwrapped + 1
        keyCount = key.count - 1
        keyMask = keyCount >= 8 ? .max : (1 << UInt64(keyCount * 8)) - 1
        keyWord = key.dropFirst().prefix(8).reversed().reduce(0) { $0 << 8 | UInt64($1) }
        if shape == .group { (keyWord, keyMask) = (1, 0) }
        child = field.messageType?.jsonTable
        enumeration = field.enumType?.json
        descriptor = .passUnretained(field)
    }

    private static func key(_ name: String) -> UnsafeBufferPointer<UInt8> {
        permanentBytes(Array(",\(JSONText.quoted(name)):".utf8))
    }

    /// Bytes that an element takes in the C struct.
    var stride: Int { kind.structSize }
}
