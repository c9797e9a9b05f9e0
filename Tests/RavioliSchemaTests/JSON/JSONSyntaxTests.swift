// SPDX-License-Identifier: Apache-2.0

import RavioliSchema
import Testing

/// RFC 8259, read strictly.
@Suite struct JSONSyntaxTests {
    static let malformed = [
        "", " ", "null", "1", "\"a\"", "[]", "true", "{", "}", "{}}", "{} x", "{},", "\u{FEFF}{}", "{]",
        "{,}",
        "{\"int32Value\"}", "{\"int32Value\":}", "{\"int32Value\":1,}",
        "{\"int32Value\":1 \"boolValue\":true}",
        "{\"int32Value\" 1}", "{int32Value:1}", "{'int32Value':1}", "{\"int32Value\":1;}",
        "{\"int32Value\":1",
        "{/* */}", "{} // x", "{\"stringValue\":\"a}", "{\"stringValue\":\"\\", "{\"stringValue\":\"\\\"}",
        "{\"child\":{}", "{\"child\":}", "{\"child\":{},,}", "{\"child\" : [ ] }", "{\"int32Value\":nul}",
        "{\"int32Value\":nulll}", "{\"child\":n}", "{\"\":1}", "{1:1}", "{\"int32Value\"::1}",
    ]

    @Test(arguments: malformed) func refuses(text: String) {
        #expect(TestSchema.refusal(of: text, as: "Scalars")?.code == .invalidData)
    }

    @Test func takesSpaceBetweenTokens() throws {
        let text = " \t\r\n{ \"int32Value\" \n:\t1\r, \"child\" : { } , \"stringValue\" : \"a b\" } \n"
        #expect(
            try TestSchema.roundTrip(text, as: "Scalars")
                == #"{"int32Value":1,"stringValue":"a b","child":{}}"#)
        #expect(try TestSchema.roundTrip("{ }", as: "Scalars") == "{}")
        #expect(
            try TestSchema.roundTrip(#"{"int32s":[ 1 , 2 ],"strings" : [ ]}"#, as: "Lists")
                == #"{"int32s":[1,2]}"#)
    }

    /// A string as it is read, and as it is printed.
    static let strings: [(read: String, printed: String)] = [
        (#"\"\\\/\b\f\n\r\t"#, #"\"\\/\b\f\n\r\t"#), (#"\u0000"#, #"\u0000"#), (#"a\u0000b"#, #"a\u0000b"#),
        (#"\u001f\u007f"#, "\\u001f\u{7f}"), (#"\u00e9"#, "é"), ("é€😀", "é€😀"), (#"\ud83d\ude00"#, "😀"),
        (#"\uD83D\uDE00x"#, "😀x"), (#"\uffff\ufffd"#, "\u{ffff}\u{fffd}"), ("\u{2028}<>&'", "\u{2028}<>&'"),
        ("0123456789abcdef", "0123456789abcdef"), (#"01234567\n"#, #"01234567\n"#), ("1234567é", "1234567é"),
        (#"\udbff\udfff"#, "\u{10ffff}"), (#"\\u0041"#, #"\\u0041"#), (#"abc\"def"#, #"abc\"def"#),
    ]

    @Test(arguments: strings) func readsAndPrintsStrings(read: String, printed: String) throws {
        #expect(
            try TestSchema.roundTrip("{\"stringValue\":\"\(read)\"}", as: "Scalars")
                == "{\"stringValue\":\"\(printed)\"}")
        let long = String(repeating: "x", count: 37)
        #expect(
            try TestSchema.roundTrip("{\"stringValue\":\"\(long)\(read)\(long)\"}", as: "Scalars")
                == "{\"stringValue\":\"\(long)\(printed)\(long)\"}")
    }

    static let badStrings = [
        #"\ud800"#, #"\udc00"#, #"\ude00\ud83d"#, #"\ud800\ud800"#, #"\ud83dx"#, #"\ud83d\n"#, #"\u12"#,
        #"\u12g4"#,
        #"\x41"#, #"\'"#, #"\a"#, #"\U0041"#, #"\u"#, #"\ud83d\u00e9"#, "\u{1}", "\n", "\t", "\0", "\u{1f}",
        #"\é"#, #"\u00é"#, "12345678\n", "1234567\u{1}",
    ]

    @Test(arguments: badStrings) func refusesStrings(text: String) {
        #expect(TestSchema.refusal(of: "{\"stringValue\":\"\(text)\"}", as: "Scalars")?.path == "stringValue")
        #expect(
            TestSchema.refusal(of: "{\"stringValue\":\"abcdefghijklmn\(text)opqrstuvw\"}", as: "Scalars")
                != nil)
        #expect(TestSchema.refusal(of: "{\"strings\":{\"\(text)\":\"\"}}", as: "Maps") != nil)
        #expect(TestSchema.refusal(of: "{\"\(text)\":1}", as: "Scalars") != nil)
    }

    @Test(
        arguments: [
            [0xff], [0xc0, 0x80], [0xc3], [0xe2, 0x82], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0x80],
            [0xf8, 0x88, 0x80, 0x80, 0x80],
        ] as [[UInt8]])
    func refusesInvalidUTF8(bytes: [UInt8]) {
        for (before, after) in [
            ("{\"stringValue\":\"", "\"}"), ("{\"stringValue\":\"\\n", "\"}"), ("{\"x", "\":1}"), ("{", "}"),
        ] {
            let text = Array(before.utf8) + bytes + Array(after.utf8)
            #expect(throws: SchemaError.self) {
                try JSONTranscoder.encoded(fromJSON: text, as: TestSchema.type("Scalars"))
            }
        }
    }

    @Test func readsEscapedKeysAsTheKeysTheyAre() throws {
        #expect(try TestSchema.roundTrip(#"{"\u0069nt32Value":1}"#, as: "Scalars") == #"{"int32Value":1}"#)
        #expect(
            TestSchema.refusal(of: #"{"\u0069nt32Value":1,"int32Value":1}"#, as: "Scalars")?.path
                == "int32Value")
    }
}
