// SPDX-License-Identifier: Apache-2.0

import BlockingTests
import RavioliSchema
import Testing

/// Random and mutated messages over guard, normaliser, protobuf-c, readers and writers. See the README for how to run
/// them longer and how to repeat a run.
@Suite(.blocking) struct FuzzTests {
    /// Whatever the bytes are, they are refused or they are a message; and what a message is encoded to is that message.
    private func check(_ bytes: [UInt8], as type: Sample) throws {
        let first: [UInt8]
        do throws(SchemaError) {
            first = try type.recode(bytes)
        } catch {
            guard error.code == .invalidData || error.code == .limitExceeded else { throw error }
            return
        }
        #expect(try type.recode(first) == first, "\(type) \(hex(bytes))")
    }

    @Test func mutatedMessagesAreRefusedOrDecode() throws {
        let plan = FuzzPlan(share: 0.5)
        var dice = Dice(seed: plan.seed)
        while !plan.isOver {
            let type = Sample.allCases.randomElement(using: &dice) ?? .leaf
            var bytes = try Samples.bytes(of: type, &dice)
            // Two messages in a row are one, merged.
            if dice.chance(3) { bytes += try Samples.bytes(of: type, &dice) }
            for _ in 0..<5 {
                try check(bytes, as: type)
                bytes.mutate(&dice)
            }
        }
    }

    @Test func randomRecordsAreRefusedOrDecode() throws {
        let plan = FuzzPlan(share: 0.5)
        var dice = Dice(seed: plan.seed)
        while !plan.isOver {
            let type = Sample.allCases.randomElement(using: &dice) ?? .leaf
            try check(records(&dice, depth: 3), as: type)
        }
    }

    /// Well-formed fields with small numbers and any wire types, so that most hit a field of the schema.
    private func records(_ dice: inout Dice, depth: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        for _ in 0..<Int.random(in: 0...6, using: &dice) {
            let number = dice.chance(8) ? dice.next() % 400 + 1 : dice.next() % 30 + 1
            switch dice.next() % 8 {
            case 0, 1: bytes += field(number, Samples.numbers(&dice))
            case 2: bytes += varint(number << 3 | 1) + (0..<8).map { _ in dice.byte() }
            case 3: bytes += varint(number << 3 | 5) + (0..<4).map { _ in dice.byte() }
            case 4:
                bytes +=
                    varint(number << 3 | 3) + (depth > 0 ? records(&dice, depth: depth - 1) : [])
                    + varint(number << 3 | 4)
            case 5: bytes += field(number, Samples.blob(&dice))
            case 6: bytes += field(number, Array(Samples.text(&dice).utf8))
            default: bytes += field(number, depth > 0 ? records(&dice, depth: depth - 1) : [])
            }
        }
        return bytes
    }

    @Test func randomBytesAreRefusedOrDecode() throws {
        let plan = FuzzPlan(share: 0.25)
        var dice = Dice(seed: plan.seed)
        while !plan.isOver {
            let bytes = (0..<Int.random(in: 0...64, using: &dice)).map { _ in dice.byte() }
            for type in Sample.allCases { try check(bytes, as: type) }
        }
    }

    @Test func tightBudgetsRefuseWithoutHarm() throws {
        let plan = FuzzPlan(share: 0.25)
        var dice = Dice(seed: plan.seed)
        while !plan.isOver {
            let type = Sample.allCases.randomElement(using: &dice) ?? .leaf
            let bytes = try Samples.bytes(of: type, &dice)
            let limits = SchemaLimits(
                depthMax: Int.random(in: 1...5, using: &dice),
                elementsMax: Int.random(in: 0...60, using: &dice),
                decodedBytesMax: Int.random(in: 0...9_000, using: &dice))
            do throws(SchemaError) {
                _ = try type.recode(bytes, limits: limits)
            } catch {
                #expect(error.code == .limitExceeded)
            }
        }
    }
}
