// SPDX-License-Identifier: Apache-2.0

// The special forms of `google.protobuf`'s own types. `JSONTable` has made sure that they have the fields that are
// used here. Source: ProtoJSON guide; the comments in the well-known types' .proto files.
extension JSONParser {
    /// Takes the special form of a message into its empty struct.
    mutating func special(
        _ table: UnsafePointer<JSONTable>, into base: UnsafeMutableRawPointer
    ) throws(SchemaError) {
        let fields = table.pointee.fields
        switch table.pointee.form {
        case .timestamp: try time(fields, base, "a timestamp as 2026-07-01T12:00:00Z") { $0.timestamp() }
        case .duration: try time(fields, base, "a duration as 1.5s") { $0.duration() }
        case .fieldMask: try fieldMask(fields, base)
        case .any: try any(table, base)
        case .structure: try map(fields, base)
        case .listValue: try list(fields, base)
        case .value: try value(fields, base)
        case .wrapper: _ = try single(fields, base)
        case .ordinary: try object(table, into: base)
        }
    }

    /// Takes a string that stands for seconds and nanoseconds.
    private mutating func time(
        _ fields: UnsafePointer<JSONField>, _ base: UnsafeMutableRawPointer, _ what: StaticString,
        _ parse: (inout TimeText) -> (seconds: Int64, nanos: Int64)?
    ) throws(SchemaError) {
        let start = text.cursor
        var content = TimeText(try text.string(what))
        guard let (seconds, nanos) = parse(&content) else {
            throw text.refused("expected \(what), found a string that is none or out of range", at: start)
        }
        set(fields, base, seconds, isPresent: seconds != 0)
        set(fields + 1, base, Int32(truncatingIfNeeded: nanos), isPresent: nanos != 0)
    }

    private func set<Value: BitwiseCopyable>(
        _ field: UnsafePointer<JSONField>, _ base: UnsafeMutableRawPointer, _ value: Value,
        isPresent: Bool = true
    ) {
        guard isPresent else { return }
        base.storeBytes(of: value, toByteOffset: field.pointee.offset, as: Value.self)
        let mark = field.pointee.isInOneof ? field.pointee.number : 1
        if field.pointee.mark != 0 {
            base.storeBytes(of: mark, toByteOffset: field.pointee.mark, as: Int32.self)
        }
    }

    // MARK: FieldMask

    /// Takes paths joined by commas, in lowerCamelCase, and stores them in snake_case.
    private mutating func fieldMask(
        _ field: UnsafePointer<JSONField>, _ base: UnsafeMutableRawPointer
    ) throws(SchemaError) {
        let start = text.cursor
        let mask = try text.string("a field mask as \"name,price.amount\"")
        guard !mask.isEmpty else { return }
        var list = JSONList(stride: 16)
        for path in mask.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) {
            try text.charge(16)
            guard let snake = try snakeCase(path) else {
                throw text.refused("expected a field mask, found a path that is none", at: start)
            }
            try list.makeRoom(&text)
            try store(snake, at: list.end)
            list.count &+= 1
        }
        list.store(into: base, field)
    }

    /// Capitals become an underscore and a small letter; `nil` for a path that would not come back the same.
    private mutating func snakeCase(
        _ path: Slice<UnsafeBufferPointer<UInt8>>
    ) throws(SchemaError) -> UnsafeBufferPointer<UInt8>? {
        guard !path.isEmpty else { return nil }
        let memory = try text.allocate(path.count * 2).assumingMemoryBound(to: UInt8.self)
        var count = 0
        var isFirst = true
        for byte in path {
            let isCapital = (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
            guard isCapital ? !isFirst : JSONText.isInMaskPath(byte) else { return nil }
            isFirst = byte == UInt8(ascii: ".")
            if isCapital {
                memory[count] = UInt8(ascii: "_")
                memory[count &+ 1] = byte | 0x20
                count &+= 2
            } else {
                memory[count] = byte
                count &+= 1
            }
        }
        return UnsafeBufferPointer(start: memory, count: count)
    }

    // MARK: Value

    /// Takes any value. The fields of `Value` are null, number, string, bool, struct and list, numbered from 1.
    private mutating func value(
        _ fields: UnsafePointer<JSONField>, _ base: UnsafeMutableRawPointer
    ) throws(SchemaError) {
        switch text.next {
        case UInt8(ascii: "n"):
            try text.literal("null", "null")
            set(fields, base, Int32(0))
        case UInt8(ascii: "\""): _ = try single(fields + 2, base)
        case UInt8(ascii: "t"), UInt8(ascii: "f"): _ = try single(fields + 3, base)
        case UInt8(ascii: "{"): _ = try single(fields + 4, base)
        case UInt8(ascii: "["): _ = try single(fields + 5, base)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): _ = try single(fields + 1, base)
        default: throw text.expected("a JSON value")
        }
    }

    // MARK: Any

    /// Takes an object with `@type`, which may stand anywhere in it, so the object is looked through first. What that
    /// costs is counted, since it recurs for each `Any` inside another.
    private mutating func any(
        _ table: UnsafePointer<JSONTable>, _ base: UnsafeMutableRawPointer
    ) throws(SchemaError) {
        let start = text.cursor
        if try text.open(UInt8(ascii: "{"), UInt8(ascii: "}"), "an object with \"@type\"") { return }
        guard let url = try typeURL() else {
            throw text.refused("expected \"@type\" in the object, found none", at: start)
        }
        let passed = text.cursor - start
        try text.charge(contents: passed)
        text.cursor = start
        guard let inside = anyTypes.find(url) else {
            let shown = SchemaError.excerpt(String(decoding: url.prefix(256), as: UTF8.self))
            throw text.refused("the type \"\(shown)\" is not known here", at: start)
        }
        try text.enter()
        let inner = try makeStruct(inside.jsonTable)
        if inside.jsonTable.pointee.form == .ordinary {
            try object(inside.jsonTable, into: inner, allowsTypeKey: true)
        } else {
            try specialInAny(inside.jsonTable, into: inner)
        }
        text.leave()
        try storeAny(table.pointee.fields, base, url, inner)
    }

    /// Looks through an object, opened already, for `@type` and stops behind it; `nil` if it has none.
    private mutating func typeURL() throws(SchemaError) -> UnsafeBufferPointer<UInt8>? {
        repeat {
            let key = try text.string("a key")
            try text.colon()
            if Self.isTypeKey(key) { return try text.string("a type URL") }
            try text.skipValue()
        } while try text.continues(before: UInt8(ascii: "}"))
        return nil
    }

    /// Takes `{"@type": …, "value": <special form>}`.
    private mutating func specialInAny(
        _ table: UnsafePointer<JSONTable>, into base: UnsafeMutableRawPointer
    ) throws(SchemaError) {
        let start = text.cursor
        _ = try text.open(UInt8(ascii: "{"), UInt8(ascii: "}"), "an object")
        var (hasType, hasValue) = (false, false)
        repeat {
            let keyStart = text.cursor
            let key = try text.string("a key")
            try text.colon()
            if Self.isTypeKey(key), !hasType {
                hasType = true
                try text.skipValue()
            } else if key.elementsEqual("value".utf8), !hasValue {
                hasValue = true
                try special(table, into: base)
            } else {
                guard ignoresUnknown else {
                    throw text.refused("expected \"value\", found another key", at: keyStart)
                }
                try text.skipValue()
            }
        } while try text.continues(before: UInt8(ascii: "}"))
        guard hasValue else { throw text.refused("expected \"value\" in the object, found none", at: start) }
    }

    private mutating func storeAny(
        _ fields: UnsafePointer<JSONField>, _ base: UnsafeMutableRawPointer,
        _ url: UnsafeBufferPointer<UInt8>,
        _ inner: UnsafeMutableRawPointer
    ) throws(SchemaError) {
        let packed = try Codec.pack(inner, sizeBound: nil, arena: text.arena)
        try store(url, at: base + fields.pointee.offset)
        base.storeBytes(of: 1, toByteOffset: fields.pointee.mark, as: Int32.self)
        guard !packed.isEmpty else { return }
        try store(
            UnsafeBufferPointer(
                start: packed.baseAddress?.assumingMemoryBound(to: UInt8.self), count: packed.count),
            at: base + fields[1].offset)
        base.storeBytes(of: 1, toByteOffset: fields[1].mark, as: Int32.self)
    }
}
