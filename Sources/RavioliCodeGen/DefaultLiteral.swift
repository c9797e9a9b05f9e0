// SPDX-License-Identifier: Apache-2.0

import RavioliSchema

/// Turns a schema's default, as protoc writes it into `FieldDescriptorProto.default_value`, into Swift.
enum DefaultLiteral {
    /// - Parameter type: the field's Swift type, in front of an enum's value.
    static func swift(_ text: String, of field: FieldDescriptor, type: String) -> String? {
        switch field.kind {
        case .string: quoted(text)
        case .bytes: "[" + unescaped(text).map(String.init).joined(separator: ", ") + "]"
        case .bool: text
        case .float: subnormal(Float(text)) ?? floating(text)
        case .double: subnormal(Double(text)) ?? floating(text)
        case .enumeration: enumeration(text, of: field, type: type)
        case .message, .group: nil
        default: text
        }
    }

    private static func enumeration(_ text: String, of field: FieldDescriptor, type: String) -> String? {
        guard let enumeration = field.enumType, let number = enumeration.number(named: text) else {
            return nil
        }
        return type + EnumNames(enumeration).literal(number)
    }

    private static func quoted(_ text: String) -> String {
        "\"" + text.unicodeScalars.map { $0.escaped(asASCII: true) }.joined() + "\""
    }

    /// A number so small that the compiler warns of its decimal form is given by its bits.
    private static func subnormal(_ value: Float?) -> String? {
        guard let value, value.isSubnormal else { return nil }
        return ".init(bitPattern: 0x\(String(value.bitPattern, radix: 16)))"
    }

    private static func subnormal(_ value: Double?) -> String? {
        guard let value, value.isSubnormal else { return nil }
        return ".init(bitPattern: 0x\(String(value.bitPattern, radix: 16)))"
    }

    private static func floating(_ text: String) -> String {
        switch text {
        case "inf": ".infinity"
        case "-inf": "-.infinity"
        case "nan": ".nan"
        // `-0` would be an integer's, which has no sign.
        default: text.contains { ".e".contains($0) } ? text : text + ".0"
        }
    }

    /// C escapes, as protoc writes bytes: octal numbers, `\n` and the like.
    private static func unescaped(_ text: String) -> [UInt8] {
        var result: [UInt8] = []
        var rest = Array(text.utf8)[...]
        let simple: [UInt8: UInt8] = [
            UInt8(ascii: "n"): 10, UInt8(ascii: "r"): 13, UInt8(ascii: "t"): 9, UInt8(ascii: "a"): 7,
            UInt8(ascii: "b"): 8, UInt8(ascii: "f"): 12, UInt8(ascii: "v"): 11,
        ]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "\\"), let next = rest.popFirst() else {
                result.append(byte)
                continue
            }
            guard (UInt8(ascii: "0")...UInt8(ascii: "7")).contains(next) else {
                result.append(simple[next] ?? next)
                continue
            }
            var value = Int(next - 48)
            for _ in 0..<2 {
                guard let digit = rest.first, (48...55).contains(digit) else { break }
                value = value * 8 + Int(digit - 48)
                rest = rest.dropFirst()
            }
            result.append(UInt8(truncatingIfNeeded: value))
        }
        return result
    }
}
