// SPDX-License-Identifier: Apache-2.0
//
// A dynamic message is a plain value: its type and the values of the fields that are present. It is encoded, decoded,
// printed and parsed through the same C structs as a generated one, by the same layout; only the offsets come from the
// descriptor instead of generated code. Whoever merely passes messages on uses ``JSONTranscoder``, which makes no
// values at all.

/// A message of a type that is known only at run time.
///
/// A value type: copies are independent. Fields are read and written by name or number, and every write is checked
/// against the schema.
public struct DynamicMessage: Sendable, Hashable {
    /// The schema's message type.
    public let type: MessageDescriptor
    /// What was received in fields that the schema does not know, extensions and groups included; sent on with the
    /// message.
    public var unknownFields = UnknownFields()
    /// The fields that are present, by number. Each value has passed `FieldDescriptor.check`.
    var values: [Int32: DynamicValue] = [:]

    /// An empty message of this type.
    public init(_ type: MessageDescriptor) { self.type = type }
}

// MARK: - Binary form

extension DynamicMessage {
    /// Decodes a message from protobuf's binary form.
    ///
    /// - Parameters:
    ///   - bytes: the encoded message; from anywhere, it is checked before it is decoded.
    ///   - type: its type.
    ///   - limits: what it may cost.
    /// - Throws: ``SchemaError/Code/invalidData`` for bytes that are no such message, with the field and the offset;
    ///   ``SchemaError/Code/limitExceeded`` for one that costs too much.
    public init(
        decoding bytes: UnsafeRawBufferPointer, as type: MessageDescriptor, limits: SchemaLimits = .defaults
    ) throws(SchemaError) {
        let decoding = try Decoding(bytes, as: type, limits: limits)
        self = DynamicMessage(from: decoding.fields, as: type)
    }

    /// Decodes a message from protobuf's binary form; see ``init(decoding:as:limits:)-(UnsafeRawBufferPointer,_,_)``.
    public init(
        decoding bytes: [UInt8], as type: MessageDescriptor, limits: SchemaLimits = .defaults
    ) throws(SchemaError) {
        self = try bytes.span.bytes.withUnsafeBytes { bytes throws(SchemaError) in
            try DynamicMessage(decoding: bytes, as: type, limits: limits)
        }
    }

    /// Encodes the message in protobuf's binary form.
    ///
    /// - Parameter deterministic: whether maps are written in order of their keys, so that equal messages have equal
    ///   bytes in this version.
    /// - Throws: ``SchemaError/Code/invalidValue`` if the message is nested deeper than 100 levels, is larger than
    ///   2 GiB or lacks a proto2 `required` field.
    public func encoded(deterministic: Bool = false) throws(SchemaError) -> [UInt8] {
        try withEncodedBytes(deterministic: deterministic) { Array($0) }
    }

    /// Encodes the message and lends the bytes to `body`; they are valid only during the call. See
    /// ``encoded(deterministic:)``, which allocates an array for them.
    public func withEncodedBytes<Result>(
        deterministic: Bool = false, _ body: (UnsafeRawBufferPointer) -> Result
    ) throws(SchemaError) -> Result {
        var encoding = try Encoding(type, deterministic: deterministic)
        write(to: &encoding.fields)
        return body(try encoding.pack())
    }
}

// MARK: - JSON

extension DynamicMessage {
    /// Reads a message from JSON.
    ///
    /// - Parameters:
    ///   - json: the text; from anywhere.
    ///   - type: the message's type.
    ///   - options: strict unless told otherwise.
    ///   - limits: what the text and the message may cost.
    /// - Throws: ``SchemaError/Code/invalidData`` for text that is no such message, with the path, line and column;
    ///   ``SchemaError/Code/limitExceeded`` for one that costs too much.
    public init(
        json: String, as type: MessageDescriptor, options: JSONDecodingOptions = .defaults,
        limits: SchemaLimits = .defaults
    ) throws(SchemaError) {
        self = try json.withUTF8Bytes { bytes throws(SchemaError) in
            try DynamicMessage(jsonUTF8: bytes, as: type, options: options, limits: limits)
        }
    }

    /// Reads a message from JSON in UTF-8; see ``init(json:as:options:limits:)``.
    public init(
        jsonUTF8 bytes: UnsafeRawBufferPointer, as type: MessageDescriptor,
        options: JSONDecodingOptions = .defaults,
        limits: SchemaLimits = .defaults
    ) throws(SchemaError) {
        self = try JSONCoding.parse(bytes, as: type, options: options, limits: limits) {
            DynamicMessage(from: $0, as: type)
        }
    }

    /// Reads a message from JSON in UTF-8; see ``init(json:as:options:limits:)``.
    public init(
        jsonUTF8 bytes: [UInt8], as type: MessageDescriptor, options: JSONDecodingOptions = .defaults,
        limits: SchemaLimits = .defaults
    ) throws(SchemaError) {
        self = try bytes.span.bytes.withUnsafeBytes { bytes throws(SchemaError) in
            try DynamicMessage(jsonUTF8: bytes, as: type, options: options, limits: limits)
        }
    }

    /// Prints the message as JSON on one line, fields in order of their numbers, map keys sorted. Unknown fields are
    /// not printed.
    ///
    /// - Throws: ``SchemaError/Code/invalidValue`` for what has no JSON form, such as a timestamp in the year 10000, or
    ///   what is nested deeper than 100 levels of messages and lists.
    public func json(options: JSONEncodingOptions = .defaults) throws(SchemaError) -> String {
        try withJSONBytes(options: options) { String(decoding: $0, as: UTF8.self) }
    }

    /// Prints the message as JSON in UTF-8; see ``json(options:)``.
    public func jsonUTF8Bytes(options: JSONEncodingOptions = .defaults) throws(SchemaError) -> [UInt8] {
        try withJSONBytes(options: options) { Array($0) }
    }

    /// Prints the message as JSON and lends the UTF-8 to `body`; it is valid only during the call. See
    /// ``json(options:)``.
    public func withJSONBytes<Result>(
        options: JSONEncodingOptions = .defaults, _ body: (UnsafeRawBufferPointer) -> Result
    ) throws(SchemaError) -> Result {
        try JSONCoding.print(as: type, options: options, { write(to: &$0) }, body)
    }
}

extension DynamicMessage: CustomStringConvertible {
    /// The message as JSON, or the name of its type where it has no JSON form.
    public var description: String { (try? json()) ?? type.fullName }
}
