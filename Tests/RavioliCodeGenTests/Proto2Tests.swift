// SPDX-License-Identifier: Apache-2.0

import BlockingTests
import RavioliSchema
import Testing

/// What proto2 has beyond proto3, in generated code.
@Suite(.blocking) struct Proto2Tests {
    @Test func requiredFieldsAreDemanded() throws {
        try expectRoundTrip(Required(name: "", count: 0), text: "name: \"\" count: 0")
        #expect(throws: SchemaError.self) { try Required(name: "n").encoded() }
        #expect(throws: SchemaError.self) { try Required(name: "n", count: 1, inner: Required()).encoded() }
        #expect(throws: SchemaError.self) { try Required(decoding: []) }
    }

    @Test func defaultsStandInForAbsentFields() {
        let empty = Defaults()
        #expect(empty.aDoubleOrDefault == -1.5e100 && empty.aFloatOrDefault == 0.25)
        #expect(empty.anInt32OrDefault == .min && empty.anInt64OrDefault == .min)
        #expect(empty.aUint32OrDefault == .max && empty.aUint64OrDefault == .max)
        #expect(empty.aSint32OrDefault == -1 && empty.aSint64OrDefault == -2)
        #expect(empty.aFixed32OrDefault == 1 && empty.aFixed64OrDefault == 2)
        #expect(empty.aSfixed32OrDefault == -3 && empty.aSfixed64OrDefault == -4)
        #expect(empty.aBoolOrDefault && empty.aSizeOrDefault == .large)
        #expect(Defaults(aBool: false, aSize: .small).aBoolOrDefault == false)
    }

    @Test func defaultsOfTextKeepTheirEscapes() {
        let empty = Defaults()
        #expect(empty.aStringOrDefault == "say \"\\(hi)\"\n\tümlaut \u{1} ' ?")
        #expect(empty.aBytesOrDefault == [0, 255, 34, 92, 10, 39, 120, 128])
        #expect(empty.emptyStringOrDefault == "" && empty.self_OrDefault == "self")
        #expect(empty.selfOrDefault == nil && empty.selfOrDefaultOrDefault == "taken")
    }

    @Test func defaultsOfFloatingPoint() {
        let empty = Defaults()
        #expect(empty.infiniteOrDefault == .infinity && empty.minusInfiniteOrDefault == -.infinity)
        #expect(empty.notANumberOrDefault.isNaN && empty.floatNotANumberOrDefault.isNaN)
        #expect(
            empty.floatInfiniteOrDefault == .infinity && empty.floatMaxOrDefault == .greatestFiniteMagnitude)
        #expect(empty.wholeOrDefault == 3 && empty.tinyOrDefault == Double("1e-310"))
        #expect(empty.minusZeroOrDefault.sign == .minus)
    }

    @Test func closedEnumsKeepForeignNumbersAsUnknownFields() throws {
        // a_size: 4, which Size has not
        let message = try Defaults(decoding: [0x80, 0x01, 0x04])
        #expect(message.aSize == nil && !message.unknownFields.isEmpty)
        #expect(try message.encoded() == [0x80, 0x01, 0x04])
    }

    @Test func listsAreUnpackedUnlessTheySayOtherwise() throws {
        let lists = LegacyLists(
            unpacked: [1, 2], packed: [1, 2], sizes: [.small, .large], gradeByName: ["a": .good])
        try expectRoundTrip(
            lists,
            text: """
                unpacked: [1, 2] packed: [1, 2] sizes: [SIZE_SMALL, SIZE_LARGE] grade_by_name { key: "a" value: GRADE_GOOD }
                """)
        #expect(try LegacyLists(unpacked: [1, 2], packed: [1, 2]).encoded() == [8, 1, 8, 2, 18, 2, 1, 2])
    }

    @Test func groupsTravelAsUnknownFields() throws {
        let text = """
            before: 1 Inner { text: "in" } Item { number: 1 } Item { number: 2 } after: 4 Both { a: 6 }
            """
        let bytes = try Protoc.encode(text, as: Groups.self)
        let groups = try Groups(decoding: bytes)
        #expect(groups.before == 1 && groups.after == 4 && groups.either == nil)
        #expect(try Protoc.decode(groups.encoded(), as: Groups.self) == Protoc.decode(bytes, as: Groups.self))
        try expectRoundTrip(Groups(either: .text("t")), text: #"text: "t""#)
    }

    @Test func extensionsAreReadByNumber() throws {
        let bytes = try Protoc.encode(
            """
            name: "n" [ravioli.test.v1.weight]: 5 [ravioli.test.v1.tags]: "a" [ravioli.test.v1.tags]: "b"
            [ravioli.test.v1.Scope.scope] { name: "s" }
            """, as: Extendable.self)
        let message = try Extendable(decoding: bytes)
        #expect(message.unknownFields.records(numbered: 100).map(\.value) == [.varint(5)])
        #expect(message.unknownFields.records(numbered: 101).count == 2)
        guard case .bytes(let scope)? = message.unknownFields.records(numbered: 103).last?.value else {
            Issue.record("the extension is missing")
            return
        }
        #expect(try Scope(decoding: [UInt8](scope)).name == "s")
        #expect(
            try Protoc.decode(message.encoded(), as: Extendable.self)
                == Protoc.decode(bytes, as: Extendable.self))
    }
}
