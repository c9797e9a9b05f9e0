// SPDX-License-Identifier: Apache-2.0

import RavioliSchema
import Testing

/// ProtoJSON guide: the special forms of `google.protobuf`'s own types.
@Suite struct JSONWellKnownTests {
    /// A field of `WellKnown`, a value as it is read, and as it is printed; `nil` if it is the same.
    static let accepted: [(field: String, read: String, printed: String?)] = [
        ("timestamp", #""2026-07-01T12:34:56Z""#, nil), ("timestamp", #""1970-01-01T00:00:00Z""#, nil),
        ("timestamp", #""0001-01-01T00:00:00Z""#, nil),
        ("timestamp", #""9999-12-31T23:59:59.999999999Z""#, nil),
        ("timestamp", #""2000-02-29T00:00:00.5Z""#, #""2000-02-29T00:00:00.500Z""#),
        ("timestamp", #""1969-12-31T23:59:59.000001Z""#, nil),
        ("timestamp", #""1900-03-01T00:00:00.000000001Z""#, nil),
        ("timestamp", #""2026-07-01T12:34:56.120000Z""#, #""2026-07-01T12:34:56.120Z""#),
        ("timestamp", #""2026-07-01T12:34:56+08:00""#, #""2026-07-01T04:34:56Z""#),
        ("timestamp", #""2026-07-01T12:34:56-08:30""#, #""2026-07-01T21:04:56Z""#),
        ("timestamp", #""0001-01-01T08:00:00+08:00""#, #""0001-01-01T00:00:00Z""#),
        ("duration", #""0s""#, nil), ("duration", #""1s""#, nil), ("duration", #""-1.500s""#, nil),
        ("duration", #""-1.5s""#, #""-1.500s""#),
        ("duration", #""-0.5s""#, #""-0.500s""#), ("duration", #""0.000000001s""#, nil),
        ("duration", #""3.000010s""#, nil),
        ("duration", #""315576000000.999999999s""#, nil), ("duration", #""-315576000000s""#, nil),
        ("duration", #""1.1s""#, #""1.100s""#),
        ("mask", #""""#, nil), ("mask", #""foo""#, nil), ("mask", #""fooBar,baz.quxQuux""#, nil),
        ("mask", #""a1,b""#, nil),
        ("struct", "{}", nil),
        ("struct", #"{"a":null,"b":1.5,"c":"x","d":true,"e":{"f":[]},"g":[1,[2],{}]}"#, nil),
        ("struct", #"{"b":1,"a":2}"#, #"{"a":2,"b":1}"#), ("struct", #"{"":""}"#, nil),
        ("value", "null", nil), ("value", "1", nil), ("value", "-1.5e10", "-15000000000"),
        ("value", #""x""#, nil),
        ("value", #""""#, nil),
        ("value", "false", nil), ("value", "{}", nil), ("value", "[]", nil),
        ("value", #"[null,{"a":[{}]}]"#, nil),
        ("value", "0", nil),
        ("list", "[]", nil), ("list", #"[1,"a",null,[],{}]"#, nil),
        ("empty", "{}", nil),
        ("boolValue", "false", nil), ("boolValue", "true", nil), ("stringValue", #""""#, nil),
        ("stringValue", #""a""#, nil),
        ("bytesValue", #""""#, nil), ("bytesValue", #""AQI=""#, nil), ("int32Value", "0", nil),
        ("int32Value", #""5""#, "5"),
        ("uint32Value", "4294967295", nil), ("int64Value", #""0""#, nil), ("int64Value", "-5", #""-5""#),
        ("uint64Value", #""7""#, nil),
        ("floatValue", "0", nil), ("floatValue", #""NaN""#, nil), ("doubleValue", "-0", nil),
        ("doubleValue", "1.5", nil),
        ("timestamps", #"["1970-01-01T00:00:00Z","1970-01-01T00:00:01Z"]"#, nil),
        ("values", #"[null,1,"a",[],{}]"#, nil),
        ("int32Values", "[0,1]", nil), ("valueMap", #"{"a":null,"b":{"c":[1]}}"#, nil),
        ("nulls", #"[null,"NULL_VALUE",0]"#, "[null,null,null]"), ("durations", #"{"a":"1s"}"#, nil),
        ("any", "{}", nil), ("any", #"{"@type":"type.googleapis.com/ravioli.test.Scalars"}"#, nil),
        ("any", #"{"@type":"type.googleapis.com/ravioli.test.Scalars","int32Value":1,"child":{}}"#, nil),
        (
            "any", #"{"int32Value":1,"\u0040type":"x.org/a/ravioli.test.Scalars"}"#,
            #"{"@type":"x.org/a/ravioli.test.Scalars","int32Value":1}"#
        ),
        ("any", #"{"@type":"type.googleapis.com/google.protobuf.Duration","value":"1.500s"}"#, nil),
        (
            "any", #"{"value":"1.500s","@type":"/google.protobuf.Duration"}"#,
            #"{"@type":"/google.protobuf.Duration","value":"1.500s"}"#
        ),
        ("any", #"{"@type":"type.googleapis.com/google.protobuf.Int32Value","value":0}"#, nil),
        ("any", #"{"@type":"type.googleapis.com/google.protobuf.Value","value":null}"#, nil),
        (
            "any", #"{"@type":"type.googleapis.com/google.protobuf.Struct","value":{"@type":"x","value":1}}"#,
            nil
        ),
        ("any", #"{"@type":"type.googleapis.com/google.protobuf.Empty"}"#, nil),
        ("any", #"{"@type":"type.googleapis.com/google.protobuf.Any","value":{}}"#, nil),
        (
            "any",
            #"{"@type":"a/google.protobuf.Any","value":{"@type":"a/ravioli.test.Lists","int32s":[1,2]}}"#, nil
        ),
        ("anys", #"[{},{"@type":"a/google.protobuf.FieldMask","value":"a,bC"}]"#, nil),
    ]

    @Test(arguments: accepted)
    func readsAndPrints(field: String, read: String, printed: String?) throws {
        let expected = "{\"\(field)\":\(printed ?? read)}"
        #expect(try TestSchema.roundTrip("{\"\(field)\":\(read)}", as: "WellKnown") == expected)
        #expect(try TestSchema.roundTrip("{ \"\(field)\" : \(read) }", as: "WellKnown") == expected)
        let dynamic = try DynamicMessage(
            json: expected, as: TestSchema.type("WellKnown"), options: TestSchema.decodingOptions)
        #expect(try dynamic.json(options: TestSchema.encodingOptions) == expected)
    }

    static let refused: [(field: String, values: [String])] = [
        (
            "timestamp",
            [
                "", "2026-07-01", "2026-07-01T12:34:56", "2026-07-01t12:34:56Z", "2026-07-01T12:34:56z",
                "2026-07-01 12:34:56Z",
                "2026-02-29T00:00:00Z", "1900-02-29T00:00:00Z", "2026-13-01T00:00:00Z",
                "2026-00-01T00:00:00Z",
                "2026-01-00T00:00:00Z",
                "2026-04-31T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z",
                "2026-01-01T00:00:60Z",
                "0000-01-01T00:00:00Z",
                "10000-01-01T00:00:00Z", "226-01-01T00:00:00Z", "2026-01-01T00:00:00.Z",
                "2026-01-01T00:00:00.1234567890Z",
                "2026-01-01T00:00:00+0800", "2026-01-01T00:00:00+24:00", "2026-01-01T00:00:00+08:60",
                "2026-01-01T00:00:00ZZ",
                "0001-01-01T00:00:00+08:00", "9999-12-31T23:59:59-00:01", " 2026-07-01T12:34:56Z",
                "+2026-07-01T12:34:56Z", "2026-7-1T1:2:3Z",
            ]
        ),
        (
            "duration",
            [
                "", "1", "s", "-s", "1.s", ".5s", "1.5", "1,5s", "+1s", "1.1234567890s", "315576000001s",
                "-315576000001s", "1e2s", " 1s",
                "1s ", "--1s", "1S", "PT1S", "9999999999999999999999s",
            ]
        ),
        ("mask", ["foo_bar", "a,,b", ",", "a,", "Foo", "a.B", "a b", "é", "a\\n"]),
        ("any", []),
    ]

    @Test(arguments: refused)
    func refusesStrings(field: String, values: [String]) {
        for value in values {
            #expect(
                TestSchema.refusal(of: "{\"\(field)\":\"\(value)\"}", as: "WellKnown")?.path == field,
                "\(value)")
        }
        #expect(TestSchema.refusal(of: "{\"\(field)\":1}", as: "WellKnown")?.path == field)
        #expect(TestSchema.refusal(of: "{\"\(field)\":[]}", as: "WellKnown")?.path == field)
    }

    static let refusedValues: [String] = [
        #""struct":[]"#, #""struct":1"#, #""struct":{"a":1,"a":2}"#, #""struct":{"a":1e999}"#,
        #""struct":{"a":}"#,
        #""value":1e999"#,
        #""value":NaN"#, #""value":undefined"#, #""list":{}"#, #""list":1"#, #""list":[1,]"#,
        #""boolValue":"true""#,
        #""boolValue":{"value":true}"#,
        #""int32Value":1.5"#, #""int32Value":{}"#, #""stringValue":1"#, #""int32Values":[null]"#,
        #""timestamps":[null]"#,
        #""empty":[]"#, #""empty":{"a":1}"#, #""null":1.5"#, #""null":"null""#, #""durations":{"a":null}"#,
        #""any":{"int32Value":1}"#, #""any":{"@type":"ravioli.test.Scalars"}"#, #""any":{"@type":""}"#,
        #""any":{"@type":1}"#,
        #""any":{"@type":"a/ravioli.test.None"}"#, #""any":{"@type":"a/ravioli.test.Scalars","unknown":1}"#,
        #""any":{"@type":"a/ravioli.test.Scalars","@type":"a/ravioli.test.Scalars"}"#,
        #""any":{"@type":"a/google.protobuf.Duration"}"#,
        #""any":{"@type":"a/google.protobuf.Duration","value":"1s","x":1}"#,
        #""any":{"@type":"a/google.protobuf.Duration","value":"1s","value":"1s"}"#,
        #""any":{"@type":"a/google.protobuf.Empty","value":{}}"#,
        #""any":{"@type":"a/ravioli.test.Scalars""#, #""any":{"@type":"a/ravioli.test.Scalars",}"#,
        #""any":null,"any":{}"#,
    ]

    @Test(arguments: refusedValues) func refusesValues(member: String) {
        #expect(TestSchema.refusal(of: "{\(member)}", as: "WellKnown")?.code == .invalidData)
    }

    @Test func nullIsAbsenceExceptForValue() throws {
        for (name, _, _) in Self.accepted where !["value", "nulls"].contains(name) {
            #expect(try TestSchema.encode("{\"\(name)\":null}", as: "WellKnown").isEmpty)
        }
        #expect(try TestSchema.roundTrip(#"{"value":null}"#, as: "WellKnown") == #"{"value":null}"#)
    }

    @Test func topLevelMessagesHaveTheirSpecialForm() throws {
        #expect(try TestSchema.roundTrip(#""1.500s""#, as: "google.protobuf.Duration") == #""1.500s""#)
        #expect(try TestSchema.roundTrip("null", as: "google.protobuf.Value") == "null")
        #expect(try TestSchema.roundTrip("[1]", as: "google.protobuf.ListValue") == "[1]")
        #expect(try TestSchema.roundTrip("5", as: "google.protobuf.Int32Value") == "5")
        #expect(TestSchema.refusal(of: "null", as: "google.protobuf.Duration") != nil)
        #expect(TestSchema.refusal(of: "null", as: "google.protobuf.Struct") != nil)
    }

    /// Messages that cannot be printed: the field of `WellKnown` and the encoded message in it.
    static let unprintable: [(field: UInt8, bytes: [UInt8])] = [
        (1, [0x08, 0x80, 0x83, 0xd1, 0xff, 0xaf, 0x07]),  // One second behind the year 9999.
        (1, [0x10, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]),  // nanos -1
        (1, [0x10, 0x80, 0x94, 0xeb, 0xdc, 0x03]),  // nanos 1,000,000,000
        (2, [0x08, 0x01, 0x10, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]),  // 1 s and -1 ns
        (2, [0x08, 0x81, 0xbc, 0xae, 0xce, 0x97, 0x09]),  // Over 10,000 years.
        (3, [0x0a, 3, 0x61, 0x5f, 0x31]), (3, [0x0a, 2, 0x61, 0x5f]), (3, [0x0a, 4, 0x61, 0x5f, 0x5f, 0x62]),
        (3, [0x0a, 1, 0x41]),
        (3, [0x0a, 2, 0x5f, 0x61]), (3, [0x0a, 4, 0x61, 0x2e, 0x5f, 0x61]), (3, [0x0a, 0]),
        (3, [0x0a, 1, 0x22]),
        (5, []), (5, [0x11, 0, 0, 0, 0, 0, 0, 0xf8, 0x7f]), (5, [0x11, 0, 0, 0, 0, 0, 0, 0xf0, 0x7f]),
        (7, [0x0a, 1, 0x61]), (7, [0x12, 1, 0x61]), (7, [0x0a, 3] + Array("a/b".utf8)),
        (7, [0x0a, 22] + Array("a/ravioli.test.Scalars".utf8) + [0x12, 1, 0xff]),
    ]

    @Test(arguments: unprintable)
    func refusesToPrint(field: UInt8, bytes: [UInt8]) {
        let message = [field << 3 | 2, UInt8(bytes.count)] + bytes
        let error = #expect(throws: SchemaError.self) { try TestSchema.print(message, as: "WellKnown") }
        #expect(error?.code == .invalidValue)
        #expect(error?.path == TestSchema.type("WellKnown").field(numbered: Int32(field))?.jsonName)
    }

    @Test func printsAnUnresolvedAnyAsBase64WhenAsked() throws {
        var options = TestSchema.encodingOptions
        options.printsUnresolvedAnyAsBase64 = true
        let unknown: [UInt8] = [0x3a, 8, 0x0a, 3] + Array("a/b".utf8) + [0x12, 1, 0x61]
        #expect(
            try TestSchema.print(unknown, as: "WellKnown", options)
                == #"{"any":{"@type":"a/b","value":"YQ=="}}"#)
        // The first field of the message can be printed, the second cannot.
        let broken =
            try TestSchema.encode(#"{"timestamp":"1970-01-01T00:00:00Z"}"#, as: "WellKnown") + [0x2a, 0]
        let any = Array("a/ravioli.test.WellKnown".utf8)
        let inside: [UInt8] = [0x0a, UInt8(any.count)] + any + [0x12, UInt8(broken.count)] + broken
        #expect(
            try TestSchema.print([0x3a, UInt8(inside.count)] + inside, as: "WellKnown", options)
                == #"{"any":{"@type":"a/ravioli.test.WellKnown","value":"\#(Base64.encode(broken))"}}"#)
    }

    @Test func findsTypesOfTheMessagesOwnFileAndItsImportsWithoutARegistry() throws {
        let json =
            #"{"any":{"@type":"a/ravioli.test.Scalars"},"anys":[{"@type":"a/google.protobuf.Struct","value":{}}]}"#
        let bytes = try TestSchema.encode(json, as: "WellKnown", .defaults)
        #expect(try TestSchema.print(bytes, as: "WellKnown", .defaults) == json)
        let other = #"{"any":{"@type":"a/ravioli.test2.Old"}}"#
        #expect(
            TestSchema.refusal(of: other, as: "WellKnown", .defaults)?.message.contains("a/ravioli.test2.Old")
                == true)
        #expect(try TestSchema.roundTrip(other, as: "WellKnown") == other)
    }

    @Test func timesMatchTheCalendar() throws {
        // Every day of the range, once through a printed date and back.
        let type = TestSchema.type("google.protobuf.Timestamp")
        var expected = (year: 1, month: 1, day: 1)
        let lengths = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        for day in 0..<3_652_059 where day < 1_000 || day % 1_009 == 0 || day > 3_651_000 {
            let seconds = -62_135_596_800 + Int64(day) * 86_400 + Int64(day % 86_400)
            var message = DynamicMessage(type)
            try message.set("seconds", to: .int64(seconds))
            let text = try message.json()
            #expect(try DynamicMessage(json: text, as: type) == message)
            guard day < 1_000 else { continue }
            let pad = { (value: Int, count: Int) in
                String(repeating: "0", count: count - String(value).count) + String(value)
            }
            #expect(
                text.hasPrefix(
                    "\"\(pad(expected.year, 4))-\(pad(expected.month, 2))-\(pad(expected.day, 2))T"))
            expected.day += 1
            if expected.day > lengths[expected.month - 1] {
                (expected.day, expected.month) = (1, expected.month + 1)
            }
            if expected.month > 12 { (expected.month, expected.year) = (1, expected.year + 1) }
        }
    }
}
