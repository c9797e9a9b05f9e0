// SPDX-License-Identifier: Apache-2.0

import RavioliSchema
import Testing

/// Bytes from hexadecimal digits; blanks are ignored.
func hex(_ text: String) -> [UInt8] {
    let digits = text.compactMap(\.hexDigitValue)
    return stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
}

/// Hexadecimal digits, a blank between bytes.
func hex(_ bytes: [UInt8]) -> String {
    bytes.map { (($0 < 16 ? "0" : "") + String($0, radix: 16)) }.joined(separator: " ")
}

/// A base-128 varint in its shortest form.
func varint(_ value: UInt64) -> [UInt8] {
    var rest = value
    var result: [UInt8] = []
    while rest >= 0x80 {
        result.append(UInt8(truncatingIfNeeded: rest) | 0x80)
        rest >>= 7
    }
    return result + [UInt8(rest)]
}

/// A length-delimited field.
func field(_ number: UInt64, _ payload: [UInt8]) -> [UInt8] {
    varint(number << 3 | 2) + varint(UInt64(payload.count)) + payload
}

/// A varint field.
func field(_ number: UInt64, _ value: UInt64) -> [UInt8] { varint(number << 3) + varint(value) }

/// A message inside a field of this number, so many times.
func nested(_ number: UInt64, depth: Int, around innermost: [UInt8] = []) -> [UInt8] {
    var message = innermost
    for _ in 0..<depth { message = field(number, message) }
    return message
}

/// The message types of the test schemas, for tables of cases.
enum Sample: String, CaseIterable, Sendable {
    case scalars, lists, leaf, choices, maps, crowd, legacy, strict, holder

    /// Decodes, and encodes what was decoded with map keys in order.
    func recode(_ bytes: [UInt8], limits: SchemaLimits = .defaults) throws(SchemaError) -> [UInt8] {
        switch self {
        case .scalars: try recode(Scalars.self, bytes, limits)
        case .lists: try recode(Lists.self, bytes, limits)
        case .leaf: try recode(Leaf.self, bytes, limits)
        case .choices: try recode(Choices.self, bytes, limits)
        case .maps: try recode(Maps.self, bytes, limits)
        case .crowd: try recode(Crowd.self, bytes, limits)
        case .legacy: try recode(Legacy.self, bytes, limits)
        case .strict: try recode(Strict.self, bytes, limits)
        case .holder: try recode(Holder.self, bytes, limits)
        }
    }

    private func recode<Value: Message>(
        _ type: Value.Type, _ bytes: [UInt8], _ limits: SchemaLimits
    ) throws(SchemaError) -> [UInt8] {
        try Value(decoding: bytes, limits: limits).encoded(deterministic: true)
    }
}

/// Bytes of a message type and what they become: other bytes or the same.
struct Recoding: Sendable, CustomTestStringConvertible {
    var clause: String
    var type: Sample
    var input: String
    var output: String

    /// - Parameter output: `nil` if it is the input again.
    init(_ clause: String, _ type: Sample, _ input: String, _ output: String? = nil) {
        self.clause = clause
        self.type = type
        self.input = input
        self.output = output ?? input
    }

    var testDescription: String { clause }
}

/// Bytes of a message type and why they are refused.
struct Refusal: Sendable, CustomTestStringConvertible {
    var clause: String
    var type: Sample
    var input: String
    var message: String
    var path: String
    var offset: Int?

    init(
        _ clause: String, _ type: Sample, _ input: String, _ message: String, path: String = "",
        at offset: Int?
    ) {
        self.clause = clause
        self.type = type
        self.input = input
        self.message = message
        self.path = path
        self.offset = offset
    }

    var testDescription: String { clause }
}
