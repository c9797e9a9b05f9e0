// SPDX-License-Identifier: Apache-2.0

/// How a field's value is typed. The raw values are those of `google.protobuf.FieldDescriptorProto.Type`.
public enum FieldKind: UInt8, Sendable, Hashable {
    case double = 1, float, int64, uint64, int32, fixed64, fixed32, bool, string, group, message, bytes,
        uint32
    case enumeration, sfixed32, sfixed64, sint32, sint64

    /// Whether repeated values may share one length-delimited record.
    public var isPackable: Bool {
        switch self {
        case .string, .bytes, .message, .group: false
        default: true
        }
    }
}

/// Whether a field's absence can be told from its default.
public enum FieldPresence: Sendable, Hashable {
    /// Absent and default are the same (proto3 scalars without `optional`).
    case implicit
    /// Absent is a state of its own: `optional`, messages, members of a oneof.
    case explicit
    /// proto2 `required`: absent is an error.
    case required
    /// A list or a map; absent is empty.
    case repeated
}

/// A field of a message type.
public final class FieldDescriptor: Sendable {
    /// The name in the `.proto` file.
    public let name: String
    /// The name in JSON: `json_name`, or the lowerCamelCase form of ``name``.
    public let jsonName: String
    /// The number on the wire, 1 … 2^29 − 1.
    public let number: Int32
    /// How the value, or each element, is typed.
    public let kind: FieldKind
    /// Whether absence can be told from the default.
    public let presence: FieldPresence
    /// Whether a list of scalars is written as one packed record. Both forms are always read.
    public let isPacked: Bool
    /// The type of a message, group or map entry; `nil` for other kinds.
    public let messageType: MessageDescriptor?
    /// The type of an enum field; `nil` for other kinds.
    public let enumType: EnumDescriptor?
    /// The index in ``MessageDescriptor/oneofs`` of the oneof that the field belongs to, if any.
    public let oneofIndex: Int?
    /// The proto2 or edition default in its text form; `nil` if none is declared.
    public let defaultText: String?
    /// Whether the schema says `deprecated`.
    public let isDeprecated: Bool
    /// The encoded `google.protobuf.FieldOptions`, custom options included.
    public let options: UnknownFields
    /// Where the value lies in the C struct; `nil` for groups, which travel as unknown fields.
    /// Set once when the message is laid out, before the file is handed out; constant from then on.
    @exclusivity(unchecked) package nonisolated(unsafe) internal(set) var slot: MessageLayout.Slot?

    /// Whether the field is a list or a map.
    public var isRepeated: Bool { presence == .repeated }
    /// Whether the field is a map; ``messageType`` is then the entry, key 1 and value 2.
    public let isMap: Bool
    /// Whether this stands for an extension in its carrier.
    let isExtension: Bool
    /// Whether the field is the value in a map's entry.
    let isValueOfMap: Bool

    init(
        _ record: FieldRecord, message: String, features: FeatureSet, types: TypeScope, oneofCount: Int,
        isMapEntry: Bool
    ) throws(SchemaError) {
        let path = "\(message).\(record.name)"
        try DescriptorRules.check(record.name, fullName: path)
        let features = try features.overridden(by: record.options, at: 21)
        guard (1...536_870_911).contains(record.number) else {
            throw SchemaError(.invalidSchema, "field number \(record.number) is out of range", path: path)
        }
        name = record.name
        number = record.number
        isExtension = record.isExtension
        jsonName = record.jsonName ?? Self.lowerCamelCase(record.name)
        (kind, messageType, enumType) = try Self.type(
            of: record, features: features, types: types, path: path)
        presence = Self.presence(of: record, kind: kind, features: features, isMapEntry: isMapEntry)
        oneofIndex = record.isProto3Optional ? nil : record.oneofIndex
        if let index = oneofIndex, !(0..<oneofCount).contains(index) || presence == .repeated {
            throw SchemaError(.invalidSchema, "the field's oneof does not exist", path: path)
        }
        options = try UnknownFields(encoded: Array(record.options))
        isDeprecated = options.lastVarint(numbered: 3) == 1
        let packed = options.lastVarint(numbered: 2).map { $0 != 0 } ?? (features.repeatedEncoding == .packed)
        isPacked = presence == .repeated && kind.isPackable && packed
        defaultText = record.defaultValue
        isValueOfMap = isMapEntry && record.number == 2
        isMap = presence == .repeated && kind == .message && (messageType?.isMapEntry ?? false)
    }

}

extension FieldDescriptor {
    private static func presence(
        of record: FieldRecord, kind: FieldKind, features: FeatureSet, isMapEntry: Bool
    ) -> FieldPresence {
        if record.label == 3 { return .repeated }
        if record.label == 2 || features.presence == .legacyRequired { return .required }
        // Keys and values of map entries are always written, so their presence is explicit.
        if record.oneofIndex != nil || record.isProto3Optional || isMapEntry { return .explicit }
        if kind == .message || kind == .group { return .explicit }
        return features.presence == .implicit ? .implicit : .explicit
    }

    private static func type(
        of record: FieldRecord, features: FeatureSet, types: TypeScope, path: String
    ) throws(SchemaError) -> (FieldKind, MessageDescriptor?, EnumDescriptor?) {
        guard let kind = FieldKind(rawValue: UInt8(truncatingIfNeeded: record.type)), record.type < 256 else {
            throw SchemaError(.invalidSchema, "field type \(record.type) does not exist", path: path)
        }
        switch kind {
        case .enumeration: return (kind, nil, try types.enumeration(record.typeName, for: path))
        case .message, .group:
            let message = try types.message(record.typeName, for: path)
            let isDelimited = features.messageEncoding == .delimited && !message.isMapEntry
            return (isDelimited ? .group : kind, message, nil)
        default: return (kind, nil, nil)
        }
    }

    /// Drops each underscore and raises the letter after it, as protoc does where no `json_name` is given.
    static func lowerCamelCase(_ name: String) -> String {
        var result = ""
        var raise = false
        for character in name {
            if character == "_" {
                raise = true
            } else {
                result += raise ? character.uppercased() : String(character)
                raise = false
            }
        }
        return result
    }
}
