// SPDX-License-Identifier: Apache-2.0

// A field's value alone, for those that take it, or give it, as a whole body.
extension JSONTranscoder {
    /// Encodes a message of which one field is given, as that field's JSON value; `null` leaves it out.
    ///
    /// - Throws: as ``encoded(fromJSON:as:options:limits:)-(UnsafeRawBufferPointer,_,_,_)``.
    package static func encoded(
        fromJSON bytes: UnsafeRawBufferPointer, of field: FieldDescriptor, in type: MessageDescriptor,
        options: JSONDecodingOptions = .defaults, limits: SchemaLimits = .defaults
    ) throws(SchemaError) -> [UInt8] {
        try Arena.withThreadArena(budget: Codec.arenaBudget(limits)) { arena throws(SchemaError) in
            let message = try JSONParser.parse(
                bytes, of: field, in: type, options: options, limits: limits, arena: arena)
            arena.addBudget(SchemaLimits.encodedBytesCeiling)
            return Array(try Codec.pack(message, sizeBound: nil, arena: arena))
        }
    }

    /// Prints one field of an encoded message, as that field's JSON value. Without presence, the default is printed;
    /// empty for a field with presence that is absent.
    ///
    /// - Throws: as ``json(fromEncoded:as:options:limits:)-(UnsafeRawBufferPointer,_,_,_)``.
    package static func json(
        fromEncoded bytes: UnsafeRawBufferPointer, of field: FieldDescriptor, in type: MessageDescriptor,
        options: JSONEncodingOptions = .defaults, limits: SchemaLimits = .defaults
    ) throws(SchemaError) -> [UInt8] {
        try Arena.withThreadArena(budget: Codec.arenaBudget(limits)) { arena throws(SchemaError) in
            let message = try Codec.unpack(bytes, as: type, limits: limits, arena: arena)
            try RequiredFields.check(message, type, .invalidData)
            arena.addBudget(limits.jsonBytesMax.addingSaturated(limits.jsonBytesMax))
            return Array(
                try JSONPrinter.print(
                    field, of: message, as: type, options: options, limits: limits, arena: arena))
        }
    }
}
