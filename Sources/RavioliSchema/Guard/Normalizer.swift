// SPDX-License-Identifier: Apache-2.0
//
// The slow, correct way for the rare input that protobuf-c would get wrong. The guard has validated every byte, so
// nothing here can fail, and nesting is bounded by the depth limit. Each level is walked twice, to see what merges
// and to write, and copies its payload once: time is at most depth times size, memory 16 bytes for each copy of a
// singular submessage beside the output.
//
// - A singular submessage met again is concatenated with the earlier ones, which is what merging means on the wire.
// - Of a oneof only the member that came last is written, and of that only what came after its last sibling.
// - Unknown groups, values of another wire type than the schema's, unknown values of closed enums and map entries
//   that have one are wrapped into a record of field number 0, which protobuf-c keeps as unknown; see
//   ``UnknownRecords``.
// - A bool is written as 0 or 1: protobuf-c looks at bits that a 64-bit varint does not have.

/// Rewrites a valid message so that protobuf-c decodes it as the specification says.
struct Normalizer {
    private let source: UnsafeRawBufferPointer

    /// `bytes` must have passed the guard as a message of type `type`.
    static func normalize(_ bytes: UnsafeRawBufferPointer, as type: MessageDescriptor) -> [UInt8] {
        Normalizer(source: bytes).message([0..<bytes.count], type.guardTable)
    }

    /// One field occurrence: where it starts and ends, and where its payload lies.
    private struct Record {
        var whole: Range<Int>
        var payload: Range<Int>
        var wireType: UInt8
        /// The index of the field; -1 if unknown.
        var field: Int
    }

    /// What a first walk over a message finds out about the records that depend on each other.
    private struct Plan {
        /// The payloads of each singular message or group, by field index; of a oneof's member, since its siblings.
        var pieces: [Int: [Range<Int>]] = [:]
        /// The member that is set in the end, by index of the oneof.
        var members: [Int: Int] = [:]
    }

    /// The message whose encoding is the concatenation of `pieces`.
    private func message(_ pieces: [Range<Int>], _ table: UnsafeMutablePointer<GuardTable>) -> [UInt8] {
        var plan = Plan()
        forEachRecord(in: pieces, table) { note($0, table, in: &plan) }
        var output: [UInt8] = []
        output.reserveCapacity(pieces.reduce(0) { $0 + $1.count })
        forEachRecord(in: pieces, table) { write($0, table, plan, to: &output) }
        return output
    }

    private func forEachRecord(
        in pieces: [Range<Int>], _ table: UnsafeMutablePointer<GuardTable>, _ body: (Record) -> Void
    ) {
        for piece in pieces {
            var position = piece.lowerBound
            while position < piece.upperBound {
                let start = position
                let tag = varint(&position)
                let wireType = UInt8(truncatingIfNeeded: tag & 7)
                let payload = skipValue(wireType, &position)
                let field = table.pointee.index(of: UInt32(truncatingIfNeeded: tag >> 3))
                body(Record(whole: start..<position, payload: payload, wireType: wireType, field: field))
            }
        }
    }

    private func note(_ record: Record, _ table: UnsafeMutablePointer<GuardTable>, in plan: inout Plan) {
        guard record.field >= 0 else { return }
        let field = table.pointee.fields[record.field]
        guard record.wireType == field.wireType, !field.isRepeated, isKnown(record, field) else { return }
        if let oneof = table.pointee.descriptor.fields[record.field].oneofIndex {
            if let before = plan.members[oneof], before != record.field { plan.pieces[before] = nil }
            plan.members[oneof] = record.field
        }
        guard field.check == .message || field.check == .unknown else { return }
        plan.pieces[record.field, default: []].append(record.payload)
    }

    /// Whether the value is none that its closed enum has no name for.
    private func isKnown(_ record: Record, _ field: GuardField) -> Bool {
        var position = record.payload.lowerBound
        return field.check != .closedEnum || field.allows(varint(&position))
    }

    private func write(
        _ record: Record, _ table: UnsafeMutablePointer<GuardTable>, _ plan: Plan, to output: inout [UInt8]
    ) {
        guard record.field >= 0 else {
            return record.wireType == 3 ? wrap(record.whole, to: &output) : copy(record.whole, to: &output)
        }
        let field = table.pointee.fields[record.field]
        if record.wireType == 2, field.isPackable { return writePacked(record, field, to: &output) }
        guard record.wireType == field.wireType, isKnown(record, field) else {
            return wrap(record.whole, to: &output)
        }
        if let oneof = table.pointee.descriptor.fields[record.field].oneofIndex {
            guard plan.members[oneof] == record.field else { return }
        }
        switch field.check {
        case .message: writeMessage(record, field, plan, to: &output)
        case .bool:
            var position = record.payload.lowerBound
            appendVarint(UInt64(field.number) << 3, to: &output)
            output.append(varint(&position) == 0 ? 0 : 1)
        case .unknown:
            // A group in a oneof, before its last sibling.
            if let first = plan.pieces[record.field]?.first, record.payload.lowerBound < first.lowerBound {
                return
            }
            wrap(record.whole, to: &output)
        default: copy(record.whole, to: &output)
        }
    }

    /// A singular message stands where its last copy stood; the earlier copies are left out.
    private func writeMessage(_ record: Record, _ field: GuardField, _ plan: Plan, to output: inout [UInt8]) {
        guard let child = field.child else { return }
        var pieces = [record.payload]
        if field.isRepeated {
            if hasUnknownValue(record.payload, child) { return wrap(record.whole, to: &output) }
        } else {
            guard let all = plan.pieces[record.field], all.last == record.payload else { return }
            pieces = all
        }
        let inner = message(pieces, child)
        appendVarint(UInt64(field.number) << 3 | 2, to: &output)
        appendVarint(UInt64(inner.count), to: &output)
        output += inner
    }

    /// Whether `payload` is a map entry whose value, of a closed enum, has no name: such an entry is kept whole.
    private func hasUnknownValue(_ payload: Range<Int>, _ table: UnsafeMutablePointer<GuardTable>) -> Bool {
        guard table.pointee.descriptor.isMapEntry, table.pointee.fields[1].check == .closedEnum else {
            return false
        }
        var isUnknown = false
        forEachRecord(in: [payload], table) { record in
            guard record.field == 1, record.wireType == 0 else { return }
            isUnknown = !isKnown(record, table.pointee.fields[1])
        }
        return isUnknown
    }

    private func writePacked(_ record: Record, _ field: GuardField, to output: inout [UInt8]) {
        switch field.check {
        case .closedEnum: writePackedEnum(record, field, to: &output)
        case .bool:
            let values = packedValues(record).map { UInt8($0 == 0 ? 0 : 1) }
            appendRecord(field.number, values, to: &output)
        default: copy(record.whole, to: &output)
        }
    }

    /// A packed list of a closed enum: values without a name become unknown fields of their own.
    private func writePackedEnum(_ record: Record, _ field: GuardField, to output: inout [UInt8]) {
        var known: [UInt8] = []
        var unknown: [UInt64] = []
        for value in packedValues(record) {
            if field.allows(value) { appendVarint(value, to: &known) } else { unknown.append(value) }
        }
        appendRecord(field.number, known, to: &output)
        for value in unknown {
            var record: [UInt8] = []
            appendVarint(UInt64(field.number) << 3, to: &record)
            appendVarint(value, to: &record)
            wrap(record, to: &output)
        }
    }

    private func packedValues(_ record: Record) -> [UInt64] {
        var values: [UInt64] = []
        var position = record.payload.lowerBound
        while position < record.payload.upperBound { values.append(varint(&position)) }
        return values
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

    private func appendRecord(_ number: UInt32, _ payload: [UInt8], to output: inout [UInt8]) {
        appendVarint(UInt64(number) << 3 | 2, to: &output)
        appendVarint(UInt64(payload.count), to: &output)
        output += payload
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
