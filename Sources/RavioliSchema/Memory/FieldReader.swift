// SPDX-License-Identifier: Apache-2.0

/// Reads Swift values out of a decoded C struct. Generated code uses it with the offsets that ``MessageLayout`` has
/// computed; a reader is valid only while the message is being decoded and must not be kept.
///
/// `at` is always the value's offset, `has` and `count` that of its mark.
public struct FieldReader {
    @usableFromInline package let base: UnsafeRawPointer

    @inlinable package init(_ base: UnsafeRawPointer) { self.base = base }

    @inlinable @inline(__always)
    package func load<Value: BitwiseCopyable>(_ offset: Int, as: Value.Type = Value.self) -> Value {
        base.load(fromByteOffset: offset, as: Value.self)
    }

    /// Whether a singular scalar is present.
    @inlinable @inline(__always)
    public func isPresent(_ has: Int) -> Bool { load(has, as: Int32.self) != 0 }

    /// The number of the oneof member that is set; 0 if none is.
    @inlinable @inline(__always)
    public func oneofCase(_ mark: Int) -> Int32 { load(mark) }

    // MARK: Scalars

    @inlinable @inline(__always) public func int32(at offset: Int) -> Int32 { load(offset) }
    @inlinable @inline(__always) public func uint32(at offset: Int) -> UInt32 { load(offset) }
    @inlinable @inline(__always) public func int64(at offset: Int) -> Int64 { load(offset) }
    @inlinable @inline(__always) public func uint64(at offset: Int) -> UInt64 { load(offset) }
    @inlinable @inline(__always) public func float(at offset: Int) -> Float { load(offset) }
    @inlinable @inline(__always) public func double(at offset: Int) -> Double { load(offset) }
    @inlinable @inline(__always) public func bool(at offset: Int) -> Bool {
        load(offset, as: Int32.self) != 0
    }

    @inlinable @inline(__always)
    public func enumeration<Value: OpenEnum>(at offset: Int, as: Value.Type = Value.self) -> Value {
        Value(rawValue: load(offset))
    }

    @inlinable
    public func string(at offset: Int) -> String {
        let bytes = blob(at: offset)
        // The guard has made sure that it is UTF-8.
        return bytes.isEmpty
            ? "" : String(copying: UTF8Span(unchecked: bytes.assumingMemoryBound(to: UInt8.self).span))
    }

    @inlinable
    public func bytes(at offset: Int) -> [UInt8] {
        Array(blob(at: offset).assumingMemoryBound(to: UInt8.self))
    }

    /// `ProtobufCBinaryData`: a length, then a pointer.
    @inlinable @inline(__always)
    package func blob(at offset: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: load(offset + 8, as: UnsafeRawPointer?.self), count: load(offset))
    }

    // MARK: Messages

    /// A submessage; `nil` if it is absent. Never inlined: Swift would then copy the struct around it whole.
    @inlinable @inline(never)
    public func message<Value: Message>(at offset: Int, as: Value.Type = Value.self) -> Value? {
        load(offset, as: UnsafeRawPointer?.self).map { Value.read(from: FieldReader($0)) }
    }

    /// Fields that the schema does not know, in order of arrival.
    @inlinable @inline(__always)
    public func unknownFields() -> UnknownFields {
        load(8, as: UInt32.self) == 0 ? UnknownFields() : UnknownRecords.collect(base)
    }

    // MARK: Lists

    @inlinable @inline(__always)
    func elements<Value>(
        at offset: Int, count: Int, as: Value.Type = Value.self
    ) -> UnsafeBufferPointer<Value> {
        UnsafeBufferPointer(
            start: load(offset, as: UnsafeRawPointer?.self)?.assumingMemoryBound(to: Value.self),
            count: load(count))
    }

    @inlinable public func int32s(at offset: Int, count: Int) -> [Int32] {
        Array(elements(at: offset, count: count))
    }
    @inlinable public func uint32s(at offset: Int, count: Int) -> [UInt32] {
        Array(elements(at: offset, count: count))
    }
    @inlinable public func int64s(at offset: Int, count: Int) -> [Int64] {
        Array(elements(at: offset, count: count))
    }
    @inlinable public func uint64s(at offset: Int, count: Int) -> [UInt64] {
        Array(elements(at: offset, count: count))
    }
    @inlinable public func floats(at offset: Int, count: Int) -> [Float] {
        Array(elements(at: offset, count: count))
    }
    @inlinable public func doubles(at offset: Int, count: Int) -> [Double] {
        Array(elements(at: offset, count: count))
    }

    @inlinable
    public func bools(at offset: Int, count: Int) -> [Bool] {
        elements(at: offset, count: count, as: Int32.self).map { $0 != 0 }
    }

    @inlinable
    public func enumerations<Value: OpenEnum>(
        at offset: Int, count: Int, as: Value.Type = Value.self
    ) -> [Value] {
        elements(at: offset, count: count, as: Int32.self).map { Value(rawValue: $0) }
    }

    /// The readers of the elements' own structs, each as wide as a blob.
    @inlinable @inline(__always)
    func blobs<Value>(at offset: Int, count: Int, _ read: (FieldReader) -> Value) -> [Value] {
        let total: Int = load(count)
        guard total > 0, let first = load(offset, as: UnsafeRawPointer?.self) else { return [] }
        // Room is reserved for an array that is there: an initializer that makes it uninitialised is not specialised for
        // strings, and looks for their metadata at each call.
        var result: [Value] = []
        result.reserveCapacity(total)
        for index in 0..<total { result.append(read(FieldReader(first + index &* 16))) }
        return result
    }

    @inlinable public func strings(at offset: Int, count: Int) -> [String] {
        blobs(at: offset, count: count) { $0.string(at: 0) }
    }
    @inlinable public func blobs(at offset: Int, count: Int) -> [[UInt8]] {
        blobs(at: offset, count: count) { $0.bytes(at: 0) }
    }

    @inlinable
    public func messages<Value: Message>(at offset: Int, count: Int, as: Value.Type = Value.self) -> [Value] {
        let pointers = elements(at: offset, count: count, as: UnsafeRawPointer.self)
        guard !pointers.isEmpty else { return [] }
        return Array(unsafeUninitializedCapacity: pointers.count) { buffer, initialized in
            for index in pointers.indices {
                (buffer.baseAddress! + index).initialize(to: Value.read(from: FieldReader(pointers[index])))
            }
            initialized = pointers.count
        }
    }

    /// A map: entries on the wire, the last one wins for a repeated key. `entry` reads a key and a value from the
    /// entry's struct; what is absent there reads as its default.
    @inlinable
    public func map<Key: Hashable, Value>(
        at offset: Int, count: Int, _ entry: (FieldReader) -> (Key, Value)
    ) -> [Key: Value] {
        let pointers = elements(at: offset, count: count, as: UnsafeRawPointer.self)
        guard !pointers.isEmpty else { return [:] }
        var result = [Key: Value](minimumCapacity: pointers.count)
        for pointer in pointers {
            let (key, value) = entry(FieldReader(pointer))
            result[key] = value
        }
        // A dictionary keeps the first of two equal keys, and strings are equal to Swift that Unicode calls equivalent,
        // whatever their bytes. The last pair is to stand as it was sent, so it is put in first.
        return result.count == pointers.count ? result : lastPairs(pointers, entry)
    }

    @inlinable @inline(never)
    func lastPairs<Key: Hashable, Value>(
        _ pointers: UnsafeBufferPointer<UnsafeRawPointer>, _ entry: (FieldReader) -> (Key, Value)
    ) -> [Key: Value] {
        var result: [Key: Value] = [:]
        for pointer in pointers.reversed() {
            let (key, value) = entry(FieldReader(pointer))
            if result[key] == nil { result[key] = value }
        }
        return result
    }
}
