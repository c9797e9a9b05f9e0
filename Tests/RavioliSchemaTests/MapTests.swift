// SPDX-License-Identifier: Apache-2.0

import RavioliSchema
import Testing

struct MapTests {
    @Test func carriesEveryKindOfKeyAndValue() throws {
        var maps = Maps()
        maps.i32 = [.min: .max, 0: 0, -1: 1]
        maps.s32 = [.min: .max, -1: 1]
        maps.u32 = [.max: 0, 0: .max]
        maps.f32 = [.max: 0, 0: .max]
        maps.sf32 = [.min: .max]
        maps.i64 = [.min: .max, 0: 0]
        maps.s64 = [.min: .max]
        maps.u64 = [.max: 0]
        maps.f64 = [.max: 1]
        maps.sf64 = [.min: .max]
        maps.flag = [false: true, true: false]
        maps.text = ["": "", "a\0b": "\0", "é": "😀"]
        maps.blob = ["a": [], "b": [0, 255]]
        maps.wide = ["a": -0.0, "b": .infinity]
        maps.real = [1: -0.0]
        maps.color = ["a": .red, "b": Color(rawValue: 77), "c": .negative]
        maps.leaf = ["a": Leaf(), "b": Leaf(a: 1, leaf: Leaf(b: 2))]
        #expect(try Maps(decoding: maps.encoded()) == maps)
        #expect(try Maps(decoding: maps.encoded(deterministic: true)) == maps)
    }

    @Test func sortsKeysWhenToldTo() throws {
        let numbers = Maps(i32: [3: 0, -1: 0, 2: 0])
        let first = hex("0a 0d 08 ff ff ff ff ff ff ff ff ff 01 10 00")
        #expect(
            try numbers.encoded(deterministic: true) == first + hex("0a 04 08 02 10 00 0a 04 08 03 10 00"))
        let unsigned = Maps(u64: [.max: 0, 1: 0])
        #expect(try unsigned.encoded(deterministic: true).prefix(6) == hex("42 04 08 01 10 00")[...])
        let flags = Maps(flag: [true: true, false: false])
        #expect(hex(try flags.encoded(deterministic: true)) == "5a 04 08 00 10 00 5a 04 08 01 10 01")
    }

    @Test func sortsTextByItsBytesLikeOtherLanguages() throws {
        // Swift orders U+FB01 before U+1F600 too, but "e" + U+0301 as "é"; bytes put it between "e" and "f".
        let keys = ["f", "é", "e\u{301}", "e", "", "\u{fb01}", "😀"]
        let maps = try Maps(decoding: keys.flatMap { field(12, field(1, Array($0.utf8))) })
        let encoded = try maps.encoded(deterministic: true)
        var sent: [[UInt8]] = []
        var records = WireRecords(encoded)
        while let record = try records.next() {
            guard case .bytes(let entry) = record.value else { continue }
            var parts = WireRecords(entry)
            if case .bytes(let key)? = try parts.next()?.value { sent.append(Array(key)) }
        }
        #expect(sent == sent.sorted { $0.lexicographicallyPrecedes($1) })
        #expect(sent.count == 6)
    }

    @Test func equalMessagesHaveEqualBytesWhenDeterministic() throws {
        let keys = (0..<500).map { "key \($0)" }
        let one = Maps(text: Dictionary(uniqueKeysWithValues: keys.map { ($0, $0) }))
        let two = Maps(text: Dictionary(uniqueKeysWithValues: keys.reversed().map { ($0, $0) }))
        #expect(try one.encoded(deterministic: true) == two.encoded(deterministic: true))
    }

    @Test func keysThatUnicodeCallsEquivalentAreOneAndTheLastPairStandsAsSent() throws {
        let composed = hex("c3 a9")
        let decomposed = hex("65 cc 81")
        let message =
            field(12, field(1, composed) + field(2, [0x31]))
            + field(12, field(1, decomposed) + field(2, [0x32]))
        let maps = try Maps(decoding: message)
        #expect(maps.text == ["é": "2"])
        #expect(try maps.encoded() == field(12, field(1, decomposed) + field(2, [0x32])))
    }

    @Test func manyPairsOfOneKeyCostNoMoreThanTheyAre() throws {
        let entry = hex("0a 04 08 01 10 02")
        let maps = try Maps(decoding: Array(repeatElement(entry, count: 100_000).joined()))
        #expect(maps.i32 == [1: 2])
    }
}
