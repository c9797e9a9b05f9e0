// SPDX-License-Identifier: Apache-2.0

import Ravioli
import RavioliSchema

/// Values as paths and queries give them: the text that ProtoJSON puts between quotes, or its bare word.
enum FieldText {
    /// Whether a field, or each of its elements, has such a form: scalars, enums, and those well-known types that JSON
    /// shows as one string, number or word.
    static func canRead(_ field: FieldDescriptor) -> Bool {
        guard let type = field.messageType else { return field.kind != .group }
        switch type.form {
        case .timestamp, .duration, .fieldMask, .wrapper: return !field.isMap && field.kind == .message
        default: return false
        }
    }

    /// Writes the value that a text stands for.
    ///
    /// - Throws: what the text should be, as `an int32`.
    static func write(
        _ text: String, as field: FieldDescriptor, enumsInAnyCase: Bool, to wire: inout WireWriter
    ) throws(FieldTextError) {
        let number = field.number
        switch field.kind {
        case .string: wire.blob(text.utf8, numbered: number)
        case .bytes:
            guard let bytes = Base64.decode(text) else { throw FieldTextError(expected: "base64") }
            wire.blob(bytes, numbered: number)
        case .bool:
            guard text == "true" || text == "false" else {
                throw FieldTextError(expected: "true or false")
            }
            wire.varint(text == "true" ? 1 : 0, numbered: number)
        case .enumeration:
            let value = try enumeration(text, field.enumType, inAnyCase: enumsInAnyCase)
            wire.varint(UInt64(bitPattern: Int64(value)), numbered: number)
        case .message, .group:
            guard let type = field.messageType else { throw FieldTextError(expected: "a message") }
            wire.blob(try message(text, type), numbered: number)
        default: try writeNumber(text, field, &wire)
        }
    }

    // MARK: Enums and messages

    private static func enumeration(
        _ text: String, _ type: EnumDescriptor?, inAnyCase: Bool
    ) throws(FieldTextError) -> Int32 {
        if let number = type?.number(named: text) { return number }
        if inAnyCase, let type {
            let lower = text.lowercased()
            if let value = type.values.first(where: { $0.name.lowercased() == lower }) { return value.number }
        }
        if let number = Int32(text), isPlain(text), type?.isClosed != true || type?.name(of: number) != nil {
            return number
        }
        throw FieldTextError(expected: "a name or number of \(type?.fullName ?? "the enum")")
    }

    private static func message(_ text: String, _ type: MessageDescriptor) throws(FieldTextError) -> [UInt8] {
        if type.form == .wrapper, let inner = type.fields.first {
            var wire = WireWriter()
            try write(text, as: inner, enumsInAnyCase: false, to: &wire)
            return wire.bytes
        }
        guard let bytes = json(text, as: type) else {
            throw FieldTextError(expected: "a \(type.fullName), such as \(example(of: type))")
        }
        return bytes
    }

    private static func example(of type: MessageDescriptor) -> String {
        switch type.form {
        case .timestamp: "2026-01-31T12:00:00Z"
        case .duration: "1.5s"
        default: "title,author.fullName"
        }
    }

    private static func json(_ text: String, as type: MessageDescriptor) -> [UInt8]? {
        try? JSONTranscoder.encoded(fromJSON: Array(JSONText.quoted(text).utf8), as: type)
    }

    // MARK: Numbers

    /// Decimal digits without sign, spaces or zeros in front, perhaps behind a minus.
    private static func isPlain(_ text: String) -> Bool {
        let digits = text.utf8.drop { $0 == UInt8(ascii: "-") }
        return text.utf8.count - digits.count <= 1 && (digits.first != UInt8(ascii: "0") || digits.count == 1)
            && digits.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }

    /// Numbers are read by the rules of ProtoJSON for numbers between quotes, through the wrapper of their kind.
    private static func writeNumber(
        _ text: String, _ field: FieldDescriptor, _ wire: inout WireWriter
    ) throws(FieldTextError) {
        let (wrapper, name) = Self.wrapper(of: field.kind)
        guard let type = GoogleProtobufWrappersSchema.file.message(named: "google.protobuf.\(wrapper)"),
            let encoded = json(text, as: type)
        else { throw FieldTextError(expected: name) }
        var records = WireRecords(encoded)
        var bits: UInt64 = 0
        if let record = try? records.next() {
            switch record.value {
            case .varint(let value), .fixed64(let value): bits = value
            case .fixed32(let value): bits = UInt64(value)
            case .bytes, .group: break
            }
        }
        switch field.kind {
        case .sint32, .sint64:
            let value = Int64(bitPattern: bits)
            wire.varint(UInt64(bitPattern: value << 1 ^ value >> 63), numbered: field.number)
        case .fixed32, .sfixed32, .float:
            wire.fixed32(UInt32(truncatingIfNeeded: bits), numbered: field.number)
        case .fixed64, .sfixed64, .double: wire.fixed64(bits, numbered: field.number)
        default: wire.varint(bits, numbered: field.number)
        }
    }

    private static func wrapper(of kind: FieldKind) -> (type: String, name: String) {
        switch kind {
        case .int32, .sint32, .sfixed32: ("Int32Value", "a 32-bit integer")
        case .uint32, .fixed32: ("UInt32Value", "a 32-bit integer that is not negative")
        case .uint64, .fixed64: ("UInt64Value", "a 64-bit integer that is not negative")
        case .float: ("FloatValue", "a number")
        case .double: ("DoubleValue", "a number")
        default: ("Int64Value", "a 64-bit integer")
        }
    }
}

/// What a text should have been.
struct FieldTextError: Error {
    var expected: String
}
