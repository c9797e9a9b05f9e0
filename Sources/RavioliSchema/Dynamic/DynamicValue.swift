// SPDX-License-Identifier: Apache-2.0

/// The value of a field whose type is known only at run time.
public enum DynamicValue: Sendable, Hashable {
    /// `int32`, `sint32` and `sfixed32`.
    case int32(Int32)
    /// `int64`, `sint64` and `sfixed64`.
    case int64(Int64)
    /// `uint32` and `fixed32`.
    case uint32(UInt32)
    /// `uint64` and `fixed64`.
    case uint64(UInt64)
    case float(Float)
    case double(Double)
    case bool(Bool)
    case string(String)
    case bytes([UInt8])
    /// The number of an enum value; ``FieldDescriptor/enumType`` has the names.
    case enumeration(Int32)
    case message(DynamicMessage)
    /// The elements of a repeated field, all of the field's kind.
    case list([DynamicValue])
    /// The entries of a map field, keys and values each of one kind.
    case map([DynamicValue: DynamicValue])
}

extension DynamicValue {
    /// What a value is called in an error.
    var name: String {
        switch self {
        case .int32: "an int32"
        case .int64: "an int64"
        case .uint32: "a uint32"
        case .uint64: "a uint64"
        case .float: "a float"
        case .double: "a double"
        case .bool: "a bool"
        case .string: "a string"
        case .bytes: "bytes"
        case .enumeration: "an enum number"
        case .message(let message): "a \(message.type.fullName)"
        case .list: "a list"
        case .map: "a map"
        }
    }

    /// Whether the value is what a field without presence has when it is absent: zero with no bit set, or empty.
    var isDefault: Bool {
        switch self {
        case .int32(let value), .enumeration(let value): value == 0
        case .int64(let value): value == 0
        case .uint32(let value): value == 0
        case .uint64(let value): value == 0
        case .float(let value): value.bitPattern == 0
        case .double(let value): value.bitPattern == 0
        case .bool(let value): !value
        case .string(let value): value.isEmpty
        case .bytes(let value): value.isEmpty
        case .message: false
        case .list(let values): values.isEmpty
        case .map(let entries): entries.isEmpty
        }
    }

    /// The order of a map's keys, which are all of one kind.
    func isBefore(_ other: DynamicValue) -> Bool {
        switch (self, other) {
        case (.int32(let left), .int32(let right)): left < right
        case (.int64(let left), .int64(let right)): left < right
        case (.uint32(let left), .uint32(let right)): left < right
        case (.uint64(let left), .uint64(let right)): left < right
        case (.bool(let left), .bool(let right)): !left && right
        case (.string(let left), .string(let right)): left.utf8.lexicographicallyPrecedes(right.utf8)
        default: false
        }
    }
}

// MARK: - Types

extension FieldDescriptor {
    /// What a single value of the field is called in an error.
    private var valueName: String {
        switch kind {
        case .int32, .sint32, .sfixed32: "an int32"
        case .int64, .sint64, .sfixed64: "an int64"
        case .uint32, .fixed32: "a uint32"
        case .uint64, .fixed64: "a uint64"
        case .float: "a float"
        case .double: "a double"
        case .bool: "a bool"
        case .string: "a string"
        case .bytes: "bytes"
        case .enumeration: "a number of \(enumType?.fullName ?? "an enum")"
        case .message, .group: "a \(messageType?.fullName ?? "message")"
        }
    }

    /// Throws unless the value can be the field's.
    func check(_ value: DynamicValue) throws(SchemaError) {
        guard slot != nil else {
            throw SchemaError(.invalidValue, "a group is kept among the unknown fields", path: name)
        }
        if isMap { return try checkMap(value) }
        guard isRepeated else { return try checkSingle(value) }
        guard case .list(let elements) = value else { throw mismatch("a list", value) }
        for element in elements { try checkSingle(element) }
    }

    private func checkMap(_ value: DynamicValue) throws(SchemaError) {
        guard case .map(let entries) = value, let key = messageType?.fields.first,
            let item = messageType?.fields.last
        else { throw mismatch("a map", value) }
        for (entryKey, entryValue) in entries {
            guard key.holds(entryKey) else { throw mismatch("\(key.valueName) as a key", entryKey) }
            guard item.holds(entryValue) else {
                throw mismatch("\(item.valueName) as a map's value", entryValue)
            }
        }
    }

    private func checkSingle(_ value: DynamicValue) throws(SchemaError) {
        guard holds(value) else { throw mismatch(valueName, value) }
    }

    private func mismatch(_ what: String, _ value: DynamicValue) -> SchemaError {
        SchemaError(.invalidValue, "expected \(what), found \(value.name)", path: name)
    }

    /// Whether a single value is of the field's type.
    private func holds(_ value: DynamicValue) -> Bool {
        switch (kind, value) {
        case (.int32, .int32), (.sint32, .int32), (.sfixed32, .int32): true
        case (.int64, .int64), (.sint64, .int64), (.sfixed64, .int64): true
        case (.uint32, .uint32), (.fixed32, .uint32): true
        case (.uint64, .uint64), (.fixed64, .uint64): true
        case (.float, .float), (.double, .double), (.bool, .bool), (.string, .string), (.bytes, .bytes): true
        case (.enumeration, .enumeration(let number)):
            enumType?.isClosed == false || enumType?.name(of: number) != nil
        case (.message, .message(let message)): message.type == messageType
        default: false
        }
    }
}
