// SPDX-License-Identifier: Apache-2.0

import RavioliSchema

/// Random messages.
enum Samples {
    private static let texts = ["", "a", "\0", "k", "é", "😀", "abcdefghijklmnopqrstuvwxyz"]
    private static let numbers: [Int64] = [0, 1, -1, 127, 128, 300, 1 << 31, -1 << 31, .max, .min]

    static func text(_ dice: inout Dice) -> String { texts.randomElement(using: &dice) ?? "" }
    static func number(_ dice: inout Dice) -> Int64 {
        dice.chance(4) ? Int64(bitPattern: dice.next()) : numbers.randomElement(using: &dice) ?? 0
    }
    static func numbers(_ dice: inout Dice) -> UInt64 { UInt64(bitPattern: number(&dice)) }
    static func int32(_ dice: inout Dice) -> Int32 { Int32(truncatingIfNeeded: number(&dice)) }
    static func blob(_ dice: inout Dice) -> [UInt8] {
        (0..<Int.random(in: 0...9, using: &dice)).map { _ in dice.byte() }
    }
    static func list<Value>(_ dice: inout Dice, _ make: (inout Dice) -> Value) -> [Value] {
        (0..<Int.random(in: 0...4, using: &dice)).map { _ in make(&dice) }
    }

    static func leaf(_ dice: inout Dice, depth: Int) -> Leaf {
        var leaf = Leaf()
        if dice.chance(2) { leaf.a = int32(&dice) }
        if dice.chance(2) { leaf.b = int32(&dice) }
        if dice.chance(2) { leaf.s = text(&dice) }
        if dice.chance(3) { leaf.list = list(&dice, int32) }
        if dice.chance(4) { leaf.blob = blob(&dice) }
        if dice.chance(5) { leaf.unknownFields = unknown(&dice) }
        switch dice.next() % 6 {
        case 0: leaf.choice = .number(int32(&dice))
        case 1: leaf.choice = .text(text(&dice))
        case 2 where depth > 0: leaf.choice = .left(self.leaf(&dice, depth: depth - 1))
        case 3 where depth > 0: leaf.choice = .right(self.leaf(&dice, depth: depth - 1))
        default: break
        }
        guard depth > 0 else { return leaf }
        if dice.chance(2) { leaf.leaf = self.leaf(&dice, depth: depth - 1) }
        if dice.chance(4) { leaf.leaves = list(&dice) { self.leaf(&$0, depth: depth - 1) } }
        if dice.chance(4) { for _ in 0..<3 { leaf.map[text(&dice)] = self.leaf(&dice, depth: depth - 1) } }
        return leaf
    }

    static func unknown(_ dice: inout Dice) -> UnknownFields {
        let fields = [
            "f8 07 81 00", "fb 07 08 01 fc 07", "fa 07 02 61 00", "fd 07 01 02 03 04",
            "f9 07 01 02 03 04 05 06 07 08",
        ]
        return (try? UnknownFields(encoded: hex(fields.randomElement(using: &dice) ?? ""))) ?? UnknownFields()
    }

    static func scalars(_ dice: inout Dice) -> Scalars {
        var it = Scalars()
        it.i32 = int32(&dice)
        it.s32 = int32(&dice)
        it.u32 = UInt32(bitPattern: int32(&dice))
        it.f32 = UInt32(bitPattern: int32(&dice))
        it.sf32 = int32(&dice)
        it.i64 = number(&dice)
        it.s64 = number(&dice)
        it.u64 = UInt64(bitPattern: number(&dice))
        it.f64 = UInt64(bitPattern: number(&dice))
        it.sf64 = number(&dice)
        it.real = [0, -0.0, 1.5, .infinity].randomElement(using: &dice) ?? 0
        it.wide = [0, -0.0, 1.5, -.infinity].randomElement(using: &dice) ?? 0
        it.flag = dice.chance(2)
        it.text = text(&dice)
        it.blob = blob(&dice)
        it.color = Color(rawValue: int32(&dice))
        if dice.chance(2) { it.optI32 = int32(&dice) }
        if dice.chance(2) { it.optS64 = number(&dice) }
        if dice.chance(2) { it.optReal = -0.0 }
        if dice.chance(2) { it.optFlag = dice.chance(2) }
        if dice.chance(2) { it.optText = text(&dice) }
        if dice.chance(2) { it.optBlob = blob(&dice) }
        if dice.chance(2) { it.optColor = Color(rawValue: int32(&dice)) }
        return it
    }

    static func lists(_ dice: inout Dice) -> Lists {
        var it = Lists()
        it.i32 = list(&dice, int32)
        it.s32 = list(&dice, int32)
        it.u64 = list(&dice) { UInt64(bitPattern: number(&$0)) }
        it.sf64 = list(&dice, number)
        it.flag = list(&dice) { $0.chance(2) }
        it.color = list(&dice) { Color(rawValue: int32(&$0)) }
        it.text = list(&dice, text)
        it.blob = list(&dice, blob)
        it.leaf = list(&dice) { leaf(&$0, depth: 2) }
        it.empty = list(&dice) { _ in Empty() }
        it.looseI32 = list(&dice, int32)
        it.looseFlag = list(&dice) { $0.chance(2) }
        return it
    }

    static func maps(_ dice: inout Dice) -> Maps {
        var it = Maps()
        for _ in 0..<Int.random(in: 0...5, using: &dice) {
            it.i32[int32(&dice)] = int32(&dice)
            it.s64[number(&dice)] = number(&dice)
            it.flag[dice.chance(2)] = dice.chance(2)
            it.text[text(&dice)] = text(&dice)
            it.blob[text(&dice)] = blob(&dice)
            it.color[text(&dice)] = Color(rawValue: int32(&dice))
            it.leaf[text(&dice)] = leaf(&dice, depth: 1)
        }
        return it
    }

    static func legacy(_ dice: inout Dice, depth: Int) -> Legacy {
        var it = Legacy()
        if dice.chance(2) { it.number = int32(&dice) }
        if dice.chance(2) { it.text = text(&dice) }
        if dice.chance(2) { it.level = [.low, .high, .below].randomElement(using: &dice) }
        it.levels = list(&dice) { $0.chance(2) ? .low : .high }
        it.packedLevels = list(&dice) { $0.chance(2) ? .low : .alsoHigh }
        if dice.chance(2) { it.byName[text(&dice)] = .big }
        if dice.chance(3) { it.choice = .choiceLevel(.high) }
        if depth > 0, dice.chance(2) { it.choice = .inner(legacy(&dice, depth: depth - 1)) }
        if depth > 0, dice.chance(2) { it.child = legacy(&dice, depth: depth - 1) }
        if dice.chance(4) { it.unknownFields = unknown(&dice) }
        return it
    }

    /// The encoding of a random message of this type.
    static func bytes(of type: Sample, _ dice: inout Dice) throws(SchemaError) -> [UInt8] {
        switch type {
        case .scalars: try scalars(&dice).encoded()
        case .lists: try lists(&dice).encoded()
        case .leaf: try leaf(&dice, depth: 4).encoded()
        case .choices: try Choices(value: .leaf(leaf(&dice, depth: 3))).encoded()
        case .maps: try maps(&dice).encoded()
        case .crowd: try Crowd(m01: leaf(&dice, depth: 2), m65: leaf(&dice, depth: 2)).encoded()
        case .legacy: try legacy(&dice, depth: 3).encoded()
        case .strict:
            try Strict(
                id: 1, child: Strict(id: 2, level: .low), map: [3: Strict(id: 4, level: .high)], level: .low
            ).encoded()
        case .holder:
            try Holder(strict: Strict(id: 1, level: .low), legacy: legacy(&dice, depth: 2)).encoded()
        }
    }
}
