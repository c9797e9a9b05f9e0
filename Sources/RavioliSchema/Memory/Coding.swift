// SPDX-License-Identifier: Apache-2.0
//
// What encoding and decoding do for every message type alike. Both are values that borrow the thread's arena for as
// long as they live, so that the generic code around them stays small enough to be specialised where it is used.

/// A message decoded into a C struct, valid as long as this value lives.
@usableFromInline
struct Decoding: ~Copyable {
    /// Reads the message's fields.
    @usableFromInline let fields: FieldReader
    private let arena: Arena

    /// Checks and decodes `bytes`.
    @usableFromInline
    init(
        _ bytes: UnsafeRawBufferPointer, as type: MessageDescriptor, limits: SchemaLimits
    ) throws(SchemaError) {
        let arena = Arena.takeForThread(budget: Codec.arenaBudget(limits))
        do {
            let message = try Codec.unpack(
                bytes, as: type, limits: limits, arena: arena)
            try RequiredFields.check(message, type, .invalidData)
            fields = FieldReader(message)
            self.arena = arena
        } catch {
            arena.giveBack()
            throw error
        }
    }

    @usableFromInline
    deinit { arena.giveBack() }
}

/// A message being encoded: first its fields are written, then it is packed.
@usableFromInline
struct Encoding: ~Copyable {
    /// Takes the message's fields.
    @usableFromInline var fields: FieldWriter
    /// Types live as long as the process, so nobody need count who holds one.
    private let type: Unmanaged<MessageDescriptor>
    private let arena: Arena

    /// Encoding has no budget beside protobuf's own: the value exists already. Twice, for the struct's copies.
    private static let budget = 2 * SchemaLimits.encodedBytesCeiling

    @usableFromInline
    init(_ type: MessageDescriptor, deterministic: Bool) throws(SchemaError) {
        let arena = Arena.takeForThread(budget: Self.budget)
        do {
            fields = FieldWriter(
                try Codec.makeStruct(type, arena: arena), arena: arena,
                depthMax: SchemaLimits.depthCeiling, isDeterministic: deterministic)
            self.type = .passUnretained(type)
            self.arena = arena
        } catch {
            arena.giveBack()
            throw error
        }
    }

    @usableFromInline
    deinit { arena.giveBack() }

    /// The filled struct, after making sure that it can be encoded.
    @inline(__always)
    func message() throws(SchemaError) -> UnsafeMutableRawPointer {
        if fields.failure != nil || type._withUnsafeGuaranteedRef({ $0.mayLackRequired }) { try check() }
        return fields.base
    }

    /// Throws what keeps the struct from being encoded, if anything does.
    private func check() throws(SchemaError) {
        let type = type.takeUnretainedValue()
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
    }

    /// Runs `body` with the filled struct and the arena, allowing so many more bytes to be taken.
    func withMessage<Result>(
        addingBudget bytes: Int, _ body: (UnsafeMutableRawPointer, Arena) throws(SchemaError) -> Result
    ) throws(SchemaError) -> Result {
        let message = try message()
        arena.addBudget(bytes)
        return try body(message, arena)
    }

    /// The encoded message, valid as long as this value lives.
    @usableFromInline
    func pack() throws(SchemaError) -> UnsafeRawBufferPointer {
        try Codec.pack(try message(), sizeBound: fields.sizeBound, arena: arena)
    }

    /// The encoded message in an array of its own.
    @usableFromInline
    func array() throws(SchemaError) -> [UInt8] {
        // From a buffer pointer, an array is made in half the time that one takes to be filled by a closure.
        Array(try pack().assumingMemoryBound(to: UInt8.self))
    }
}
