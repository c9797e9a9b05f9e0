// SPDX-License-Identifier: Apache-2.0

import RavioliSchema
import Testing

/// ProtoJSON guide: maps with every kind of key.
@Suite struct JSONMapTests {
    static let accepted: [(read: String, printed: String)] = [
        (#"{"strings":{}}"#, "{}"), (#"{"strings":{"":""}}"#, #"{"strings":{"":""}}"#),
        (#"{"strings":{"b":"1","a":"2","aa":"3"}}"#, #"{"strings":{"a":"2","aa":"3","b":"1"}}"#),
        (#"{"strings":{"\u0061\n":"1"}}"#, #"{"strings":{"a\n":"1"}}"#),
        (#"{"int32s":{"10":1,"-1":2,"9":"3"}}"#, #"{"int32s":{"-1":2,"9":3,"10":1}}"#),
        (#"{"int32s":{"1e1":1,"2.0":2}}"#, #"{"int32s":{"2":2,"10":1}}"#),
        (
            #"{"int64s":{"-9223372036854775808":1,"9223372036854775807":"2"}}"#,
            #"{"int64s":{"-9223372036854775808":"1","9223372036854775807":"2"}}"#
        ),
        (#"{"uint32s":{"4294967295":0,"1":1}}"#, #"{"uint32s":{"1":1,"4294967295":0}}"#),
        (
            #"{"uint64s":{"18446744073709551615":1,"0":0}}"#,
            #"{"uint64s":{"0":"0","18446744073709551615":"1"}}"#
        ),
        (#"{"bools":{"true":false,"false":true}}"#, #"{"bools":{"false":true,"true":false}}"#),
        (#"{"bools":{"\u0074rue":true}}"#, #"{"bools":{"true":true}}"#),
        (#"{"colors":{"a":"RED","b":0,"c":9}}"#, #"{"colors":{"a":"RED","b":"COLOR_UNSPECIFIED","c":9}}"#),
        (#"{"children":{"a":{"int32Value":1},"b":{}}}"#, #"{"children":{"a":{"int32Value":1},"b":{}}}"#),
        (#"{"blobs":{"1":"AQ==","-5":""}}"#, #"{"blobs":{"-5":"","1":"AQ=="}}"#),
        (
            #"{"nested":{"a":{"nested":{"b":{"bools":{"true":true}}}}}}"#,
            #"{"nested":{"a":{"nested":{"b":{"bools":{"true":true}}}}}}"#
        ),
        (#"{"doubles":{"x":-0.0,"y":0}}"#, #"{"doubles":{"x":-0,"y":0}}"#),
    ]

    @Test(arguments: accepted)
    func readsAndPrints(read: String, printed: String) throws {
        #expect(try TestSchema.roundTrip(read, as: "Maps") == printed)
        let dynamic = try DynamicMessage(json: read, as: TestSchema.type("Maps"))
        #expect(try dynamic.json() == printed)
        #expect(try TestSchema.print(try dynamic.encoded(deterministic: true), as: "Maps") == printed)
    }

    static let refused: [(text: String, path: String)] = [
        (#"{"strings":[]}"#, "strings"), (#"{"strings":{"a":null}}"#, #"strings["a"]"#),
        (#"{"strings":{"a":1}}"#, #"strings["a"]"#),
        (#"{"children":{"a":null}}"#, #"children["a"]"#), (#"{"colors":{"a":"BLUE"}}"#, #"colors["a"]"#),
        (#"{"colors":{"a":null}}"#, #"colors["a"]"#),
        (#"{"strings":{"a":"1","a":"2"}}"#, "strings"), (#"{"strings":{"a":"1","\u0061":"2"}}"#, "strings"),
        (#"{"int32s":{"1":1,"1.0":2}}"#, "int32s"), (#"{"bools":{"true":true,"true":false}}"#, "bools"),
        (#"{"int32s":{"":1}}"#, #"int32s[""]"#), (#"{"int32s":{" 1":1}}"#, #"int32s[" 1"]"#),
        (#"{"int32s":{"1.5":1}}"#, #"int32s["1.5"]"#),
        (#"{"int32s":{"2147483648":1}}"#, #"int32s["2147483648"]"#),
        (#"{"int32s":{"01":1}}"#, #"int32s["01"]"#),
        (#"{"uint32s":{"-1":1}}"#, #"uint32s["-1"]"#), (#"{"bools":{"True":true}}"#, #"bools["True"]"#),
        (#"{"bools":{"1":true}}"#, #"bools["1"]"#),
        (#"{"int32s":{1:1}}"#, "int32s[0]"), (#"{"strings":{"a":"1",}}"#, #"strings["a"]"#),
        (#"{"strings":{"a" "1"}}"#, #"strings["a"]"#),
        (#"{"nested":{"a":{"int32s":{"b":1}}}}"#, #"nested["a"].int32s["b"]"#),
    ]

    @Test(arguments: refused)
    func refuses(text: String, path: String) {
        let error = TestSchema.refusal(of: text, as: "Maps")
        #expect(error?.code == .invalidData)
        #expect(error?.path == path)
    }

    @Test func findsADuplicateAmongMany() {
        let entries = (0..<500).map { "\"k\($0)\":\"\"" }
        #expect(throws: Never.self) {
            try TestSchema.encode("{\"strings\":{\(entries.joined(separator: ","))}}", as: "Maps")
        }
        let twice = (entries + ["\"k77\":\"\""]).joined(separator: ",")
        let error = TestSchema.refusal(of: "{\"strings\":{\(twice)}}", as: "Maps")
        #expect(error?.message.contains("the key \"k77\" twice") == true)
    }

    @Test func sortsManyKeys() throws {
        let keys = (0..<300).shuffled().map { "\"\($0)\":\($0)" }.joined(separator: ",")
        let sorted = (0..<300).map { "\"\($0)\":\($0)" }.joined(separator: ",")
        #expect(try TestSchema.roundTrip("{\"int32s\":{\(keys)}}", as: "Maps") == "{\"int32s\":{\(sorted)}}")
    }

    @Test func printsTheLastOfEqualKeysOnTheWire() throws {
        func entry(_ key: UInt8, _ value: UInt8) -> [UInt8] { [0x12, 4, 0x08, key, 0x10, value] }
        #expect(
            try TestSchema.print(entry(1, 1) + entry(2, 2) + entry(1, 3), as: "Maps")
                == #"{"int32s":{"1":3,"2":2}}"#)
        let many = (0..<40).flatMap { entry($0, 1) } + (0..<40).flatMap { entry($0, 2) }
        let printed = (0..<40).map { "\"\($0)\":2" }.joined(separator: ",")
        #expect(try TestSchema.print(many, as: "Maps") == "{\"int32s\":{\(printed)}}")
    }

    @Test func absentKeyOrValueIsTheDefault() throws {
        #expect(try TestSchema.print([0x12, 0], as: "Maps") == #"{"int32s":{"0":0}}"#)
        #expect(try TestSchema.print([0x0a, 0], as: "Maps") == #"{"strings":{"":""}}"#)
        #expect(try TestSchema.print([0x42, 0], as: "Maps") == #"{"children":{"":{}}}"#)
        #expect(
            try TestSchema.print([0x3a, 3, 0x0a, 1, 0x61], as: "Maps")
                == #"{"colors":{"a":"COLOR_UNSPECIFIED"}}"#)
    }
}
