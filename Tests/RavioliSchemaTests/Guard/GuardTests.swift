// SPDX-License-Identifier: Apache-2.0

@testable import RavioliSchema
import Testing

/// What the guard refuses, with the reason, the field and the place.
struct GuardTests {
    static let malformed = [
        Refusal("field number 0", .scalars, "08 01 00 01", "field number 0", at: 2),
        Refusal("field number 0, length-delimited", .scalars, "02 00", "field number 0", at: 0),
        Refusal(
            "field number 0 in two bytes", .scalars, "80 00 01", "field number 0 is not in 1 … 2^29 - 1",
            at: 2),
        Refusal(
            "field number 0 in five bytes", .scalars, "82 80 80 80 00 00",
            "field number 0 is not in 1 … 2^29 - 1", at: 5),
        Refusal(
            "field number 2^29", .scalars, "80 80 80 80 10 00",
            "field number 536870912 is not in 1 … 2^29 - 1", at: 5),
        Refusal("a tag of six bytes", .scalars, "88 80 80 80 80 00 01", "varint longer than 5 bytes", at: 5),
        Refusal("a truncated tag", .scalars, "80", "truncated varint", at: 1),
        Refusal("wire type 6", .scalars, "0e 01", "wire type 6 does not exist", at: 1),
        Refusal("wire type 7", .scalars, "0f 01", "wire type 7 does not exist", at: 1),
        Refusal("wire type 6 of an unknown field", .scalars, "fe 07 01", "wire type 6 does not exist", at: 2),
        Refusal(
            "a varint of eleven bytes", .scalars, "08 80 80 80 80 80 80 80 80 80 80 01",
            "varint longer than 10 bytes", path: "i32", at: 1),
        Refusal(
            "a varint of ten bytes that goes on, at the end", .scalars, "08 80 80 80 80 80 80 80 80 80 80",
            "varint longer than 10 bytes", path: "i32", at: 1),
        Refusal("a truncated varint", .scalars, "08 80", "truncated varint", path: "i32", at: 1),
        Refusal("a missing varint", .scalars, "08", "truncated varint", path: "i32", at: 1),
        Refusal("a truncated fixed32", .scalars, "25 01 02 03", "truncated value", path: "f32", at: 1),
        Refusal(
            "a truncated fixed64", .scalars, "49 01 02 03 04 05 06 07", "truncated value", path: "f64", at: 1),
        Refusal(
            "a length past the end", .scalars, "72 02 61", "a length of 2 bytes, where 1 are left,",
            path: "text", at: 2),
        Refusal(
            "a length of 4 GiB", .scalars, "72 ff ff ff ff 0f 61",
            "a length of 4294967295 bytes, where 1 are left,", path: "text", at: 6),
        Refusal(
            "a length of 4 GiB, unknown field", .scalars, "fa 07 ff ff ff ff 0f",
            "a length of 4294967295 bytes, where 0 are left,", at: 7),
        Refusal(
            "a length of six bytes", .scalars, "72 80 80 80 80 80 00", "varint longer than 5 bytes",
            path: "text", at: 6),
        Refusal("a missing length", .scalars, "72", "truncated varint", path: "text", at: 1),
        Refusal(
            "a length past the end of the message around", .leaf, "2a 03 1a 05 61 62 63 64 65",
            "a length of 5 bytes, where 1 are left,", path: "leaf.s", at: 4),
        Refusal(
            "a varint past the end of the message around", .leaf, "2a 02 08 80 01", "truncated varint",
            path: "leaf.a", at: 3),
        Refusal(
            "packed fixed32 of 3 bytes", .lists, "22 03 01 02 03", "packed values end within a value",
            path: "f32", at: 2),
        Refusal(
            "packed fixed64 of 4 bytes", .lists, "2a 04 01 02 03 04", "packed values end within a value",
            path: "sf64", at: 2),
        Refusal(
            "a packed varint past the end of the record", .lists, "0a 02 01 80 01", "truncated varint",
            path: "i32", at: 4),
        Refusal(
            "a packed varint of eleven bytes", .lists, "0a 0b 80 80 80 80 80 80 80 80 80 80 01",
            "varint longer than 10 bytes", path: "i32", at: 12),
        Refusal("a stray end of a group", .scalars, "0c", "a group ends that has not begun", at: 1),
        Refusal("a group without end", .scalars, "fb 07 08 01", "a group does not end", at: 4),
        Refusal(
            "a group that ends with another number", .scalars, "fb 07 08 01 0c",
            "a group ends with another number than it began with", at: 5),
        Refusal(
            "a group that the message around cuts off", .leaf, "2a 03 fb 07 08 01 fc 07", "truncated varint",
            path: "leaf", at: 5),
        Refusal("field number 0 in a group", .scalars, "fb 07 00 01 fc 07", "field number 0", at: 2),
        Refusal("wire type 7 in a group", .scalars, "fb 07 0f fc 07", "wire type 7 does not exist", at: 3),
        Refusal(
            "an error two messages deep", .leaf, "2a 04 5a 02 08 80", "truncated varint",
            path: "leaf.leaves.a", at: 5),
        Refusal(
            "an error in a map's value", .leaf, "62 05 0a 00 12 01 08", "truncated varint",
            path: "map.value.a", at: 7),
    ]

    static let text = [
        Refusal("a singular string", .scalars, "72 03 61 ff 62", "invalid UTF-8", path: "text", at: 3),
        Refusal("an optional string", .scalars, "da 01 01 80", "invalid UTF-8", path: "opt_text", at: 3),
        Refusal("a repeated string", .lists, "52 01 61 52 01 ff", "invalid UTF-8", path: "text", at: 5),
        Refusal("a oneof's string", .choices, "3a 01 ff", "invalid UTF-8", path: "text", at: 2),
        Refusal("a map's key", .maps, "62 05 0a 01 ff 12 00", "invalid UTF-8", path: "text.key", at: 4),
        Refusal(
            "a map's value", .maps, "62 06 0a 01 6b 12 01 ff", "invalid UTF-8", path: "text.value", at: 7),
        Refusal(
            "a string in a submessage", .leaf, "2a 05 5a 03 1a 01 c3", "invalid UTF-8", path: "leaf.leaves.s",
            at: 6),
        Refusal(
            "a proto2 string, since Swift's strings are Unicode", .legacy, "12 01 ff", "invalid UTF-8",
            path: "text", at: 2),
        Refusal("an overlong slash", .scalars, "72 02 c0 af", "invalid UTF-8", path: "text", at: 2),
        Refusal(
            "an overlong NUL of three bytes", .scalars, "72 03 e0 80 80", "invalid UTF-8", path: "text", at: 2
        ),
        Refusal(
            "an overlong form of four bytes", .scalars, "72 04 f0 8f bf bf", "invalid UTF-8", path: "text",
            at: 2),
        Refusal("a surrogate", .scalars, "72 03 ed a0 80", "invalid UTF-8", path: "text", at: 2),
        Refusal("above U+10FFFF", .scalars, "72 04 f4 90 80 80", "invalid UTF-8", path: "text", at: 2),
        Refusal(
            "a first byte that does not exist", .scalars, "72 05 f8 88 80 80 80", "invalid UTF-8",
            path: "text", at: 2),
        Refusal(
            "a truncated character after eight ASCII ones", .scalars, "72 0a 61 62 63 64 65 66 67 68 e2 82",
            "invalid UTF-8", path: "text", at: 10),
        Refusal(
            "a lone continuation after a whole character", .scalars, "72 03 c3 a9 80", "invalid UTF-8",
            path: "text", at: 4),
    ]

    @Test("Refused with reason, field and place", arguments: malformed + text)
    func refuses(_ row: Refusal) {
        let error = #expect(throws: SchemaError.self) { try row.type.recode(hex(row.input)) }
        #expect(error == SchemaError(.invalidData, row.message, path: row.path, offset: row.offset))
    }

    static let validText = [
        "", "a", "\0", "é", "€", "😀", "\u{7ff}\u{800}\u{ffff}\u{10000}\u{10ffff}", "12345678é",
        "\u{d7ff}\u{e000}",
    ]

    @Test("Valid UTF-8 passes", arguments: validText)
    func acceptsText(_ text: String) throws {
        let scalars = try Scalars(decoding: field(14, Array(text.utf8)))
        #expect(Array(scalars.text.utf8) == Array(text.utf8))
    }

    @Test func agreesWithSwiftOnEveryPairOfLeadingBytes() {
        for first in UInt8.min...UInt8.max {
            for second in UInt8.min...UInt8.max {
                for tail in [[], [0x80], [0xbf, 0x80]] as [[UInt8]] {
                    let bytes = [0x61, first, second] + tail
                    let isValid = bytes.withUnsafeBufferPointer { UTF8Check.firstInvalid(in: $0) } == nil
                    #expect(isValid == (String(validating: bytes, as: UTF8.self) != nil), "\(hex(bytes))")
                }
            }
        }
    }

    // MARK: Budgets

    @Test func countsElementsExactly() throws {
        var limits = SchemaLimits()
        limits.elementsMax = 5
        // Two records, three packed elements.
        #expect(try Sample.lists.recode(hex("0a 03 01 02 03 52 01 61"), limits: limits).count == 8)
        let error = #expect(throws: SchemaError.self) {
            try Sample.lists.recode(hex("0a 04 01 02 03 04 52 01 61"), limits: limits)
        }
        #expect(error == SchemaError(.limitExceeded, "more than 5 elements", path: "text", offset: 9))
    }

    @Test func countsUnknownFieldsAndThoseInGroups() throws {
        let group = hex("fb 07 08 01 08 01 08 01 fc 07")
        var limits = SchemaLimits()
        limits.elementsMax = 5
        #expect(try Sample.scalars.recode(group, limits: limits) == group)
        limits.elementsMax = 4
        #expect(throws: SchemaError.self) { try Sample.scalars.recode(group, limits: limits) }
    }

    @Test func countsDecodedBytesExactly() throws {
        // The struct of a Leaf, one note of an occurrence, and the characters.
        let message = field(3, [UInt8](repeating: 0x61, count: 100))
        var limits = SchemaLimits()
        limits.decodedBytesMax = Leaf.descriptor.structSize + 32 + 100
        #expect(try Leaf(decoding: message, limits: limits).s.count == 100)
        limits.decodedBytesMax -= 1
        let error = #expect(throws: SchemaError.self) { try Leaf(decoding: message, limits: limits) }
        #expect(error?.code == .limitExceeded)
        #expect(error?.path == "s")
    }

    @Test func namesTheMessageThatIsTooMuch() throws {
        var limits = SchemaLimits()
        limits.elementsMax = 2
        let error = #expect(throws: SchemaError.self) {
            try Leaf(decoding: nested(5, depth: 5, around: field(1, 1)), limits: limits)
        }
        #expect(
            error == SchemaError(.limitExceeded, "more than 2 elements", path: "leaf.leaf.leaf", offset: 6))
        limits = SchemaLimits()
        limits.decodedBytesMax = 3 * Leaf.descriptor.structSize
        #expect(
            throws: SchemaError(
                .limitExceeded, "decoding needs more than 480 bytes", path: "leaf.leaf", offset: 4)
        ) {
            try Leaf(decoding: nested(5, depth: 5, around: field(1, 1)), limits: limits)
        }
        #expect(
            throws: SchemaError(
                .limitExceeded, "decoding needs more than 480 bytes", path: "leaf.leaf", offset: 4)
        ) {
            try Leaf(decoding: nested(5, depth: 2), limits: limits)
        }
    }

    @Test func neverPassesWhatTheArenaRefuses() throws {
        // The worst for the arena: many small records, whose notes double; short strings, which are aligned.
        let shapes = [field(21, 1), field(14, [0x61]), field(14, []), field(900, 1), field(16, 0)]
        for shape in shapes {
            var limits = SchemaLimits()
            limits.decodedBytesMax = 4 << 20
            for count in [1_000, 60_000, 70_000, 100_000, 131_000] {
                let message = Array(repeatElement(shape, count: count).joined())
                do {
                    _ = try Scalars(decoding: message, limits: limits)
                } catch {
                    #expect(error.message == "decoding needs more than \(limits.decodedBytesMax) bytes")
                }
            }
        }
    }

    @Test func clampsTheDepthThatIsConfigured() {
        #expect(SchemaLimits(depthMax: 1_000).depthMax == 100)
        #expect(SchemaLimits(depthMax: 0).depthMax == 1)
        var limits = SchemaLimits()
        limits.depthMax = 5_000
        #expect(limits.depthMax == 100)
    }

    @Test func takesTheLargestLimitsThereAre() throws {
        let limits = SchemaLimits(elementsMax: .max, decodedBytesMax: .max)
        let message = field(14, [UInt8](repeating: 0x61, count: 100_000))
        #expect(try Sample.scalars.recode(message, limits: limits) == message)
    }
}
