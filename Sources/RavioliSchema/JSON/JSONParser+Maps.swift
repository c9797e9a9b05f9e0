// SPDX-License-Identifier: Apache-2.0

extension JSONParser {
    /// Takes an object as a map: one entry struct for each member.
    mutating func map(
        _ field: UnsafePointer<JSONField>, _ base: UnsafeMutableRawPointer
    ) throws(SchemaError) {
        guard let entry = field.pointee.child, entry.pointee.fieldCount == 2 else {
            throw text.malformed("the map has no entry type")
        }
        try text.enter()
        if try !text.open(UInt8(ascii: "{"), UInt8(ascii: "}"), "an object") {
            var list = JSONList(stride: 8)
            text.path.push(.index(0))
            var place = text.cursor
            repeat {
                try self.entry(entry, &list, at: &place)
            } while try continues(
                &place, before: UInt8(ascii: "}"))
            text.cursor = place
            text.path.pop()
            if !acceptsDuplicates { try rejectDuplicates(list, entry.pointee.fields) }
            list.store(into: base, field)
        }
        text.leave()
    }

    private mutating func entry(
        _ table: UnsafePointer<JSONTable>, _ list: inout JSONList, at place: inout Place
    ) throws(SchemaError) {
        let start = place
        text.cursor = place
        let name = try text.string("a map key")
        text.path.replaceTop(.key(name.baseAddress, name.count))
        let base = try makeStruct(table)
        let key = table.pointee.fields
        guard try mapKey(name, key, base) else {
            throw text.refused("the map key is no \(key.pointee.kind)", at: start)
        }
        base.storeBytes(of: 1, toByteOffset: key.pointee.mark, as: Int32.self)
        try text.colon()
        place = text.cursor
        if !plainMember(UnsafePointer(key + 1), base, at: &place) {
            guard try entryValue(key + 1, base) else {
                // An entry whose value is to be ignored disappears.
                place = text.cursor
                return
            }
            place = text.cursor
        }
        try list.makeRoom(&text)
        list.end.storeBytes(of: base, as: UnsafeMutableRawPointer.self)
        list.count &+= 1
    }

    private mutating func entryValue(
        _ value: UnsafePointer<JSONField>, _ base: UnsafeMutableRawPointer
    ) throws(SchemaError) -> Bool {
        if text.next == UInt8(ascii: "n"), !value.pointee.takesNull {
            throw text.malformed("a map value cannot be null")
        }
        return try single(value, base)
    }

    /// Stores a key by its kind; false if it is not of that kind.
    private mutating func mapKey(
        _ name: UnsafeBufferPointer<UInt8>, _ field: UnsafePointer<JSONField>, _ base: UnsafeMutableRawPointer
    ) throws(SchemaError) -> Bool {
        let target = base + field.pointee.offset
        switch field.pointee.kind {
        case .string: try store(name, at: target)
        case .bool:
            let isTrue = name.elementsEqual("true".utf8)
            guard isTrue || name.elementsEqual("false".utf8) else { return false }
            target.storeBytes(of: isTrue ? 1 : 0, as: Int32.self)
        case .int32, .sint32, .sfixed32:
            guard let value = Self.wholeNumber(name)?.signed, let narrow = Int32(exactly: value) else {
                return false
            }
            target.storeBytes(of: narrow, as: Int32.self)
        case .uint32, .fixed32:
            guard let value = Self.wholeNumber(name)?.unsigned, let narrow = UInt32(exactly: value) else {
                return false
            }
            target.storeBytes(of: narrow, as: UInt32.self)
        case .int64, .sint64, .sfixed64:
            guard let value = Self.wholeNumber(name)?.signed else { return false }
            target.storeBytes(of: value, as: Int64.self)
        case .uint64, .fixed64:
            guard let value = Self.wholeNumber(name)?.unsigned else { return false }
            target.storeBytes(of: value, as: UInt64.self)
        default: return false
        }
        return true
    }

    private mutating func rejectDuplicates(
        _ list: JSONList, _ key: UnsafePointer<JSONField>
    ) throws(SchemaError) {
        guard list.count > 1, let memory = list.memory else { return }
        let entries = memory.assumingMemoryBound(to: UnsafeRawPointer.self)
        if list.count <= Self.fewEntriesMax, key.pointee.kind == .string {
            guard Self.hasEqualTexts(entries, list.count, at: key.pointee.offset) else { return }
        }
        let sorted = try MapEntries.sorted(
            UnsafeBufferPointer(start: entries, count: list.count), by: key, arena: text.arena)
        for index in 1..<sorted.count
        where MapEntries.order(sorted[index - 1].entry, sorted[index].entry, key) == 0 {
            throw text.malformed("the map has the key \(MapEntries.keyText(sorted[index].entry, key)) twice")
        }
    }

    /// Up to so many entries, each is compared with all others; lengths alone tell most of them apart.
    private static let fewEntriesMax = 12

    private static func hasEqualTexts(
        _ entries: UnsafePointer<UnsafeRawPointer>, _ count: Int, at offset: Int
    ) -> Bool {
        for later in 1..<count {
            let text = FieldReader(entries[later]).blob(at: offset)
            for earlier in 0..<later {
                let other = FieldReader(entries[earlier]).blob(at: offset)
                if other.count == text.count, other.elementsEqual(text) { return true }
            }
        }
        return false
    }
}
