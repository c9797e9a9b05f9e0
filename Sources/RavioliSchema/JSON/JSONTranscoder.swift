// SPDX-License-Identifier: Apache-2.0

/// Takes messages between their binary form and JSON without generated code and without values in between, for those
/// that only pass them on. Both directions run in the thread's arena: in the steady state nothing is allocated but
/// what is returned.
public enum JSONTranscoder {
    // MARK: Binary to JSON

    /// Prints an encoded message as JSON in UTF-8.
    ///
    /// - Parameters:
    ///   - bytes: the encoded message; from anywhere, it is checked before it is decoded.
    ///   - type: its type.
    ///   - limits: what the message may cost, ``SchemaLimits/jsonBytesMax`` for the text included.
    /// - Throws: ``SchemaError/Code/invalidData`` for bytes that are no such message,
    ///   ``SchemaError/Code/invalidValue`` for a message that has no JSON form, ``SchemaError/Code/limitExceeded`` for
    ///   one that costs too much.
    public static func json(
        fromEncoded bytes: UnsafeRawBufferPointer, as type: MessageDescriptor,
        options: JSONEncodingOptions = .defaults,
        limits: SchemaLimits = .defaults
    ) throws(SchemaError) -> [UInt8] {
        try withJSON(fromEncoded: bytes, as: type, options: options, limits: limits) { Array($0) }
    }

    /// Prints an encoded message as JSON in UTF-8; see ``json(fromEncoded:as:options:limits:)-(UnsafeRawBufferPointer,_,_,_)``.
    public static func json(
        fromEncoded bytes: [UInt8], as type: MessageDescriptor, options: JSONEncodingOptions = .defaults,
        limits: SchemaLimits = .defaults
    ) throws(SchemaError) -> [UInt8] {
        try bytes.span.bytes.withUnsafeBytes { bytes throws(SchemaError) in
            try json(fromEncoded: bytes, as: type, options: options, limits: limits)
        }
    }

    /// Prints an encoded message as JSON and lends the UTF-8 to `body`; it is valid only during the call. See
    /// ``json(fromEncoded:as:options:limits:)-(UnsafeRawBufferPointer,_,_,_)``.
    public static func withJSON<Result>(
        fromEncoded bytes: UnsafeRawBufferPointer, as type: MessageDescriptor,
        options: JSONEncodingOptions = .defaults,
        limits: SchemaLimits = .defaults, _ body: (UnsafeRawBufferPointer) -> Result
    ) throws(SchemaError) -> Result {
        try Arena.withThreadArena(budget: Codec.arenaBudget(limits)) { arena throws(SchemaError) in
            let message = try Codec.unpack(bytes, as: type, limits: limits, arena: arena)
            try RequiredFields.check(message, type, .invalidData)
            // The text, its former places as it grew, and what is inside of `Any`.
            arena.addBudget(limits.jsonBytesMax.addingSaturated(limits.jsonBytesMax))
            return body(
                try JSONPrinter.print(
                    message, as: type, options: options, limits: limits, bytesMax: limits.jsonBytesMax,
                    arena: arena))
        }
    }

    // MARK: JSON to binary

    /// Encodes a message that is given as JSON in UTF-8.
    ///
    /// - Throws: ``SchemaError/Code/invalidData`` for text that is no such message, with the path, line and column;
    ///   ``SchemaError/Code/limitExceeded`` for one that costs too much.
    public static func encoded(
        fromJSON bytes: UnsafeRawBufferPointer, as type: MessageDescriptor,
        options: JSONDecodingOptions = .defaults,
        limits: SchemaLimits = .defaults
    ) throws(SchemaError) -> [UInt8] {
        try withEncoded(fromJSON: bytes, as: type, options: options, limits: limits) { Array($0) }
    }

    /// Encodes a message that is given as JSON in UTF-8; see
    /// ``encoded(fromJSON:as:options:limits:)-(UnsafeRawBufferPointer,_,_,_)``.
    public static func encoded(
        fromJSON bytes: [UInt8], as type: MessageDescriptor, options: JSONDecodingOptions = .defaults,
        limits: SchemaLimits = .defaults
    ) throws(SchemaError) -> [UInt8] {
        try bytes.span.bytes.withUnsafeBytes { bytes throws(SchemaError) in
            try encoded(fromJSON: bytes, as: type, options: options, limits: limits)
        }
    }

    /// Encodes a message that is given as JSON and lends the bytes to `body`; they are valid only during the call. See
    /// ``encoded(fromJSON:as:options:limits:)-(UnsafeRawBufferPointer,_,_,_)``.
    public static func withEncoded<Result>(
        fromJSON bytes: UnsafeRawBufferPointer, as type: MessageDescriptor,
        options: JSONDecodingOptions = .defaults,
        limits: SchemaLimits = .defaults, _ body: (UnsafeRawBufferPointer) -> Result
    ) throws(SchemaError) -> Result {
        try Arena.withThreadArena(budget: Codec.arenaBudget(limits)) { arena throws(SchemaError) in
            let (message, sizeBound) = try JSONParser.parse(
                bytes, as: type, options: options, limits: limits, arena: arena)
            try RequiredFields.check(message, type, .invalidData)
            // A bound that is far too large would cost more than it saves.
            let isSmall = sizeBound <= packUnmeasuredMax
            arena.addBudget(isSmall ? sizeBound : SchemaLimits.encodedBytesCeiling)
            return body(try Codec.pack(message, sizeBound: isSmall ? sizeBound : nil, arena: arena))
        }
    }

    /// Up to this bound, in bytes, room is taken by the bound and not by measuring.
    private static let packUnmeasuredMax = 16 << 10
}

extension Arena {
    /// Allows so many more bytes to be taken.
    func addBudget(_ bytes: Int) {
        state.pointee.budget = min(state.pointee.budget.addingSaturated(bytes), .max >> 1)
    }
}
