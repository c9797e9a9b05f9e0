// SPDX-License-Identifier: Apache-2.0

@testable import RavioliSchema
import BlockingTests
import Testing

@Suite(.blocking) struct MergeTests {
    static let rows = [
        Recoding(
            "three copies", .leaf, "2a 02 08 01 2a 02 10 02 2a 03 1a 01 61", "2a 07 08 01 10 02 1a 01 61"),
        Recoding("two levels deep", .leaf, "2a 04 2a 02 08 01 2a 04 2a 02 10 02", "2a 06 2a 04 08 01 10 02"),
        Recoding(
            "only the inner one twice", .leaf, "2a 08 2a 02 08 01 2a 02 10 02", "2a 06 2a 04 08 01 10 02"),
        Recoding(
            "twice at both levels", .leaf, "2a 08 2a 02 08 01 2a 02 10 02 2a 05 2a 03 1a 01 61",
            "2a 09 2a 07 08 01 10 02 1a 01 61"),
        Recoding(
            "lists are joined", .leaf, "2a 03 22 01 01 2a 02 20 02 2a 03 22 01 03", "2a 05 22 03 01 02 03"),
        Recoding(
            "repeated messages are joined, not merged", .leaf, "2a 04 5a 02 08 01 2a 04 5a 02 10 02",
            "2a 08 5a 02 08 01 5a 02 10 02"),
        Recoding(
            "maps are joined, the last of equal keys wins", .leaf,
            "2a 08 62 06 0a 00 12 02 08 01 2a 08 62 06 0a 00 12 02 10 02", "2a 08 62 06 0a 00 12 02 10 02"),
        Recoding(
            "other fields in between", .leaf, "2a 02 08 01 08 07 5a 00 2a 02 10 02",
            "08 07 2a 04 08 01 10 02 5a 00"),
        Recoding("an empty copy first", .leaf, "2a 00 2a 02 08 01", "2a 02 08 01"),
        Recoding("an empty copy last", .leaf, "2a 02 08 01 2a 00", "2a 02 08 01"),
        Recoding(
            "a oneof inside, set in both: the last member wins", .leaf, "2a 02 40 01 2a 03 4a 01 61",
            "2a 03 4a 01 61"),
        Recoding(
            "a oneof inside, the same message in both", .leaf, "2a 04 32 02 08 01 2a 04 32 02 10 02",
            "2a 06 32 04 08 01 10 02"),
        Recoding(
            "a oneof inside, a sibling in between", .leaf, "2a 04 32 02 08 01 2a 02 40 05 2a 04 32 02 10 02",
            "2a 04 32 02 10 02"),
        Recoding(
            "a oneof's message, a number, the message twice", .leaf,
            "32 02 08 01 40 05 32 02 10 02 32 03 1a 01 61", "32 05 10 02 1a 01 61"),
        Recoding(
            "a oneof's message beside another oneof's field", .leaf, "32 02 08 01 2a 02 08 01 32 02 10 02",
            "2a 02 08 01 32 04 08 01 10 02"),
        Recoding(
            "a map value's message twice in one entry", .leaf, "62 0a 0a 00 12 02 08 01 12 02 10 02",
            "62 08 0a 00 12 04 08 01 10 02"),
        Recoding("a key after the value", .leaf, "62 07 12 02 08 01 0a 01 61", "62 07 0a 01 61 12 02 08 01"),
        Recoding(
            "groups and mismatches in both copies", .leaf, "2a 04 fb 07 fc 07 2a 07 0d 01 00 00 00 08 01",
            "2a 0b 08 01 fb 07 fc 07 0d 01 00 00 00"),
        Recoding(
            "a field beyond the 64th bit", .crowd, "92 04 02 08 01 92 04 02 10 02", "92 04 04 08 01 10 02"),
        Recoding(
            "two fields that share a bit", .crowd, "0a 02 08 01 8a 04 02 10 02", "0a 02 08 01 8a 04 02 10 02"),
        Recoding(
            "a oneof's siblings that share bits", .crowd, "e2 12 02 08 01 f0 12 05 e2 12 02 10 02",
            "e2 12 02 10 02"),
        Recoding("proto2", .legacy, "92 01 02 08 01 92 01 03 12 01 61", "92 01 05 08 01 12 01 61"),
    ]

    @Test("Copies of a singular message are one", arguments: rows)
    func merges(_ row: Recoding) throws {
        #expect(hex(try row.type.recode(hex(row.input))) == row.output)
    }

    @Test func mergingIsConcatenating() throws {
        // The specification's own definition, for random messages: parse(a + b) = merge(parse(a), parse(b)).
        var dice = Dice(seed: 7)
        for _ in 0..<300 {
            let one = Samples.leaf(&dice, depth: 3)
            let two = Samples.leaf(&dice, depth: 3)
            let copies = field(5, try one.encoded()) + field(5, try two.encoded())
            let joined = field(5, try one.encoded() + two.encoded())
            #expect(try Leaf(decoding: copies) == Leaf(decoding: joined))
        }
    }

    @Test(.timeLimit(.minutes(5))) func takesAMillionCopiesInLinearTime() throws {
        let copies =
            Array(repeatElement(field(5, field(1, 3)), count: 999_999).joined()) + field(5, field(2, 4))
        let leaf = try Leaf(decoding: copies)
        #expect(leaf == Leaf(leaf: Leaf(a: 3, b: 4)))
    }

    @Test(.timeLimit(.minutes(5))) func takesAMillionEmptyCopies() throws {
        let leaf = try Leaf(
            decoding: Array(repeatElement([0x2a, 0x00] as [UInt8], count: 1_000_000).joined()))
        #expect(leaf == Leaf(leaf: Leaf()))
    }

    @Test(.timeLimit(.minutes(5))) func takesManyTurnsBetweenSiblings() throws {
        let turn = field(6, []) + field(7, [])
        let leaf = try Leaf(decoding: Array(repeatElement(turn, count: 100_000).joined()))
        #expect(leaf == Leaf(choice: .right(Leaf())))
    }

    @Test func countsCopiesOnceInTheBudget() throws {
        let copies = field(5, []) + field(5, []) + field(5, [])
        var limits = SchemaLimits()
        limits.decodedBytesMax = 2 * Leaf.descriptor.structSize + 3 * 32
        #expect(try Leaf(decoding: copies, limits: limits) == Leaf(leaf: Leaf()))
        limits.decodedBytesMax -= 1
        #expect(throws: SchemaError.self) { try Leaf(decoding: copies, limits: limits) }
    }
}
