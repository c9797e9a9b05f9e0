// SPDX-License-Identifier: Apache-2.0

/// What all entry points of the JSON codec share: the thread's arena, the order of the checks, the budgets.
@usableFromInline
enum JSONCoding {
    /// What a value in memory may take to print: it exists already, so protobuf's own limit is the only one.
    private static let printLimits = SchemaLimits(elementsMax: .max, decodedBytesMax: .max)
    /// The struct, the text, and the text's former places as it grew.
    private static let printBudget = 4 * SchemaLimits.encodedBytesCeiling

    /// Reads JSON into a struct and lends it to `read`.
    @usableFromInline
    static func parse<Value>(
        _ bytes: UnsafeRawBufferPointer, as type: MessageDescriptor, options: JSONDecodingOptions,
        limits: SchemaLimits,
        _ read: (FieldReader) -> Value
    ) throws(SchemaError) -> Value {
        try Arena.withThreadArena(budget: Codec.arenaBudget(limits)) { arena throws(SchemaError) in
            let (message, _) = try JSONParser.parse(
                bytes, as: type, options: options, limits: limits, arena: arena)
            try RequiredFields.check(message, type, .invalidData)
            return read(FieldReader(message))
        }
    }

    /// Fills a struct, prints it and lends the text to `body`.
    @usableFromInline
    static func print<Result>(
        as type: MessageDescriptor, options: JSONEncodingOptions, _ write: (inout FieldWriter) -> Void,
        _ body: (UnsafeRawBufferPointer) -> Result
    ) throws(SchemaError) -> Result {
        var encoding = try Encoding(type, deterministic: false)
        write(&encoding.fields)
        return try encoding.withMessage(addingBudget: printBudget) { message, arena throws(SchemaError) in
            body(
                try JSONPrinter.print(
                    message, as: type, options: options, limits: printLimits,
                    bytesMax: SchemaLimits.encodedBytesCeiling, arena: arena))
        }
    }
}

extension String {
    /// Lends the text's UTF-8 to `body`.
    @usableFromInline
    func withUTF8Bytes<Result>(
        _ body: (UnsafeRawBufferPointer) throws(SchemaError) -> Result
    ) throws(SchemaError) -> Result {
        let text = utf8Span.span
        return try text.bytes.withUnsafeBytes(body)
    }
}
