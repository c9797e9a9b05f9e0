// SPDX-License-Identifier: Apache-2.0

import BlockingTests
import RavioliSchema
import Testing

/// Text made to hurt: each is refused with an error or read for what it is, in time and memory that its length allows.
@Suite(.blocking) struct JSONHostileTests {
    private static func code(
        of json: String, as type: String = "Scalars", ignoresUnknown: Bool = false
    ) -> SchemaError.Code? {
        code(of: Array(json.utf8), as: type, ignoresUnknown: ignoresUnknown)
    }

    private static func code(
        of json: [UInt8], as type: String = "Scalars", ignoresUnknown: Bool = false
    ) -> SchemaError.Code? {
        var options = TestSchema.decodingOptions
        options.ignoresUnknown = ignoresUnknown
        do {
            _ = try JSONTranscoder.encoded(fromJSON: json, as: TestSchema.type(type), options: options)
            return nil
        } catch {
            return error.code
        }
    }

    private static func many(_ count: Int, _ text: String) -> String { String(repeating: text, count: count) }

    // MARK: Depth

    @Test(arguments: [101, 1_000, 1_000_000])
    func refusesDeepMessages(levels: Int) {
        #expect(Self.code(of: Self.many(levels, #"{"child":"#)) == .limitExceeded)
        #expect(Self.code(of: "{\"list\":" + Self.many(levels, "["), as: "WellKnown") == .limitExceeded)
        #expect(Self.code(of: Self.many(levels, #"{"value":{"a":"#), as: "WellKnown") != nil)
        let any = #"{"@type":"a/google.protobuf.Any","value":"#
        #expect(Self.code(of: "{\"any\":" + Self.many(levels, any), as: "WellKnown") != nil)
    }

    @Test(arguments: [101, 1_000, 1_000_000])
    func refusesDepthInWhatIsIgnored(levels: Int) {
        for open in ["[", #"{"a":"#, #"[{"b":"#] {
            #expect(
                Self.code(of: "{\"x\":" + Self.many(levels, open), ignoresUnknown: true) == .limitExceeded)
        }
    }

    @Test func refusesAnInAnyWhoseTypeComesLast() {
        // Each level has to be looked through to its end before its content can be read.
        let text = Self.many(60, #"{"value":"#) + "{}" + Self.many(60, #","@type":"a/google.protobuf.Any"}"#)
        let padding = Self.many(20_000, " ")
        let limits = SchemaLimits(decodedBytesMax: 1 << 20)
        let error = TestSchema.refusal(
            of: "{\"any\":\(padding)\(text.replacing("{}", with: "{\(padding)}"))}", as: "WellKnown",
            limits: limits)
        #expect(error?.code == .limitExceeded)
    }

    // MARK: Duplicates

    @Test func refusesDuplicateKeysHoweverTheyAreSpelt() {
        for twice in [
            #"{"int32Value":1,"int32Value":1}"#, #"{"int32Value":1,"int32_value":1}"#,
            #"{"int32Value":1,"int32\u0056alue":1}"#, #"{"int32Value":null,"int32Value":null}"#,
            #"{"child":{},"stringValue":"","child":{}}"#,
        ] {
            #expect(Self.code(of: twice) == .invalidData, "\(twice)")
        }
    }

    @Test func refusesADuplicateAmongAHundredThousandMapKeys() {
        let keys = (0..<100_000).map { "\"k\($0)\":\"\"" }.joined(separator: ",")
        #expect(Self.code(of: "{\"strings\":{\(keys)}}", as: "Maps") == nil)
        #expect(Self.code(of: "{\"strings\":{\(keys),\"k5\":\"\"}}", as: "Maps") == .invalidData)
    }

    // MARK: Strings

    @Test func refusesLoneSurrogates() {
        for text in [
            #"\ud800"#, #"\udfff"#, #"\udc00\ud800"#, #"\ud800\ud800"#, #"\ud800\u0041"#, #"\ud800a"#,
            #"\ud800\n"#,
            #"\ud800\"#, #"a\ud83d"#,
        ] {
            #expect(Self.code(of: "{\"stringValue\":\"\(text)\"}") == .invalidData, "\(text)")
            #expect(Self.code(of: "{\"x\":\"\(text)\"}", ignoresUnknown: true) == .invalidData, "\(text)")
            #expect(Self.code(of: "{\"\(text)\":1}", ignoresUnknown: true) == .invalidData, "\(text)")
        }
        // As bytes, which is how CESU-8 writes characters outside the first plane.
        #expect(
            Self.code(
                of: Array("{\"stringValue\":\"".utf8) + [0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80]
                    + Array("\"}".utf8)) == .invalidData)
    }

    @Test func refusesInvalidUTF8AtEveryPlaceInAString() {
        for length in 0..<40 {
            for bad in [[0x80], [0xff], [0xc3], [0xe2, 0x82], [0xf0, 0x9f, 0x98]] as [[UInt8]] {
                let text = Array("{\"stringValue\":\"".utf8) + Array(repeating: 0x61, count: length) + bad
                #expect(Self.code(of: text + Array("\"}".utf8)) == .invalidData)
                #expect(Self.code(of: text + Array("aaaaaaaaaaaaaaaaaaaaaaaaa\"}".utf8)) == .invalidData)
            }
        }
    }

    @Test func refusesControlCharactersAtEveryPlaceInAString() {
        for length in 0..<24 {
            for control in [0, 0x09, 0x0a, 0x1f] as [UInt8] {
                let text =
                    Array("{\"stringValue\":\"".utf8) + Array(repeating: 0x61, count: length) + [control]
                #expect(Self.code(of: text + Array("aaaaaaaaaaaaaaaa\"}".utf8)) == .invalidData)
            }
        }
    }

    @Test func readsAMegabyteOfEscapes() throws {
        let text = "{\"stringValue\":\"\(Self.many(100_000, #"\u00e9\n"#))\"}"
        #expect(try TestSchema.encode(text, as: "Scalars").count > 300_000)
    }

    @Test func refusesOtherEncodingsAndByteOrderMarks() {
        #expect(Self.code(of: [0xef, 0xbb, 0xbf] + Array("{}".utf8)) == .invalidData)
        #expect(Self.code(of: "{}".utf16.flatMap { [UInt8($0), 0] }) == .invalidData)
        #expect(Self.code(of: [0xff, 0xfe] + "{}".utf16.flatMap { [UInt8($0), 0] }) == .invalidData)
        #expect(Self.code(of: "{}".utf16.flatMap { [0, UInt8($0)] }) == .invalidData)
    }

    // MARK: Numbers

    @Test func refusesHugeNumbers() {
        let digits = Self.many(1_000_000, "9")
        for number in [
            "1e400", "-1e400", "1e99999999999999999999", digits, "\"\(digits)\"", "1.8e308",
            "1\(Self.many(400, "0"))",
        ] {
            #expect(Self.code(of: "{\"doubleValue\":\(number)}") == .invalidData, "\(number.prefix(30))")
            #expect(Self.code(of: "{\"floatValue\":\(number)}") == .invalidData, "\(number.prefix(30))")
            #expect(Self.code(of: "{\"int64Value\":\(number)}") == .invalidData, "\(number.prefix(30))")
            #expect(
                Self.code(of: "{\"value\":\(number)}", as: "WellKnown")
                    == (number.hasPrefix("\"") ? nil : .invalidData))
        }
    }

    @Test func readsLongNumbersForWhatTheyAre() throws {
        let zeros = Self.many(100_000, "0")
        #expect(try TestSchema.roundTrip("{\"doubleValue\":0.\(zeros)1}", as: "Scalars") == "{}")
        #expect(
            try TestSchema.roundTrip("{\"int32Value\":1.\(zeros)}", as: "Scalars") == #"{"int32Value":1}"#)
        #expect(
            try TestSchema.roundTrip("{\"int32Value\":1\(zeros)e-100000}", as: "Scalars")
                == #"{"int32Value":1}"#)
        #expect(
            try TestSchema.roundTrip("{\"doubleValue\":0.1\(zeros)}", as: "Scalars")
                == #"{"doubleValue":0.1}"#)
        #expect(
            try TestSchema.roundTrip("{\"doubleValue\":9007199254740993\(zeros)e-100000}", as: "Scalars")
                == #"{"doubleValue":9007199254740992}"#)
    }

    @Test(arguments: [
        "1_000", "0x1", "1e+", "1e-", "1.e1", "00", "-", "- 1", "+1", ".1", "1.", "1..2", "1e1.5", "１",
        "1e1e1", "∞",
        "nan", "NaN", "-NaN", "inf", "Infinity", "1f", "1L", "1,0",
    ])
    func refusesWhatIsNoNumber(text: String) {
        for field in ["int32Value", "int64Value", "uint64Value", "doubleValue", "floatValue"] {
            #expect(Self.code(of: "{\"\(field)\":\(text)}") == .invalidData)
            if text != "NaN" && text != "Infinity" {
                #expect(Self.code(of: "{\"\(field)\":\"\(text)\"}") == .invalidData)
            }
        }
    }

    /// The short way and the long way meet at 18 digits.
    @Test func countsDigitsAroundTheLimitOfTheShortWay() throws {
        for count in 1...19 {
            let number = String(Self.many(2, "1234567890").prefix(count))
            let padding = Self.many(30, " ")
            for text in [
                number, "-\(number)", "\"\(number)\"", "\"-\(number)\"", "\(number).0", "\(number)e0",
            ] {
                let plain = text.replacing("\"", with: "").replacing(".0", with: "").replacing("e0", with: "")
                #expect(
                    try TestSchema.roundTrip("{\"int64Value\":\(text)\(padding)}", as: "Scalars")
                        == "{\"int64Value\":\"\(plain)\"}")
            }
            let value = try #require(Double("0.\(number)"))
            #expect(
                try TestSchema.roundTrip("{\"doubleValue\":0.\(number)\(padding)}", as: "Scalars")
                    == "{\"doubleValue\":\(value)}")
        }
    }

    // MARK: Size

    @Test func refusesEveryPrefixOfAText() throws {
        let text = Array(
            (#"{"int32Value":-5,"int64Value":"99","doubleValue":1.5e-7,"boolValue":true,"stringValue":"a\u00e9é","#
                + #""bytesValue":"AQID","color":"RED","child":{"child":{"stringValue":"0123456789abcdef"}}}"#)
                .utf8)
        #expect(Self.code(of: text) == nil)
        for count in 0..<text.count {
            #expect(Self.code(of: Array(text.prefix(count))) == .invalidData, "\(count)")
            #expect(Self.code(of: Array(text.prefix(count)) + [0]) == .invalidData, "\(count)")
        }
    }

    @Test func refusesTextBehindTheValue() {
        for rest in ["x", "{}", "null", ",", "]", "}", "\0", "\u{a0}", "\u{feff}", "//"] {
            #expect(Self.code(of: "{\"int32Value\":1}\(rest)") == .invalidData, "\(rest)")
        }
    }

    @Test func refusesMillionsOfEmptyObjects() {
        let objects = "[\(Self.many(1_000_000, "{},"))"
        #expect(Self.code(of: "{\"children\":\(objects){}]}", as: "Lists") == .limitExceeded)
        #expect(Self.code(of: "{\"values\":\(objects){}]}", as: "WellKnown") == .limitExceeded)
    }

    @Test func refusesMillionsOfUnknownKeys() {
        let members = Self.many(5_000_000, "\"\":0,")
        #expect(Self.code(of: "{\(members)\"\":0}", ignoresUnknown: true) == .limitExceeded)
    }
}
