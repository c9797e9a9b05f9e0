// SPDX-License-Identifier: Apache-2.0

/// Why bytes, JSON text, a value or a schema was refused.
///
/// The error names what was wrong and where; it never contains the refused data itself beyond a bounded, escaped
/// excerpt, so that it may be logged and sent to a peer.
public struct SchemaError: Error, Sendable, Hashable {
    /// What kind of refusal it is, so that a caller can decide without reading the message.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Value: String, Sendable {
            case invalidData, limitExceeded, invalidValue, invalidSchema, unknownType
        }
        private let value: Value

        /// The bytes or the JSON text break the encoding's rules. The sender is at fault.
        public static let invalidData = Code(value: .invalidData)
        /// Well-formed so far, but larger or deeper than ``SchemaLimits`` permits.
        public static let limitExceeded = Code(value: .limitExceeded)
        /// A value in memory cannot be encoded. The caller is at fault.
        public static let invalidValue = Code(value: .invalidValue)
        /// A descriptor is inconsistent or uses a construct that Ravioli does not support.
        public static let invalidSchema = Code(value: .invalidSchema)
        /// A message, field or service of this name is not in the schema.
        public static let unknownType = Code(value: .unknownType)

        public var description: String { value.rawValue }
    }

    /// The kind of refusal.
    public var code: Code
    /// What is wrong, in a sentence without a full stop.
    public var message: String
    /// The field at fault, as `items.price`; empty for the message itself.
    public var path: String
    /// Where in the input, in bytes from its start; `nil` if the error is not about a place in the input.
    public var offset: Int?

    /// A refusal; `path` and `offset` say where, as far as that is known.
    public init(_ code: Code, _ message: String, path: String = "", offset: Int? = nil) {
        self.code = code
        self.message = message
        self.path = path
        self.offset = offset
    }
}

extension SchemaError: CustomStringConvertible {
    public var description: String {
        var text = message
        if !path.isEmpty { text += " in field \(path)" }
        if let offset { text += " at byte \(offset)" }
        return text
    }
}

extension SchemaError {
    /// A short, printable form of text that came from outside: control and non-ASCII characters escaped,
    /// at most `limit` characters.
    package static func excerpt(_ text: String, limit: Int = 64) -> String {
        var result = ""
        for scalar in text.unicodeScalars.prefix(limit) {
            result +=
                scalar.value >= 0x20 && scalar.value < 0x7f ? String(scalar) : scalar.escaped(asASCII: true)
        }
        return text.unicodeScalars.count > limit ? result + "…" : result
    }
}
