// SPDX-License-Identifier: Apache-2.0

// Groups and extensions, which stand among the unknown fields of a message's struct: those that the schema knows are
// decoded as their carrier and printed like other fields, behind them, in order of their numbers.
extension JSONPrinter {
    /// Prints a message's groups and known extensions. Returns whether the next member is the first one.
    @inline(never)
    mutating func carried(
        _ table: UnsafePointer<JSONTable>, _ base: UnsafeRawPointer, isFirst: Bool
    ) throws(SchemaError) -> Bool {
        let found = try carriers(table, base)
        var isFirst = isFirst
        for (fields, message) in found { isFirst = try self.fields(fields, message, isFirst: isFirst) }
        return isFirst
    }

    /// The known ones among the unknown fields, decoded; a function of its own, since each level of nesting needs the
    /// stack of the one above.
    @inline(never)
    private mutating func carriers(
        _ table: UnsafePointer<JSONTable>, _ base: UnsafeRawPointer
    ) throws(SchemaError) -> [(UnsafePointer<JSONTable>, UnsafeRawPointer)] {
        let type = table.pointee.descriptor.takeUnretainedValue()
        let extensions = type.isExtendable ? anyTypes.extensions(of: type.fullName) : [:]
        var found: [Int32: (field: CarriedField, bytes: [UInt8])] = [:]
        var records = WireRecords(UnknownRecords.collect(base).encoded)
        while let record = try records.next() {
            guard let field = type.groups[record.number] ?? extensions[record.number] else { continue }
            GroupRecords.append(
                record, isGroup: field.isGroup, to: &found[record.number, default: (field, [])].bytes)
        }
        var result: [(UnsafePointer<JSONTable>, UnsafeRawPointer)] = []
        for (_, (field, bytes)) in found.sorted(by: { $0.key < $1.key }) {
            result.append((UnsafePointer(field.carrier.jsonTable), try unpack(bytes, as: field.carrier)))
        }
        return result
    }

    /// Decodes into the arena; strings and bytes lie there too, so the array need not stay.
    private func unpack(
        _ bytes: [UInt8], as carrier: MessageDescriptor
    ) throws(SchemaError) -> UnsafeRawPointer {
        try bytes.span.bytes.withUnsafeBytes { bytes throws(SchemaError) in
            try unpack(bytes, as: carrier, inside: "a field among the unknown ones")
        }
    }
}

/// Groups on the wire as messages with a length, and back.
enum GroupRecords {
    /// Appends a record to those of a carrier; one of another wire type than the field's is left out.
    static func append(_ record: WireRecords.Record, isGroup: Bool, to bytes: inout [UInt8]) {
        let number = UInt64(record.number) << 3
        switch record.value {
        case .group(let content):
            guard isGroup else { return }
            appendVarint(number | 2, to: &bytes)
            appendVarint(UInt64(content.count), to: &bytes)
            bytes += content
        case _ where isGroup: return
        case .varint(let value):
            appendVarint(number, to: &bytes)
            appendVarint(value, to: &bytes)
        case .fixed64(let value):
            appendVarint(number | 1, to: &bytes)
            withUnsafeBytes(of: value.littleEndian) { bytes += $0 }
        case .bytes(let content):
            appendVarint(number | 2, to: &bytes)
            appendVarint(UInt64(content.count), to: &bytes)
            bytes += content
        case .fixed32(let value):
            appendVarint(number | 5, to: &bytes)
            withUnsafeBytes(of: value.littleEndian) { bytes += $0 }
        }
    }

    /// The records of a carrier, each with a start and an end tag instead of a length, in arena memory.
    static func groups(
        from packed: UnsafeRawBufferPointer, arena: Arena
    ) throws(SchemaError) -> UnsafeRawBufferPointer {
        var bytes: [UInt8] = []
        var records = WireRecords(Array(packed))
        while let record = try records.next() {
            guard case .bytes(let content) = record.value else { continue }
            appendVarint(UInt64(record.number) << 3 | 3, to: &bytes)
            bytes += content
            appendVarint(UInt64(record.number) << 3 | 4, to: &bytes)
        }
        guard let memory = Arena.allocate(bytes.count, from: arena.state) else {
            throw SchemaError(.limitExceeded, "decoding needs more memory than its budget")
        }
        let target = UnsafeMutableRawBufferPointer(start: memory, count: bytes.count)
        target.copyBytes(from: bytes)
        return UnsafeRawBufferPointer(target)
    }
}
