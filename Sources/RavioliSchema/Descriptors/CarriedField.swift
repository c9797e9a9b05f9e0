// SPDX-License-Identifier: Apache-2.0

/// A field that has no place in its message's C struct and travels among the unknown fields: a group, or an extension.
///
/// JSON shows such fields all the same. Their values pass through a *carrier*, a message type made for the purpose that
/// has this field alone, so that whatever reads and prints fields serves them too. A group is an ordinary message there;
/// its records are rewritten on the way.
final class CarriedField: Sendable {
    /// The number on the wire.
    let number: Int32
    /// Whether the value stands between a start and an end tag.
    let isGroup: Bool
    /// The type with this field alone.
    let carrier: MessageDescriptor
    /// An extension's full name; for a group the field's name.
    let name: String
    /// The full name of the message that has the field.
    let extendee: String

    /// A group of the message with this name.
    init(
        group record: FieldRecord, of message: String, types: TypeScope, file: FileDescriptor
    ) throws(SchemaError) {
        (number, name, extendee, isGroup) = (record.number, record.name, message, true)
        carrier = try Self.carrier(
            record, named: message, features: .proto2, isGroup: true, types: types, file: file)
    }

    /// An extension that is declared in `scope`, a package or message type.
    init(
        extension record: FieldRecord, in scope: String, features: FeatureSet, types: TypeScope,
        file: FileDescriptor
    ) throws(SchemaError) {
        let fullName = qualified(record.name, in: scope)
        var record = record
        record.jsonName = "[\(fullName)]"
        record.isExtension = true
        record.oneofIndex = nil
        let field = try FieldDescriptor(
            record, message: scope, features: features, types: types, oneofCount: 0, isMapEntry: false)
        (number, name, isGroup) = (record.number, fullName, field.kind == .group)
        extendee = try types.message(record.extendee, for: fullName).fullName
        carrier = try Self.carrier(
            record, named: fullName, features: features, isGroup: isGroup, types: types, file: file)
    }

    private static func carrier(
        _ field: FieldRecord, named name: String, features: FeatureSet, isGroup: Bool, types: TypeScope,
        file: FileDescriptor
    ) throws(SchemaError) -> MessageDescriptor {
        var field = field
        var features = features
        let repeated: UInt64 = 3
        if field.label != repeated {
            field.label = 1
            field.isProto3Optional = true
        }
        field.oneofIndex = nil
        if isGroup {
            let message: UInt64 = 11
            field.type = message
            field.options = []
            features.messageEncoding = .lengthPrefixed
        }
        var record = try MessageRecord([], depth: 0)
        record.fields = [field]
        let carrier = try MessageDescriptor(record, fullName: name)
        try carrier.link(record, features: features, types: types, file: file)
        return carrier
    }
}
