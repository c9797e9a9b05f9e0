// SPDX-License-Identifier: Apache-2.0
//
// The short way for what senders mostly write: keys in order of the fields, strings of ASCII without escapes, numbers
// of a few digits. It keeps the place in the text in a register, where everything else keeps it in the parser, which
// halves the time. Whatever is not plain is refused here without having been touched, and read by the long way, which
// alone knows what is wrong with it.

/// How a field's values are read by the short way, if they are.
enum PlainKind: UInt8 {
    case none, string, int32, uint32, int64, uint64, double, bool, enumeration

    init(_ kind: FieldKind, isNullValue: Bool) {
        switch kind {
        case .string: self = .string
        case .int32, .sint32, .sfixed32: self = .int32
        case .uint32, .fixed32: self = .uint32
        case .int64, .sint64, .sfixed64: self = .int64
        case .uint64, .fixed64: self = .uint64
        case .double: self = .double
        case .bool: self = .bool
        case .enumeration: self = isNullValue ? .none : .enumeration
        case .float, .bytes, .message, .group: self = .none
        }
    }
}

/// What became of a value on the short way.
enum PlainResult {
    /// Nothing was read or stored.
    case refused
    /// It is stored, and all its bits are zero or it is empty.
    case zero
    case stored
}

extension JSONParser {
    typealias Place = UnsafePointer<UInt8>

    /// More bytes than any plain value but a string takes, with the one behind it.
    private static let plainSize = 24
    /// So many digits fit into 64 bits for certain.
    private static let plainDigitsMax = 18

    // MARK: Keys

    /// The index of the field whose key, with its colon, starts at `place`, looked for from `likely` on; -1 if it is
    /// not found among the next few.
    @inline(__always)
    func plainKey(_ table: UnsafePointer<JSONTable>, likely: Int, at place: Place) -> Int {
        var index = likely
        let end = min(likely &+ 4, table.pointee.fieldCount)
        while index < end {
            if hasKey(UnsafePointer(table.pointee.fields + index), at: place) { return index }
            index &+= 1
        }
        return -1
    }

    @inline(__always)
    private func hasKey(_ field: UnsafePointer<JSONField>, at place: Place) -> Bool {
        let count = field.pointee.keyCount
        guard text.end - place >= max(count, 8) else { return false }
        guard Self.word(place) & field.pointee.keyMask == field.pointee.keyWord else { return false }
        var position = 8
        while position < count {
            // The last word overlaps the one before.
            let start = min(position, count &- 8)
            guard Self.word(place + start) == Self.word(field.pointee.keyText + start) else { return false }
            position &+= 8
        }
        return true
    }

    @inline(__always)
    private static func word(_ place: Place) -> UInt64 {
        UnsafeRawPointer(place).loadUnaligned(as: UInt64.self).littleEndian
    }

    // MARK: Punctuation

    /// Passes over space, of which there mostly is none.
    @inline(__always)
    func skipSpace(_ place: inout Place) {
        while place < text.end, place.pointee <= 0x20, JSONScanner.isSpace(place.pointee) { place += 1 }
    }

    /// Takes the comma before another member, or the closing bracket. Returns whether another member follows.
    @inline(__always)
    mutating func continues(_ place: inout Place, before closing: UInt8) throws(SchemaError) -> Bool {
        skipSpace(&place)
        if place < text.end {
            let byte = place.pointee
            if byte == UInt8(ascii: ",") {
                place += 1
                skipSpace(&place)
                return true
            }
            if byte == closing {
                place += 1
                return false
            }
        }
        text.cursor = place
        throw text.expected(closing == UInt8(ascii: "}") ? "',' or '}'" : "',' or ']'")
    }

    // MARK: Values

    /// Takes the value of a singular field, marks it and moves `place` behind it; false if it is not plain.
    @inline(__always)
    mutating func plainMember(
        _ field: UnsafePointer<JSONField>, _ base: UnsafeMutableRawPointer, at place: inout Place
    ) -> Bool {
        guard field.pointee.isPlainMember else { return false }
        let mark = base + field.pointee.mark
        // A second member of a oneof is for the long way to judge.
        if field.pointee.isInOneof, mark.load(as: Int32.self) != 0 { return false }
        switch plainScalar(field, into: base + field.pointee.offset, taking: 0, at: &place) {
        case .refused: return false
        case .zero where field.pointee.isImplicit: return true
        case .zero, .stored:
            mark.storeBytes(of: field.pointee.markValue, as: Int32.self)
            return true
        }
    }

    /// Takes a value, stores it at `target` and moves `place` behind it. Counts an element with its contents and
    /// `size` bytes more.
    @inline(__always)
    mutating func plainScalar(
        _ field: UnsafePointer<JSONField>, into target: UnsafeMutableRawPointer, taking size: Int,
        at place: inout Place
    ) -> PlainResult {
        let plain = field.pointee.plain
        guard plain != .none, text.end - place >= Self.plainSize else { return .refused }
        if plain == .string { return plainString(into: target, taking: size, at: &place) }
        let (result, end) = plainNumber(field, into: target, taking: size, at: place)
        place = end
        return result
    }

    @inline(__always)
    private mutating func plainString(
        into target: UnsafeMutableRawPointer, taking size: Int, at place: inout Place
    ) -> PlainResult {
        let contents = place + 1
        guard place.pointee == UInt8(ascii: "\""), let quote = text.plainEnd(of: contents) else {
            return .refused
        }
        let count = quote - contents
        guard text.isCharged(count &+ size) else { return .refused }
        target.storeBytes(of: count, as: Int.self)
        target.storeBytes(of: count == 0 ? nil : contents, toByteOffset: 8, as: Place?.self)
        place = quote + 1
        return count == 0 ? .zero : .stored
    }

    /// Returns the place behind the value, or the same one. Out of line: one copy of the switch serves members, elements
    /// and entries. The place comes back as a value, because one that is lent would have to lie in memory.
    @inline(never)
    private mutating func plainNumber(
        _ field: UnsafePointer<JSONField>, into target: UnsafeMutableRawPointer, taking size: Int,
        at start: Place
    ) -> (PlainResult, Place) {
        var place = start
        var isZero = false
        let refused = (PlainResult.refused, start)
        switch field.pointee.plain {
        case .int32:
            guard let value = plainInteger(&place), let narrow = Int32(exactly: value) else {
                return refused
            }
            target.storeBytes(of: narrow, as: Int32.self)
            isZero = narrow == 0
        case .uint32:
            guard let value = plainInteger(&place), let narrow = UInt32(exactly: value) else {
                return refused
            }
            target.storeBytes(of: narrow, as: UInt32.self)
            isZero = narrow == 0
        case .int64:
            guard let value = plainInteger(&place) else { return refused }
            target.storeBytes(of: value, as: Int64.self)
            isZero = value == 0
        case .uint64:
            guard let value = plainInteger(&place), value >= 0 else { return refused }
            target.storeBytes(of: UInt64(bitPattern: value), as: UInt64.self)
            isZero = value == 0
        case .double:
            guard let value = plainDouble(&place) else { return refused }
            target.storeBytes(of: value, as: Double.self)
            isZero = value.bitPattern == 0
        case .bool:
            guard let value = Self.plainBool(&place) else { return refused }
            target.storeBytes(of: value ? 1 : 0, as: Int32.self)
            isZero = !value
        case .enumeration:
            guard let number = plainName(field, &place) else { return refused }
            target.storeBytes(of: number, as: Int32.self)
            isZero = number == 0
        case .none, .string: return refused
        }
        guard text.isCharged(size) else { return refused }
        return (isZero ? .zero : .stored, place)
    }

    /// An integer of at most 18 digits, in quotes or not, without fraction and exponent.
    @inline(__always)
    private func plainInteger(_ place: inout Place) -> Int64? {
        let isQuoted = place.pointee == UInt8(ascii: "\"")
        if isQuoted { place += 1 }
        let isNegative = place.pointee == UInt8(ascii: "-")
        if isNegative { place += 1 }
        var digits: UInt64 = 0
        let first = place
        Self.takeDigits(&place, &digits, before: place + Self.plainDigitsMax)
        guard place > first, first.pointee != UInt8(ascii: "0") || place - first == 1 else { return nil }
        if isQuoted {
            guard place.pointee == UInt8(ascii: "\"") else { return nil }
            place += 1
        } else if Self.continuesNumber(place.pointee) {
            return nil
        }
        return isNegative ? -Int64(digits) : Int64(digits)
    }

    /// A bare number whose digits and power of ten are both exact doubles, so that one division rounds correctly.
    @inline(__always)
    private func plainDouble(_ place: inout Place) -> Double? {
        let isNegative = place.pointee == UInt8(ascii: "-")
        if isNegative { place += 1 }
        var digits: UInt64 = 0
        let first = place
        let limit = place + Self.plainDigitsMax
        Self.takeDigits(&place, &digits, before: limit)
        guard place > first, first.pointee != UInt8(ascii: "0") || place - first == 1 else { return nil }
        var value = Double(digits)
        if place.pointee == UInt8(ascii: ".") {
            place += 1
            let fraction = place
            Self.takeDigits(&place, &digits, before: limit)
            guard place > fraction else { return nil }
            value = Double(digits) / PowersOfTen.power(place - fraction)
        }
        guard digits <= 1 << 53, !Self.continuesNumber(place.pointee) else { return nil }
        return isNegative ? -value : value
    }

    @inline(__always)
    private static func takeDigits(_ place: inout Place, _ value: inout UInt64, before limit: Place) {
        while place < limit, JSONText.isDigit(place.pointee) {
            value = value &* 10 &+ UInt64(place.pointee &- UInt8(ascii: "0"))
            place += 1
        }
    }

    @inline(__always)
    private static func continuesNumber(_ byte: UInt8) -> Bool {
        JSONText.isDigit(byte) || byte == UInt8(ascii: ".") || byte | 0x20 == UInt8(ascii: "e")
    }

    @inline(__always)
    private static func plainBool(_ place: inout Place) -> Bool? {
        let word = UInt32(truncatingIfNeeded: word(place))
        if word == 0x6575_7274 {  // "true", its first letter lowest
            place += 4
            return true
        }
        guard word == 0x736c_6166, place[4] == UInt8(ascii: "e") else { return nil }  // "fals"
        place += 5
        return false
    }

    /// The name of an enum value.
    @inline(__always)
    private func plainName(_ field: UnsafePointer<JSONField>, _ place: inout Place) -> Int32? {
        guard let type = field.pointee.enumeration, place.pointee == UInt8(ascii: "\"") else { return nil }
        let contents = place + 1
        guard let quote = text.plainEnd(of: contents) else { return nil }
        place = quote + 1
        return type.pointee.names.find(UnsafeBufferPointer(start: contents, count: quote - contents))
    }
}
