// SPDX-License-Identifier: Apache-2.0

import BlockingTests
import RavioliSchema
import Testing

/// Each construct of proto3 in generated code, with protoc as the judge.
@Suite(.blocking) struct Proto3Tests {
    private let scalars = Scalars(
        aDouble: -0.5, aFloat: 1.25, anInt32: -1, anInt64: .min, aUint32: .max, aUint64: .max, aSint32: .min,
        aSint64: .min, aFixed32: 7, aFixed64: 8, aSfixed32: -9, aSfixed64: -10, aBool: true,
        aString: "ümläut\0nul",
        aBytes: [0, 255, 128], aColor: .red)
    private let scalarsText = #"""
        a_double: -0.5 a_float: 1.25 an_int32: -1 an_int64: -9223372036854775808 a_uint32: 4294967295
        a_uint64: 18446744073709551615 a_sint32: -2147483648 a_sint64: -9223372036854775808 a_fixed32: 7 a_fixed64: 8
        a_sfixed32: -9 a_sfixed64: -10 a_bool: true a_string: "ümläut\000nul" a_bytes: "\000\377\200" a_color: COLOR_RED
        """#

    @Test func scalarsOfEveryKind() throws {
        try expectRoundTrip(scalars, text: scalarsText)
        #expect(try Scalars().encoded().isEmpty)
    }

    @Test func negativeZeroIsNoDefault() throws {
        let bytes = try Scalars(aDouble: -0.0).encoded()
        #expect(bytes.count == 9)
        #expect(try Scalars(decoding: bytes).aDouble.sign == .minus)
    }

    @Test func optionalScalarsTellAbsenceFromZero() throws {
        try expectRoundTrip(OptionalScalars())
        let zeros = OptionalScalars(
            aDouble: 0, aFloat: 0, anInt32: 0, anInt64: 0, aUint32: 0, aUint64: 0, aSint32: 0, aSint64: 0,
            aFixed32: 0,
            aFixed64: 0, aSfixed32: 0, aSfixed64: 0, aBool: false, aString: "", aBytes: [],
            aColor: .unspecified,
            aMessage: Scalars())
        try expectRoundTrip(
            zeros,
            text: """
                a_double: 0 a_float: 0 an_int32: 0 an_int64: 0 a_uint32: 0 a_uint64: 0 a_sint32: 0 a_sint64: 0 a_fixed32: 0
                a_fixed64: 0 a_sfixed32: 0 a_sfixed64: 0 a_bool: false a_string: "" a_bytes: "" a_color: 0 a_message {}
                """)
        #expect(zeros != OptionalScalars())
    }

    @Test func listsOfEveryKind() throws {
        let lists = Lists(
            doubles: [0, -1.5], floats: [0.5, 2], int32s: [-1, 0, 1], int64s: [.min, .max],
            uint32s: [0, .max],
            uint64s: [.max, 0], sint32s: [-64, 63], sint64s: [-65, 64], fixed32s: [1], fixed64s: [2, 3],
            sfixed32s: [-1], sfixed64s: [-2], bools: [true, false, true], strings: ["", "a", "ü"],
            blobs: [[], [0], [255, 0]], colors: [.green, .init(rawValue: 99), .negative],
            messages: [Scalars(), scalars], unpackedInt32s: [1, 2, 3], unpackedColors: [.last],
            packedDoubles: [3])
        try expectRoundTrip(
            lists,
            text: #"""
                doubles: [0, -1.5] floats: [0.5, 2] int32s: [-1, 0, 1] int64s: [-9223372036854775808, 9223372036854775807]
                uint32s: [0, 4294967295] uint64s: [18446744073709551615, 0] sint32s: [-64, 63] sint64s: [-65, 64]
                fixed32s: 1 fixed64s: [2, 3] sfixed32s: -1 sfixed64s: -2 bools: [true, false, true]
                strings: ["", "a", "ü"] blobs: ["", "\000", "\377\000"] colors: [COLOR_GREEN, 99, COLOR_NEGATIVE]
                messages: [{}, {\#(scalarsText)}] unpacked_int32s: [1, 2, 3] unpacked_colors: COLOR_LAST packed_doubles: 3
                """#)
    }

    @Test func mapsWithEveryKindOfKey() throws {
        let maps = Maps(
            byInt32: [-1: "a", 1: "b"], byInt64: [.min: "a"], byUint32: [.max: ""], byUint64: [.max: "a"],
            bySint32: [-1: "a"], bySint64: [-2: "a"], byFixed32: [1: "a"], byFixed64: [2: "a"],
            bySfixed32: [-1: "a"],
            bySfixed64: [-2: "a"], byBool: [true: "yes", false: "no"], byString: ["": "empty", "k": "v"])
        try expectRoundTrip(
            maps,
            text: """
                by_int32 { key: -1 value: "a" } by_int32 { key: 1 value: "b" }
                by_int64 { key: -9223372036854775808 value: "a" } by_uint32 { key: 4294967295 }
                by_uint64 { key: 18446744073709551615 value: "a" } by_sint32 { key: -1 value: "a" }
                by_sint64 { key: -2 value: "a" } by_fixed32 { key: 1 value: "a" } by_fixed64 { key: 2 value: "a" }
                by_sfixed32 { key: -1 value: "a" } by_sfixed64 { key: -2 value: "a" } by_bool { key: true value: "yes" }
                by_bool { key: false value: "no" } by_string { value: "empty" } by_string { key: "k" value: "v" }
                """)
    }

    @Test func mapsWithEveryKindOfValue() throws {
        let maps = Maps(
            toDouble: ["k": 0.5], toFloat: ["k": 0], toInt32: ["k": -1], toInt64: ["k": .min],
            toUint32: ["k": 1],
            toUint64: ["k": .max], toSint32: ["k": -1], toSint64: ["k": -1], toFixed32: ["k": 1],
            toFixed64: ["k": 1],
            toSfixed32: ["k": -1], toSfixed64: ["k": -1], toBool: ["k": true], toBytes: ["k": [1, 2]],
            toColor: ["k": .green, "unknown": .init(rawValue: 77)], toMessage: ["k": scalars, "": Scalars()],
            toItself: ["outer": Maps(toItself: ["inner": Maps()])])
        try expectRoundTrip(
            maps,
            text: #"""
                to_double { key: "k" value: 0.5 } to_float { key: "k" } to_int32 { key: "k" value: -1 }
                to_int64 { key: "k" value: -9223372036854775808 } to_uint32 { key: "k" value: 1 }
                to_uint64 { key: "k" value: 18446744073709551615 } to_sint32 { key: "k" value: -1 }
                to_sint64 { key: "k" value: -1 } to_fixed32 { key: "k" value: 1 } to_fixed64 { key: "k" value: 1 }
                to_sfixed32 { key: "k" value: -1 } to_sfixed64 { key: "k" value: -1 } to_bool { key: "k" value: true }
                to_bytes { key: "k" value: "\001\002" } to_color { key: "k" value: COLOR_GREEN }
                to_color { key: "unknown" value: 77 } to_message { key: "k" value {\#(scalarsText)} } to_message {}
                to_itself { key: "outer" value { to_itself { key: "inner" } } }
                """#)
    }

    @Test(
        arguments: [
            (.aDouble(0), "a_double: 0"), (.aFloat(0.5), "a_float: 0.5"), (.anInt32(-1), "an_int32: -1"),
            (.anInt64(-1), "an_int64: -1"), (.aUint32(1), "a_uint32: 1"), (.aUint64(1), "a_uint64: 1"),
            (.aSint32(-1), "a_sint32: -1"), (.aSint64(-1), "a_sint64: -1"), (.aFixed32(1), "a_fixed32: 1"),
            (.aFixed64(1), "a_fixed64: 1"), (.aSfixed32(-1), "a_sfixed32: -1"),
            (.aSfixed64(-1), "a_sfixed64: -1"),
            (.aBool(false), "a_bool: false"), (.aString(""), "a_string: \"\""),
            (.aBytes([7]), "a_bytes: \"\\007\""),
            (.aColor(.unspecified), "a_color: 0"),
            (.aMessage(Scalars(anInt32: 1)), "a_message { an_int32: 1 }"),
            (.itself(Choice(value: .itself(Choice()))), "itself { itself {} }"),
        ] as [(Choice.Value, String)])
    func oneofsWithEveryKind(_ value: Choice.Value, _ text: String) throws {
        try expectRoundTrip(
            Choice(value: value, note: "n", second: .right("")), text: text + #" note: "n" right: """#)
    }

    @Test func lastMemberOfOneofWins() throws {
        let bytes = try Choice(value: .anInt32(1)).encoded() + Choice(value: .aString("last")).encoded()
        #expect(try Choice(decoding: bytes).value == .aString("last"))
    }

    @Test func recursiveMessages() throws {
        let leaf = Tree(name: "leaf")
        try expectRoundTrip(
            Tree(name: "root", left: leaf, right: Tree(left: leaf), others: [leaf, Tree()]),
            text: """
                name: "root" left { name: "leaf" } right { left { name: "leaf" } } others { name: "leaf" } others {}
                """)
        let one = Expression(kind: .literal(1))
        let pair = Expression(kind: .pair(.init(first: one, second: one, operator: .plus)))
        try expectRoundTrip(
            Statement(label: "l", value: Expression(kind: .block(Statement(value: pair)))),
            text: """
                label: "l" value { block { value { pair { first { literal: 1 } second { literal: 1 } operator: OPERATOR_PLUS } } } }
                """)
    }

    @Test func changingCopyLeavesOriginal() {
        let original = Tree(name: "a", left: Tree(name: "b"))
        var copy = original
        copy.left?.name = "c"
        copy.others.append(original)
        #expect(original.left?.name == "b" && original.others.isEmpty)
        #expect(copy.left?.name == "c" && copy.others == [original])
    }

    @Test func importedTypes() throws {
        try expectRoundTrip(
            Imports(
                at: .init(seconds: 3, nanos: 4), shelf: Shelf(books: [Book(title: "t")]),
                book: Book(binding: .paperback),
                binding: .hardcover),
            text: """
                at { seconds: 3 nanos: 4 } shelf { books { title: "t" } } book { binding: BINDING_PAPERBACK }
                binding: BINDING_HARDCOVER
                """)
    }

    @Test func unknownFieldsAndNumbersAreKept() throws {
        let bytes = try Protoc.encode("title: \"t\" binding: 9", as: Book.self) + [0x9a, 0x06, 0x01, 0x41]
        let book = try Book(decoding: bytes)
        #expect(book.binding.rawValue == 9 && book.binding.description == "9")
        #expect(!book.unknownFields.isEmpty)
        #expect(try book.encoded() == bytes)
    }

    @Test func enumsHaveNamesAndAliases() {
        #expect(Color.crimson == .red && Color.red.description == "COLOR_RED")
        #expect(Color.allCases == [.unspecified, .red, .green, .negative, .last])
        #expect(Color.last.rawValue == .max)
    }

    @Test func descriptorsKeepOptions() throws {
        let length = try #require(Annotated.descriptor.field(named: "length"))
        #expect(length.jsonName == "lengthInMetres")
        #expect(length.options.records(numbered: 50001).count == 1)
        #expect(Annotated.descriptor.field(named: "old_length")?.isDeprecated == true)
        #expect(Annotated.descriptor.options.records(numbered: 50001).count == 1)
        #expect(Annotated.descriptor.file.options.records(numbered: 50001).count == 1)
        #expect(Everything.descriptor.methods[0].idempotency == .noSideEffects)
        #expect(
            Everything.descriptor.methods.map(\.serverStreaming) == [false, false, true, true, false, false])
        #expect(
            Everything.descriptor.methods.map(\.clientStreaming) == [false, true, false, true, false, false])
        #expect(Idle.descriptor.methods.isEmpty)
    }
}
