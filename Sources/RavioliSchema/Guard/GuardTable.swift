// SPDX-License-Identifier: Apache-2.0

/// What the guard needs to know of a message type, flat and at a fixed address, so that walking the wire touches no
/// reference count and no dictionary.
struct GuardTable {
    /// Ascending by number, as in the descriptor.
    var fields: UnsafeMutablePointer<GuardField>
    var fieldCount: Int
    /// For numbers below ``denseCount``: the index of the field plus one, 0 for none.
    var dense: UnsafeMutablePointer<UInt16>
    var denseCount: UInt32
    /// Size of the C struct in bytes.
    var structSize: Int
    /// The type itself, for the paths of errors.
    unowned(unsafe) var descriptor: MessageDescriptor

    /// Numbers up to this are looked up in one step, those above by binary search.
    private static let denseMax: Int32 = 255

    static func fill(_ table: UnsafeMutablePointer<GuardTable>, for message: MessageDescriptor) {
        let fields = message.fields
        let entries = UnsafeMutablePointer<GuardField>.allocate(capacity: max(fields.count, 1))
        let bits = mergeBits(fields)
        let isShared = bits.count { $0 != 0 } > 64
        let oneofBits = isShared ? [:] : bitsByOneof(fields, bits)
        for (index, field) in fields.enumerated() {
            let siblings = (field.oneofIndex.flatMap { oneofBits[$0] } ?? 0) & ~bits[index]
            (entries + index).initialize(
                to: GuardField(
                    field, bit: bits[index], sharesBit: isShared && bits[index] != 0, siblings: siblings))
        }
        let highest = fields.last { $0.number <= denseMax }?.number ?? 0
        let dense = UnsafeMutablePointer<UInt16>.allocate(capacity: Int(highest) + 1)
        dense.initialize(repeating: 0, count: Int(highest) + 1)
        for (index, field) in fields.enumerated() where field.number <= highest {
            dense[Int(field.number)] = UInt16(index + 1)
        }
        table.initialize(
            to: GuardTable(
                fields: entries, fieldCount: fields.count, dense: dense, denseCount: UInt32(highest) + 1,
                structSize: message.structSize, descriptor: message))
    }

    /// The index of the field with this number; -1 if the type has none.
    @inline(__always)
    func index(of number: UInt32) -> Int {
        if number < denseCount { return Int(dense[Int(number)]) &- 1 }
        return search(number)
    }

    private func search(_ number: UInt32) -> Int {
        var low = 0
        var high = fieldCount
        while low < high {
            let middle = (low &+ high) / 2
            if fields[middle].number < number { low = middle &+ 1 } else { high = middle }
        }
        return low < fieldCount && fields[low].number == number ? low : -1
    }

    /// One bit for each singular message field. A type with more than 64 of them shares bits, which can only make
    /// the guard ask for the slow, correct way too often.
    private static func mergeBits(_ fields: [FieldDescriptor]) -> [UInt64] {
        var next = 0
        return fields.map { field in
            guard field.kind == .message, !field.isRepeated else { return 0 }
            defer { next += 1 }
            return 1 << UInt64(next % 64)
        }
    }

    /// The bits of all message fields in the same oneof.
    private static func bitsByOneof(_ fields: [FieldDescriptor], _ bits: [UInt64]) -> [Int: UInt64] {
        var result: [Int: UInt64] = [:]
        for (field, bit) in zip(fields, bits) {
            if let oneof = field.oneofIndex { result[oneof, default: 0] |= bit }
        }
        return result
    }
}

/// What the guard needs to know of a field.
struct GuardField {
    /// What to check of a value that has the expected wire type.
    enum Check: UInt8 {
        case varint, fixed32, fixed64, string, bytes, message, closedEnum
        /// protobuf-c reads one from all bits of a varint's bytes, even those beyond the 64th.
        case bool
        /// Groups have no place in the C struct: they travel as unknown fields.
        case unknown
    }

    var number: UInt32
    var check: Check
    /// The wire type of a single value.
    var wireType: UInt8
    /// Whether a length-delimited record holds packed elements.
    var isPackable: Bool
    /// Whether the field is a list or a map.
    var isRepeated: Bool
    /// Size of one element in the C struct, in bytes.
    var elementSize: Int
    /// The bit that says "seen", for singular messages; otherwise 0.
    var mergeBit: UInt64
    /// Whether other fields have the same bit, so that "seen" may mean one of them.
    var sharesBit: Bool
    /// The bits of oneof siblings, which are forgotten when this field is met.
    var siblingBits: UInt64
    /// The type of a message field.
    var child: UnsafeMutablePointer<GuardTable>?
    /// The type of a closed enum field.
    unowned(unsafe) var closedEnum: EnumDescriptor?

    init(_ field: FieldDescriptor, bit: UInt64, sharesBit: Bool, siblings: UInt64) {
        number = UInt32(bitPattern: field.number)
        closedEnum = field.enumType.flatMap { $0.isClosed ? $0 : nil }
        (check, wireType) = Self.check(field.kind, isClosedEnum: closedEnum != nil)
        isPackable = field.isRepeated && field.kind.isPackable
        isRepeated = field.isRepeated
        elementSize = field.kind.structSize
        mergeBit = bit
        self.sharesBit = sharesBit
        siblingBits = siblings
        child = field.kind == .message ? field.messageType?.guardTable : nil
    }

    private static func check(_ kind: FieldKind, isClosedEnum: Bool) -> (Check, UInt8) {
        switch kind {
        case .int32, .sint32, .uint32, .int64, .sint64, .uint64: (.varint, 0)
        case .bool: (.bool, 0)
        case .enumeration: (isClosedEnum ? .closedEnum : .varint, 0)
        case .double, .fixed64, .sfixed64: (.fixed64, 1)
        case .float, .fixed32, .sfixed32: (.fixed32, 5)
        case .string: (.string, 2)
        case .bytes: (.bytes, 2)
        case .message: (.message, 2)
        case .group: (.unknown, 3)
        }
    }
}
