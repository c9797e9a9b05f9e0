// SPDX-License-Identifier: Apache-2.0
//
// JSON text becomes a C struct in the arena, without values in between. The parser recurses once for each level of
// messages and lists, at most the depth limit, which the scanner counts; a struct deeper than that could not be
// encoded either.

/// Reads messages from JSON text by the rules of ProtoJSON.
struct JSONParser {
    var text: JSONScanner
    let ignoresUnknown: Bool
    let acceptsDuplicates: Bool
    var anyTypes: AnyTypes
    /// The group or extension whose key was just taken. Schemas live as long as the process.
    var carriedNext: Unmanaged<CarriedField>?

    /// Reads `bytes` as one message and nothing else.
    ///
    /// - Returns: the struct, valid until the arena is reset and as long as `bytes` are; and a bound of its packed
    ///   size.
    static func parse(
        _ bytes: UnsafeRawBufferPointer, as type: MessageDescriptor, options: JSONDecodingOptions,
        limits: SchemaLimits,
        arena: Arena
    ) throws(SchemaError) -> (message: UnsafeMutableRawPointer, sizeBound: Int) {
        var parser = JSONParser(
            text: try JSONScanner(bytes, limits: limits, arena: arena),
            ignoresUnknown: options.ignoresUnknown, acceptsDuplicates: options.acceptsDuplicates,
            anyTypes: AnyTypes(options.types, near: type))
        parser.text.skipSpace()
        let message = try parser.message(type.jsonTable)
        parser.text.skipSpace()
        guard parser.text.cursor == parser.text.end else { throw parser.text.expected("the end of the text") }
        // A tag and a varint for each element, and what strings and bytes hold.
        let tagAndVarint = FieldWriter.tagSize + FieldWriter.varintSize
        return (message, parser.text.decodedBytes.addingSaturated(parser.text.elements &* tagAndVarint))
    }

    /// Reads `bytes` as the value of one field and nothing else.
    ///
    /// - Returns: a struct of the type that has the field, which alone may be set.
    static func parse(
        _ bytes: UnsafeRawBufferPointer, of field: FieldDescriptor, in type: MessageDescriptor,
        options: JSONDecodingOptions, limits: SchemaLimits, arena: Arena
    ) throws(SchemaError) -> UnsafeMutableRawPointer {
        var parser = JSONParser(
            text: try JSONScanner(bytes, limits: limits, arena: arena),
            ignoresUnknown: options.ignoresUnknown, acceptsDuplicates: options.acceptsDuplicates,
            anyTypes: AnyTypes(options.types, near: type))
        let base = try parser.makeStruct(type.jsonTable)
        guard let index = type.fieldIndex(numbered: field.number) else { return base }
        parser.text.skipSpace()
        try parser.memberValue(UnsafePointer(type.jsonTable.pointee.fields + index), base)
        parser.text.skipSpace()
        guard parser.text.cursor == parser.text.end else { throw parser.text.expected("the end of the text") }
        return base
    }

    // MARK: Messages

    /// Takes the JSON form of a message of this type.
    mutating func message(_ table: UnsafePointer<JSONTable>) throws(SchemaError) -> UnsafeMutableRawPointer {
        let base = try makeStruct(table)
        if table.pointee.form == .ordinary {
            try object(table, into: base)
        } else {
            try special(table, into: base)
        }
        return base
    }

    @inline(__always)
    mutating func makeStruct(_ table: UnsafePointer<JSONTable>) throws(SchemaError) -> UnsafeMutableRawPointer
    {
        let size = table.pointee.structSize
        try text.charge(size)
        let base = try text.allocateZeroed(size)
        base.storeBytes(of: table.pointee.cTable, as: UnsafeRawPointer.self)
        return base
    }

    /// A message one level below the one at hand.
    mutating func nested(_ table: UnsafePointer<JSONTable>) throws(SchemaError) -> UnsafeMutableRawPointer {
        try text.enter()
        let base = try message(table)
        text.leave()
        return base
    }

    /// Takes an object whose keys are the fields of a message.
    ///
    /// - Parameter allowsTypeKey: whether `@type` may stand among them, which is then passed over.
    mutating func object(
        _ table: UnsafePointer<JSONTable>, into base: UnsafeMutableRawPointer, allowsTypeKey: Bool = false
    ) throws(SchemaError) {
        if try text.open(UInt8(ascii: "{"), UInt8(ascii: "}"), "an object") { return }
        var seen = try SeenFields(count: table.pointee.fieldCount, &text)
        var likely = 0
        var mayHaveType = allowsTypeKey
        var place = text.cursor
        repeat {
            // Senders mostly write the fields in order and without spaces: `"name":` as a whole.
            var index = plainKey(table, likely: likely, at: place)
            if index >= 0 {
                place += table.pointee.fields[index].keyCount
                skipSpace(&place)
            } else {
                text.cursor = place
                index = try fieldKey(table, mayHaveType: &mayHaveType)
                if index < 0, let field = carriedNext?.takeUnretainedValue() {
                    carriedNext = nil
                    try carried(field, base)
                }
                place = text.cursor
                if index < 0 { continue }
            }
            let field = UnsafePointer(table.pointee.fields + index)
            likely = index &+ 1
            if seen.insert(index), plainMember(field, base, at: &place) { continue }
            text.cursor = place
            let isTaken = seen.isRepeated ? false : try plainMessage(field, base)
            if !isTaken { try member(field, base, isRepeated: seen.isRepeated) }
            place = text.cursor
        } while try continues(&place, before: UInt8(ascii: "}"))
        text.cursor = place
    }

    /// Takes a key with its colon. Returns the index of the field; -1 for a key that belongs to no place in the struct:
    /// then the value is taken as well, unless ``carriedNext`` says whose it is.
    private mutating func fieldKey(
        _ table: UnsafePointer<JSONTable>, mayHaveType: inout Bool
    ) throws(SchemaError) -> Int {
        let start = text.cursor
        let name = try text.string("a key")
        if let index = table.pointee.names.find(name) {
            try text.colon()
            guard table.pointee.fields[Int(index)].shape == .group else { return Int(index) }
            let number = table.pointee.fields[Int(index)].number
            let group = table.pointee.descriptor.takeUnretainedValue().groups[number]
            carriedNext = group.map { .passUnretained($0) }
            return -1
        }
        if let field = extensionField(name, of: table) {
            try text.colon()
            carriedNext = .passUnretained(field)
            return -1
        }
        try unknownKey(name, at: start, table, mayHaveType: &mayHaveType)
        try text.skipValue()
        return -1
    }

    @inline(never)
    private mutating func unknownKey(
        _ name: UnsafeBufferPointer<UInt8>, at start: UnsafePointer<UInt8>, _ table: UnsafePointer<JSONTable>,
        mayHaveType: inout Bool
    ) throws(SchemaError) {
        let isType = mayHaveType && Self.isTypeKey(name)
        if isType { mayHaveType = false }
        guard isType || ignoresUnknown else {
            let shown = SchemaError.excerpt(String(decoding: name.prefix(256), as: UTF8.self))
            let type = table.pointee.descriptor.takeUnretainedValue().fullName
            throw text.refused("\(type) has no field \"\(shown)\"", at: start)
        }
        try text.colon()
    }

    static func isTypeKey(_ name: UnsafeBufferPointer<UInt8>) -> Bool { name.elementsEqual("@type".utf8) }

    /// A field that was given already.
    @inline(never)
    private mutating func repeated(
        _ field: UnsafePointer<JSONField>, _ base: UnsafeMutableRawPointer
    ) throws(SchemaError) {
        guard acceptsDuplicates else { throw text.malformed("the field is given twice") }
        // The last one wins whole, so nothing of the earlier one stays.
        let slot = field.pointee
        if slot.isInOneof {
            guard base.load(fromByteOffset: slot.mark, as: Int32.self) == slot.number else { return }
            base.storeBytes(of: 0, toByteOffset: slot.mark, as: Int32.self)
        } else if slot.shape != .single {
            base.storeBytes(of: 0, toByteOffset: slot.mark, as: Int.self)
        } else if slot.kind == .message {
            base.storeBytes(of: nil, toByteOffset: slot.offset, as: UnsafeRawPointer?.self)
        } else {
            base.storeBytes(of: 0, toByteOffset: slot.mark, as: Int32.self)
        }
    }

    // MARK: Members

    /// Takes the object of a message field by the shortest way; false if it is something else.
    @inline(__always)
    private mutating func plainMessage(
        _ field: UnsafePointer<JSONField>, _ base: UnsafeMutableRawPointer
    ) throws(SchemaError) -> Bool {
        guard field.pointee.isPlainMessage, text.next == UInt8(ascii: "{"), let table = field.pointee.child,
            table.pointee.form == .ordinary
        else { return false }
        text.path.push(.field(field))
        try text.enter()
        let message = try makeStruct(table)
        try object(table, into: message)
        (base + field.pointee.offset).storeBytes(of: message, as: UnsafeMutableRawPointer.self)
        text.leave()
        text.path.pop()
        return true
    }

    /// Takes the value behind a field's key.
    ///
    /// - Parameter isRepeated: whether the field was given before.
    private mutating func member(
        _ field: UnsafePointer<JSONField>, _ base: UnsafeMutableRawPointer, isRepeated: Bool
    ) throws(SchemaError) {
        text.path.push(.field(field))
        if isRepeated { try repeated(field, base) }
        try memberValue(field, base)
        text.path.pop()
    }

    @inline(__always)
    mutating func memberValue(
        _ field: UnsafePointer<JSONField>, _ base: UnsafeMutableRawPointer
    ) throws(SchemaError) {
        if text.next == UInt8(ascii: "n"), !field.pointee.takesNull {
            return try text.literal("null", "a value")
        }
        switch field.pointee.shape {
        case .single:
            if field.pointee.isInOneof { try checkOneof(field, base) }
            _ = try single(field, base)
        case .list: try list(field, base)
        case .map: try map(field, base)
        case .group: throw text.malformed("a group is no place in the struct")
        }
    }

    private func checkOneof(
        _ field: UnsafePointer<JSONField>, _ base: UnsafeMutableRawPointer
    ) throws(SchemaError) {
        guard base.load(fromByteOffset: field.pointee.mark, as: Int32.self) == 0 || acceptsDuplicates
        else {
            throw text.malformed("another member of the same oneof is given as well")
        }
    }

    /// Takes one value and stores it with its mark. Returns false if the value is to be ignored, an unknown enum name.
    mutating func single(
        _ field: UnsafePointer<JSONField>, _ base: UnsafeMutableRawPointer
    ) throws(SchemaError) -> Bool {
        let target = base + field.pointee.offset
        let mark = field.pointee.mark
        if field.pointee.kind == .message {
            guard let table = field.pointee.child else { throw text.malformed("the field has no type") }
            // Stored when complete: members of a oneof share the place.
            let message = try nested(table)
            target.storeBytes(of: message, as: UnsafeMutableRawPointer.self)
            if mark != 0 { base.storeBytes(of: field.pointee.number, toByteOffset: mark, as: Int32.self) }
            return true
        }
        try text.charge(0)
        guard try scalar(field, into: target) else { return false }
        if field.pointee.isImplicit, Self.isDefault(target, field.pointee.kind) { return true }
        base.storeBytes(
            of: field.pointee.isInOneof ? field.pointee.number : 1, toByteOffset: mark, as: Int32.self)
        return true
    }

    /// Whether all bits of a value are zero, or a string is empty.
    @inline(__always)
    private static func isDefault(_ value: UnsafeMutableRawPointer, _ kind: FieldKind) -> Bool {
        kind.structSize == 4 ? value.load(as: UInt32.self) == 0 : value.load(as: UInt64.self) == 0
    }

    /// Takes an array.
    mutating func list(
        _ field: UnsafePointer<JSONField>, _ base: UnsafeMutableRawPointer
    ) throws(SchemaError) {
        try text.enter()
        if try !text.open(UInt8(ascii: "["), UInt8(ascii: "]"), "an array") {
            var list = JSONList(stride: field.pointee.stride)
            var index = 0
            text.path.push(.index(0))
            var place = text.cursor
            repeat {
                text.path.replaceTop(.index(index))
                index &+= 1
                if try plainElement(field, &list, at: &place) { continue }
                text.cursor = place
                try element(field, &list)
                place = text.cursor
            } while try continues(&place, before: UInt8(ascii: "]"))
            text.cursor = place
            text.path.pop()
            list.store(into: base, field)
        }
        text.leave()
    }

    /// Takes an element by the short way; false if it is not plain.
    @inline(__always)
    private mutating func plainElement(
        _ field: UnsafePointer<JSONField>, _ list: inout JSONList, at place: inout Place
    ) throws(SchemaError) -> Bool {
        guard field.pointee.plain != .none else { return false }
        try list.makeRoom(&text)
        guard plainScalar(field, into: list.end, taking: list.stride, at: &place) != .refused else {
            return false
        }
        list.count &+= 1
        return true
    }

    @inline(__always)
    private mutating func element(
        _ field: UnsafePointer<JSONField>, _ list: inout JSONList
    ) throws(SchemaError) {
        if field.pointee.kind == .message {
            guard let table = field.pointee.child else { throw text.malformed("the field has no type") }
            let message = try nested(table)
            try list.makeRoom(&text)
            list.end.storeBytes(of: message, as: UnsafeMutableRawPointer.self)
            list.count &+= 1
            return
        }
        try text.charge(list.stride)
        try list.makeRoom(&text)
        if try scalar(field, into: list.end) { list.count &+= 1 }
    }
}

/// The fields of a message that were given already.
struct SeenFields {
    private var few: UInt64 = 0
    /// Whether the field noted last was noted before.
    private(set) var isRepeated = false
    /// For more than 64 fields.
    private let many: UnsafeMutablePointer<UInt64>?

    @inline(__always)
    init(count: Int, _ text: inout JSONScanner) throws(SchemaError) {
        guard count > 64 else {
            many = nil
            return
        }
        let words = (count + 63) / 64
        let memory = try text.allocate(words * 8).assumingMemoryBound(to: UInt64.self)
        memory.initialize(repeating: 0, count: words)
        many = memory
    }

    /// Notes a field; false if it was noted before.
    @inline(__always)
    mutating func insert(_ index: Int) -> Bool {
        let bit: UInt64 = 1 &<< UInt64(index & 63)
        let before = many.map { $0[index &>> 6] } ?? few
        if let many { many[index &>> 6] |= bit } else { few |= bit }
        isRepeated = before & bit != 0
        return !isRepeated
    }
}

/// The elements of a list while it is being read. It grows in place as long as nothing else was taken from the arena
/// since, which holds for lists of scalars; otherwise it moves to twice the room.
struct JSONList {
    private(set) var memory: UnsafeMutableRawPointer?
    var count = 0
    private var capacity = 0
    let stride: Int

    @inline(__always)
    init(stride: Int) { self.stride = stride }

    /// Where the next element goes; call ``makeRoom(_:)`` before.
    @inline(__always)
    var end: UnsafeMutableRawPointer { memory.unsafelyUnwrapped + count &* stride }

    /// Makes sure that one more element fits, zeroed.
    @inline(__always)
    mutating func makeRoom(_ text: inout JSONScanner) throws(SchemaError) {
        if count == capacity { try grow(&text) }
    }

    @inline(never)
    private mutating func grow(_ text: inout JSONScanner) throws(SchemaError) {
        let taken = capacity &* stride
        if let memory, Arena.extend(memory, from: taken, by: taken, in: text.arena.state) {
            (memory + taken).initializeMemory(as: UInt8.self, repeating: 0, count: taken)
            capacity &*= 2
            return
        }
        let wider = max(capacity &* 2, 4)
        let target = try text.allocate(wider &* stride)
        target.initializeMemory(as: UInt8.self, repeating: 0, count: wider &* stride)
        if let memory { target.copyMemory(from: memory, byteCount: taken) }
        memory = target
        capacity = wider
    }

    /// Makes this the value of a list or map field.
    func store(into base: UnsafeMutableRawPointer, _ field: UnsafePointer<JSONField>) {
        base.storeBytes(of: memory, toByteOffset: field.pointee.offset, as: UnsafeMutableRawPointer?.self)
        base.storeBytes(of: count, toByteOffset: field.pointee.mark, as: Int.self)
    }
}

extension Arena {
    /// Widens memory that was taken last, without moving it; false if something lies behind it or no room is left.
    static func extend(
        _ memory: UnsafeMutableRawPointer, from size: Int, by extra: Int,
        in state: UnsafeMutablePointer<State>
    ) -> Bool {
        let rounded = (size &+ 7) & ~7
        guard memory + rounded == state.pointee.cursor, size == rounded, extra == (extra &+ 7) & ~7,
            extra <= state.pointee.end - state.pointee.cursor
        else { return false }
        state.pointee.cursor += extra
        return true
    }
}
