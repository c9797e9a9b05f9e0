// SPDX-License-Identifier: Apache-2.0
//
// Encoding fills C structs in the arena and lets protobuf-c pack them. The writer keeps, beside the struct at hand,
// an upper bound of the packed size, so that protobuf-c need not measure before it packs. It does not throw: the
// first failure is kept and reported when the message is complete, which keeps the common path free of branches.

/// Writes Swift values into a C struct. Generated code uses it with the offsets that ``MessageLayout`` has computed;
/// a writer is valid only while the message is being encoded and must not be kept.
///
/// `at` is always the value's offset, `has` and `count` that of its mark.
public struct FieldWriter {
    @usableFromInline var base: UnsafeMutableRawPointer
    @usableFromInline let arena: UnsafeMutablePointer<Arena.State>
    /// At least as large as the packed message, in bytes.
    @usableFromInline package var sizeBound = 0
    @usableFromInline var depth = 0
    @usableFromInline let depthMax: Int
    /// Whether maps are written in order of their keys.
    @usableFromInline let isDeterministic: Bool
    @usableFromInline package var failure: Failure?
    /// The struct whose field lies too deep.
    @usableFromInline var deepest: UnsafeMutableRawPointer?

    /// Why a message cannot be written.
    @usableFromInline
    package enum Failure: Sendable {
        case tooDeep
        case outOfMemory
    }

    /// The most that a tag takes, and a varint or a length.
    @usableFromInline static let tagSize = 5
    @usableFromInline static let varintSize = 10

    /// A writer for the struct at `base`, which must be zeroed and carry its descriptor.
    init(_ base: UnsafeMutableRawPointer, arena: Arena, depthMax: Int, isDeterministic: Bool) {
        self.base = base
        self.arena = arena.state
        self.depthMax = depthMax
        self.isDeterministic = isDeterministic
    }

    @inlinable @inline(__always)
    package func store<Value: BitwiseCopyable>(_ value: Value, at offset: Int) {
        base.storeBytes(of: value, toByteOffset: offset, as: Value.self)
    }

    /// Memory for `count` bytes; `nil`, and the failure kept, when there is none.
    @inlinable @inline(__always)
    mutating func allocate(_ count: Int) -> UnsafeMutableRawPointer? {
        let memory = Arena.allocate(count, from: arena)
        if memory == nil { failure = failure ?? .outOfMemory }
        return memory
    }

    // MARK: Scalars
    //
    // Three forms of each: a value with implicit presence is left out when it is the default; an optional when it
    // is nil; and `set:` writes a member of a oneof, whose mark is the field's number.

    @inlinable @inline(__always)
    mutating func put<Value: BitwiseCopyable>(
        _ value: Value, at offset: Int, mark: Int, _ markValue: Int32 = 1
    ) {
        store(value, at: offset)
        store(markValue, at: mark)
        sizeBound &+= Self.tagSize &+ Self.varintSize
    }

    @inlinable @inline(__always)
    public mutating func int32(_ value: Int32, at offset: Int, has: Int) {
        if value != 0 { put(value, at: offset, mark: has) }
    }
    @inlinable @inline(__always)
    public mutating func uint32(_ value: UInt32, at offset: Int, has: Int) {
        if value != 0 { put(value, at: offset, mark: has) }
    }
    @inlinable @inline(__always)
    public mutating func int64(_ value: Int64, at offset: Int, has: Int) {
        if value != 0 { put(value, at: offset, mark: has) }
    }
    @inlinable @inline(__always)
    public mutating func uint64(_ value: UInt64, at offset: Int, has: Int) {
        if value != 0 { put(value, at: offset, mark: has) }
    }
    /// Only +0.0, all bits zero, is the default: -0.0 is written.
    @inlinable @inline(__always)
    public mutating func float(_ value: Float, at offset: Int, has: Int) {
        if value.bitPattern != 0 { put(value, at: offset, mark: has) }
    }
    /// Only +0.0, all bits zero, is the default: -0.0 is written.
    @inlinable @inline(__always)
    public mutating func double(_ value: Double, at offset: Int, has: Int) {
        if value.bitPattern != 0 { put(value, at: offset, mark: has) }
    }
    @inlinable @inline(__always)
    public mutating func bool(_ value: Bool, at offset: Int, has: Int) {
        if value { put(Int32(1), at: offset, mark: has) }
    }
    @inlinable @inline(__always)
    public mutating func enumeration(_ value: some OpenEnum, at offset: Int, has: Int) {
        int32(value.rawValue, at: offset, has: has)
    }
    @inlinable @inline(__always)
    public mutating func string(_ value: String, at offset: Int, has: Int) {
        if !value.isEmpty { string(set: value, at: offset, in: has, as: 1) }
    }
    @inlinable @inline(__always)
    public mutating func bytes(_ value: [UInt8], at offset: Int, has: Int) {
        if !value.isEmpty { bytes(set: value, at: offset, in: has, as: 1) }
    }

    @inlinable @inline(__always)
    public mutating func int32(_ value: Int32?, at offset: Int, has: Int) {
        if let value { put(value, at: offset, mark: has) }
    }
    @inlinable @inline(__always)
    public mutating func uint32(_ value: UInt32?, at offset: Int, has: Int) {
        if let value { put(value, at: offset, mark: has) }
    }
    @inlinable @inline(__always)
    public mutating func int64(_ value: Int64?, at offset: Int, has: Int) {
        if let value { put(value, at: offset, mark: has) }
    }
    @inlinable @inline(__always)
    public mutating func uint64(_ value: UInt64?, at offset: Int, has: Int) {
        if let value { put(value, at: offset, mark: has) }
    }
    @inlinable @inline(__always)
    public mutating func float(_ value: Float?, at offset: Int, has: Int) {
        if let value { put(value, at: offset, mark: has) }
    }
    @inlinable @inline(__always)
    public mutating func double(_ value: Double?, at offset: Int, has: Int) {
        if let value { put(value, at: offset, mark: has) }
    }
    @inlinable @inline(__always)
    public mutating func bool(_ value: Bool?, at offset: Int, has: Int) {
        if let value { put(Int32(value ? 1 : 0), at: offset, mark: has) }
    }
    @inlinable @inline(__always)
    public mutating func enumeration<Value: OpenEnum>(_ value: Value?, at offset: Int, has: Int) {
        if let value { put(value.rawValue, at: offset, mark: has) }
    }
    @inlinable @inline(__always)
    public mutating func string(_ value: String?, at offset: Int, has: Int) {
        if let value { string(set: value, at: offset, in: has, as: 1) }
    }
    @inlinable @inline(__always)
    public mutating func bytes(_ value: [UInt8]?, at offset: Int, has: Int) {
        if let value { bytes(set: value, at: offset, in: has, as: 1) }
    }

    @inlinable @inline(__always)
    public mutating func int32(set value: Int32, at offset: Int, in mark: Int, as number: Int32) {
        put(value, at: offset, mark: mark, number)
    }
    @inlinable @inline(__always)
    public mutating func uint32(set value: UInt32, at offset: Int, in mark: Int, as number: Int32) {
        put(value, at: offset, mark: mark, number)
    }
    @inlinable @inline(__always)
    public mutating func int64(set value: Int64, at offset: Int, in mark: Int, as number: Int32) {
        put(value, at: offset, mark: mark, number)
    }
    @inlinable @inline(__always)
    public mutating func uint64(set value: UInt64, at offset: Int, in mark: Int, as number: Int32) {
        put(value, at: offset, mark: mark, number)
    }
    @inlinable @inline(__always)
    public mutating func float(set value: Float, at offset: Int, in mark: Int, as number: Int32) {
        put(value, at: offset, mark: mark, number)
    }
    @inlinable @inline(__always)
    public mutating func double(set value: Double, at offset: Int, in mark: Int, as number: Int32) {
        put(value, at: offset, mark: mark, number)
    }
    @inlinable @inline(__always)
    public mutating func bool(set value: Bool, at offset: Int, in mark: Int, as number: Int32) {
        put(Int32(value ? 1 : 0), at: offset, mark: mark, number)
    }
    @inlinable @inline(__always)
    public mutating func enumeration(set value: some OpenEnum, at offset: Int, in mark: Int, as number: Int32)
    {
        put(value.rawValue, at: offset, mark: mark, number)
    }
    @inlinable
    public mutating func string(set value: String, at offset: Int, in mark: Int, as number: Int32) {
        text(value, at: base + offset)
        store(number, at: mark)
    }
    @inlinable
    public mutating func bytes(set value: [UInt8], at offset: Int, in mark: Int, as number: Int32) {
        value.withUnsafeBytes { blob($0, at: base + offset) }
        store(number, at: mark)
    }

    /// Stores a string's UTF-8 as ``blob(_:at:)`` does.
    @inlinable @inline(__always)
    package mutating func text(_ value: String, at target: UnsafeMutableRawPointer) {
        // Always contiguous where Swift has no foreign strings; unlike `utf8Span`, this takes no call.
        let isWritten: Void? = value.utf8.withContiguousStorageIfAvailable {
            blob(UnsafeRawBufferPointer($0), at: target)
        }
        if isWritten == nil {
            value.utf8Span.span.withUnsafeBufferPointer { blob(UnsafeRawBufferPointer($0), at: target) }
        }
    }

    /// Copies bytes into the arena and stores a `ProtobufCBinaryData`, a length and a pointer, at `target`.
    @inlinable @inline(__always)
    package mutating func blob(_ bytes: UnsafeRawBufferPointer, at target: UnsafeMutableRawPointer) {
        sizeBound &+= Self.tagSize &+ Self.varintSize &+ bytes.count
        guard let source = bytes.baseAddress, !bytes.isEmpty, let memory = allocate(bytes.count) else {
            return
        }
        Self.copy(source, to: memory, bytes.count)
        target.storeBytes(of: bytes.count, as: Int.self)
        target.storeBytes(of: memory, toByteOffset: 8, as: UnsafeMutableRawPointer.self)
    }

    /// Copies bytes; up to 16, as most strings have, without a call. Each load lies within one half of a short
    /// string as Swift has just stored it: one that reached over both halves would wait for them to reach the cache.
    @inlinable @inline(__always)
    static func copy(_ source: UnsafeRawPointer, to target: UnsafeMutableRawPointer, _ count: Int) {
        guard count <= 16 else { return target.copyMemory(from: source, byteCount: count) }
        var offset = 0
        if count >= 8 { move(UInt64.self, source, target, &offset) }
        if count == 16 { return move(UInt64.self, source, target, &offset) }
        if count & 4 != 0 { move(UInt32.self, source, target, &offset) }
        if count & 2 != 0 { move(UInt16.self, source, target, &offset) }
        if count & 1 != 0 { move(UInt8.self, source, target, &offset) }
    }

    @inlinable @inline(__always)
    static func move<Unit: BitwiseCopyable>(
        _: Unit.Type, _ source: UnsafeRawPointer, _ target: UnsafeMutableRawPointer, _ offset: inout Int
    ) {
        let unit = source.loadUnaligned(fromByteOffset: offset, as: Unit.self)
        target.storeBytes(of: unit, toByteOffset: offset, as: Unit.self)
        offset &+= MemoryLayout<Unit>.size
    }
}
