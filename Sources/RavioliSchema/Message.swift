// SPDX-License-Identifier: Apache-2.0

/// A protobuf message as a Swift value. Generated code conforms to it; nobody else needs to.
///
/// A message is encoded and decoded through a C struct of protobuf-c: ``write(to:)`` fills one, ``read(from:)``
/// reads one. Neither keeps anything of it.
public protocol Message: Sendable, Hashable {
    /// Reads the message out of a decoded struct of its type.
    static func read(from fields: FieldReader) -> Self

    /// Writes the message into an empty struct of its type.
    func write(to fields: inout FieldWriter)

    /// The schema's message type.
    static var descriptor: MessageDescriptor { get }

    /// What was received in fields that the schema does not know; sent on with the message.
    var unknownFields: UnknownFields { get set }
}

// MARK: - Binary form

extension Message {
    /// Decodes a message from protobuf's binary form.
    ///
    /// - Parameters:
    ///   - bytes: the encoded message; from anywhere, it is checked before it is decoded.
    ///   - limits: what it may cost.
    /// - Throws: ``SchemaError/Code/invalidData`` for bytes that are no such message, with the field and the offset;
    ///   ``SchemaError/Code/limitExceeded`` for one that costs too much.
    /// - Source: protobuf encoding guide.
    @inlinable
    public init(decoding bytes: UnsafeRawBufferPointer, limits: SchemaLimits = .defaults) throws(SchemaError)
    {
        let decoding = try Decoding(bytes, as: Self.descriptor, limits: limits)
        self = Self.read(from: decoding.fields)
    }

    /// Decodes a message from protobuf's binary form; see ``init(decoding:limits:)-(UnsafeRawBufferPointer,_)``.
    @inlinable
    public init(decoding bytes: [UInt8], limits: SchemaLimits = .defaults) throws(SchemaError) {
        self = try bytes.span.bytes.withUnsafeBytes { bytes throws(SchemaError) in
            try Self(decoding: bytes, limits: limits)
        }
    }

    /// Encodes the message in protobuf's binary form.
    ///
    /// - Parameter deterministic: whether maps are written in order of their keys, so that equal messages have equal
    ///   bytes in this version. Protobuf promises no such thing across languages and versions.
    /// - Throws: ``SchemaError/Code/invalidValue`` if the message is nested deeper than 100 levels, is larger than
    ///   2 GiB or lacks a proto2 `required` field.
    @inlinable
    public func encoded(deterministic: Bool = false) throws(SchemaError) -> [UInt8] {
        var encoding = try Encoding(Self.descriptor, deterministic: deterministic)
        write(to: &encoding.fields)
        return try encoding.array()
    }

    /// Encodes the message and lends the bytes to `body`; they are valid only during the call. See
    /// ``encoded(deterministic:)``, which allocates an array for them.
    @inlinable
    public func withEncodedBytes<Result>(
        deterministic: Bool = false, _ body: (UnsafeRawBufferPointer) -> Result
    ) throws(SchemaError) -> Result {
        var encoding = try Encoding(Self.descriptor, deterministic: deterministic)
        write(to: &encoding.fields)
        return body(try encoding.pack())
    }
}
