// SPDX-License-Identifier: Apache-2.0

// The JSON form of generated messages, by the ProtoJSON guide: the value goes through the same C struct as for the
// binary form, and the schema says how it looks.
extension Message {
    /// Reads a message from JSON.
    ///
    /// - Parameters:
    ///   - json: the text; from anywhere.
    ///   - options: strict unless told otherwise.
    ///   - limits: what the text and the message may cost.
    /// - Throws: ``SchemaError/Code/invalidData`` for text that is no such message, with the path, line and column;
    ///   ``SchemaError/Code/limitExceeded`` for one that costs too much.
    @inlinable
    public init(
        json: String, options: JSONDecodingOptions = .defaults, limits: SchemaLimits = .defaults
    ) throws(SchemaError) {
        self = try json.withUTF8Bytes { bytes throws(SchemaError) in
            try Self(jsonUTF8: bytes, options: options, limits: limits)
        }
    }

    /// Reads a message from JSON in UTF-8; see ``init(json:options:limits:)``.
    @inlinable
    public init(
        jsonUTF8 bytes: UnsafeRawBufferPointer, options: JSONDecodingOptions = .defaults,
        limits: SchemaLimits = .defaults
    ) throws(SchemaError) {
        let type = Self.descriptor
        self = try JSONCoding.parse(bytes, as: type, options: options, limits: limits) { Self.read(from: $0) }
    }

    /// Reads a message from JSON in UTF-8; see ``init(json:options:limits:)``.
    @inlinable
    public init(
        jsonUTF8 bytes: [UInt8], options: JSONDecodingOptions = .defaults, limits: SchemaLimits = .defaults
    ) throws(SchemaError) {
        self = try bytes.span.bytes.withUnsafeBytes { bytes throws(SchemaError) in
            try Self(jsonUTF8: bytes, options: options, limits: limits)
        }
    }

    /// Prints the message as JSON on one line, fields in order of their numbers, map keys sorted: the same text for
    /// the same message. Groups and extensions follow; other unknown fields are not printed.
    ///
    /// - Throws: ``SchemaError/Code/invalidValue`` for what has no JSON form, such as a timestamp in the year 10000, or
    ///   what is nested deeper than 100 levels of messages and lists.
    @inlinable
    public func json(options: JSONEncodingOptions = .defaults) throws(SchemaError) -> String {
        try withJSONBytes(options: options) { String(decoding: $0, as: UTF8.self) }
    }

    /// Prints the message as JSON in UTF-8; see ``json(options:)``.
    @inlinable
    public func jsonUTF8Bytes(options: JSONEncodingOptions = .defaults) throws(SchemaError) -> [UInt8] {
        try withJSONBytes(options: options) { Array($0) }
    }

    /// Prints the message as JSON and lends the UTF-8 to `body`; it is valid only during the call. See
    /// ``json(options:)``.
    @inlinable
    public func withJSONBytes<Result>(
        options: JSONEncodingOptions = .defaults, _ body: (UnsafeRawBufferPointer) -> Result
    ) throws(SchemaError) -> Result {
        let type = Self.descriptor
        return try JSONCoding.print(as: type, options: options, { write(to: &$0) }, body)
    }
}
