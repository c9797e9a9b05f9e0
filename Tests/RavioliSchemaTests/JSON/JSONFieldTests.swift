// SPDX-License-Identifier: Apache-2.0

import RavioliSchema
import Testing

/// ProtoJSON guide: names, presence, null, duplicates, oneofs, unknown keys, lists and enums.
@Suite struct JSONFieldTests {
    /// Text that is accepted, its type, and what is printed.
    static let accepted: [(type: String, read: String, printed: String)] = [
        // Names: the JSON name and the original one.
        ("Names", #"{"fooBar":1,"FooBaz":2,"else\"where":3}"#, #"{"fooBar":1,"FooBaz":2,"else\"where":3}"#),
        ("Names", #"{"foo_bar":1,"custom":3,"_leading":4}"#, #"{"fooBar":1,"else\"where":3,"Leading":4}"#),
        ("Names", #"{"with1number":5,"mIXedCase2x":6}"#, #"{"with1number":5,"mIXedCase2x":6}"#),
        ("Scalars", #"{"string_value":"a","int32Value":1}"#, #"{"int32Value":1,"stringValue":"a"}"#),
        // Presence: what has it is printed even at its default.
        ("Optionals", "{}", "{}"),
        (
            "Optionals",
            #"{"int32Value":0,"stringValue":"","boolValue":false,"doubleValue":0,"bytesValue":"","color":0,"child":{}}"#,
            #"{"int32Value":0,"stringValue":"","boolValue":false,"doubleValue":0,"bytesValue":"","color":"COLOR_UNSPECIFIED","child":{}}"#
        ),
        (
            "Scalars",
            #"{"int32Value":0,"boolValue":false,"color":"COLOR_UNSPECIFIED","child":{"stringValue":""}}"#,
            #"{"child":{}}"#
        ),
        // null is absence.
        (
            "Scalars", #"{"int32Value":null,"child":null,"color":null,"stringValue":null,"bytesValue":null}"#,
            "{}"
        ),
        ("Optionals", #"{"int32Value":null,"child":null}"#, "{}"),
        ("Lists", #"{"int32s":null,"children":null}"#, "{}"),
        ("Maps", #"{"strings":null,"children":null}"#, "{}"),
        ("Choice", #"{"number":null,"text":"a","child":null}"#, #"{"text":"a"}"#),
        ("Choice", #"{"text":"a","number":null}"#, #"{"text":"a"}"#),
        ("Choice", #"{"nothing":null}"#, #"{"nothing":null}"#),
        ("Choice", #"{"anyValue":null}"#, #"{"anyValue":null}"#),
        ("Choice", #"{"nothing":"NULL_VALUE"}"#, #"{"nothing":null}"#),
        ("Choice", #"{"nothing":0}"#, #"{"nothing":null}"#),
        // Oneofs: printed even at the default, one member of each.
        ("Choice", #"{"number":0}"#, #"{"number":0}"#), ("Choice", #"{"text":""}"#, #"{"text":""}"#),
        ("Choice", #"{"child":{}}"#, #"{"child":{}}"#),
        ("Choice", #"{"color":0}"#, #"{"color":"COLOR_UNSPECIFIED"}"#),
        ("Choice", #"{"blob":"","flag":false}"#, #"{"blob":"","flag":false}"#),
        ("Choice", #"{"ratio":0,"number":1}"#, #"{"number":1,"ratio":0}"#),
        // Lists.
        ("Lists", #"{"int32s":[]}"#, "{}"),
        ("Lists", #"{"int32s":[0,"1",2.0,-3]}"#, #"{"int32s":[0,1,2,-3]}"#),
        ("Lists", #"{"int64s":[1,"2"]}"#, #"{"int64s":["1","2"]}"#),
        ("Lists", #"{"doubles":[0,-0.0,"NaN",1.5]}"#, #"{"doubles":[0,-0,"NaN",1.5]}"#),
        ("Lists", #"{"bools":[true,false]}"#, #"{"bools":[true,false]}"#),
        ("Lists", #"{"strings":["","a","\n"]}"#, #"{"strings":["","a","\n"]}"#),
        ("Lists", #"{"blobs":["","AQ"]}"#, #"{"blobs":["","AQ=="]}"#),
        ("Lists", #"{"children":[{},{"int32Value":1}]}"#, #"{"children":[{},{"int32Value":1}]}"#),
        ("Lists", #"{"nested":[{"nested":[{"int32s":[1]}]}]}"#, #"{"nested":[{"nested":[{"int32s":[1]}]}]}"#),
        // Enums: first name out, any alias, name or integer in; unknown numbers are kept.
        (
            "Lists", #"{"colors":["RED","CRIMSON",1,"GREEN",-1,"FAR",7,2.0,"COLOR_UNSPECIFIED"]}"#,
            #"{"colors":["RED","RED","RED","GREEN","NEGATIVE","FAR",7,"GREEN","COLOR_UNSPECIFIED"]}"#
        ),
        ("Scalars", #"{"color":"2"}"#, ""),
        ("Wide", #"{"f1":1,"f64":64,"f65":65,"f70":70}"#, #"{"f1":1,"f64":64,"f65":65,"f70":70}"#),
    ].filter { !$0.2.isEmpty }

    @Test(arguments: accepted)
    func readsAndPrints(type: String, read: String, printed: String) throws {
        #expect(try TestSchema.roundTrip(read, as: type) == printed)
        #expect(try TestSchema.roundTrip(printed, as: type) == printed)
        let dynamic = try DynamicMessage(
            json: read, as: TestSchema.type(type), options: TestSchema.decodingOptions)
        #expect(try dynamic.json(options: TestSchema.encodingOptions) == printed)
        #expect(try TestSchema.print(try dynamic.encoded(), as: type) == printed)
    }

    /// Text that is refused, and the path in the error.
    static let refused: [(type: String, text: String, path: String)] = [
        ("Scalars", #"{"unknown":1}"#, ""), ("Scalars", #"{"child":{"Int32Value":1}}"#, "child"),
        ("Scalars", #"{"[ravioli.test.extension]":1}"#, ""), ("Scalars", #"{"@type":"x"}"#, ""),
        ("Scalars", #"{"int32Value":1,"int32Value":1}"#, "int32Value"),
        ("Scalars", #"{"int32Value":1,"int32_value":2}"#, "int32Value"),
        ("Scalars", #"{"int32Value":null,"int32Value":2}"#, "int32Value"),
        ("Scalars", #"{"child":{},"child":{}}"#, "child"),
        ("Wide", #"{"f70":1,"f70":2}"#, "f70"), ("Wide", #"{"f1":1,"f65":2,"f65":2}"#, "f65"),
        ("Choice", #"{"number":1,"text":"a"}"#, "text"), ("Choice", #"{"child":{},"number":0}"#, "number"),
        ("Choice", #"{"nothing":null,"number":0}"#, "number"),
        ("Choice", #"{"anyValue":null,"number":0}"#, "number"),
        ("Choice", #"{"flag":true,"ratio":1}"#, "ratio"),
        ("Lists", #"{"int32s":1}"#, "int32s"), ("Lists", #"{"int32s":{}}"#, "int32s"),
        ("Lists", #"{"int32s":[null]}"#, "int32s[0]"),
        ("Lists", #"{"children":[{},null]}"#, "children[1]"), ("Lists", #"{"colors":[null]}"#, "colors[0]"),
        ("Lists", #"{"strings":["a",null]}"#, "strings[1]"), ("Lists", #"{"int32s":[1,]}"#, "int32s[1]"),
        ("Lists", #"{"int32s":[,1]}"#, "int32s[0]"), ("Lists", #"{"int32s":[1 2]}"#, "int32s[0]"),
        ("Lists", #"{"int32s":[[1]]}"#, "int32s[0]"),
        ("Lists", #"{"int32s":[1}"#, "int32s[0]"), ("Lists", #"{"int32s":["#, "int32s[0]"),
        ("Lists", #"{"int32s":[1"#, "int32s[0]"),
        ("Scalars", #"{"color":"BLUE"}"#, "color"), ("Scalars", #"{"color":"red"}"#, "color"),
        ("Scalars", #"{"color":1.5}"#, "color"),
        ("Scalars", #"{"color":2147483648}"#, "color"), ("Scalars", #"{"color":true}"#, "color"),
        ("Scalars", #"{"color":{}}"#, "color"),
        ("Scalars", #"{"child":1}"#, "child"), ("Scalars", #"{"child":[]}"#, "child"),
        ("Scalars", #"{"child":"a"}"#, "child"),
    ]

    @Test(arguments: refused)
    func refuses(type: String, text: String, path: String) {
        let error = TestSchema.refusal(of: text, as: type)
        #expect(error?.code == .invalidData)
        #expect(error?.path == path)
    }

    @Test func namesTheUnknownKey() {
        let error = TestSchema.refusal(of: #"{"child":{"a\nb":1}}"#, as: "Scalars")
        #expect(error?.message == #"ravioli.test.Scalars has no field "a\nb" (line 1, column 11)"#)
    }

    @Test func ignoresUnknownKeysAndEnumNamesWhenAsked() throws {
        var options = TestSchema.decodingOptions
        options.ignoresUnknown = true
        let skipped =
            #"{"x":{"a":[1,-2.5e3,{"b":null}],"c":"\u00e9","d":[],"e":{}},"int32Value":1,"y":true,"color":"BLUE"}"#
        #expect(try TestSchema.roundTrip(skipped, as: "Scalars", options) == #"{"int32Value":1}"#)
        #expect(
            try TestSchema.roundTrip(#"{"colors":["BLUE","RED","MAUVE"]}"#, as: "Lists", options)
                == #"{"colors":["RED"]}"#)
        #expect(
            try TestSchema.roundTrip(#"{"colors":{"a":"BLUE","b":"RED"}}"#, as: "Maps", options)
                == #"{"colors":{"b":"RED"}}"#)
        #expect(
            try TestSchema.roundTrip(#"{"color":"BLUE","number":1}"#, as: "Choice", options)
                == #"{"number":1}"#)
        for bad in [
            #"{"x":}"#, #"{"x":[1,]}"#, #"{"x":{"a"}}"#, #"{"x":01}"#, #"{"x":"\ud800"}"#, #"{"x":tru}"#,
            #"{"x":[1}"#,
            #"{"x":{"a":1]}"#,
            #"{"x":1"#, #"{"x":{"#, #"{"x":{,}}"#, #"{"x":{"a":1,}}"#,
        ] {
            #expect(TestSchema.refusal(of: bad, as: "Scalars", options)?.code == .invalidData)
        }
        let deep = String(repeating: "[", count: 101) + String(repeating: "]", count: 101)
        #expect(TestSchema.refusal(of: "{\"x\":\(deep)}", as: "Scalars", options)?.code == .limitExceeded)
        let flat = "[" + String(repeating: "0,", count: 999) + "0]"
        #expect(
            TestSchema.refusal(
                of: "{\"x\":\(flat)}", as: "Scalars", options, limits: SchemaLimits(elementsMax: 500))?
                .code
                == .limitExceeded)
    }

    @Test func lastDuplicateWinsWhenAsked() throws {
        var options = TestSchema.decodingOptions
        options.acceptsDuplicates = true
        #expect(
            try TestSchema.roundTrip(#"{"foo_bar":1,"fooBar":2}"#, as: "Names", options) == #"{"fooBar":2}"#)
        #expect(try TestSchema.roundTrip(#"{"foo_bar":1,"fooBar":0}"#, as: "Names", options) == "{}")
        #expect(
            try TestSchema.roundTrip(#"{"int32s":[1,2],"int32s":[3]}"#, as: "Lists", options)
                == #"{"int32s":[3]}"#)
        #expect(try TestSchema.roundTrip(#"{"int32s":[1,2],"int32s":null}"#, as: "Lists", options) == "{}")
        #expect(
            try TestSchema.roundTrip(#"{"strings":{"a":"1","a":"2"}}"#, as: "Maps", options)
                == #"{"strings":{"a":"2"}}"#)
        #expect(
            try TestSchema.roundTrip(
                #"{"child":{"int32Value":1},"child":{"boolValue":true}}"#, as: "Scalars", options)
                == #"{"child":{"boolValue":true}}"#)
        #expect(
            try TestSchema.roundTrip(#"{"number":1,"child":{},"text":"a"}"#, as: "Choice", options)
                == #"{"text":"a"}"#)
        #expect(
            try TestSchema.roundTrip(#"{"child":{},"number":5}"#, as: "Choice", options) == #"{"number":5}"#)
    }

    @Test func printsAsTheOptionsSay() throws {
        let bytes = try TestSchema.encode(#"{"int64Value":5,"color":"RED","child":{}}"#, as: "Scalars")
        var options = TestSchema.encodingOptions
        options.usesOriginalNames = true
        options.printsEnumsAsNumbers = true
        options.prints64BitIntegersAsNumbers = true
        #expect(
            try TestSchema.print(bytes, as: "Scalars", options) == #"{"int64_value":5,"color":1,"child":{}}"#)
        options = TestSchema.encodingOptions
        options.emitsFieldsWithoutPresence = true
        #expect(
            try TestSchema.print([], as: "Scalars", options)
                == #"{"int32Value":0,"int64Value":"0","uint32Value":0,"uint64Value":"0","sint32Value":0,"sint64Value":"0","#
                + #""fixed32Value":0,"fixed64Value":"0","sfixed32Value":0,"sfixed64Value":"0","floatValue":0,"#
                + #""doubleValue":0,"boolValue":false,"stringValue":"","bytesValue":"","color":"COLOR_UNSPECIFIED"}"#
        )
        #expect(try TestSchema.print([], as: "Optionals", options) == "{}")
        #expect(try TestSchema.print([], as: "Choice", options) == "{}")
        #expect(
            try TestSchema.print([], as: "Lists", options)
                == #"{"int32s":[],"int64s":[],"doubles":[],"bools":[],"strings":[],"blobs":[],"colors":[],"children":[],"nested":[]}"#
        )
    }

    @Test func doesNotPrintDefaultsThatStandOnTheWire() throws {
        // int32_value 0, string_value "", color 0.
        #expect(try TestSchema.print([0x08, 0, 0x72, 0, 0x80, 0x01, 0], as: "Scalars") == "{}")
        // An unknown field is not printed either.
        #expect(try TestSchema.print([0xf8, 0x3f, 1, 0x08, 1], as: "Scalars") == #"{"int32Value":1}"#)
    }

    @Test func leavesOutDefaultsOnTheWire() throws {
        #expect(
            try TestSchema.encode(#"{"int32Value":0,"stringValue":"","doubleValue":0.0}"#, as: "Scalars")
                == [])
        #expect(try TestSchema.encode(#"{"int32Value":0}"#, as: "Optionals") == [0x08, 0])
        #expect(try TestSchema.encode(#"{"int32s":[1,2]}"#, as: "Lists") == [0x0a, 2, 1, 2])
        #expect(
            try TestSchema.encode(#"{"bools":{"true":false}}"#, as: "Maps") == [0x32, 4, 0x08, 1, 0x10, 0])
    }
}
