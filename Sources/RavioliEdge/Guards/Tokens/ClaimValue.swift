// SPDX-License-Identifier: Apache-2.0
//
// A strict reader of JSON for headers, claims and key sets: what two readers could understand differently is refused, above all a
// name that an object has twice. Pure and bounded: the text is, and so is its depth.

import RavioliSchema

/// A value of JSON. Numbers stay as they are written, so that none loses digits.
package enum ClaimValue: Sendable, Hashable {
    case null
    case bool(Bool)
    case number(String)
    case string(String)
    case array([ClaimValue])
    case object([String: ClaimValue])

    /// Reads a text that is one value; nil for anything else, for a name that stands twice in an object, for what is not
    /// UTF-8, and for more than 16 levels.
    package init?(json: some Sequence<UInt8>) {
        var reader = ClaimReader(bytes: Array(json))
        guard let value = reader.whole() else { return nil }
        self = value
    }

    var string: String? { if case .string(let text) = self { text } else { nil } }
    var array: [ClaimValue]? { if case .array(let values) = self { values } else { nil } }
    var object: [String: ClaimValue]? { if case .object(let members) = self { members } else { nil } }

    /// A moment in seconds since 1970 (RFC 7519, NumericDate); nil for what is none.
    var seconds: Double? {
        guard case .number(let text) = self, let value = Double(text), abs(value) < 1e12 else { return nil }
        return value
    }

    /// As compact JSON, names in order of the alphabet.
    package var json: String {
        switch self {
        case .null: "null"
        case .bool(let value): value ? "true" : "false"
        case .number(let text): text
        case .string(let text): JSONText.quoted(text)
        case .array(let values): "[" + values.map(\.json).joined(separator: ",") + "]"
        case .object(let members):
            "{"
                + members.sorted { $0.key < $1.key }.map { "\(JSONText.quoted($0.key)):\($0.value.json)" }
                .joined(separator: ",") + "}"
        }
    }
}

private struct ClaimReader {
    let bytes: [UInt8]
    private var index = 0
    private static let depthMax = 16

    init(bytes: [UInt8]) { self.bytes = bytes }

    mutating func whole() -> ClaimValue? {
        guard let value = value(depth: 0) else { return nil }
        skipBlanks()
        return index == bytes.count ? value : nil
    }

    private var next: UInt8? { index < bytes.count ? bytes[index] : nil }

    private mutating func skipBlanks() {
        while let byte = next, byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D { index += 1 }
    }

    private mutating func skip(_ character: Unicode.Scalar) -> Bool {
        skipBlanks()
        guard next == UInt8(ascii: character) else { return false }
        index += 1
        return true
    }

    private mutating func value(depth: Int) -> ClaimValue? {
        skipBlanks()
        guard depth < Self.depthMax, let byte = next else { return nil }
        switch byte {
        case UInt8(ascii: "{"): return object(depth: depth)
        case UInt8(ascii: "["): return array(depth: depth)
        case UInt8(ascii: "\""): return string().map(ClaimValue.string)
        case UInt8(ascii: "t"): return word("true") ? .bool(true) : nil
        case UInt8(ascii: "f"): return word("false") ? .bool(false) : nil
        case UInt8(ascii: "n"): return word("null") ? .null : nil
        default: return number()
        }
    }

    private mutating func word(_ text: String) -> Bool {
        guard bytes[index...].starts(with: text.utf8) else { return false }
        index += text.utf8.count
        return true
    }

    // MARK: Objects and arrays

    private mutating func object(depth: Int) -> ClaimValue? {
        guard skip("{") else { return nil }
        var members: [String: ClaimValue] = [:]
        if skip("}") { return .object(members) }
        repeat {
            skipBlanks()
            guard let name = string(), skip(":"), let value = value(depth: depth + 1),
                members.updateValue(value, forKey: name) == nil
            else { return nil }
        } while skip(",")
        return skip("}") ? .object(members) : nil
    }

    private mutating func array(depth: Int) -> ClaimValue? {
        guard skip("[") else { return nil }
        var values: [ClaimValue] = []
        if skip("]") { return .array(values) }
        repeat {
            guard let value = value(depth: depth + 1) else { return nil }
            values.append(value)
        } while skip(",")
        return skip("]") ? .array(values) : nil
    }

    // MARK: Numbers

    private mutating func number() -> ClaimValue? {
        let start = index
        if next == UInt8(ascii: "-") { index += 1 }
        if next == UInt8(ascii: "0") { index += 1 } else { guard digits() else { return nil } }
        if next == UInt8(ascii: ".") {
            index += 1
            guard digits() else { return nil }
        }
        if next == UInt8(ascii: "e") || next == UInt8(ascii: "E") {
            index += 1
            if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { index += 1 }
            guard digits() else { return nil }
        }
        return .number(String(decoding: bytes[start..<index], as: UTF8.self))
    }

    /// One digit at least.
    private mutating func digits() -> Bool {
        let start = index
        while let byte = next, byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") { index += 1 }
        return index > start
    }

    // MARK: Strings

    private mutating func string() -> String? {
        guard next == UInt8(ascii: "\"") else { return nil }
        index += 1
        var text: [UInt8] = []
        while let byte = next {
            index += 1
            switch byte {
            case UInt8(ascii: "\""): return String(validating: text, as: UTF8.self)
            case UInt8(ascii: "\\"): guard escape(into: &text) else { return nil }
            case ..<0x20: return nil
            default: text.append(byte)
            }
        }
        return nil
    }

    private mutating func escape(into text: inout [UInt8]) -> Bool {
        guard let letter = next else { return false }
        index += 1
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(letter)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"):
            guard let scalar = scalar() else { return false }
            text += Array(String(scalar).utf8)
        default: return false
        }
        return true
    }

    /// One escape, or two that are a surrogate pair; never half of one.
    private mutating func scalar() -> Unicode.Scalar? {
        guard let first = unit() else { return nil }
        guard (0xD800...0xDBFF).contains(first) else { return Unicode.Scalar(first) }
        guard word("\\u"), let second = unit(), (0xDC00...0xDFFF).contains(second) else { return nil }
        return Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
    }

    private mutating func unit() -> UInt32? {
        guard index + 4 <= bytes.count else { return nil }
        var unit: UInt32 = 0
        for byte in bytes[index..<(index + 4)] {
            guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue, byte < 0x80 else { return nil }
            unit = unit << 4 | UInt32(digit)
        }
        index += 4
        return unit
    }
}
