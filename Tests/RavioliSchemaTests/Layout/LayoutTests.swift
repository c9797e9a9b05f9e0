// SPDX-License-Identifier: Apache-2.0

import CProtobufC
@testable import RavioliSchema
import Testing

struct LayoutTests {
    private typealias Member = MessageLayout.Member

    private func slots(_ members: [Member]) -> [[Int]?] {
        MessageLayout(members).slots.map { slot in slot.map { [$0.offset, $0.mark] } }
    }

    @Test func anEmptyMessageIsAHeader() {
        #expect(MessageLayout([]).size == 24)
        #expect(MemoryLayout<ProtobufCMessage>.size == 24)
    }

    @Test func wideMembersComeFirstAndMarksLast() {
        let members = [
            Member(kind: .int32, isRepeated: false, oneofIndex: nil),
            Member(kind: .string, isRepeated: false, oneofIndex: nil),
            Member(kind: .int64, isRepeated: false, oneofIndex: nil),
            Member(kind: .message, isRepeated: false, oneofIndex: nil),
            Member(kind: .bool, isRepeated: true, oneofIndex: nil),
        ]
        // string 24…40, int64 40…48, message 48…56, list 56…64 with its count 64…72; then int32 and the marks.
        #expect(slots(members) == [[72, 76], [24, 80], [40, 84], [48, 0], [56, 64]])
        #expect(MessageLayout(members).size == 88)
    }

    @Test func oneofMembersShareStorageAndMark() {
        let members = [
            Member(kind: .int32, isRepeated: false, oneofIndex: 0),
            Member(kind: .bytes, isRepeated: false, oneofIndex: 0),
            Member(kind: .double, isRepeated: false, oneofIndex: 1),
            Member(kind: .message, isRepeated: false, oneofIndex: 0),
            Member(kind: .int32, isRepeated: false, oneofIndex: 1),
        ]
        #expect(slots(members) == [[24, 48], [24, 48], [40, 52], [24, 48], [40, 52]])
        #expect(MessageLayout(members).size == 56)
    }

    @Test func groupsHaveNoPlace() {
        let members = [
            Member(kind: .group, isRepeated: false, oneofIndex: nil),
            Member(kind: .group, isRepeated: true, oneofIndex: nil),
            Member(kind: .int32, isRepeated: false, oneofIndex: nil),
        ]
        #expect(slots(members) == [nil, nil, [24, 28]])
        #expect(MessageLayout(members).size == 32)
    }

    /// All types of the test schemas and of descriptor.proto.
    static let types: [MessageDescriptor] =
        Leaf.descriptor.file.messages + Legacy.descriptor.file.messages
        + Google_Protobuf_FileDescriptorSet.descriptor.file.messages

    @Test("Members lie inside, aligned and apart", arguments: types)
    func membersDoNotOverlap(_ type: MessageDescriptor) {
        var owners = [Int](repeating: -1, count: type.structSize)
        func claim(_ offset: Int, _ size: Int, for owner: Int) {
            #expect(offset % min(size, 8) == 0 && offset >= 24 && offset + size <= type.structSize)
            for byte in offset..<offset + size {
                #expect(owners[byte] == -1 || owners[byte] == owner)
                owners[byte] = owner
            }
        }
        for field in type.fields {
            guard let slot = field.slot else { continue }
            let storage = field.oneofIndex.map { 1_000_000 + 2 * $0 } ?? Int(field.number) * 2
            claim(slot.offset, field.isRepeated ? 8 : field.kind.structSize, for: storage)
            let hasMark = field.isRepeated || field.oneofIndex != nil || field.kind != .message
            if hasMark { claim(slot.mark, field.isRepeated ? 8 : 4, for: storage + 1) }
        }
        #expect(type.structSize % 8 == 0)
    }

    @Test("Tables say what protobuf-c relies on", arguments: types)
    func tablesAreValid(_ type: MessageDescriptor) {
        let table = type.cTable.assumingMemoryBound(to: ProtobufCMessageDescriptor.self).pointee
        #expect(table.magic == 0x28aa_eef9)
        #expect(table.sizeof_message == type.structSize)
        #expect(table.message_init == nil)
        let fields = UnsafeBufferPointer(start: table.fields, count: Int(table.n_fields))
        #expect(fields.count == type.fields.count { $0.slot != nil })
        #expect((table.fields == nil) == fields.isEmpty)
        #expect(zip(fields, fields.dropFirst()).allSatisfy { $0.id < $1.id })
        for entry in fields {
            #expect(entry.default_value == nil)
            #expect(entry.type != PROTOBUF_C_TYPE_STRING)
            #expect(entry.label == PROTOBUF_C_LABEL_OPTIONAL || entry.label == PROTOBUF_C_LABEL_REPEATED)
            #expect((entry.type == PROTOBUF_C_TYPE_MESSAGE) == (entry.descriptor != nil))
            #expect(entry.name != nil)
        }
        #expect(rangesFind(fields.map(\.id), in: table))
    }

    /// Whether the ranges lead to each field, as protobuf-c looks it up, and end with a closing one.
    private func rangesFind(_ numbers: [UInt32], in table: ProtobufCMessageDescriptor) -> Bool {
        guard !numbers.isEmpty else { return table.n_field_ranges == 0 && table.field_ranges == nil }
        let ranges = UnsafeBufferPointer(start: table.field_ranges, count: Int(table.n_field_ranges) + 1)
        guard ranges.last?.start_value == 0, ranges.last?.orig_index == table.n_fields else { return false }
        var found: [UInt32] = []
        for (range, next) in zip(ranges, ranges.dropFirst()) {
            for step in 0..<(next.orig_index - range.orig_index) {
                found.append(UInt32(range.start_value) + step)
            }
        }
        return found == numbers
    }

    @Test func theGuardFindsTheFieldsThatTheTypeHas() {
        for type in Self.types {
            for number in [0, 1, 254, 255, 256, 257, 299, 300, 536_870_911]
                + type.fields.map({ UInt32($0.number) })
            {
                let index = type.guardTable.pointee.index(of: number)
                #expect(index == type.fields.firstIndex { $0.number == Int32(number) } ?? -1)
            }
        }
    }
}
