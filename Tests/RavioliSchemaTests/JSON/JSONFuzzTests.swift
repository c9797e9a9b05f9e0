// SPDX-License-Identifier: Apache-2.0

import BlockingTests
import RavioliSchema
import Testing

/// Random and mutated text never traps, and what is accepted reads back the same from its own print.
@Suite(.blocking) struct JSONFuzzTests {
    static let seeds: [(type: String, json: String)] = [
        (
            "Scalars",
            #"{"int32Value":-5,"int64Value":"99","uint32Value":4000000000,"doubleValue":1.5e-7,"floatValue":"NaN","boolValue":true,"#
                + #""stringValue":"a\u00e9\ud83d\ude00\n","bytesValue":"AQID","color":"CRIMSON","child":{"child":{"int32_value":1e3}}}"#
        ),
        (
            "Lists",
            #"{"int32s":[1,2,-3],"int64s":["1",2],"doubles":[0.1,1e300,"-Infinity"],"strings":["","x"],"blobs":["AA=="],"#
                + #""colors":["RED",7],"children":[{},{"color":1}],"nested":[{"nested":[{}]}]}"#
        ),
        (
            "Maps",
            #"{"strings":{"a":"b","c":""},"int32s":{"-1":1},"bools":{"true":false},"children":{"x":{"child":{}}},"colors":{"q":"GREEN"},"#
                + #""uint64s":{"18446744073709551615":"1"},"nested":{"n":{"nested":{}}}}"#
        ),
        ("Choice", #"{"text":"a","ratio":0.5}"#), ("Choice", #"{"nothing":null,"flag":false}"#),
        (
            "WellKnown",
            #"{"timestamp":"2026-07-01T12:34:56.789Z","duration":"-1.5s","mask":"a,bC.d","struct":{"a":[1,null,{"b":"c"}]},"value":[true],"#
                + #""any":{"@type":"x/ravioli.test.Scalars","int32Value":1},"int64Value":"5","nulls":[null],"durations":{"d":"3s"},"#
                + #""anys":[{"@type":"x/google.protobuf.Any","value":{"@type":"x/google.protobuf.Duration","value":"1s"}}]}"#
        ),
        (
            "ravioli.test2.Old",
            #"{"plain":1,"answer":2,"choice":"FIRST","choices":["SECOND",3],"raw":"AA=="}"#
        ),
    ]
    private static let tokens: [[UInt8]] =
        [
            "{", "}", "[", "]", ",", ":", "\"", "\\", "null", "true", "false", "1e5", "-", "0", ".5",
            "\\u0000",
            "\\ud800", "@type", "\"\"",
            "1e999", "99999999999999999999", "NaN", " ", "\n", "é", "{}", "[]",
        ].map { Array($0.utf8) } + [[0x80], [0xff], [0]]

    @Test func mutatedTextNeverTrapsAndReadsBackTheSame() throws {
        let plan = FuzzPlan(share: 0.5)
        var random = Dice(seed: plan.seed)
        var (runs, accepted) = (0, 0)
        while !plan.isOver {
            for _ in 0..<200 {
                let (type, json) = Self.seeds[Int(random.next() % UInt64(Self.seeds.count))]
                let text = Self.mutated(Array(json.utf8), &random)
                if try Self.check(
                    text, TestSchema.type(type), lenient: random.next() & 1 == 0,
                    "seed \(plan.seed), run \(runs)")
                {
                    accepted += 1
                }
                runs += 1
            }
        }
        #expect(accepted > runs / 200, "seed \(plan.seed)")
    }

    @Test func randomBytesNeverTrap() throws {
        let plan = FuzzPlan(share: 0.5)
        var random = Dice(seed: plan.seed)
        for run in 0..<20_000 {
            var text: [UInt8] = [UInt8(ascii: "{")]
            for _ in 0..<random.next() % 24 {
                text +=
                    random.next() & 3 == 0
                    ? [UInt8(truncatingIfNeeded: random.next())] : Self.tokens.randomElement(using: &random)!
            }
            let type = Self.seeds[run % Self.seeds.count].type
            _ = try Self.check(
                text, TestSchema.type(type), lenient: run & 1 == 0, "seed \(plan.seed), run \(run)")
        }
    }

    @Test func mutatedBytesPrintToTextThatReadsBack() throws {
        let plan = FuzzPlan(share: 0.5)
        var random = Dice(seed: plan.seed)
        let messages = try Self.seeds.map {
            (TestSchema.type($0.type), try TestSchema.encode($0.json, as: $0.type))
        }
        var (runs, printed) = (0, 0)
        while !plan.isOver {
            for (type, message) in messages {
                runs += 1
                let bytes = Self.mutated(message, &random)
                guard
                    let json = try? JSONTranscoder.json(
                        fromEncoded: bytes, as: type, options: TestSchema.encodingOptions)
                else { continue }
                printed += 1
                let again = try JSONTranscoder.encoded(
                    fromJSON: json, as: type, options: TestSchema.decodingOptions)
                let second = try JSONTranscoder.json(
                    fromEncoded: again, as: type, options: TestSchema.encodingOptions)
                #expect(json == second, "seed \(plan.seed), run \(runs): \(bytes)")
                let dynamic = try DynamicMessage(decoding: bytes, as: type)
                #expect(
                    try dynamic.jsonUTF8Bytes(options: TestSchema.encodingOptions) == json,
                    "seed \(plan.seed), run \(runs): \(bytes)")
            }
        }
        #expect(printed > runs / 20, "seed \(plan.seed)")
    }

    private static func mutated(_ text: [UInt8], _ random: inout Dice) -> [UInt8] {
        var text = text
        for _ in 0..<1 + random.next() % 3 where !text.isEmpty {
            let place = Int(random.next() % UInt64(text.count))
            switch random.next() % 6 {
            case 0: text[place] = UInt8(truncatingIfNeeded: random.next())
            case 1: text.remove(at: place)
            case 2: text.insert(contentsOf: tokens.randomElement(using: &random)!, at: place)
            case 3: text.removeSubrange(place..<min(place + Int(random.next() % 12), text.count))
            case 4:
                text.insert(
                    contentsOf: text[place..<min(place + Int(random.next() % 40), text.count)], at: place)
            default: text[place] ^= 1 << UInt8(random.next() % 8)
            }
        }
        return text
    }

    /// Returns whether the text is accepted.
    private static func check(
        _ text: [UInt8], _ type: MessageDescriptor, lenient: Bool, _ run: String
    ) throws -> Bool {
        var options = TestSchema.decodingOptions
        options.ignoresUnknown = lenient
        options.acceptsDuplicates = lenient
        let encoded: [UInt8]
        do {
            encoded = try JSONTranscoder.encoded(fromJSON: text, as: type, options: options)
        } catch {
            #expect(error.code == .invalidData || error.code == .limitExceeded, "\(run)")
            #expect(error.offset.map { $0 <= text.count } ?? true, "\(run)")
            return false
        }
        let json = try JSONTranscoder.json(
            fromEncoded: encoded, as: type, options: TestSchema.encodingOptions)
        let again = try JSONTranscoder.encoded(fromJSON: json, as: type, options: TestSchema.decodingOptions)
        let second = try JSONTranscoder.json(
            fromEncoded: again, as: type, options: TestSchema.encodingOptions)
        #expect(json == second, "\(run): \(String(decoding: text, as: UTF8.self))")
        let dynamic = try DynamicMessage(jsonUTF8: text, as: type, options: options)
        #expect(try dynamic.jsonUTF8Bytes(options: TestSchema.encodingOptions) == json, "\(run)")
        return true
    }
}
