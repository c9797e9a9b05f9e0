// SPDX-License-Identifier: Apache-2.0

// Groups and extensions: the value is read into a struct of the field's carrier, encoded, and kept among the unknown
// fields of the message, as it would be if it had come in binary.
extension JSONParser {
    /// The extension that a key `[full.name]` means for this message.
    @inline(never)
    mutating func extensionField(
        _ key: UnsafeBufferPointer<UInt8>, of table: UnsafePointer<JSONTable>
    ) -> CarriedField? {
        guard table.pointee.isExtendable, key.count > 2, key.first == UInt8(ascii: "["),
            key.last == UInt8(ascii: "]")
        else { return nil }
        let name = String(decoding: key.dropFirst().dropLast(), as: UTF8.self)
        return anyTypes.findExtension(name, of: table.pointee.descriptor.takeUnretainedValue().fullName)
    }

    /// Takes the value of a field that has no place in the struct at `base`.
    mutating func carried(
        _ field: CarriedField, _ base: UnsafeMutableRawPointer
    ) throws(SchemaError) {
        let carrier = try beginCarried(field, base)
        try memberValue(UnsafePointer(field.carrier.jsonTable.pointee.fields), carrier)
        try endCarried(field, carrier, base)
    }

    // What comes before and after is out of the way while values nest: each level of it would need its stack.

    @inline(never)
    private mutating func beginCarried(
        _ field: CarriedField, _ base: UnsafeMutableRawPointer
    ) throws(SchemaError) -> UnsafeMutableRawPointer {
        let table = field.carrier.jsonTable
        text.path.push(.field(UnsafePointer(table.pointee.fields)))
        if UnknownRecords.contains(field.number, in: base) {
            guard acceptsDuplicates else { throw text.malformed("the field is given twice") }
            UnknownRecords.remove(field.number, from: base)
        }
        return try makeStruct(table)
    }

    @inline(never)
    private mutating func endCarried(
        _ field: CarriedField, _ carrier: UnsafeMutableRawPointer, _ base: UnsafeMutableRawPointer
    ) throws(SchemaError) {
        do {
            try RequiredFields.check(carrier, field.carrier, .invalidData)
        } catch {
            throw text.malformed("a required value is missing in it")
        }
        let packed = try Codec.pack(carrier, sizeBound: nil, arena: text.arena)
        let bytes = field.isGroup ? try GroupRecords.groups(from: packed, arena: text.arena) : packed
        try text.charge(contents: bytes.count)
        guard UnknownRecords.attach(bytes, to: base, arena: text.arena) else { throw text.outOfMemory() }
        text.path.pop()
    }
}
