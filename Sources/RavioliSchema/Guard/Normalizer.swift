// SPDX-License-Identifier: Apache-2.0
//
// The slow, correct way for the rare input that protobuf-c would get wrong. The guard has validated every byte, so
// nothing here can fail, and nesting is bounded by the depth limit. Each level copies its payload once: time is at
// most depth times size.
//
// - A singular submessage met again is concatenated with the earlier ones, which is what merging means on the wire.
// - A member of a oneof discards what came before from its siblings.
// - Unknown groups, values of another wire type than the schema's, and unknown values of closed enums are wrapped
//   into a record of field number 0, which protobuf-c keeps as unknown; see ``UnknownRecords``.

/// Rewrites a valid message so that protobuf-c decodes it as the specification says.
struct Normalizer {
    private let source: UnsafeRawBufferPointer

    /// `bytes` must have passed the guard as a message of type `type`.
    static func normalize(_ bytes: UnsafeRawBufferPointer, as type: MessageDescriptor) -> [UInt8] {
        Normalizer(source: bytes).message([0..<bytes.count], type.guardTable)
    }

    /// One field occurrence: where it starts, where its payload lies, and what becomes of it.
    private struct Record {
        var whole: Range<Int>
        var payload: Range<Int>
        var wireType: UInt8
        /// The index of the field; -1 if unknown.
        var field: Int
        /// The payloads that are concatenated here; for singular messages only. `nil` once another record took over.
        var merged: [Range<Int>]?
    }

    /// The message whose encoding is the concatenation of `pieces`.
    private func message(_ pieces: [Range<Int>], _ table: UnsafeMutablePointer<GuardTable>) -> [UInt8] {
        let merged = merge(pieces.flatMap { records(in: $0, table) }, table)
        var output: [UInt8] = []
        output.reserveCapacity(pieces.reduce(0) { $0 + $1.count })
        for record in merged { write(record, table, to: &output) }
        return output
    }

    private func records(in range: Range<Int>, _ table: UnsafeMutablePointer<GuardTable>) -> [Record] {
        var result: [Record] = []
        var position = range.lowerBound
        while position < range.upperBound {
            let start = position
            let tag = varint(&position)
            let wireType = UInt8(truncatingIfNeeded: tag & 7)
            let payload = skipValue(wireType, &position)
            result.append(
                Record(
                    whole: start..<position, payload: payload, wireType: wireType,
                    field: table.pointee.index(of: UInt32(truncatingIfNeeded: tag >> 3)), merged: nil))
        }
        return result
    }

    /// Gathers the payloads of singular messages at the last occurrence and drops what a oneof discards.
    private func merge(_ records: [Record], _ table: UnsafeMutablePointer<GuardTable>) -> [Record] {
        var records = records
        var lastOf: [Int: Int] = [:]
        var dropped = Set<Int>()
        for index in records.indices {
            guard records[index].field >= 0 else { continue }
            let field = table.pointee.fields[records[index].field]
            guard records[index].wireType == field.wireType else { continue }
            discardSiblings(of: field, table, &lastOf, &dropped)
            guard field.check == .message, !field.isRepeated else { continue }
            var pieces: [Range<Int>] = []
            if let earlier = lastOf[records[index].field] {
                swap(&pieces, &records[earlier].merged!)
                dropped.insert(earlier)
            }
            pieces.append(records[index].payload)
            records[index].merged = pieces
            lastOf[records[index].field] = index
        }
        return dropped.isEmpty ? records : records.indices.filter { !dropped.contains($0) }.map { records[$0] }
    }

    private func discardSiblings(
        of field: GuardField, _ table: UnsafeMutablePointer<GuardTable>, _ lastOf: inout [Int: Int],
        _ dropped: inout Set<Int>
    ) {
        let type = table.pointee.descriptor
        guard let number = Int32(exactly: field.number), let own = type.field(numbered: number),
            let oneof = own.oneofIndex
        else { return }
        for (sibling, record) in lastOf
        where type.fields[sibling].oneofIndex == oneof && type.fields[sibling].number != number {
            dropped.insert(record)
            lastOf[sibling] = nil
        }
    }

    private func write(_ record: Record, _ table: UnsafeMutablePointer<GuardTable>, to output: inout [UInt8]) {
        guard record.field >= 0 else {
            return record.wireType == 3 ? wrap(record.whole, to: &output) : copy(record.whole, to: &output)
        }
        let field = table.pointee.fields[record.field]
        if record.wireType == 2, field.isPackable {
            return field.check == .closedEnum ? writePacked(record, field, to: &output) : copy(record.whole, to: &output)
        }
        guard record.wireType == field.wireType, field.check != .unknown else { return wrap(record.whole, to: &output) }
        switch field.check {
        case .message:
            guard let child = field.child else { return }
            let inner = message(record.merged ?? [record.payload], child)
            appendVarint(UInt64(field.number) << 3 | 2, to: &output)
            appendVarint(UInt64(inner.count), to: &output)
            output += inner
        case .closedEnum:
            var position = record.payload.lowerBound
            field.allows(varint(&position)) ? copy(record.whole, to: &output) : wrap(record.whole, to: &output)
        default: copy(record.whole, to: &output)
        }
    }

    /// A packed list of a closed enum: values without a name become unknown fields of their own.
    private func writePacked(_ record: Record, _ field: GuardField, to output: inout [UInt8]) {
        var known: [UInt8] = []
        var unknown: [UInt64] = []
        var position = record.payload.lowerBound
        while position < record.payload.upperBound {
            let value = varint(&position)
            if field.allows(value) { appendVarint(value, to: &known) } else { unknown.append(value) }
        }
        appendVarint(UInt64(field.number) << 3 | 2, to: &output)
        appendVarint(UInt64(known.count), to: &output)
        output += known
        for value in unknown {
            var record: [UInt8] = []
            appendVarint(UInt64(field.number) << 3, to: &record)
            appendVarint(value, to: &record)
            wrap(record, to: &output)
        }
    }

    // MARK: Bytes

    private func copy(_ range: Range<Int>, to output: inout [UInt8]) { output += source[range] }

    private func wrap(_ range: Range<Int>, to output: inout [UInt8]) { wrap(source[range], to: &output) }

    /// Field number 0 in two bytes: protobuf-c refuses it in one.
    private func wrap(_ bytes: some Collection<UInt8>, to output: inout [UInt8]) {
        output += [0x82, 0x00]
        appendVarint(UInt64(bytes.count), to: &output)
        output += bytes
    }

    private func varint(_ position: inout Int) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while source[position] >= 0x80 {
            value |= UInt64(source[position] & 0x7f) &<< shift
            shift &+= 7
            position &+= 1
        }
        value |= UInt64(source[position]) &<< shift
        position &+= 1
        return value
    }

    /// Moves past a value and returns where its payload lies: the value itself, without a length prefix.
    private func skipValue(_ wireType: UInt8, _ position: inout Int) -> Range<Int> {
        var start = position
        switch wireType {
        case 0: _ = varint(&position)
        case 1: position &+= 8
        case 2:
            let length = Int(varint(&position))
            start = position
            position &+= length
        case 3: skipGroup(&position)
        default: position &+= 4
        }
        return start..<position
    }

    private func skipGroup(_ position: inout Int) {
        var open = 1
        while open > 0 {
            let wireType = UInt8(truncatingIfNeeded: varint(&position) & 7)
            switch wireType {
            case 3: open += 1
            case 4: open -= 1
            default: _ = skipValue(wireType, &position)
            }
        }
    }
}
