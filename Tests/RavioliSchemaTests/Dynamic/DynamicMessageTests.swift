// SPDX-License-Identifier: Apache-2.0

import RavioliSchema
import Testing

@Suite struct DynamicMessageTests {
    private let scalars = TestSchema.type("Scalars")

    @Test func holdsEveryKindOfField() throws {
        var message = DynamicMessage(scalars)
        let values: [(String, DynamicValue)] = [
            ("int32_value", .int32(-1)), ("int64_value", .int64(-2)), ("uint32_value", .uint32(3)),
            ("uint64_value", .uint64(4)),
            ("sint32_value", .int32(-5)), ("sint64_value", .int64(-6)), ("fixed32_value", .uint32(7)),
            ("fixed64_value", .uint64(8)),
            ("sfixed32_value", .int32(-9)), ("sfixed64_value", .int64(-10)), ("float_value", .float(1.5)),
            ("double_value", .double(-0.0)),
            ("bool_value", .bool(true)), ("string_value", .string("é\0x")),
            ("bytes_value", .bytes([0, 255])),
            ("color", .enumeration(77)),
            ("child", .message(DynamicMessage(scalars))),
        ]
        for (name, value) in values { try message.set(name, to: value) }
        let decoded = try DynamicMessage(decoding: message.encoded(), as: scalars)
        #expect(decoded == message)
        for (name, value) in values { #expect(try decoded.value(of: name) == value) }
        #expect(try DynamicMessage(json: message.json(), as: scalars) == message)
        #expect(decoded.presentFields.map(\.field.name) == values.map(\.0))
    }

    @Test func readsByNumberAndByJSONName() throws {
        var message = DynamicMessage(scalars)
        try message.set(numbered: 1, to: .int32(5))
        #expect(try message.value(of: "int32Value") == .int32(5))
        #expect(try message.value(numbered: 1) == .int32(5))
        #expect(try message.has("int32_value"))
        try message.clear(numbered: 1)
        #expect(try message.has(numbered: 1) == false)
        #expect(try message.encoded() == [])
    }

    @Test func absentFieldsReadAsTheirDefaults() throws {
        let message = DynamicMessage(scalars)
        #expect(try message.value(of: "string_value") == .string(""))
        #expect(try message.value(of: "child") == .message(DynamicMessage(scalars)))
        #expect(try DynamicMessage(TestSchema.type("Lists")).value(of: "int32s") == .list([]))
        #expect(try DynamicMessage(TestSchema.type("Maps")).value(of: "strings") == .map([:]))
        let old = DynamicMessage(TestSchema.type("ravioli.test2.Old"))
        #expect(try old.value(of: "plain") == .int32(0))
        #expect(try old.value(of: "answer") == .int32(42))
        #expect(try old.value(of: "greeting") == .string("hello \"you\""))
        #expect(try old.value(of: "raw") == .bytes([0x61, 0, 0x7f, 0x0a]))
        #expect(try old.value(of: "choice") == .enumeration(5))
        #expect(try old.value(of: "first") == .enumeration(3))
        #expect(try old.value(of: "ratio") == .double(.infinity))
        #expect(try old.has("answer") == false)
    }

    @Test func presenceIsTheSchemas() throws {
        var implicit = DynamicMessage(scalars)
        try implicit.set("int32_value", to: .int32(0))
        #expect(try implicit.has("int32_value") == false)
        try implicit.set("double_value", to: .double(-0.0))
        #expect(try implicit.has("double_value"))
        var explicit = DynamicMessage(TestSchema.type("Optionals"))
        try explicit.set("int32_value", to: .int32(0))
        #expect(try explicit.has("int32_value"))
        #expect(try explicit.encoded() == [0x08, 0])
    }

    @Test func settingAMemberOfAOneofClearsTheOthers() throws {
        var message = DynamicMessage(TestSchema.type("Choice"))
        try message.set("number", to: .int32(1))
        try message.set("flag", to: .bool(false))
        try message.set("text", to: .string(""))
        #expect(try message.has("number") == false)
        #expect(try message.json() == #"{"text":"","flag":false}"#)
        #expect(try DynamicMessage(decoding: message.encoded(), as: message.type) == message)
    }

    @Test func holdsListsAndMaps() throws {
        var lists = DynamicMessage(TestSchema.type("Lists"))
        try lists.set("int32s", to: .list([.int32(1), .int32(2)]))
        try lists.set("strings", to: .list([.string(""), .string("x")]))
        try lists.set("bools", to: .list([.bool(true), .bool(false)]))
        try lists.set("children", to: .list([.message(DynamicMessage(scalars))]))
        #expect(try DynamicMessage(decoding: lists.encoded(), as: lists.type) == lists)
        #expect(
            try lists.json() == #"{"int32s":[1,2],"bools":[true,false],"strings":["","x"],"children":[{}]}"#)

        var maps = DynamicMessage(TestSchema.type("Maps"))
        try maps.set("strings", to: .map([.string("b"): .string("1"), .string("a"): .string("")]))
        try maps.set("bools", to: .map([.bool(true): .bool(false), .bool(false): .bool(true)]))
        try maps.set("children", to: .map([.string(""): .message(DynamicMessage(scalars))]))
        try maps.set("int64s", to: .map([.int64(-1): .int64(1), .int64(.min): .int64(2)]))
        #expect(try DynamicMessage(decoding: maps.encoded(), as: maps.type) == maps)
        #expect(
            try maps.encoded(deterministic: true)
                == (try DynamicMessage(json: maps.json(), as: maps.type).encoded(deterministic: true)))
        #expect(
            try maps.encoded(deterministic: true).starts(with: [
                0x0a, 5, 0x0a, 1, 0x61, 0x12, 0, 0x0a, 6, 0x0a, 1, 0x62,
            ]))
    }

    @Test func refusesValuesOfAnotherType() throws {
        func refusal(_ type: String, _ field: String, _ value: DynamicValue) -> String? {
            var message = DynamicMessage(TestSchema.type(type))
            let error = #expect(throws: SchemaError.self) { try message.set(field, to: value) }
            #expect(error?.code == .invalidValue)
            #expect(message == DynamicMessage(message.type))
            return error?.description
        }
        #expect(
            refusal("Scalars", "int32_value", .string("x"))
                == "expected an int32, found a string in field int32_value")
        #expect(
            refusal("Scalars", "int32_value", .int64(1))
                == "expected an int32, found an int64 in field int32_value")
        #expect(
            refusal("Scalars", "child", .message(DynamicMessage(TestSchema.type("Lists"))))
                == "expected a ravioli.test.Scalars, found a ravioli.test.Lists in field child")
        #expect(refusal("Lists", "int32s", .int32(1)) == "expected a list, found an int32 in field int32s")
        #expect(
            refusal("Lists", "int32s", .list([.int32(1), .bool(true)]))
                == "expected an int32, found a bool in field int32s")
        #expect(
            refusal("Scalars", "int32_value", .list([]))
                == "expected an int32, found a list in field int32_value")
        #expect(refusal("Maps", "strings", .list([])) == "expected a map, found a list in field strings")
        #expect(
            refusal("Maps", "strings", .map([.int32(1): .string("")]))
                == "expected a string as a key, found an int32 in field strings")
        #expect(
            refusal("Maps", "strings", .map([.string(""): .int32(1)]))
                == "expected a string as a map's value, found an int32 in field strings")
        #expect(
            refusal("ravioli.test2.Old", "choice", .enumeration(4))
                == "expected a number of ravioli.test2.Closed, found an enum number in field choice")
        #expect(refusal("ravioli.test2.Old", "part", .bytes([]))?.hasPrefix("a group is kept") == true)
    }

    @Test func namesFieldsThatDoNotExist() {
        let message = DynamicMessage(scalars)
        let byName = #expect(throws: SchemaError.self) { try message.value(of: "nothing") }
        #expect(byName?.code == .unknownType)
        #expect(byName?.message == "ravioli.test.Scalars has no field \"nothing\"")
        let byNumber = #expect(throws: SchemaError.self) { try message.value(numbered: 99) }
        #expect(byNumber?.message == "ravioli.test.Scalars has no field numbered 99")
    }

    @Test func keepsUnknownFieldsExtensionsAndGroups() throws {
        // The extension 100 = 5, the group 10 { x = 1 }, the unknown field 50 = "a".
        let bytes: [UInt8] = [0xa0, 0x06, 5, 0x53, 0x08, 1, 0x54, 0x92, 0x03, 1, 0x61]
        let message = try DynamicMessage(decoding: bytes, as: TestSchema.type("ravioli.test2.Old"))
        #expect(message.unknownFields.records(numbered: 100).map(\.value) == [.varint(5)])
        #expect(message.unknownFields.records(numbered: 10).map(\.value) == [.group([0x08, 1])])
        #expect(try message.encoded() == bytes)
        #expect(try message.json() == #"{"part":{"x":1},"[ravioli.test2.extra]":5}"#)
    }

    @Test func checksRequiredFieldsBothWays() throws {
        let needy = TestSchema.type("ravioli.test2.Needy")
        #expect(throws: SchemaError.self) { try DynamicMessage(needy).encoded() }
        #expect(throws: SchemaError.self) { try DynamicMessage(needy).json() }
        let error = #expect(throws: SchemaError.self) {
            try DynamicMessage(json: #"{"id":1,"inner":{}}"#, as: needy)
        }
        #expect(error?.path == "inner.id")
        #expect(error?.code == .invalidData)
        #expect(throws: SchemaError.self) {
            try JSONTranscoder.encoded(fromJSON: Array("{}".utf8), as: needy)
        }
        #expect(try DynamicMessage(json: #"{"id":0}"#, as: needy).encoded() == [0x08, 0])
    }

    @Test func closedEnumsTakeNamedNumbersOnly() throws {
        let old = "ravioli.test2.Old"
        #expect(
            try TestSchema.roundTrip(#"{"choice":3,"choices":["FIRST",5]}"#, as: old)
                == #"{"choice":"FIRST","choices":["FIRST","SECOND"]}"#)
        #expect(TestSchema.refusal(of: #"{"choice":4}"#, as: old)?.path == "choice")
        var options = TestSchema.decodingOptions
        options.ignoresUnknown = true
        #expect(
            try TestSchema.roundTrip(#"{"choice":4,"choices":[3,4]}"#, as: old, options)
                == #"{"choices":["FIRST"]}"#)
        // On the wire an unnamed number is an unknown field.
        let message = try DynamicMessage(decoding: [0x28, 4], as: TestSchema.type(old))
        #expect(try message.has("choice") == false)
        #expect(try message.encoded() == [0x28, 4])
    }

    @Test func isAValue() throws {
        var one = DynamicMessage(scalars)
        try one.set("string_value", to: .string("one"))
        var other = one
        try other.set("string_value", to: .string("other"))
        #expect(try one.value(of: "string_value") == .string("one"))
        #expect(one != other)
        #expect(Set([one, other, one]).count == 2)
    }

    @Test func refusesToEncodeWhatIsNestedTooDeep() throws {
        var message = DynamicMessage(scalars)
        for _ in 0..<100 {
            var outer = DynamicMessage(scalars)
            try outer.set("child", to: .message(message))
            message = outer
        }
        #expect(try DynamicMessage(decoding: message.encoded(), as: scalars) == message)
        var outer = DynamicMessage(scalars)
        try outer.set("child", to: .message(message))
        let tooDeep = outer
        #expect(throws: SchemaError.self) { try tooDeep.encoded() }
        #expect(throws: SchemaError.self) { try tooDeep.json() }
    }
}
