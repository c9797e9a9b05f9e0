// SPDX-License-Identifier: Apache-2.0

import RavioliSchema
import Testing

/// What protobuf-c, left to itself, gets wrong, or what is easily got wrong around it.
struct ProtobufCFaultsTests {
    static let strings = [
        Recoding("NUL inside a singular string", .scalars, "72 03 61 00 62"),
        Recoding("NUL before a singular string", .scalars, "72 03 00 61 62"),
        Recoding("NUL in a repeated string", .lists, "52 03 61 00 62"),
        Recoding("NUL in a oneof's string", .choices, "3a 03 61 00 62"),
        Recoding("NUL in a map's key and value", .maps, "62 0a 0a 03 61 00 62 12 03 00 61 62"),
    ]

    static let zeroes = [
        Recoding("float -0.0 with implicit presence", .scalars, "5d 00 00 00 80"),
        Recoding("double -0.0 with implicit presence", .scalars, "61 00 00 00 00 00 00 00 80"),
        Recoding("float +0.0 with implicit presence is the default", .scalars, "5d 00 00 00 00", ""),
        Recoding("float +0.0 with explicit presence", .scalars, "c5 01 00 00 00 00"),
        Recoding("float -0.0 in a list", .lists, "32 04 00 00 00 80"),
        Recoding("double -0.0 in a oneof", .choices, "21 00 00 00 00 00 00 00 80"),
        Recoding("double +0.0 in a oneof", .choices, "21 00 00 00 00 00 00 00 00"),
        Recoding("double -0.0 in a map", .maps, "72 0b 0a 00 11 00 00 00 00 00 00 00 80"),
        Recoding("a NaN's payload", .scalars, "61 01 00 00 00 00 00 f8 7f"),
    ]

    static let merging = [
        Recoding(
            "a submessage twice keeps both fields", .leaf, "2a 02 08 01 2a 02 10 02", "2a 04 08 01 10 02"),
        Recoding(
            "a submessage twice, the same field: the later wins", .leaf, "2a 02 08 01 2a 02 08 02",
            "2a 02 08 02"),
        Recoding("a submessage twice, both empty", .leaf, "2a 00 2a 00", "2a 00"),
        Recoding("a oneof's message twice", .leaf, "32 02 08 01 32 02 10 02", "32 04 08 01 10 02"),
        Recoding(
            "unknown fields of both copies", .leaf, "2a 03 f8 07 01 2a 05 10 02 f8 07 03",
            "2a 08 10 02 f8 07 01 f8 07 03"),
        Recoding(
            "an explicit empty value in the later copy", .leaf, "2a 03 52 01 61 2a 02 52 00", "2a 02 52 00"),
        Recoding(
            "an explicit empty value in the earlier copy", .leaf, "2a 02 52 00 2a 02 08 01",
            "2a 04 08 01 52 00"),
    ]

    static let kept = [
        Recoding("an unknown group", .scalars, "fb 07 08 01 fc 07"),
        Recoding("an unknown group without fields", .scalars, "fb 07 fc 07"),
        Recoding("a known number with another wire type", .scalars, "0d 01 00 00 00"),
        Recoding("a string's number as varint", .scalars, "70 01"),
        Recoding("a message's number as varint", .leaf, "28 01"),
        Recoding("a number's number as group", .scalars, "0b 08 01 0c"),
        Recoding("a repeated string's number as varint", .lists, "50 01"),
        Recoding("a bool's number as length-delimited", .scalars, "6a 01 01"),
        Recoding("a bool's number as fixed32", .scalars, "6d 01 00 00 00"),
        Recoding("a bool's number as fixed64", .scalars, "69 01 00 00 00 00 00 00 00"),
        Recoding("a repeated bool's number as fixed32", .lists, "45 01 00 00 00"),
        Recoding("a singular number's number as packed", .scalars, "0a 01 01"),
    ]

    static let maps = [
        Recoding(
            "a key twice: the last pair wins", .maps, "0a 04 08 01 10 02 0a 04 08 01 10 03",
            "0a 04 08 01 10 03"),
        Recoding("an empty entry is key 0 and value 0", .maps, "0a 00", "0a 04 08 00 10 00"),
        Recoding("an entry without key", .maps, "0a 02 10 07", "0a 04 08 00 10 07"),
        Recoding("an entry without value", .maps, "0a 02 08 07", "0a 04 08 07 10 00"),
        Recoding("an entry without message value", .maps, "8a 01 03 0a 01 61", "8a 01 05 0a 01 61 12 00"),
    ]

    @Test("Right where protobuf-c is not", arguments: strings + zeroes + merging + kept + maps)
    func recodes(_ row: Recoding) throws {
        #expect(hex(try row.type.recode(hex(row.input))) == row.output)
    }

    static let varints = [
        Recoding("a negative int32 in ten bytes", .scalars, "08 ff ff ff ff ff ff ff ff ff 01"),
        Recoding("an int32 with bits above the 32nd", .scalars, "08 81 80 80 80 10", "08 01"),
        Recoding("an int32 with only bits above the 32nd is 0", .scalars, "08 80 80 80 80 10", ""),
        Recoding("an overlong int32", .scalars, "08 81 80 00", "08 01"),
        Recoding("an int64 with bits above the 64th", .scalars, "30 81 80 80 80 80 80 80 80 80 7e", "30 01"),
        Recoding("a sint32 in ten bytes", .scalars, "10 ff ff ff ff ff ff ff ff ff 01", "10 ff ff ff ff 0f"),
        Recoding("a bool above 1", .scalars, "68 02", "68 01"),
        Recoding("an overlong bool", .scalars, "68 81 00", "68 01"),
        Recoding("a bool with a high bit", .scalars, "68 80 80 80 80 80 80 80 80 80 01", "68 01"),
        Recoding(
            "a bool with only bits above the 64th is false", .scalars, "68 80 80 80 80 80 80 80 80 80 02", ""),
        Recoding("packed bools above 1 and overlong", .lists, "42 06 00 02 80 01 80 00", "42 04 00 01 01 00"),
        Recoding("a oneof's bool above 1", .choices, "30 80 01", "30 01"),
        Recoding("an enum with bits above the 32nd", .scalars, "80 01 81 80 80 80 10", "80 01 01"),
        Recoding("an open enum's unknown number", .scalars, "80 01 2a"),
        Recoding("an open enum's negative number", .scalars, "80 01 fe ff ff ff ff ff ff ff ff 01"),
        Recoding("an overlong unknown varint is kept as it is", .scalars, "f8 07 81 00"),
        Recoding("an overlong tag of a known field", .scalars, "88 00 01", "08 01"),
        Recoding("an overlong tag of an unknown field is shortened", .scalars, "f8 87 80 00 01", "f8 07 01"),
        Recoding("an overlong length", .scalars, "72 81 80 00 61", "72 01 61"),
        Recoding("the largest field number", .scalars, "f8 ff ff ff 0f 05"),
        Recoding("the last of a scalar repeated", .scalars, "08 01 08 02", "08 02"),
        Recoding("the default, sent explicitly, is not sent on", .scalars, "08 00 72 00 7a 00 80 01 00", ""),
        Recoding("defaults with explicit presence", .scalars, "a8 01 00 d0 01 00 da 01 00 e2 01 00 e8 01 00"),
    ]

    @Test("Numbers as the encoding guide has them", arguments: varints)
    func readsNumbers(_ row: Recoding) throws {
        #expect(hex(try row.type.recode(hex(row.input))) == row.output)
    }

    static let lists = [
        Recoding("packed", .lists, "0a 03 01 02 03"),
        Recoding("unpacked where packed is declared", .lists, "08 01 08 02", "0a 02 01 02"),
        Recoding("packed where unpacked is declared", .lists, "aa 01 02 01 02", "a8 01 01 a8 01 02"),
        Recoding(
            "packed and unpacked mixed, in order", .lists, "08 01 0a 02 02 03 08 04 0a 01 05",
            "0a 05 01 02 03 04 05"),
        Recoding("no element", .lists, "0a 00", ""),
        Recoding("no element between others", .lists, "08 01 0a 00 08 02", "0a 02 01 02"),
        Recoding("packed fixed32", .lists, "22 08 01 00 00 00 02 00 00 00"),
        Recoding(
            "unpacked fixed64 where packed is declared", .lists, "29 01 00 00 00 00 00 00 00",
            "2a 08 01 00 00 00 00 00 00 00"),
        Recoding(
            "packed doubles where unpacked is declared", .lists, "b2 01 08 00 00 00 00 00 00 00 80",
            "b1 01 00 00 00 00 00 00 00 80"),
        Recoding("packed sint32", .lists, "12 02 01 02"),
        Recoding("packed negative enums", .lists, "4a 0a ff ff ff ff ff ff ff ff ff 01"),
        Recoding("empty strings, bytes and messages count", .lists, "52 00 52 00 5a 00 62 00 6a 00 6a 00"),
    ]

    @Test("Lists, packed or not", arguments: lists)
    func readsLists(_ row: Recoding) throws {
        #expect(hex(try row.type.recode(hex(row.input))) == row.output)
    }

    static let choices = [
        Recoding("the last member wins", .choices, "08 01 3a 01 61", "3a 01 61"),
        Recoding("a default value is set", .choices, "08 00"),
        Recoding("a number after bytes", .choices, "42 03 61 62 63 10 02", "10 02"),
        Recoding("bytes after a message", .choices, "52 02 08 01 42 00", "42 00"),
        Recoding("a message after a number", .choices, "21 01 02 03 04 05 06 07 08 5a 00", "5a 00"),
        Recoding(
            "a message, a sibling and the message again: not merged", .choices,
            "52 02 08 01 08 05 52 02 10 02", "52 02 10 02"),
        Recoding(
            "two message members in turn", .leaf, "32 02 08 01 3a 02 08 02 32 02 10 03 3a 02 10 04",
            "3a 02 10 04"),
        Recoding(
            "a member of another wire type is no member", .choices, "52 02 08 01 0d 01 00 00 00 52 02 10 02",
            "52 04 08 01 10 02 0d 01 00 00 00"),
    ]

    @Test("Oneofs", arguments: choices)
    func readsOneofs(_ row: Recoding) throws {
        #expect(hex(try row.type.recode(hex(row.input))) == row.output)
    }
}
