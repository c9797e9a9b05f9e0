// SPDX-License-Identifier: Apache-2.0

// MARK: - By name

extension DynamicMessage {
    /// The value of a field. What is absent reads as its default: the one that the schema declares, or else zero,
    /// empty, or an empty message.
    ///
    /// - Parameter name: the name in the `.proto` file or in JSON.
    /// - Throws: ``SchemaError/Code/unknownType`` if the type has no such field.
    public func value(of name: String) throws(SchemaError) -> DynamicValue { value(of: try field(name)) }

    /// Whether a field is present: set, for a field with presence; not the default, for one without; not empty, for
    /// a list or map. See ``value(of:)`` for errors.
    public func has(_ name: String) throws(SchemaError) -> Bool { values[try field(name).number] != nil }

    /// Sets a field; a member of a oneof clears the others.
    ///
    /// - Throws: ``SchemaError/Code/unknownType`` if the type has no such field, ``SchemaError/Code/invalidValue`` if the
    ///   value is of another type than the field's.
    public mutating func set(_ name: String, to value: DynamicValue) throws(SchemaError) {
        try set(try field(name), to: value)
    }

    /// Makes a field absent. See ``value(of:)`` for errors.
    public mutating func clear(_ name: String) throws(SchemaError) { values[try field(name).number] = nil }

    private func field(_ name: String) throws(SchemaError) -> FieldDescriptor {
        guard let field = type.field(named: name) else {
            throw SchemaError(.unknownType, "\(type.fullName) has no field \"\(SchemaError.excerpt(name))\"")
        }
        return field
    }
}

// MARK: - By number

extension DynamicMessage {
    /// The value of a field; see ``value(of:)``. Extensions are in ``unknownFields``.
    public func value(numbered number: Int32) throws(SchemaError) -> DynamicValue {
        value(of: try field(number))
    }

    /// Whether a field is present; see ``has(_:)``.
    public func has(numbered number: Int32) throws(SchemaError) -> Bool {
        values[try field(number).number] != nil
    }

    /// Sets a field; see ``set(_:to:)``.
    public mutating func set(numbered number: Int32, to value: DynamicValue) throws(SchemaError) {
        try set(try field(number), to: value)
    }

    /// Makes a field absent; see ``clear(_:)``.
    public mutating func clear(numbered number: Int32) throws(SchemaError) {
        values[try field(number).number] = nil
    }

    private func field(_ number: Int32) throws(SchemaError) -> FieldDescriptor {
        guard let field = type.field(numbered: number) else {
            throw SchemaError(.unknownType, "\(type.fullName) has no field numbered \(number)")
        }
        return field
    }
}

// MARK: - By descriptor

extension DynamicMessage {
    /// The fields that are present with their values, ascending by number.
    public var presentFields: [(field: FieldDescriptor, value: DynamicValue)] {
        type.fields.compactMap { field in values[field.number].map { (field, $0) } }
    }

    private func value(of field: FieldDescriptor) -> DynamicValue {
        values[field.number] ?? field.defaultValue
    }

    private mutating func set(_ field: FieldDescriptor, to value: DynamicValue) throws(SchemaError) {
        try field.check(value)
        if let oneof = field.oneofIndex {
            for sibling in type.oneofs[oneof].fieldNumbers { values[sibling] = nil }
        }
        let isAbsent = value.isDefault && (field.presence == .implicit || field.isRepeated)
        values[field.number] = isAbsent ? nil : value
    }
}
