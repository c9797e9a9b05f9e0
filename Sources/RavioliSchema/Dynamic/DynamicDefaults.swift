// SPDX-License-Identifier: Apache-2.0

extension FieldDescriptor {
    /// What the field reads as when it is absent: the default that the schema declares, or else zero, empty, the first
    /// value of a closed enum, an empty message.
    var defaultValue: DynamicValue {
        if isMap { return .map([:]) }
        if isRepeated { return .list([]) }
        return defaultText.flatMap(declaredDefault) ?? zero
    }

    private var zero: DynamicValue {
        switch kind {
        case .int32, .sint32, .sfixed32: .int32(0)
        case .int64, .sint64, .sfixed64: .int64(0)
        case .uint32, .fixed32: .uint32(0)
        case .uint64, .fixed64: .uint64(0)
        case .float: .float(0)
        case .double: .double(0)
        case .bool: .bool(false)
        case .string: .string("")
        case .bytes: .bytes([])
        case .enumeration: .enumeration(enumType?.values.first?.number ?? 0)
        case .message, .group: messageType.map { .message(DynamicMessage($0)) } ?? .bytes([])
        }
    }

    /// Reads `FieldDescriptorProto.default_value`: numbers in decimal, enums by name, bytes with C escapes.
    private func declaredDefault(_ text: String) -> DynamicValue? {
        switch kind {
        case .int32, .sint32, .sfixed32: Int32(text).map(DynamicValue.int32)
        case .int64, .sint64, .sfixed64: Int64(text).map(DynamicValue.int64)
        case .uint32, .fixed32: UInt32(text).map(DynamicValue.uint32)
        case .uint64, .fixed64: UInt64(text).map(DynamicValue.uint64)
        case .float: Float(text).map(DynamicValue.float)
        case .double: Double(text).map(DynamicValue.double)
        case .bool: .bool(text == "true")
        case .string: .string(text)
        case .bytes: .bytes(Self.unescapedC(text))
        case .enumeration: enumType?.number(named: text).map(DynamicValue.enumeration)
        case .message, .group: nil
        }
    }

    /// The bytes of a text with C escapes: `\n`, `\"`, `\101`, `\x41`.
    static func unescapedC(_ text: String) -> [UInt8] {
        var result: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "\\"), let letter = rest.popFirst() else {
                result.append(byte)
                continue
            }
            switch letter {
            case UInt8(ascii: "n"): result.append(0x0a)
            case UInt8(ascii: "r"): result.append(0x0d)
            case UInt8(ascii: "t"): result.append(0x09)
            case UInt8(ascii: "x"): result.append(number(&rest, radix: 16, digitsMax: 2))
            case UInt8(ascii: "0")...UInt8(ascii: "7"):
                rest = [letter] + rest
                result.append(number(&rest, radix: 8, digitsMax: 3))
            default: result.append(letter)
            }
        }
        return result
    }

    private static func number(_ rest: inout ArraySlice<UInt8>, radix: Int, digitsMax: Int) -> UInt8 {
        var value = 0
        for _ in 0..<digitsMax {
            guard let byte = rest.first, let digit = Character(Unicode.Scalar(byte)).hexDigitValue,
                digit < radix
            else { break }
            value = value * radix + digit
            rest.removeFirst()
        }
        return UInt8(truncatingIfNeeded: value)
    }
}
