// SPDX-License-Identifier: Apache-2.0

import RavioliSchema

/// Turns a schema's default, as protoc writes it into `FieldDescriptorProto.default_value`, into Swift.
enum DefaultLiteral {
    static func swift(_ text: String, of field: FieldDescriptor, type: String) -> String? {
        switch field.kind {
        case .string: quoted(text)
        case .bytes: "[" + unescaped(text).map(String.init).joined(separator: ", ") + "]"
        case .bool: text
        case .float, .double: floating(text)
        case .enumeration: field.enumType?.number(named: text).map { "\(type)(rawValue: \($0))" }
        case .message, .group: nil
        default: text
        }
    }

    private static func quoted(_ text: String) -> String {
        "\"" + text.unicodeScalars.map { $0.escaped(asASCII: true) }.joined() + "\""
    }

    private static func floating(_ text: String) -> String {
        switch text {
        case "inf": ".infinity"
        case "-inf": "-.infinity"
        case "nan": ".nan"
        default: text
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
