// SPDX-License-Identifier: Apache-2.0
//
// What encoding and decoding do for every message type alike. Both are values that borrow the thread's arena for as
// long as they live, so that the generic code around them stays small enough to be specialised where it is used.

/// A message decoded into a C struct, valid as long as this value lives.
@usableFromInline
struct Decoding: ~Copyable {
    /// Reads the message's fields.
    @usableFromInline let fields: FieldReader
    private let arena: Unmanaged<Arena>

    /// Checks and decodes `bytes`.
    @usableFromInline
    init(
        _ bytes: UnsafeRawBufferPointer, as type: MessageDescriptor, limits: SchemaLimits
    ) throws(SchemaError) {
        let arena = Arena.takeForThread(budget: Codec.arenaBudget(limits))
        do {
            let message = try Codec.unpack(
                bytes, as: type, limits: limits, arena: arena.takeUnretainedValue())
            try RequiredFields.check(message, type, .invalidData)
            fields = FieldReader(message)
            self.arena = arena
        } catch {
            Arena.giveBack(arena)
            throw error
        }
    }

    @usableFromInline
    deinit { Arena.giveBack(arena) }
}

/// A message being encoded: first its fields are written, then it is packed.
@usableFromInline
struct Encoding: ~Copyable {
    /// Takes the message's fields.
    @usableFromInline var fields: FieldWriter
    private let type: MessageDescriptor
    private let arena: Unmanaged<Arena>

    /// Encoding has no budget beside protobuf's own: the value exists already. Twice, for the struct's copies.
    private static let budget = 2 * SchemaLimits.encodedBytesCeiling

    @usableFromInline
    init(_ type: MessageDescriptor, deterministic: Bool) throws(SchemaError) {
        let arena = Arena.takeForThread(budget: Self.budget)
        do {
            fields = FieldWriter(
                try Codec.makeStruct(type, arena: arena.takeUnretainedValue()),
                arena: arena.takeUnretainedValue(),
                depthMax: SchemaLimits.depthCeiling,
                isDeterministic: deterministic)
            self.type = type
            self.arena = arena
        } catch {
            Arena.giveBack(arena)
            throw error
        }
    }

    @usableFromInline
    deinit { Arena.giveBack(arena) }

    /// The filled struct, after making sure that it can be encoded.
    func message() throws(SchemaError) -> UnsafeMutableRawPointer {
        switch fields.failure {
        case .tooDeep:
            throw SchemaError(
                .invalidValue, "\(type.fullName) is nested deeper than \(SchemaLimits.depthCeiling) levels",
                path: fields.deepest.map { StructPath.path(to: $0, in: fields.base, type) } ?? "")
        case .outOfMemory:
            throw SchemaError(.invalidValue, "\(type.fullName) is larger than protobuf's limit of 2 GiB")
        case nil: break
        }
        try RequiredFields.check(fields.base, type, .invalidValue)
        return fields.base
    }

    /// Runs `body` with the filled struct and the arena, allowing so many more bytes to be taken.
    func withMessage<Result>(
        addingBudget bytes: Int, _ body: (UnsafeMutableRawPointer, Arena) throws(SchemaError) -> Result
    ) throws(SchemaError) -> Result {
        let message = try message()
        let arena = arena.takeUnretainedValue()
        arena.addBudget(bytes)
        return try body(message, arena)
    }

    /// The encoded message, valid as long as this value lives.
    @usableFromInline
    func pack() throws(SchemaError) -> UnsafeRawBufferPointer {
        try Codec.pack(try message(), sizeBound: fields.sizeBound, arena: arena.takeUnretainedValue())
    }

    /// The encoded message in an array of its own.
    @usableFromInline
    func array() throws(SchemaError) -> [UInt8] {
        // From a buffer pointer, an array is made in half the time that one takes to be filled by a closure.
        Array(try pack().assumingMemoryBound(to: UInt8.self))
    }
}
