// SPDX-License-Identifier: Apache-2.0

import RavioliSchema
import Testing

/// Inputs on which this codec once disagreed with the reference implementation (upb, as in Python's protobuf 7.36), or
/// still does on purpose. Found by comparing verdicts and re-encodings of some 400,000 random and mutated messages.
struct ReferenceTests {
    static let corrected = [
        Recoding(
            "a bool whose bits all lie above the 64th", .scalars, "68 80 80 80 80 80 80 80 80 80 4c", ""),
        Recoding("such a bool in a packed list", .lists, "42 0a 80 80 80 80 80 80 80 80 80 0c", "42 01 00"),
        Recoding("a closed enum's unknown number beside its oneof sibling", .legacy, "52 02 40 01 58 c3 01"),
        Recoding("the same, deeper", .holder, "12 07 52 02 40 01 58 c3 01"),
        Recoding(
            "a map entry with a closed enum's unknown number", .legacy,
            "3a 0b 0a 03 65 cc 81 10 a5 92 e4 f9 02 3a 00",
            "3a 04 0a 00 10 00 3a 0b 0a 03 65 cc 81 10 a5 92 e4 f9 02"),
        Recoding(
            "an oneof's group, then its sibling", .legacy, "6b 08 80 01 6c 62 03 61 62 63", "62 03 61 62 63"),
    ]

    @Test("Corrected", arguments: corrected)
    func agrees(_ row: Recoding) throws {
        #expect(hex(try row.type.recode(hex(row.input))) == row.output)
    }

    /// - The reference keeps the bytes of an unknown tag, ours is in its shortest form; the value is kept as it is.
    /// - The reference moves an entry with a field that is neither key nor value out of its map, whole, into the unknown
    ///   fields; ours drops that field and keeps the entry, as C++ and Java do.
    /// - Of two values of a closed enum in one entry the last one counts, as for any singular field; the reference lets
    ///   the unknown one win.
    static let different = [
        Recoding("an overlong unknown tag", .choices, "c5 be 00 01 02 03 04", "c5 3e 01 02 03 04"),
        Recoding(
            "a map entry with an unknown field", .maps, "0a 07 08 01 c0 3e 05 10 02", "0a 04 08 01 10 02"),
        Recoding(
            "a map entry with two values, one unknown", .legacy, "3a 04 10 01 10 02", "3a 04 0a 00 10 02"),
    ]

    @Test("Different on purpose", arguments: different)
    func differs(_ row: Recoding) throws {
        #expect(hex(try row.type.recode(hex(row.input))) == row.output)
    }

    /// - The reference does not look for field number 0 inside unknown groups and lets it pass in submessages; the
    ///   specification has no such number.
    /// - proto2 strings need not be UTF-8 for the reference; Swift's strings are.
    /// - Required fields are checked in every entry of a map, even in one that a later entry with its key replaces.
    static let stricter = [
        Refusal(
            "field number 0 inside an unknown group", .scalars, "83 7d 00 00 84 7d", "field number 0", at: 2),
        Refusal(
            "field number 0 in a submessage", .choices, "5a 02 00 00", "field number 0", path: "empty", at: 2),
        Refusal(
            "a proto2 string that is no UTF-8", .legacy, "62 02 c3 37", "invalid UTF-8", path: "choice_text",
            at: 2),
        Refusal(
            "an incomplete map value that is replaced", .strict, "08 01 38 01 22 00 22 06 12 04 08 01 38 01",
            "a required value is missing", path: "map.value.id", at: nil),
    ]

    @Test("Stricter on purpose", arguments: stricter)
    func refuses(_ row: Refusal) {
        let error = #expect(throws: SchemaError.self) { try row.type.recode(hex(row.input)) }
        #expect(error == SchemaError(.invalidData, row.message, path: row.path, offset: row.offset))
    }
}
