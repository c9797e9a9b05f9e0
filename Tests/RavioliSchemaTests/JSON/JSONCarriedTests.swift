// SPDX-License-Identifier: Apache-2.0

import RavioliSchema
import Testing

/// Groups and extensions: they have no place in a C struct, and JSON both ways all the same.
@Suite struct JSONCarriedTests {
    private static let type = "ravioli.test2.Carrying"

    static let accepted: [(read: String, printed: String)] = [
        (#"{"[ravioli.test2.number]":1}"#, #"{"[ravioli.test2.number]":1}"#),
        (#"{"[ravioli.test2.number]":0,"name":"a"}"#, #"{"name":"a","[ravioli.test2.number]":0}"#),
        (#"{"[ravioli.test2.number]":"7"}"#, #"{"[ravioli.test2.number]":7}"#),
        (#"{"\u005bravioli.test2.number]":-1}"#, #"{"[ravioli.test2.number]":-1}"#),
        (#"{ "[ravioli.test2.number]" : 1 }"#, #"{"[ravioli.test2.number]":1}"#),
        (#"{"[ravioli.test2.number]":null}"#, "{}"),
        (#"{"[ravioli.test2.texts]":["a","é"]}"#, #"{"[ravioli.test2.texts]":["a","é"]}"#),
        (#"{"[ravioli.test2.texts]":[]}"#, "{}"),
        (#"{"[ravioli.test2.packed]":[1,2,300]}"#, #"{"[ravioli.test2.packed]":[1,2,300]}"#),
        (#"{"[ravioli.test2.choice]":"SECOND"}"#, #"{"[ravioli.test2.choice]":"SECOND"}"#),
        (#"{"[ravioli.test2.ratio]":"NaN"}"#, #"{"[ravioli.test2.ratio]":"NaN"}"#),
        (#"{"[ravioli.test2.child]":{}}"#, #"{"[ravioli.test2.child]":{}}"#),
        (
            #"{"[ravioli.test2.child]":{"name":"b","[ravioli.test2.number]":2,"part":{"x":1}}}"#,
            #"{"[ravioli.test2.child]":{"name":"b","part":{"x":1},"[ravioli.test2.number]":2}}"#
        ),
        (#"{"[ravioli.test2.Scope.needy]":{"id":5}}"#, #"{"[ravioli.test2.Scope.needy]":{"id":5}}"#),
        (
            #"{"[ravioli.test2.ratio]":1.5,"[ravioli.test2.number]":1,"name":"c"}"#,
            #"{"name":"c","[ravioli.test2.number]":1,"[ravioli.test2.ratio]":1.5}"#
        ),
        (#"{"[ravioli.test2.addon]":{"y":1}}"#, #"{"[ravioli.test2.addon]":{"y":1}}"#),
        (
            #"{"[ravioli.test2.line]":[{"y":1},{},{"y":2}]}"#,
            #"{"[ravioli.test2.line]":[{"y":1},{},{"y":2}]}"#
        ),
        // Groups.
        (#"{"part":{}}"#, #"{"part":{}}"#), (#"{"part":{"x":0}}"#, #"{"part":{"x":0}}"#),
        (#"{"part":{"inner":{"text":"deep"},"x":1}}"#, #"{"part":{"x":1,"inner":{"text":"deep"}}}"#),
        (#"{"row":[{"x":1},{"x":2}],"part":{"x":3}}"#, #"{"part":{"x":3},"row":[{"x":1},{"x":2}]}"#),
        (#"{"part":null,"row":null}"#, "{}"), (#"{"row":[]}"#, "{}"),
    ]

    @Test(arguments: accepted)
    func readsAndPrints(read: String, printed: String) throws {
        #expect(try TestSchema.roundTrip(read, as: Self.type) == printed)
        #expect(try TestSchema.roundTrip(printed, as: Self.type) == printed)
        let dynamic = try DynamicMessage(
            json: read, as: TestSchema.type(Self.type), options: TestSchema.decodingOptions)
        #expect(try dynamic.json(options: TestSchema.encodingOptions) == printed)
        #expect(try TestSchema.print(try dynamic.encoded(), as: Self.type) == printed)
    }

    @Test func standsOnTheWireAsTheSchemaSays() throws {
        #expect(try TestSchema.encode(#"{"[ravioli.test2.number]":5}"#, as: Self.type) == [0xa0, 0x06, 5])
        #expect(
            try TestSchema.encode(#"{"[ravioli.test2.packed]":[1,2]}"#, as: Self.type) == [
                0xca, 0x06, 2, 1, 2,
            ])
        #expect(try TestSchema.encode(#"{"part":{"x":5}}"#, as: Self.type) == [0x13, 0x08, 5, 0x14])
        #expect(
            try TestSchema.encode(#"{"row":[{"x":1},{}]}"#, as: Self.type) == [
                0x1b, 0x08, 1, 0x1c, 0x1b, 0x1c,
            ])
        #expect(
            try TestSchema.encode(#"{"[ravioli.test2.addon]":{"y":1}}"#, as: Self.type)
                == [0xc3, 0x06, 0x08, 1, 0xc4, 0x06])
    }

    @Test func printsWhatStandsOnTheWire() throws {
        // A group in two parts is one message; so are the parts of an extension.
        #expect(
            try TestSchema.print([0x13, 0x08, 5, 0x14, 0x13, 0x1b, 0x0a, 1, 0x61, 0x1c, 0x14], as: Self.type)
                == #"{"part":{"x":5}}"#)
        let parts: [UInt8] = [0xb2, 0x06, 3, 0x0a, 1, 0x61, 0xb2, 0x06, 3, 0xa0, 0x06, 9]
        #expect(
            try TestSchema.print(parts, as: Self.type)
                == #"{"[ravioli.test2.child]":{"name":"a","[ravioli.test2.number]":9}}"#)
        // The last one of a singular value, packed or not, and none of another wire type.
        #expect(
            try TestSchema.print([0xa0, 0x06, 1, 0xa0, 0x06, 2], as: Self.type)
                == #"{"[ravioli.test2.number]":2}"#)
        #expect(
            try TestSchema.print([0xc8, 0x06, 1, 0xca, 0x06, 1, 2], as: Self.type)
                == #"{"[ravioli.test2.packed]":[1,2]}"#)
        #expect(try TestSchema.print([0xa2, 0x06, 1, 0], as: Self.type) == "{}")
        #expect(try TestSchema.print([0x10, 5, 0xd8, 0x0c, 7], as: Self.type) == "{}")
    }

    @Test func printsOriginalNamesToo() throws {
        var options = TestSchema.encodingOptions
        options.usesOriginalNames = true
        options.printsEnumsAsNumbers = true
        let bytes = try TestSchema.encode(
            #"{"[ravioli.test2.choice]":"FIRST","part":{"x":1}}"#, as: Self.type)
        #expect(
            try TestSchema.print(bytes, as: Self.type, options)
                == #"{"part":{"x":1},"[ravioli.test2.choice]":3}"#)
    }

    @Test func generatedMessagesKeepThem() throws {
        // google.protobuf.FieldOptions is extendable; nobody here extends it.
        #expect(throws: SchemaError.self) { try Google_Protobuf_FieldOptions(json: #"{"[a.b]":1}"#) }
        let dynamic = try DynamicMessage(
            json: #"{"[ravioli.test2.number]":5}"#, as: TestSchema.type(Self.type),
            options: TestSchema.decodingOptions)
        #expect(dynamic.unknownFields.encoded == [0xa0, 0x06, 5])
    }

    static let refused: [(json: String, path: String)] = [
        (#"{"[ravioli.test2.none]":1}"#, ""), (#"{"[]":1}"#, ""), (#"{"[":1}"#, ""),
        // An extension of another message.
        (#"{"[ravioli.test2.extra]":1}"#, ""), (#"{"ravioli.test2.number":1}"#, ""), (#"{"number":1}"#, ""),
        (#"{"[ravioli.test2.number]":"x"}"#, "[ravioli.test2.number]"),
        (#"{"[ravioli.test2.number]":1,"[ravioli.test2.number]":1}"#, "[ravioli.test2.number]"),
        (#"{"[ravioli.test2.texts]":["a",1]}"#, "[ravioli.test2.texts][1]"),
        (#"{"[ravioli.test2.choice]":"THIRD"}"#, "[ravioli.test2.choice]"),
        (
            #"{"[ravioli.test2.child]":{"[ravioli.test2.number]":true}}"#,
            "[ravioli.test2.child].[ravioli.test2.number]"
        ),
        (#"{"[ravioli.test2.Scope.needy]":{}}"#, "[ravioli.test2.Scope.needy]"),
        (#"{"part":1}"#, "part"), (#"{"part":{"y":1}}"#, "part"), (#"{"part":{},"part":{}}"#, "part"),
        (#"{"Part":{}}"#, ""), (#"{"row":{}}"#, "row"), (#"{"row":[null]}"#, "row[0]"),
        (#"{"part":{"inner":{"text":1}}}"#, "part.inner.text"),
    ]

    @Test(arguments: refused)
    func refuses(json: String, path: String) {
        let error = TestSchema.refusal(of: json, as: Self.type)
        #expect(error?.code == .invalidData)
        #expect(error?.path == path)
    }

    @Test func needsAPoolOrTheFileOfTheMessageToKnowAnExtension() throws {
        let json = #"{"[ravioli.test2.number]":5}"#
        #expect(try TestSchema.roundTrip(json, as: Self.type) == json)
        let bytes = try TestSchema.encode(json, as: Self.type, .defaults)
        #expect(try TestSchema.print(bytes, as: Self.type, .defaults) == json)
    }

    @Test func lastDuplicateWinsWhenAsked() throws {
        var options = TestSchema.decodingOptions
        options.acceptsDuplicates = true
        #expect(
            try TestSchema.roundTrip(
                #"{"[ravioli.test2.number]":1,"part":{"x":1},"[ravioli.test2.number]":2,"part":{}}"#,
                as: Self.type,
                options) == #"{"part":{},"[ravioli.test2.number]":2}"#)
    }

    @Test func countsDepthThroughBoth() {
        let child = #"{"[ravioli.test2.child]":"#
        let deepest = String(repeating: child, count: 100) + "{}" + String(repeating: "}", count: 100)
        #expect(TestSchema.refusal(of: "\(child)\(deepest)}", as: Self.type)?.code == .limitExceeded)
        let isSame = onSmallStack {
            (try? TestSchema.roundTrip(deepest, as: "ravioli.test2.Carrying")) == deepest
        }
        #expect(isSame == true)
    }

    @Test func brokenExtensionsAreNoTextAtAll() {
        // The child is no message; its name is no UTF-8.
        for bytes in [[0xb2, 0x06, 1, 0xff], [0xb2, 0x06, 3, 0x0a, 1, 0xff]] as [[UInt8]] {
            let error = #expect(throws: SchemaError.self) { try TestSchema.print(bytes, as: Self.type) }
            #expect(error?.code == .invalidValue)
        }
    }
}
