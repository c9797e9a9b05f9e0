// SPDX-License-Identifier: Apache-2.0

import RavioliSchema
import Testing

struct RequiredTests {
    static let whole = "08 01 38 01"

    static let missing = [
        Refusal("the field itself", .strict, "38 01", "", path: "id", at: nil),
        Refusal("a second field", .strict, "08 01", "", path: "level", at: nil),
        Refusal("in a child", .strict, whole + "12 02 08 01", "", path: "child.level", at: nil),
        Refusal("in an empty child", .strict, whole + "12 00", "", path: "child.id", at: nil),
        Refusal("in a list", .strict, whole + "1a 04 08 01 38 01 1a 00", "", path: "list.id", at: nil),
        Refusal(
            "in a map's value", .strict, whole + "22 06 08 05 12 02 08 01", "", path: "map.value.level",
            at: nil),
        Refusal(
            "in a map's entry without value", .strict, whole + "22 02 08 05", "", path: "map.value.id",
            at: nil),
        Refusal("in a oneof", .strict, whole + "2a 02 38 01", "", path: "chosen.id", at: nil),
        Refusal(
            "two levels deep", .strict, whole + "12 06" + whole + "12 00", "", path: "child.child.id", at: nil
        ),
        Refusal(
            "below a message without required fields", .holder, "0a 02 08 01", "", path: "strict.level",
            at: nil),
        Refusal("a closed enum's unknown number", .strict, "08 01 38 63", "", path: "level", at: nil),
        Refusal("another wire type", .strict, "0d 01 00 00 00 38 01", "", path: "id", at: nil),
    ]

    @Test("A required value that is missing is named", arguments: missing)
    func refuses(_ row: Refusal) {
        let error = #expect(throws: SchemaError.self) { try row.type.recode(hex(row.input)) }
        #expect(error == SchemaError(.invalidData, "a required value is missing", path: row.path))
    }

    static let complete = [
        Recoding("present", .strict, whole),
        Recoding("present with default values", .strict, "08 00 38 01"),
        Recoding("a oneof's other member", .strict, "08 01 30 05 38 01"),
        Recoding(
            "a oneof's broken member, then another", .strict, "2a 00 30 05 08 01 38 01", "08 01 30 05 38 01"),
        Recoding("two halves of a message, merged", .holder, "0a 02 08 01 0a 02 38 01", "0a 04 08 01 38 01"),
        Recoding("none needed", .holder, ""),
    ]

    @Test("Nothing is missing", arguments: complete)
    func accepts(_ row: Recoding) throws {
        #expect(try row.type.recode(hex(row.input)) == hex(row.output))
    }

    @Test func refusesToEncodeWithout() {
        let message = Strict(id: 1, list: [Strict(id: 2, level: .low), Strict(level: .low)], level: .low)
        let error = #expect(throws: SchemaError.self) { try message.encoded() }
        #expect(error == SchemaError(.invalidValue, "a required value is missing", path: "list.id"))
    }

    @Test func defaultsAreNotPresence() throws {
        let legacy = try Legacy(decoding: [])
        #expect(legacy.number == nil && legacy.numberOrDefault == 41)
        #expect(legacy.textOrDefault == "text" && legacy.flagOrDefault && legacy.levelOrDefault == .high)
        #expect(legacy.wideOrDefault == -.infinity)
        #expect(hex(try Legacy(number: 41).encoded()) == "08 29")
        #expect(try Legacy(decoding: [0x08, 0x00]).numberOrDefault == 0)
    }

    @Test func checksManyMessagesWithoutBuildingPaths() throws {
        let element = field(3, hex(Self.whole))
        let message = hex(Self.whole) + Array(repeatElement(element, count: 100_000).joined())
        #expect(try Strict(decoding: message).list.count == 100_000)
    }
}
