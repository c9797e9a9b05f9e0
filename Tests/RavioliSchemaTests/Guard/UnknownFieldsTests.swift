// SPDX-License-Identifier: Apache-2.0

import RavioliSchema
import Testing

struct UnknownFieldsTests {
    static let kept = [
        Recoding(
            "each wire type", .leaf,
            "f8 07 01 f9 07 01 02 03 04 05 06 07 08 fa 07 02 61 62 fb 07 08 01 fc 07 fd 07 01 02 03 04"),
        Recoding(
            "order of arrival, groups and mismatches among them", .leaf,
            "f8 07 01 fb 07 fc 07 0d 01 00 00 00 f8 07 02"),
        Recoding(
            "behind the known fields", .leaf, "f8 07 01 08 05 fa 07 00 10 06", "08 05 10 06 f8 07 01 fa 07 00"
        ),
        Recoding("in a submessage", .leaf, "2a 06 08 01 fb 07 fc 07"),
        Recoding("in a map's value", .maps, "8a 01 09 0a 00 12 05 08 01 f8 07 02"),
        Recoding("in a repeated message", .lists, "62 03 f8 07 01 62 03 f8 07 02"),
        Recoding("groups in groups", .leaf, "fb 07 0b 13 08 01 14 0c fc 07"),
        Recoding("an empty group of a known number", .leaf, "2b 2c"),
        Recoding("in an empty message type", .choices, "5a 03 f8 07 01"),
    ]

    static let groups = [
        Recoding("a singular group", .legacy, "73 08 01 74"),
        Recoding("a repeated group", .legacy, "83 01 08 01 84 01 83 01 08 02 84 01"),
        Recoding("a group's number as length-delimited", .legacy, "72 02 08 01"),
        Recoding("a oneof's group after a sibling", .legacy, "62 01 78 6b 08 01 6c", "6b 08 01 6c"),
        Recoding("a oneof's group before a sibling", .legacy, "6b 08 01 6c 62 01 78", "62 01 78"),
        Recoding(
            "a oneof's group before, between and after siblings", .legacy,
            "6b 08 01 6c 58 02 6b 08 02 6c 6b 08 03 6c", "6b 08 02 6c 6b 08 03 6c"),
        Recoding("an extension", .legacy, "a0 06 05 aa 06 02 08 01"),
    ]

    static let closedEnums = [
        Recoding("singular, known", .legacy, "20 02"),
        Recoding("singular, negative", .legacy, "20 fb ff ff ff ff ff ff ff ff 01"),
        Recoding("singular, unknown", .legacy, "20 63"),
        Recoding("singular, unknown after known: the known one stays", .legacy, "20 02 20 63"),
        Recoding("singular, with bits above the 32nd", .legacy, "20 82 80 80 80 10", "20 02"),
        Recoding("repeated", .legacy, "28 01 28 63 28 02", "28 01 28 02 28 63"),
        Recoding("repeated, arriving packed", .legacy, "2a 03 01 63 02", "28 01 28 02 28 63"),
        Recoding("packed", .legacy, "32 03 01 63 02", "32 02 01 02 30 63"),
        Recoding("packed, all unknown", .legacy, "32 02 63 64", "30 63 30 64"),
        Recoding("packed, arriving unpacked", .legacy, "30 01 30 63", "32 01 01 30 63"),
        Recoding("a map's value: the whole entry is unknown", .legacy, "3a 05 0a 01 61 10 63"),
        Recoding("a map's value without key", .legacy, "3a 02 10 63"),
        Recoding(
            "a map's value, unknown and then known", .legacy, "3a 07 0a 01 61 10 63 10 02",
            "3a 05 0a 01 61 10 02"),
        Recoding("a map's value, known and then unknown", .legacy, "3a 07 0a 01 61 10 02 10 63"),
        Recoding("a oneof's member does not unset its sibling", .legacy, "52 02 08 01 58 63"),
        Recoding(
            "a oneof's member between two copies of a message", .legacy, "52 02 08 01 58 63 52 02 18 01",
            "52 04 08 01 18 01 58 63"),
        Recoding("a oneof's member, known, unsets its sibling", .legacy, "52 02 08 01 58 02", "58 02"),
    ]

    @Test("Kept byte for byte and in order", arguments: kept)
    func keeps(_ row: Recoding) throws {
        #expect(hex(try row.type.recode(hex(row.input))) == row.output)
    }

    @Test("Groups travel as unknown fields", arguments: groups)
    func keepsGroups(_ row: Recoding) throws {
        #expect(hex(try row.type.recode(hex(row.input))) == row.output)
    }

    @Test("Closed enums keep unknown numbers aside", arguments: closedEnums)
    func keepsNumbers(_ row: Recoding) throws {
        #expect(hex(try row.type.recode(hex(row.input))) == row.output)
    }

    @Test func readsExtensionsByNumber() throws {
        let legacy = try Legacy(decoding: hex("a0 06 05 a0 06 07 aa 06 02 08 01"))
        #expect(legacy.unknownFields.records(numbered: 100).map(\.value) == [.varint(5), .varint(7)])
        #expect(legacy.unknownFields.records(numbered: 101).map(\.value) == [.bytes([8, 1])])
        #expect(legacy.unknownFields.records(numbered: 102).isEmpty)
    }

    @Test func readsGroupsByNumber() throws {
        let legacy = try Legacy(decoding: hex("73 08 01 74"))
        #expect(legacy.unknownFields.records.map(\.number) == [14])
        #expect(legacy.unknownFields.records.map(\.value) == [.group([8, 1])])
    }

    @Test func dropsWhatIsUnknownInAMapEntry() throws {
        // As C++ and Java do: an entry is a key and a value, there is no place for more.
        #expect(hex(try Sample.maps.recode(hex("0a 07 08 01 10 02 f8 07 05"))) == "0a 04 08 01 10 02")
        #expect(hex(try Sample.maps.recode(hex("0a 06 08 01 0b 0c 10 02"))) == "0a 04 08 01 10 02")
    }

    @Test func takesEncodedFieldsFromTheApplication() throws {
        var leaf = Leaf(a: 5)
        leaf.unknownFields = try UnknownFields(encoded: hex("fb 07 08 01 fc 07 f8 07 01"))
        #expect(hex(try leaf.encoded()) == "08 05 fb 07 08 01 fc 07 f8 07 01")
    }

    static let illFormed = [
        "08", "00 01", "0b", "0c", "0e 00", "88 80 80 80 80 00 01", "0a ff ff ff ff 7f", "80 80 80 80 10 00",
    ]

    @Test("Ill-formed fields are refused", arguments: illFormed)
    func refusesIllFormedFields(_ bytes: String) {
        #expect(throws: SchemaError.self) { try UnknownFields(encoded: hex(bytes)) }
    }
}
