// SPDX-License-Identifier: Apache-2.0

import RavioliSchema

/// JSON Schemas of messages, exactly as ProtoJSON shows them. Messages and enums are components that refer to each
/// other, so that types which contain themselves need nothing special.
struct OpenAPISchemas {
    private let comments: DescriptorComments
    private let wrappersAreNullable: Bool
    private(set) var components: [String: JSONNode] = [:]

    init(_ comments: DescriptorComments, wrappersAreNullable: Bool) {
        self.comments = comments
        self.wrappersAreNullable = wrappersAreNullable
    }

    // MARK: Types

    /// The schema of a message: a reference, or what stands for a well-known type.
    mutating func schema(of type: MessageDescriptor) -> JSONNode {
        switch type.form {
        case .ordinary:
            if components[type.fullName] == nil {
                // Noted first, because the type may contain itself.
                components[type.fullName] = .null
                components[type.fullName] = object(type)
            }
            return Self.reference(type.fullName)
        case .timestamp: return ["type": "string", "format": "date-time"]
        case .duration: return ["type": "string", "pattern": "^-?[0-9]{1,12}(\\.[0-9]{1,9})?s$"]
        case .fieldMask: return ["type": "string", "pattern": "^[^_]*$"]
        case .any:
            return [
                "type": "object", "properties": ["@type": ["type": "string"]], "additionalProperties": true,
            ]
        case .structure: return ["type": "object", "additionalProperties": true]
        case .value: return [:]
        case .listValue: return ["type": "array", "items": [:]]
        case .wrapper: return wrapper(type)
        }
    }

    static func reference(_ name: String) -> JSONNode {
        .object([("$ref", .string("#/components/schemas/\(name)"))])
    }

    private mutating func wrapper(_ type: MessageDescriptor) -> JSONNode {
        guard let field = type.fields.first else { return [:] }
        let inner = value(of: field)
        return wrappersAreNullable ? ["anyOf": [inner, ["type": "null"]]] : inner
    }

    private mutating func schema(of type: EnumDescriptor) -> JSONNode {
        if type.fullName == "google.protobuf.NullValue" { return ["type": "null"] }
        if components[type.fullName] == nil {
            var members: [(name: String, value: JSONNode)] = [
                ("type", "string"), ("enum", .array(type.values.map { .string($0.name) })),
            ]
            var texts = [comments[type.fullName]].compactMap { $0 }
            let values = type.values.compactMap { value in
                comments["\(type.fullName).\(value.name)"].map {
                    "- `\(value.name)`: \($0.split(separator: "\n").joined(separator: " "))"
                }
            }
            if !values.isEmpty { texts.append(values.joined(separator: "\n")) }
            if !texts.isEmpty { members.append(("description", .string(texts.joined(separator: "\n\n")))) }
            components[type.fullName] = .object(members)
        }
        return Self.reference(type.fullName)
    }

    private mutating func object(_ type: MessageDescriptor) -> JSONNode {
        var members: [(name: String, value: JSONNode)] = [("type", "object")]
        if let comment = comments[type.fullName] { members.append(("description", .string(comment))) }
        var properties: [(name: String, value: JSONNode)] = []
        for field in type.fields where field.slot != nil {
            properties.append((field.jsonName, described(field, in: type)))
        }
        if !properties.isEmpty { members.append(("properties", .object(properties))) }
        let required = type.fields.filter { $0.presence == .required || Behavior.of($0).contains(.required) }
        if !required.isEmpty {
            members.append(("required", .array(required.map { .string($0.jsonName) })))
        }
        members.append(("additionalProperties", false))
        let choices = type.oneofs.map { choice($0, of: type) }
        if choices.count == 1 { members.append(("oneOf", .array(choices[0]))) }
        if choices.count > 1 {
            members.append(("allOf", .array(choices.map { .object([("oneOf", .array($0))]) })))
        }
        return .object(members)
    }

    /// At most one member: none, or one of them and then, because just one part may hold, no other.
    private func choice(_ oneof: OneofDescriptor, of type: MessageDescriptor) -> [JSONNode] {
        let required: [JSONNode] = oneof.fieldNumbers.compactMap { number in
            type.field(numbered: number).map { ["required": [.string($0.jsonName)]] }
        }
        return [["not": ["anyOf": .array(required)]]] + required
    }

    // MARK: Fields

    /// The schema of a field with what else is known of it.
    mutating func described(_ field: FieldDescriptor, in type: MessageDescriptor) -> JSONNode {
        var more: [(name: String, value: JSONNode)] = []
        if let comment = comments["\(type.fullName).\(field.name)"] {
            more.append(("description", .string(comment)))
        }
        let behavior = Behavior.of(field)
        if behavior.contains(.outputOnly) { more.append(("readOnly", true)) }
        if behavior.contains(.inputOnly) { more.append(("writeOnly", true)) }
        if field.isDeprecated { more.append(("deprecated", true)) }
        return schema(of: field).adding(more)
    }

    /// The schema of a field's value.
    mutating func schema(of field: FieldDescriptor) -> JSONNode {
        if field.isMap { return map(field) }
        let value = value(of: field)
        return field.isRepeated ? ["type": "array", "items": value] : value
    }

    /// The schema of what a list has, or of a field's single value or map.
    mutating func schema(ofElementOf field: FieldDescriptor) -> JSONNode {
        field.isMap ? map(field) : value(of: field)
    }

    private mutating func map(_ field: FieldDescriptor) -> JSONNode {
        guard let key = field.messageType?.fields.first, let value = field.messageType?.fields.last else {
            return ["type": "object"]
        }
        var members: [(name: String, value: JSONNode)] = [
            ("type", "object"), ("additionalProperties", self.value(of: value)),
        ]
        switch key.kind {
        case .string: break
        case .bool: members.append(("propertyNames", ["enum": ["true", "false"]]))
        default: members.append(("propertyNames", ["pattern": "^-?[0-9]+$"]))
        }
        return .object(members)
    }

    private mutating func value(of field: FieldDescriptor) -> JSONNode {
        switch field.kind {
        case .string: return ["type": "string"]
        case .bytes: return ["type": "string", "format": "byte", "contentEncoding": "base64"]
        case .bool: return ["type": "boolean"]
        case .int32, .sint32, .sfixed32:
            return [
                "type": "integer", "format": "int32", "minimum": .integer(Int(Int32.min)),
                "maximum": .integer(Int(Int32.max)),
            ]
        case .uint32, .fixed32:
            return [
                "type": "integer", "format": "uint32", "minimum": 0, "maximum": .integer(Int(UInt32.max)),
            ]
        case .int64, .sint64, .sfixed64:
            return ["type": "string", "format": "int64", "pattern": "^-?[0-9]{1,19}$"]
        case .uint64, .fixed64: return ["type": "string", "format": "uint64", "pattern": "^[0-9]{1,20}$"]
        case .float, .double:
            return [
                "anyOf": [
                    ["type": "number", "format": field.kind == .float ? "float" : "double"],
                    ["type": "string", "enum": ["NaN", "Infinity", "-Infinity"]],
                ]
            ]
        case .enumeration: return field.enumType.map { schema(of: $0) } ?? ["type": "string"]
        case .message, .group: return field.messageType.map { schema(of: $0) } ?? ["type": "object"]
        }
    }
}

/// `google.api.field_behavior`.
private enum Behavior: UInt64 {
    case required = 2
    case outputOnly = 3
    case inputOnly = 4

    private static let option: Int32 = 1052

    static func of(_ field: FieldDescriptor) -> Set<Behavior> {
        var found: Set<Behavior> = []
        for record in field.options.records(numbered: option) {
            switch record.value {
            case .varint(let value): if let behavior = Behavior(rawValue: value) { found.insert(behavior) }
            case .bytes(let packed):
                // Each known value is one byte.
                for byte in packed {
                    if let behavior = Behavior(rawValue: UInt64(byte)) { found.insert(behavior) }
                }
            default: break
            }
        }
        return found
    }
}
