// SPDX-License-Identifier: Apache-2.0
//
// JSON text is printed from a C struct straight into the buffer, a field at a time: its key is one copy of bytes that
// were made when the schema was linked. The printer recurses once for each level of messages and lists, at most the
// depth limit.

/// Prints messages as JSON by the rules of ProtoJSON.
struct JSONPrinter {
    var out: JSONBuffer
    let options: JSONEncodingOptions
    var anyTypes: AnyTypes
    let limits: SchemaLimits
    let arena: Arena
    var depth = 0
    var path: JSONPath

    private let usesOriginalNames: Bool
    private let emitsDefaults: Bool
    private let printsEnumsAsNumbers: Bool
    private let quotes64Bits: Bool

    /// Prints a message.
    ///
    /// - Parameter bytesMax: how large the text may become.
    /// - Returns: the text, valid until the arena is reset.
    static func print(
        _ message: UnsafeRawPointer, as type: MessageDescriptor, options: JSONEncodingOptions,
        limits: SchemaLimits,
        bytesMax: Int, arena: Arena
    ) throws(SchemaError) -> UnsafeRawBufferPointer {
        var printer = try JSONPrinter(
            type, options: options, limits: limits, bytesMax: bytesMax, arena: arena)
        try printer.message(type.jsonTable, message)
        return printer.out.bytes
    }

    /// Prints one field's value, or its default; nothing for a field with presence that is absent.
    static func print(
        _ field: FieldDescriptor, of message: UnsafeRawPointer, as type: MessageDescriptor,
        options: JSONEncodingOptions, limits: SchemaLimits, arena: Arena
    ) throws(SchemaError) -> UnsafeRawBufferPointer {
        var printer = try JSONPrinter(
            type, options: options, limits: limits, bytesMax: limits.jsonBytesMax, arena: arena)
        guard let index = type.fieldIndex(numbered: field.number) else { return printer.out.bytes }
        let place = UnsafePointer(type.jsonTable.pointee.fields + index)
        try printer.out.reserve(JSONBuffer.floatSize)
        switch place.pointee.shape {
        case .list: try printer.list(place, message)
        case .map: try printer.map(place, message)
        case .group: break
        case .single:
            if place.pointee.isImplicit || printer.isPrinted(place, message) {
                try printer.single(place, message)
            }
        }
        return printer.out.bytes
    }

    private init(
        _ type: MessageDescriptor, options: JSONEncodingOptions, limits: SchemaLimits, bytesMax: Int,
        arena: Arena
    ) throws(SchemaError) {
        out = try JSONBuffer(bytesMax: bytesMax, arena: arena)
        path = try JSONPath(depthMax: limits.depthMax, arena: arena)
        self.options = options
        anyTypes = AnyTypes(options.types, near: type)
        self.limits = limits
        self.arena = arena
        usesOriginalNames = options.usesOriginalNames
        emitsDefaults = options.emitsFieldsWithoutPresence
        printsEnumsAsNumbers = options.printsEnumsAsNumbers
        quotes64Bits = !options.prints64BitIntegersAsNumbers
    }

    // MARK: Messages

    /// Prints the JSON form of a message.
    mutating func message(_ table: UnsafePointer<JSONTable>, _ base: UnsafeRawPointer) throws(SchemaError) {
        guard table.pointee.form == .ordinary else { return try special(table, base) }
        try out.reserve(2)
        out.put(UInt8(ascii: "{"))
        try fields(table, base, isFirst: true)
        try out.reserve(1)
        out.put(UInt8(ascii: "}"))
    }

    /// A message one level below the one at hand.
    mutating func nested(_ table: UnsafePointer<JSONTable>, _ base: UnsafeRawPointer) throws(SchemaError) {
        try enter()
        try message(table, base)
        depth &-= 1
    }

    @inline(__always)
    mutating func enter() throws(SchemaError) {
        guard depth < limits.depthMax else {
            throw refused("nested deeper than \(limits.depthMax) levels")
        }
        depth &+= 1
    }

    /// Prints the members of an object, each after a comma but the first. Returns whether the next is the first one.
    @discardableResult
    mutating func fields(
        _ table: UnsafePointer<JSONTable>, _ base: UnsafeRawPointer, isFirst: Bool
    ) throws(SchemaError) -> Bool {
        var isFirst = isFirst
        let end = table.pointee.fields + table.pointee.fieldCount
        var field = UnsafePointer(table.pointee.fields)
        while field < end {
            if isPrinted(field, base) {
                try key(field, isFirst: isFirst)
                isFirst = false
                switch field.pointee.shape {
                case .single: try single(field, base)
                case .list: try list(field, base)
                case .map: try map(field, base)
                case .group: break
                }
            }
            field += 1
        }
        guard table.pointee.mayCarry, UnknownRecords.areAny(in: base) else { return isFirst }
        return try carried(table, base, isFirst: isFirst)
    }

    /// Presence: what has presence is printed if it is set, what has none if it is not the default.
    @inline(__always)
    private func isPrinted(_ field: UnsafePointer<JSONField>, _ base: UnsafeRawPointer) -> Bool {
        let mark = field.pointee.mark
        switch field.pointee.shape {
        case .group: return false
        case .list, .map: return emitsDefaults || base.load(fromByteOffset: mark, as: Int.self) != 0
        case .single:
            if field.pointee.isInOneof {
                return base.load(fromByteOffset: mark, as: Int32.self) == field.pointee.number
            }
            if mark == 0 {
                return base.load(fromByteOffset: field.pointee.offset, as: UnsafeRawPointer?.self) != nil
            }
            if field.pointee.isImplicit { return emitsDefaults || !isDefault(field, base) }
            return base.load(fromByteOffset: mark, as: Int32.self) != 0
        }
    }

    /// Whether all bits of a value are zero, or a string is empty. What is absent is zeroed.
    @inline(__always)
    private func isDefault(_ field: UnsafePointer<JSONField>, _ base: UnsafeRawPointer) -> Bool {
        let value = base + field.pointee.offset
        return field.pointee.stride == 4 ? value.load(as: UInt32.self) == 0 : value.load(as: UInt64.self) == 0
    }

    @inline(__always)
    private mutating func key(_ field: UnsafePointer<JSONField>, isFirst: Bool) throws(SchemaError) {
        let key = usesOriginalNames ? field.pointee.originalKey : field.pointee.key
        try out.reserve(key.count &+ JSONBuffer.floatSize)
        out.put(isFirst ? UnsafeBufferPointer(rebasing: key.dropFirst()) : key)
    }

    /// Prints a singular value that is present.
    mutating func single(
        _ field: UnsafePointer<JSONField>, _ base: UnsafeRawPointer
    ) throws(SchemaError) {
        guard field.pointee.kind == .message else { return try scalar(field, base + field.pointee.offset) }
        path.push(.field(field))
        try child(field, base.load(fromByteOffset: field.pointee.offset, as: UnsafeRawPointer?.self))
        path.pop()
    }

    /// Prints a message value; one that is absent, as a map's value may be, is an empty one.
    mutating func child(_ field: UnsafePointer<JSONField>, _ message: UnsafeRawPointer?) throws(SchemaError) {
        guard let table = field.pointee.child else { throw refused("the field has no type") }
        if let message { return try nested(table, message) }
        let empty = try Codec.makeStruct(table.pointee.descriptor.takeUnretainedValue(), arena: arena)
        try nested(table, empty)
    }

    // MARK: Scalars

    /// Prints a value that is no message.
    mutating func scalar(_ field: UnsafePointer<JSONField>, _ value: UnsafeRawPointer) throws(SchemaError) {
        switch field.pointee.kind {
        case .string: return try out.putString(FieldReader(value).blob(at: 0))
        case .bytes: return try out.putBase64(FieldReader(value).blob(at: 0))
        case .enumeration: return try enumeration(field, value.load(as: Int32.self))
        default: break
        }
        try out.reserve(JSONBuffer.floatSize)
        switch field.pointee.kind {
        case .int32, .sint32, .sfixed32: out.put(Int64(value.load(as: Int32.self)))
        case .uint32, .fixed32: out.put(UInt64(value.load(as: UInt32.self)))
        case .int64, .sint64, .sfixed64: wide { $0.put(value.load(as: Int64.self)) }
        case .uint64, .fixed64: wide { $0.put(value.load(as: UInt64.self)) }
        case .float: out.put(value.load(as: Float.self))
        case .double: out.put(value.load(as: Double.self))
        case .bool: out.put(value.load(as: Int32.self) != 0 ? "true" : "false")
        default: break
        }
    }

    @inline(__always)
    private mutating func wide(_ put: (inout JSONBuffer) -> Void) {
        if quotes64Bits { out.put(UInt8(ascii: "\"")) }
        put(&out)
        if quotes64Bits { out.put(UInt8(ascii: "\"")) }
    }

    @inline(__always)
    private mutating func enumeration(_ field: UnsafePointer<JSONField>, _ number: Int32) throws(SchemaError)
    {
        if let type = field.pointee.enumeration {
            if type.pointee.isNullValue {
                try out.reserve(4)
                return out.put("null")
            }
            if !printsEnumsAsNumbers, let text = type.pointee.text(of: number) {
                try out.reserve(text.count)
                return out.put(text)
            }
        }
        try out.reserve(JSONBuffer.floatSize)
        out.put(Int64(number))
    }

    // MARK: Lists and maps

    mutating func list(_ field: UnsafePointer<JSONField>, _ base: UnsafeRawPointer) throws(SchemaError) {
        let count = base.load(fromByteOffset: field.pointee.mark, as: Int.self)
        try enter()
        path.push(.field(field))
        try out.reserve(2)
        out.put(UInt8(ascii: "["))
        if count > 0, let first = base.load(fromByteOffset: field.pointee.offset, as: UnsafeRawPointer?.self)
        {
            path.push(.index(0))
            for index in 0..<count {
                path.replaceTop(.index(index))
                try element(field, first + index &* field.pointee.stride)
            }
            path.pop()
            out.dropLast()
        }
        try out.reserve(1)
        out.put(UInt8(ascii: "]"))
        path.pop()
        depth &-= 1
    }

    /// A value and a comma.
    @inline(__always)
    private mutating func element(
        _ field: UnsafePointer<JSONField>, _ value: UnsafeRawPointer
    ) throws(SchemaError) {
        if field.pointee.kind == .message {
            try child(field, value.load(as: UnsafeRawPointer?.self))
        } else {
            try scalar(field, value)
        }
        try out.reserve(1)
        out.put(UInt8(ascii: ","))
    }

    /// Prints a map, its keys in order; of entries with the same key the last one.
    mutating func map(_ field: UnsafePointer<JSONField>, _ base: UnsafeRawPointer) throws(SchemaError) {
        guard let table = field.pointee.child, table.pointee.fieldCount == 2 else {
            throw refused("the map has no entry type")
        }
        let (key, value) = (UnsafePointer(table.pointee.fields), UnsafePointer(table.pointee.fields + 1))
        try enter()
        path.push(.field(field))
        try out.reserve(2)
        out.put(UInt8(ascii: "{"))
        let all = FieldReader(base).elements(
            at: field.pointee.offset, count: field.pointee.mark, as: UnsafeRawPointer.self)
        if !all.isEmpty {
            let places = try MapEntries.sorted(all, by: key, arena: arena)
            path.push(.index(0))
            for index in places.indices {
                let entry = places[index].entry
                if index + 1 < places.count, MapEntries.order(entry, places[index + 1].entry, key) == 0 {
                    continue
                }
                try self.entry(key, value, entry)
            }
            path.pop()
            out.dropLast()
        }
        try out.reserve(1)
        out.put(UInt8(ascii: "}"))
        path.pop()
        depth &-= 1
    }

    /// A key, a value and a comma. A key or a value that is absent is the default.
    private mutating func entry(
        _ key: UnsafePointer<JSONField>, _ value: UnsafePointer<JSONField>, _ entry: UnsafeRawPointer
    ) throws(SchemaError) {
        let text = entry + key.pointee.offset
        if key.pointee.kind == .string {
            let name = FieldReader(text).blob(at: 0)
            path.replaceTop(.key(name.baseAddress?.assumingMemoryBound(to: UInt8.self), name.count))
            try out.putString(name)
        } else {
            try out.reserve(JSONBuffer.floatSize)
            out.put(UInt8(ascii: "\""))
            putKey(key.pointee.kind, text)
            out.put(UInt8(ascii: "\""))
        }
        try out.reserve(1)
        out.put(UInt8(ascii: ":"))
        if value.pointee.kind == .message {
            try child(value, entry.load(fromByteOffset: value.pointee.offset, as: UnsafeRawPointer?.self))
        } else if let type = value.pointee.enumeration,
            entry.load(fromByteOffset: value.pointee.mark, as: Int32.self) == 0
        {
            try enumeration(value, type.pointee.first)
        } else {
            try scalar(value, entry + value.pointee.offset)
        }
        try out.reserve(1)
        out.put(UInt8(ascii: ","))
    }

    private mutating func putKey(_ kind: FieldKind, _ key: UnsafeRawPointer) {
        switch kind {
        case .bool: out.put(key.load(as: Int32.self) != 0 ? "true" : "false")
        case .uint32, .fixed32: out.put(UInt64(key.load(as: UInt32.self)))
        case .int64, .sint64, .sfixed64: out.put(key.load(as: Int64.self))
        case .uint64, .fixed64: out.put(key.load(as: UInt64.self))
        default: out.put(Int64(key.load(as: Int32.self)))
        }
    }

    @inline(never)
    func refused(_ what: String) -> SchemaError { SchemaError(.invalidValue, what, path: path.text) }
}
