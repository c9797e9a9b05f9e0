// SPDX-License-Identifier: Apache-2.0

import BlockingTests
import RavioliSchema
import Testing

/// What a peer may make JSON cost: depth, elements, memory, text.
@Suite(.blocking) struct JSONLimitTests {
    private static func nested(_ depth: Int, _ open: String, _ close: String) -> String {
        String(repeating: open, count: depth) + "{}" + String(repeating: close, count: depth)
    }

    @Test func readsAndPrintsAHundredLevelsAndNoMore() throws {
        let deep = Self.nested(100, #"{"child":"#, "}")
        #expect(try TestSchema.roundTrip(deep, as: "Scalars") == deep)
        let tooDeep = TestSchema.refusal(of: Self.nested(101, #"{"child":"#, "}"), as: "Scalars")
        #expect(tooDeep?.code == .limitExceeded)
        #expect(tooDeep?.path.hasPrefix("child.child.") == true)
    }

    @Test(arguments: [
        ("Scalars", #"{"child":"#, "}"), ("Lists", #"{"nested":["#, "]}"),
        ("Maps", #"{"nested":{"a":"#, "}}"),
        ("google.protobuf.Struct", #"{"a":"#, "}"), ("google.protobuf.Value", #"[{"a":"#, "}]"),
        ("WellKnown", #"{"any":{"@type":"a/google.protobuf.Any","value":"#, "}}"),
    ])
    func readsTwentyFiveContainersAndRefusesTwoHundred(type: String, open: String, close: String) throws {
        let containers = open.count { $0 == "{" || $0 == "[" }
        guard !open.contains("@type") else {
            let any = #"{"@type":"a/google.protobuf.Any","value":"#
            #expect(throws: Never.self) {
                try TestSchema.encode(#"{"any":\#(Self.nested(25, any, "}"))}"#, as: type)
            }
            let refusal = TestSchema.refusal(of: #"{"any":\#(Self.nested(200, any, "}"))}"#, as: type)
            #expect(refusal?.code == .limitExceeded)
            return
        }
        let legal = Self.nested((25 + containers - 1) / containers, open, close)
        #expect(try TestSchema.roundTrip(legal, as: type) == legal)
        for depth in [200, 100_000] {
            #expect(TestSchema.refusal(of: Self.nested(depth, open, close), as: type)?.code == .limitExceeded)
            #expect(
                TestSchema.refusal(of: String(repeating: open, count: depth), as: type)?.code
                    == .limitExceeded)
        }
    }

    @Test func refusesToPrintWhatIsNestedTooDeepInLists() throws {
        // 100 levels of messages are legal on the wire, but lists in JSON are levels as well.
        var bytes: [UInt8] = []
        for _ in 0..<60 {
            var length: [UInt8] = []
            var rest = bytes.count
            repeat {
                length.append(UInt8(rest & 127) | (rest > 127 ? 128 : 0))
                rest >>= 7
            } while rest > 0
            bytes = [0x4a] + length + bytes
        }
        let error = #expect(throws: SchemaError.self) { try TestSchema.print(bytes, as: "Lists") }
        #expect(error?.path.hasPrefix("nested[0].nested[0]") == true)
    }

    @Test func aHundredLevelsFitAStackOfHalfAMegabyte() {
        let texts = [
            ("Scalars", Self.nested(100, #"{"child":"#, "}")),
            ("Lists", Self.nested(50, #"{"nested":["#, "]}")),
            ("Maps", Self.nested(50, #"{"nested":{"a":"#, "}}")),
            ("google.protobuf.Struct", Self.nested(32, #"{"a":"#, "}")),
        ]
        let failures = onSmallStack { texts.compactMap { Self.failure(of: $0.1, as: $0.0) } }
        #expect(failures == [])
    }

    /// What goes wrong on the way from text to text; `nil` if nothing does.
    private static func failure(of text: String, as type: String) -> String? {
        do {
            guard try TestSchema.roundTrip(text, as: type) == text else { return "\(type) is not the same" }
            let dynamic = try DynamicMessage(json: text, as: TestSchema.type(type))
            return try dynamic.json() == text ? nil : "dynamic \(type) is not the same"
        } catch {
            return "\(type): \(error)"
        }
    }

    @Test func countsElements() {
        let zeros = "[" + Array(repeating: "0", count: 1_000).joined(separator: ",") + "]"
        for (text, type) in [
            ("{\"int32s\":\(zeros)}", "Lists"), ("{\"values\":\(zeros)}", "WellKnown"),
            (zeros, "google.protobuf.ListValue"),
            ("{\"struct\":{\"a\":\(zeros)}}", "WellKnown"),
        ] {
            #expect(throws: Never.self) { try TestSchema.encode(text, as: type) }
            let error = TestSchema.refusal(of: text, as: type, limits: SchemaLimits(elementsMax: 900))
            #expect(error?.code == .limitExceeded)
            #expect(error?.message.hasPrefix("more than 900 elements") == true)
        }
    }

    @Test func countsMemory() {
        let objects = "[" + Array(repeating: "{}", count: 1_000).joined(separator: ",") + "]"
        let error = TestSchema.refusal(
            of: "{\"children\":\(objects)}", as: "Lists", limits: SchemaLimits(decodedBytesMax: 100_000))
        #expect(error?.code == .limitExceeded)
        #expect(error?.message.hasPrefix("decoding needs more than 100000 bytes") == true)
        let long = String(repeating: "x", count: 200_000)
        let limits = SchemaLimits(decodedBytesMax: 100_000)
        #expect(
            TestSchema.refusal(of: "{\"stringValue\":\"\(long)\"}", as: "Scalars", limits: limits)?.code
                == .limitExceeded)
        let any = #"{"any":{"x":"\#(long)","@type":"a/ravioli.test.Scalars"}}"#
        #expect(TestSchema.refusal(of: any, as: "WellKnown", limits: limits)?.code == .limitExceeded)
    }

    @Test func limitsTextBothWays() throws {
        let text = #"{"strings":["aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"]}"#
        #expect(
            TestSchema.refusal(of: text, as: "Lists", limits: SchemaLimits(jsonBytesMax: 40))?.code
                == .limitExceeded)
        let bytes = try TestSchema.encode(
            "{\"bytesValue\":\"\(String(repeating: "AAAA", count: 1_000))\"}", as: "Scalars")
        let error = #expect(throws: SchemaError.self) {
            try JSONTranscoder.json(
                fromEncoded: bytes, as: TestSchema.type("Scalars"), limits: SchemaLimits(jsonBytesMax: 2_000))
        }
        #expect(error?.code == .limitExceeded)
    }

    @Test func printsAndReadsLargeValues() throws {
        let long = String(repeating: "0123456789é\\n", count: 50_000)
        let text = "{\"stringValue\":\"\(long)\"}"
        #expect(try TestSchema.roundTrip(text, as: "Scalars") == text)
        let numbers = "{\"int32s\":[" + (0..<100_000).map(String.init).joined(separator: ",") + "]}"
        #expect(try TestSchema.roundTrip(numbers, as: "Lists") == numbers)
        let blob = "{\"bytesValue\":\"\(String(repeating: "AQID", count: 300_000))\"}"
        #expect(try TestSchema.roundTrip(blob, as: "Scalars") == blob)
    }

    @Test func namesHugeKeysInShort() {
        let key = String(repeating: "k", count: 100_000)
        let error = TestSchema.refusal(of: "{\"\(key)\":1}", as: "Scalars")
        #expect((error?.description.utf8.count ?? .max) < 300)
        let inMap = TestSchema.refusal(of: "{\"strings\":{\"\(key)\":1}}", as: "Maps")
        #expect((inMap?.description.utf8.count ?? .max) < 300)
    }
}
