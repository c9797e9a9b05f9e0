// SPDX-License-Identifier: Apache-2.0

extension JSONParser {
    /// Takes a value that is no message and stores it at `target`, where it has the room that its kind needs. Returns
    /// false, and stores nothing, if the value is to be ignored.
    mutating func scalar(
        _ field: UnsafePointer<JSONField>, into target: UnsafeMutableRawPointer
    ) throws(SchemaError) -> Bool {
        switch field.pointee.kind {
        case .int32, .sint32, .sfixed32:
            let value = try signed(within: Int64(Int32.min)...Int64(Int32.max), "an int32")
            target.storeBytes(of: Int32(truncatingIfNeeded: value), as: Int32.self)
        case .uint32, .fixed32:
            let value = try unsigned(upTo: UInt64(UInt32.max), "a uint32")
            target.storeBytes(of: UInt32(truncatingIfNeeded: value), as: UInt32.self)
        case .int64, .sint64, .sfixed64:
            target.storeBytes(of: try signed(within: .min ... .max, "an int64"), as: Int64.self)
        case .uint64, .fixed64:
            target.storeBytes(of: try unsigned(upTo: .max, "a uint64"), as: UInt64.self)
        case .float: target.storeBytes(of: try float(), as: Float.self)
        case .double: target.storeBytes(of: try double(), as: Double.self)
        case .bool: target.storeBytes(of: try text.bool() ? 1 : 0, as: Int32.self)
        case .string: try store(try text.string("a string"), at: target)
        case .bytes: try bytes(into: target)
        case .enumeration: return try enumeration(field, into: target)
        case .message, .group: throw text.malformed("the field is no scalar")
        }
        return true
    }

    /// Stores a `ProtobufCBinaryData`: a length, then a pointer.
    @inline(__always)
    mutating func store(
        _ bytes: UnsafeBufferPointer<UInt8>, at target: UnsafeMutableRawPointer
    ) throws(SchemaError) {
        try text.charge(contents: bytes.count)
        target.storeBytes(of: bytes.count, as: Int.self)
        target.storeBytes(
            of: bytes.isEmpty ? nil : bytes.baseAddress, toByteOffset: 8, as: UnsafePointer<UInt8>?.self)
    }

    // MARK: Integers

    @inline(__always)
    private mutating func signed(
        within range: ClosedRange<Int64>, _ what: StaticString
    ) throws(SchemaError) -> Int64 {
        let start = text.cursor
        let number = try number(what)
        guard let value = number.signed, range.contains(value) else {
            throw notInteger(number, what, at: start)
        }
        return value
    }

    @inline(__always)
    private mutating func unsigned(upTo largest: UInt64, _ what: StaticString) throws(SchemaError) -> UInt64 {
        let start = text.cursor
        let number = try number(what)
        guard let value = number.unsigned, value <= largest else { throw notInteger(number, what, at: start) }
        return value
    }

    /// Takes a number, bare or in quotes.
    @inline(__always)
    private mutating func number(_ what: StaticString) throws(SchemaError) -> JSONNumber {
        if text.next == UInt8(ascii: "\"") { return try quotedNumber(what) }
        guard let number = JSONNumber(at: text.cursor, before: text.end) else { throw text.expected(what) }
        text.cursor = number.end
        return number
    }

    private mutating func quotedNumber(_ what: StaticString) throws(SchemaError) -> JSONNumber {
        let start = text.cursor
        guard let number = Self.wholeNumber(try text.string(what)) else {
            throw text.refused("expected \(what), found a string that is none", at: start)
        }
        return number
    }

    /// The number that the bytes are, from the first to the last.
    static func wholeNumber(_ bytes: UnsafeBufferPointer<UInt8>) -> JSONNumber? {
        guard let start = bytes.baseAddress else { return nil }
        guard let number = JSONNumber(at: start, before: start + bytes.count),
            number.end == start + bytes.count
        else { return nil }
        return number
    }

    @inline(never)
    private mutating func notInteger(
        _ number: JSONNumber, _ what: StaticString, at start: UnsafePointer<UInt8>
    ) -> SchemaError {
        text.refused(
            number.isInteger
                ? "expected \(what), found a number out of its range" : "expected \(what), found a fraction",
            at: start)
    }

    // MARK: Floats

    @inline(__always)
    private mutating func double() throws(SchemaError) -> Double {
        let start = text.cursor
        if text.next == UInt8(ascii: "\""), let special = try specialFloat() { return special }
        let value = try number("a double").double
        guard value.isFinite else {
            throw text.refused("expected a double, found a number out of its range", at: start)
        }
        return value
    }

    @inline(__always)
    private mutating func float() throws(SchemaError) -> Float {
        let start = text.cursor
        if text.next == UInt8(ascii: "\""), let special = try specialFloat() { return Float(special) }
        let value = try number("a float").float
        guard value.isFinite else {
            throw text.refused("expected a float, found a number out of its range", at: start)
        }
        return value
    }

    /// Takes a quoted special value; `nil`, and nothing taken, if the string is none.
    private mutating func specialFloat() throws(SchemaError) -> Double? {
        let start = text.cursor
        let word = try text.string("a number")
        if word.elementsEqual("NaN".utf8) { return .nan }
        if word.elementsEqual("Infinity".utf8) { return .infinity }
        if word.elementsEqual("-Infinity".utf8) { return -.infinity }
        text.cursor = start
        return nil
    }

    // MARK: Bytes and enums

    private mutating func bytes(into target: UnsafeMutableRawPointer) throws(SchemaError) {
        let start = text.cursor
        let digits = try text.string("a string in base64")
        let memory = try text.allocate(digits.count / 4 * 3 + 3).assumingMemoryBound(to: UInt8.self)
        guard let count = Base64.decode(digits, into: memory) else {
            throw text.refused("expected base64, found a string that is none", at: start)
        }
        try store(UnsafeBufferPointer(start: memory, count: count), at: target)
    }

    private mutating func enumeration(
        _ field: UnsafePointer<JSONField>, into target: UnsafeMutableRawPointer
    ) throws(SchemaError) -> Bool {
        guard let type = field.pointee.enumeration else { throw text.malformed("the field has no type") }
        let start = text.cursor
        switch text.next {
        case UInt8(ascii: "\""):
            let name = try text.string("a name")
            if let number = type.pointee.names.find(name) {
                target.storeBytes(of: number, as: Int32.self)
                return true
            }
            guard !ignoresUnknown else { return false }
            let shown = SchemaError.excerpt(String(decoding: name.prefix(256), as: UTF8.self))
            throw text.refused("\(enumName(field)) has no value \"\(shown)\"", at: start)
        case UInt8(ascii: "n") where type.pointee.isNullValue:
            try text.literal("null", "null")
            target.storeBytes(of: 0, as: Int32.self)
        default:
            let value = try signed(
                within: Int64(Int32.min)...Int64(Int32.max), "the name or number of an enum value")
            let number = Int32(truncatingIfNeeded: value)
            if type.pointee.isClosed, type.pointee.text(of: number) == nil {
                guard !ignoresUnknown else { return false }
                throw text.refused("\(enumName(field)) has no value \(number)", at: start)
            }
            target.storeBytes(of: number, as: Int32.self)
        }
        return true
    }

    private func enumName(_ field: UnsafePointer<JSONField>) -> String {
        field.pointee.descriptor.takeUnretainedValue().enumType?.fullName ?? "the enum"
    }
}
