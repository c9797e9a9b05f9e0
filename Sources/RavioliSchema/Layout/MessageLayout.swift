// SPDX-License-Identifier: Apache-2.0

/// Where each field of a message lies in its C struct: the one place that decides it, for the run time, which
/// builds protobuf-c's tables from it, and for the generator, which writes the offsets into Swift code.
///
/// A struct starts with `ProtobufCMessage` (24 bytes). Members with 8-byte alignment follow in order of field
/// number, then those with 4 bytes, so that no padding is lost. A field has a value and, beside it, a *mark*:
///
/// | field | value | mark |
/// |---|---|---|
/// | singular | 4, 8 or 16 bytes | `has_`, 4 bytes, not zero if present |
/// | message | pointer, NULL if absent | none |
/// | repeated | pointer to the elements | their number, 8 bytes |
/// | member of a oneof | shares the oneof's storage | the oneof's case word, 4 bytes: the field number set |
///
/// Every singular scalar has its mark, whatever its presence: what is absent is decided in Swift, and -0.0 survives.
package struct MessageLayout: Sendable, Hashable {
    /// A field's place.
    package struct Slot: Sendable, Hashable {
        /// The value, in bytes from the start of the struct.
        package var offset: Int
        /// The mark, in bytes from the start of the struct; 0 for a singular message, which needs none.
        package var mark: Int

        package init(offset: Int, mark: Int) {
            self.offset = offset
            self.mark = mark
        }
    }

    /// What the layout needs to know of a field.
    package struct Member {
        package var kind: FieldKind
        package var isRepeated: Bool
        package var oneofIndex: Int?

        package init(kind: FieldKind, isRepeated: Bool, oneofIndex: Int?) {
            self.kind = kind
            self.isRepeated = isRepeated
            self.oneofIndex = oneofIndex
        }
    }

    /// Size of `ProtobufCMessage`, with which every struct starts.
    package static let headerSize = 24

    /// The slots in the order of the members given; `nil` for groups.
    package private(set) var slots: [Slot?]
    /// Size of the whole struct in bytes, a multiple of 8.
    package private(set) var size = headerSize

    /// Lays out `members`, which must be in order of field number.
    package init(_ members: [Member]) {
        slots = members.map { $0.kind == .group ? nil : Slot(offset: 0, mark: 0) }
        placeWide(members)
        placeOneofs(members)
        placeNarrow(members)
        size = (size + 7) & ~7
    }

    private mutating func take(_ bytes: Int) -> Int {
        defer { size += bytes }
        return size
    }

    private mutating func place(_ index: Int, value offset: Int) { slots[index]?.offset = offset }
    private mutating func place(_ index: Int, mark: Int) { slots[index]?.mark = mark }

    private mutating func placeWide(_ members: [Member]) {
        for (index, member) in members.enumerated() where slots[index] != nil {
            if member.isRepeated {
                slots[index] = Slot(offset: take(8), mark: take(8))
            } else if member.oneofIndex == nil, member.kind.structSize >= 8 {
                place(index, value: take(member.kind.structSize))
            }
        }
    }

    /// A oneof's storage is 16 bytes whenever any member needs it, and 8 otherwise.
    private mutating func placeOneofs(_ members: [Member]) {
        var widest: [Int: Int] = [:]
        for member in members where member.kind != .group {
            guard let oneof = member.oneofIndex else { continue }
            widest[oneof] = max(widest[oneof] ?? 8, member.kind.structSize)
        }
        var storage: [Int: Int] = [:]
        for (index, member) in members.enumerated() where slots[index] != nil {
            guard let oneof = member.oneofIndex else { continue }
            let offset = storage[oneof] ?? take(widest[oneof] ?? 8)
            storage[oneof] = offset
            place(index, value: offset)
        }
    }

    private mutating func placeNarrow(_ members: [Member]) {
        var cases: [Int: Int] = [:]
        for (index, member) in members.enumerated() where slots[index] != nil && !member.isRepeated {
            if let oneof = member.oneofIndex {
                let mark = cases[oneof] ?? take(4)
                cases[oneof] = mark
                slots[index]?.mark = mark
                continue
            }
            if member.kind.structSize == 4 { place(index, value: take(4)) }
            if member.kind != .message { place(index, mark: take(4)) }
        }
    }
}

extension FieldKind {
    /// How many bytes a value takes in a C struct. `bool` is a 4-byte `int` there; strings are declared to
    /// protobuf-c as bytes, a length and a pointer, so that NUL is an ordinary character.
    package var structSize: Int {
        switch self {
        case .int32, .sint32, .uint32, .fixed32, .sfixed32, .float, .bool, .enumeration: 4
        case .int64, .sint64, .uint64, .fixed64, .sfixed64, .double, .message, .group: 8
        case .string, .bytes: 16
        }
    }
}
