// SPDX-License-Identifier: Apache-2.0

// MARK: - Messages

extension FieldWriter {
    @inlinable @inline(__always)
    public mutating func message<Value: Message>(_ value: Value?, at offset: Int) {
        if let value { store(nested(value), at: offset) }
    }

    @inlinable @inline(__always)
    public mutating func message(set value: some Message, at offset: Int, in mark: Int, as number: Int32) {
        store(nested(value), at: offset)
        store(number, at: mark)
    }

    /// Fields that the schema does not know, which go out behind the known ones.
    @inlinable @inline(__always)
    public mutating func unknownFields(_ fields: UnknownFields) {
        if !fields.isEmpty { UnknownRecords.attach(fields.bytes, to: base, writer: &self) }
    }

    /// Writes a message into a struct of its own; `nil` when it lies too deep or memory is used up.
    @inlinable
    mutating func nested(_ value: some Message) -> UnsafeMutableRawPointer? {
        let type = type(of: value).descriptor
        return nested(cTable: type.cTable, size: type.structSize) { value.write(to: &$0) }
    }

    @inlinable @inline(__always)
    package mutating func nested(
        cTable: UnsafeRawPointer, size: Int, _ write: (inout FieldWriter) -> Void
    ) -> UnsafeMutableRawPointer? {
        guard depth < depthMax else {
            if failure == nil { (failure, deepest) = (.tooDeep, base) }
            return nil
        }
        guard let memory = allocate(size) else { return nil }
        memory.initializeMemory(as: UInt8.self, repeating: 0, count: size)
        memory.storeBytes(of: cTable, as: UnsafeRawPointer.self)
        sizeBound &+= Self.tagSize &+ Self.varintSize
        let outer = base
        base = memory
        depth &+= 1
        write(&self)
        depth &-= 1
        base = outer
        return memory
    }
}

// MARK: - Lists

extension FieldWriter {
    /// Copies the elements as they are; `width` bounds the encoded size of one, in bytes.
    @inlinable @inline(__always)
    mutating func list<Element: BitwiseCopyable>(_ values: [Element], at offset: Int, count: Int) {
        guard !values.isEmpty else { return }
        values.withUnsafeBytes { bytes in
            guard let source = bytes.baseAddress, let memory = allocate(bytes.count) else { return }
            memory.copyMemory(from: source, byteCount: bytes.count)
            store(memory, at: offset)
            store(values.count, at: count)
        }
        sizeBound &+= (values.count &+ 1) &* (Self.tagSize &+ Self.varintSize)
    }

    @inlinable public mutating func int32s(_ values: [Int32], at offset: Int, count: Int) {
        list(values, at: offset, count: count)
    }
    @inlinable public mutating func uint32s(_ values: [UInt32], at offset: Int, count: Int) {
        list(values, at: offset, count: count)
    }
    @inlinable public mutating func int64s(_ values: [Int64], at offset: Int, count: Int) {
        list(values, at: offset, count: count)
    }
    @inlinable public mutating func uint64s(_ values: [UInt64], at offset: Int, count: Int) {
        list(values, at: offset, count: count)
    }
    @inlinable public mutating func floats(_ values: [Float], at offset: Int, count: Int) {
        list(values, at: offset, count: count)
    }
    @inlinable public mutating func doubles(_ values: [Double], at offset: Int, count: Int) {
        list(values, at: offset, count: count)
    }
    @inlinable public mutating func bools(_ values: [Bool], at offset: Int, count: Int) {
        list(values.map { Int32($0 ? 1 : 0) }, at: offset, count: count)
    }
    @inlinable public mutating func enumerations(_ values: [some OpenEnum], at offset: Int, count: Int) {
        list(values.map(\.rawValue), at: offset, count: count)
    }

    /// Takes room for `total` elements of `stride` bytes each, registers it and returns it.
    @inlinable @inline(__always)
    mutating func room(_ total: Int, stride: Int, at offset: Int, count: Int) -> UnsafeMutableRawPointer? {
        guard total > 0, let memory = allocate(total &* stride) else { return nil }
        store(memory, at: offset)
        store(total, at: count)
        return memory
    }

    @inlinable
    public mutating func strings(_ values: [String], at offset: Int, count: Int) {
        guard let memory = room(values.count, stride: 16, at: offset, count: count) else { return }
        // Through a span, which lends its elements: a loop over the array would retain each.
        let values = values.span
        for index in values.indices {
            let target = memory + index &* 16
            target.initializeMemory(as: Int.self, repeating: 0, count: 2)
            text(values[index], at: target)
        }
    }

    @inlinable
    public mutating func blobs(_ values: [[UInt8]], at offset: Int, count: Int) {
        guard let memory = room(values.count, stride: 16, at: offset, count: count) else { return }
        let values = values.span
        for index in values.indices {
            let target = memory + index &* 16
            target.initializeMemory(as: Int.self, repeating: 0, count: 2)
            values[index].withUnsafeBytes { blob($0, at: target) }
        }
    }

    @inlinable
    public mutating func messages<Value: Message>(_ values: [Value], at offset: Int, count: Int) {
        guard let memory = room(values.count, stride: 8, at: offset, count: count) else { return }
        let values = values.span
        for index in values.indices {
            let pointer = nested(values[index])
            memory.storeBytes(of: pointer, toByteOffset: index &* 8, as: UnsafeMutableRawPointer?.self)
        }
    }

    /// A map: one entry struct for each pair, in order of the keys if the encoding is to be deterministic.
    /// `type` is the entry's type, as it stands in the map field; `entry` writes a key and a value into the entry's struct.
    @inlinable
    public mutating func map<Key: Comparable, Value>(
        _ values: [Key: Value], at offset: Int, count: Int, entry type: MessageDescriptor,
        _ entry: (inout FieldWriter, Key, Value) -> Void
    ) {
        map(values, at: offset, count: count, entry: type, orderedBy: <, entry)
    }

    /// A map with `string` keys, ordered by their UTF-8 bytes as other implementations do, not as Swift does.
    @inlinable
    public mutating func map<Value>(
        _ values: [String: Value], at offset: Int, count: Int, entry type: MessageDescriptor,
        _ entry: (inout FieldWriter, String, Value) -> Void
    ) {
        map(
            values, at: offset, count: count, entry: type,
            orderedBy: { $0.utf8.lexicographicallyPrecedes($1.utf8) },
            entry)
    }

    @inlinable @inline(__always)
    mutating func map<Key: Hashable, Value>(
        _ values: [Key: Value], at offset: Int, count: Int, entry type: MessageDescriptor,
        orderedBy precedes: (Key, Key) -> Bool, _ entry: (inout FieldWriter, Key, Value) -> Void
    ) {
        guard let memory = room(values.count, stride: 8, at: offset, count: count) else { return }
        var next = memory
        forEachEntry(of: values, orderedBy: precedes) { writer, key, value in
            let pointer = writer.nested(cTable: type.cTable, size: type.structSize) { entry(&$0, key, value) }
            next.storeBytes(of: pointer, as: UnsafeMutableRawPointer?.self)
            next += 8
        }
    }

    /// A map with `bool` keys, which Swift does not order: `false` comes first.
    @inlinable
    public mutating func map<Value>(
        _ values: [Bool: Value], at offset: Int, count: Int, entry type: MessageDescriptor,
        _ entry: (inout FieldWriter, Bool, Value) -> Void
    ) {
        let ordered = Dictionary(uniqueKeysWithValues: values.map { ($0.key ? 1 : 0, $0.value) })
        map(ordered, at: offset, count: count, entry: type) { entry(&$0, $1 == 1, $2) }
    }

    @inlinable @inline(__always)
    mutating func forEachEntry<Key: Hashable, Value>(
        of values: [Key: Value], orderedBy precedes: (Key, Key) -> Bool,
        _ body: (inout FieldWriter, Key, Value) -> Void
    ) {
        if isDeterministic {
            for (key, value) in values.sorted(by: { precedes($0.key, $1.key) }) { body(&self, key, value) }
        } else {
            for (key, value) in values { body(&self, key, value) }
        }
    }
}
