// SPDX-License-Identifier: Apache-2.0

/// The fields of a message that its schema does not know, kept in order of arrival and byte for byte, so that a
/// service passes on what a newer peer has sent. Groups, fields whose wire type does not fit the schema, unknown
/// values of closed enums and proto2 extensions are kept here too. Two things are not as they came: a tag is written
/// in its shortest form, and a field inside a map entry that is neither key nor value is dropped, as in C++ and Java.
public struct UnknownFields: Sendable, Hashable {
    /// The fields as they stand on the wire: tags and values.
    @usableFromInline package var bytes: [UInt8]

    /// No fields.
    @inlinable public init() { bytes = [] }

    /// Takes over encoded fields, after checking that they are well formed.
    public init(encoded bytes: [UInt8]) throws(SchemaError) {
        var records = WireRecords(bytes)
        while try records.next() != nil {}
        self.bytes = bytes
    }

    /// Takes bytes that the guard has already walked.
    @inlinable package init(verified bytes: [UInt8]) { self.bytes = bytes }

    /// Whether nothing unknown was received.
    @inlinable public var isEmpty: Bool { bytes.isEmpty }

    /// The fields as they stand on the wire.
    public var encoded: [UInt8] { bytes }

    /// All fields, in order of arrival.
    public var records: [WireRecords.Record] {
        var walk = WireRecords(bytes)
        var result: [WireRecords.Record] = []
        // Only well-formed bytes get in, so the walk ends at the end.
        while let record = try? walk.next() { result.append(record) }
        return result
    }

    /// The fields with this number, as an extension or a custom option has them; the last one wins for a
    /// singular field.
    public func records(numbered number: Int32) -> [WireRecords.Record] {
        records.filter { $0.number == number }
    }
}
