// SPDX-License-Identifier: Apache-2.0

import RavioliSchema
import Testing

/// The cases of protobuf's conformance suite for JSON, by their names there, on messages of our own with fields of the
/// same names, in proto3, proto2 and edition 2023.
@Suite struct JSONConformanceTests {
    /// A message type for each syntax, from the one proto3 file.
    static let syntaxes = [
        "ravioli.conformance", "ravioli.conformance.proto2", "ravioli.conformance.editions",
    ]

    /// The files of all three, and what they import.
    static let pool: DescriptorPool = {
        do {
            let original = TestSchema.type("ravioli.conformance.All").file
            let files = try syntaxes.dropFirst().map { try variant($0, of: original) }
            return DescriptorPool(TestSchema.pool.files + files)
        } catch {
            preconditionFailure("the variants of the test schema are broken: \(error)")
        }
    }()

    /// The file in another package and syntax, named as the package ends.
    private static func variant(_ package: String, of file: FileDescriptor) throws -> FileDescriptor {
        var proto = try Google_Protobuf_FileDescriptorProto(decoding: file.serialized)
        proto.name = package
        proto.package = package
        proto.messageType = proto.messageType.map { renamed($0, package) }
        guard package.hasSuffix("editions") else {
            proto.syntax = "proto2"
            return try FileDescriptor(serialized: try proto.encoded(), dependencies: file.dependencies)
        }
        proto.syntax = "editions"
        let edition: [UInt8] = [0x70, 0xe8, 0x07]
        return try FileDescriptor(
            serialized: try proto.encoded() + edition, dependencies: file.dependencies)
    }

    private static func renamed(
        _ message: Google_Protobuf_DescriptorProto, _ package: String
    ) -> Google_Protobuf_DescriptorProto {
        let old = ".ravioli.conformance."
        var message = message
        for index in message.field.indices {
            guard let name = message.field[index].typeName, name.hasPrefix(old) else { continue }
            message.field[index].typeName = ".\(package).\(name.dropFirst(old.count))"
        }
        message.nestedType = message.nestedType.map { renamed($0, package) }
        return message
    }

    static func type(_ syntax: String) throws -> MessageDescriptor {
        try #require(pool.message(named: "\(syntax).All"))
    }

    static func encode(
        _ json: String, _ syntax: String, ignoresUnknown: Bool = false
    ) throws -> [UInt8] {
        var options = JSONDecodingOptions.defaults
        options.types = pool
        options.ignoresUnknown = ignoresUnknown
        return try JSONTranscoder.encoded(fromJSON: Array(json.utf8), as: type(syntax), options: options)
    }

    static func print(_ bytes: [UInt8], _ syntax: String) throws -> String {
        var options = JSONEncodingOptions.defaults
        options.types = pool
        let json = try JSONTranscoder.json(fromEncoded: bytes, as: type(syntax), options: options)
        return String(decoding: json, as: UTF8.self)
    }

    /// `JsonInput.<name>`, `ProtobufOutput` and `JsonOutput`: what is read is printed as `printed`, or as it is.
    @Test(arguments: valid)
    func jsonInput(name: String, json: String, printed: String?) throws {
        for syntax in Self.syntaxes {
            let bytes = try Self.encode(json, syntax)
            #expect(try Self.print(bytes, syntax) == printed ?? json, "\(name) in \(syntax)")
            let dynamic = try DynamicMessage(decoding: bytes, as: Self.type(syntax))
            var options = JSONEncodingOptions.defaults
            options.types = Self.pool
            #expect(try dynamic.json(options: options) == printed ?? json, "\(name) in \(syntax)")
        }
    }

    /// The same for what proto3 leaves out because it is zero, and the others print.
    @Test(arguments: zeros)
    func jsonInputOfZeros(name: String, json: String) throws {
        #expect(try Self.print(Self.encode(json, Self.syntaxes[0]), Self.syntaxes[0]) == "{}", "\(name)")
        for syntax in Self.syntaxes.dropFirst() {
            #expect(try Self.print(Self.encode(json, syntax), syntax) == json, "\(name) in \(syntax)")
        }
    }

    /// `JsonInput.<name>` that must not be read.
    @Test(arguments: refused)
    func jsonInputRefused(name: String, json: String) {
        for syntax in Self.syntaxes {
            let error = #expect(throws: SchemaError.self, "\(name) in \(syntax)") {
                try Self.encode(json, syntax)
            }
            #expect(error?.code == .invalidData, "\(name) in \(syntax)")
            #expect(error?.message.contains("line ") == true, "\(name) in \(syntax)")
        }
    }

    /// `JsonInput.Ignore…`: read only with the option.
    @Test(arguments: ignored)
    func jsonInputIgnoringUnknown(name: String, json: String, printed: String) throws {
        for syntax in Self.syntaxes {
            #expect(throws: SchemaError.self, "\(name) in \(syntax)") { try Self.encode(json, syntax) }
            let bytes = try Self.encode(json, syntax, ignoresUnknown: true)
            #expect(try Self.print(bytes, syntax) == printed, "\(name) in \(syntax)")
        }
    }

    /// `<name>.JsonOutput` that must not be printed: a field and the message in it.
    @Test(arguments: unprintable)
    func jsonOutputRefused(name: String, field: UInt64, message: [UInt8]) {
        let tag = field << 3 | 2
        let bytes = [UInt8(tag & 0x7f) | 0x80, UInt8(tag >> 7), UInt8(message.count)] + message
        for syntax in Self.syntaxes {
            let error = #expect(throws: SchemaError.self, "\(name) in \(syntax)") {
                try Self.print(bytes, syntax)
            }
            #expect(error?.code == .invalidValue, "\(name) in \(syntax)")
        }
    }

    /// `FloatFieldNormalizeQuietNan` and its like: every NaN is printed as the same.
    @Test(
        arguments: [
            [0x5d, 0x45, 0x23, 0xa1, 0x7f], [0x5d, 0x21, 0x43, 0xb5, 0xff],
            [0x61, 0xbc, 0x9a, 0x78, 0x56, 0x34, 0x12, 0xfa, 0x7f],
            [0x61, 0x21, 0x43, 0x65, 0x87, 0xa9, 0xcb, 0xfb, 0xff],
        ] as [[UInt8]])
    func normalizesNaN(bytes: [UInt8]) throws {
        let name = bytes[0] == 0x5d ? "optionalFloat" : "optionalDouble"
        for syntax in Self.syntaxes {
            #expect(try Self.print(bytes, syntax) == "{\"\(name)\":\"NaN\"}")
        }
    }

    /// `EnumFieldUnknownValue`: an open enum keeps the number, a closed one has none.
    @Test func enumFieldUnknownValue() throws {
        let json = #"{"optionalNestedEnum":123}"#
        for syntax in [Self.syntaxes[0], Self.syntaxes[2]] {
            #expect(try Self.print(Self.encode(json, syntax), syntax) == json)
        }
        #expect(throws: SchemaError.self) { try Self.encode(json, Self.syntaxes[1]) }
    }

    /// `NullValueInNormalMessage`: null is the default of a field without presence, and a value of one with it.
    @Test func nullValueInNormalMessage() throws {
        let json = #"{"optionalNullValue":null}"#
        #expect(try Self.encode(json, Self.syntaxes[0]).isEmpty)
        for syntax in Self.syntaxes.dropFirst() {
            #expect(try Self.print(Self.encode(json, syntax), syntax) == json)
        }
    }
}

extension JSONConformanceTests {
    static let refused: [(name: String, json: String)] = [
        ("RejectTopLevelNull", "null"), ("StringEndsWithEscapeChar", #"{"optionalString": "abc\"#),
        ("FieldNameNotQuoted", "{fieldname1: 1}"), ("TrailingCommaInAnObject", #"{"fieldname1":1,}"#),
        ("TrailingCommaInAnObjectWithSpace", #"{"fieldname1":1 ,}"#),
        ("TrailingCommaInAnObjectWithSpaceCommaSpace", #"{"fieldname1":1 , }"#),
        ("TrailingCommaInAnObjectWithNewlines", "{\n\"fieldname1\":1,\n}"),
        ("JsonWithComments", "{\n// This is a comment.\n\"fieldname1\": 1\n}"),
        ("MissingCommaOneLine", #"{ "optionalInt32": 1 "optionalInt64": 2 }"#),
        ("MissingCommaMultiline", "{\n  \"optionalInt32\": 1\n  \"optionalInt64\": 2\n}"),
        ("FieldNameDuplicate", #"{"optionalNestedMessage": {"a": 1}, "optionalNestedMessage": {}}"#),
        (
            "FieldNameDuplicateDifferentCasing1",
            #"{"optional_nested_message": {"a": 1}, "optionalNestedMessage": {}}"#
        ),
        (
            "FieldNameDuplicateDifferentCasing2",
            #"{"optionalNestedMessage": {"a": 1}, "optional_nested_message": {}}"#
        ),
        ("RejectReservedFieldName.Boolean", #"{"reserved_field": true}"#),
        ("RejectReservedFieldName.Message", #"{"reserved_field": {"a": 1}}"#),
        ("Int32FieldTooLarge", #"{"optionalInt32": 2147483648}"#),
        ("Int32FieldTooSmall", #"{"optionalInt32": -2147483649}"#),
        ("Uint32FieldTooLarge", #"{"optionalUint32": 4294967296}"#),
        ("Int64FieldTooLarge", #"{"optionalInt64": "9223372036854775808"}"#),
        ("Int64FieldTooSmall", #"{"optionalInt64": "-9223372036854775809"}"#),
        ("Uint64FieldTooLarge", #"{"optionalUint64": "18446744073709551616"}"#),
        ("Int32FieldNotInteger", #"{"optionalInt32": 0.5}"#),
        ("Uint32FieldNotInteger", #"{"optionalUint32": 0.5}"#),
        ("Int64FieldNotInteger", #"{"optionalInt64": "0.5"}"#),
        ("Uint64FieldNotInteger", #"{"optionalUint64": "0.5"}"#),
        ("Int32FieldStringValuePartiallyNumeric", #"{"optionalInt32": "12abc"}"#),
        ("Int32FieldStringValueNonNumeric", #"{"optionalInt32": "abc"}"#),
        ("Int32FieldEmptyString", #"{"optionalInt32": ""}"#),
        ("Uint32FieldEmptyString", #"{"optionalUint32": ""}"#),
        ("Int64FieldEmptyString", #"{"optionalInt64": ""}"#),
        ("Uint64FieldEmptyString", #"{"optionalUint64": ""}"#),
        ("Int32FieldNotNumber", #"{"optionalInt32": "3x3"}"#),
        ("Uint64FieldNotNumber", #"{"optionalUint64": "3x3"}"#),
        ("Int32FieldPlusSign", #"{"optionalInt32": +1}"#),
        ("Int32FieldLeadingZero", #"{"optionalInt32": 01}"#),
        ("Int32FieldNegativeWithLeadingZero", #"{"optionalInt32": -01}"#),
        ("Int32FieldLeadingSpace", #"{"optionalInt32": " 1"}"#),
        ("Int32FieldTrailingSpace", #"{"optionalInt32": "1 "}"#),
        ("BoolFieldIntegerZero", #"{"optionalBool":0}"#), ("BoolFieldIntegerOne", #"{"optionalBool":1}"#),
        ("BoolFieldCamelCaseTrue", #"{"optionalBool":True}"#),
        ("BoolFieldCamelCaseFalse", #"{"optionalBool":False}"#),
        ("BoolFieldAllCapitalTrue", #"{"optionalBool":TRUE}"#),
        ("BoolFieldAllCapitalFalse", #"{"optionalBool":FALSE}"#),
        ("BoolFieldDoubleQuotedTrue", #"{"optionalBool":"true"}"#),
        ("BoolFieldDoubleQuotedFalse", #"{"optionalBool":"false"}"#),
        ("FloatFieldNanNotQuoted", #"{"optionalFloat": NaN}"#),
        ("FloatFieldInfinityNotQuoted", #"{"optionalFloat": Infinity}"#),
        ("FloatFieldNegativeInfinityNotQuoted", #"{"optionalFloat": -Infinity}"#),
        ("FloatFieldTooSmall", #"{"optionalFloat": -3.502823e+38}"#),
        ("FloatFieldTooLarge", #"{"optionalFloat": 3.502823e+38}"#),
        ("FloatFieldEmptyString", #"{"optionalFloat": ""}"#),
        ("FloatFieldStringValuePartiallyNumeric", #"{"optionalFloat": "1.5x"}"#),
        ("DoubleFieldNanNotQuoted", #"{"optionalDouble": NaN}"#),
        ("DoubleFieldInfinityNotQuoted", #"{"optionalDouble": Infinity}"#),
        ("DoubleFieldNegativeInfinityNotQuoted", #"{"optionalDouble": -Infinity}"#),
        ("DoubleFieldTooSmall", #"{"optionalDouble": -1.89769e+308}"#),
        ("DoubleFieldTooLarge", #"{"optionalDouble": 1.89769e+308}"#),
        ("DoubleFieldTooLargeWithSign", #"{"optionalDouble": +1.89769e+308}"#),
        ("DoubleFieldEmptyString", #"{"optionalDouble": ""}"#),
        ("EnumFieldNotQuoted", #"{"optionalNestedEnum": FOO}"#),
        ("EnumFieldUnknownCasing", #"{"optionalNestedEnum": "foo"}"#),
        ("StringFieldUppercaseEscapeLetter", #"{"optionalString": "\U8C37\U6b4C"}"#),
        ("StringFieldInvalidEscape", #"{"optionalString": "\uXXXX\u6B4C"}"#),
        ("StringFieldUnterminatedEscape", #"{"optionalString": "\u8C3"}"#),
        ("StringFieldUnpairedHighSurrogate", #"{"optionalString": "\uD800"}"#),
        ("StringFieldUnpairedLowSurrogate", #"{"optionalString": "\uDC00"}"#),
        ("StringFieldSurrogateInWrongOrder", #"{"optionalString": "\uDE01\uD83D"}"#),
        ("StringFieldNotAString", #"{"optionalString": 12345}"#),
        ("StringFieldSingleQuoteKey", #"{'optionalString': "Hello world!"}"#),
        ("StringFieldSingleQuoteValue", #"{"optionalString": 'Hello world!'}"#),
        ("StringFieldSingleQuoteBoth", #"{'optionalString': 'Hello world!'}"#),
        ("BytesFieldInvalidBase64Characters", #"{"optionalBytes": "!!!!"}"#),
        ("OneofFieldDuplicate", #"{"oneofUint32": 1, "oneofString": "test"}"#),
        ("Int32MapFieldKeyNotQuoted", #"{"mapInt32Int32": {1: 2, 3: 4}}"#),
        ("Uint32MapFieldKeyNotQuoted", #"{"mapUint32Uint32": {1: 2, 3: 4}}"#),
        ("Int64MapFieldKeyNotQuoted", #"{"mapInt64Int64": {1: 2, 3: 4}}"#),
        ("Uint64MapFieldKeyNotQuoted", #"{"mapUint64Uint64": {1: 2, 3: 4}}"#),
        ("BoolMapFieldKeyNotQuoted", #"{"mapBoolBool": {true: true, false: false}}"#),
        ("RepeatedFieldWrongElementTypeExpectingIntegersGotBool", #"{"repeatedInt32": [1, false, 3, 4]}"#),
        ("RepeatedFieldWrongElementTypeExpectingIntegersGotString", #"{"repeatedInt32": [1, 2, "name", 4]}"#),
        (
            "RepeatedFieldWrongElementTypeExpectingIntegersGotMessage",
            #"{"repeatedInt32": [1, 2, 3, {"a": 4}]}"#
        ),
        ("RepeatedFieldWrongElementTypeExpectingStringsGotInt", #"{"repeatedString": ["1", 2, "3", "4"]}"#),
        (
            "RepeatedFieldWrongElementTypeExpectingStringsGotBool",
            #"{"repeatedString": ["1", "2", false, "4"]}"#
        ),
        ("RepeatedFieldWrongElementTypeExpectingStringsGotMessage", #"{"repeatedString": ["1", {"a": 4}]}"#),
        (
            "RepeatedFieldWrongElementTypeExpectingMessagesGotInt",
            #"{"repeatedNestedMessage": [{"a": 1}, 2]}"#
        ),
        (
            "RepeatedFieldWrongElementTypeExpectingMessagesGotBool",
            #"{"repeatedNestedMessage": [{"a": 1}, false]}"#
        ),
        (
            "RepeatedFieldWrongElementTypeExpectingMessagesGotString",
            #"{"repeatedNestedMessage": [{"a": 1}, "2"]}"#
        ),
        ("RepeatedFieldTrailingComma", #"{"repeatedInt32": [1, 2, 3, 4,]}"#),
        ("RepeatedFieldTrailingCommaWithSpace", #"{"repeatedInt32": [1, 2, 3, 4 ,]}"#),
        ("RepeatedFieldTrailingCommaWithSpaceCommaSpace", #"{"repeatedInt32": [1, 2, 3, 4 , ]}"#),
        ("RepeatedFieldTrailingCommaWithNewlines", "{\"repeatedInt32\": [\n  1,\n  2,\n  3,\n  4,\n]}"),
        ("RepeatedFieldPrimitiveElementIsNull", #"{"repeatedInt32": [1, null, 2]}"#),
        ("RepeatedFieldMessageElementIsNull", #"{"repeatedNestedMessage": [{"a":1}, null, {"a":2}]}"#),
        ("MapFieldKeyIsNull", #"{"mapInt32Int32": {null: 1}}"#),
        ("MapFieldValueIsNull", #"{"mapInt32Int32": {"0": null}}"#),
        ("RejectUnknownEnumStringValueInOptionalField", #"{"optional_nested_enum": "UNKNOWN_ENUM_VALUE"}"#),
        ("RejectUnknownEnumStringValueInRepeatedField", #"{"repeated_nested_enum": ["UNKNOWN_ENUM_VALUE"]}"#),
        (
            "RejectUnknownEnumStringValueInMapValue",
            #"{"map_string_nested_enum": {"key": "UNKNOWN_ENUM_VALUE"}}"#
        ),
        ("DurationMissingS", #"{"optionalDuration": "1"}"#),
        ("DurationJsonInputTooSmall", #"{"optionalDuration": "-315576000001.000000000s"}"#),
        ("DurationJsonInputTooLarge", #"{"optionalDuration": "315576000001.000000000s"}"#),
        ("TimestampJsonInputTooSmall", #"{"optionalTimestamp": "0000-01-01T00:00:00Z"}"#),
        ("TimestampJsonInputTooLarge", #"{"optionalTimestamp": "10000-01-01T00:00:00Z"}"#),
        ("TimestampJsonInputMissingZ", #"{"optionalTimestamp": "0001-01-01T00:00:00"}"#),
        ("TimestampJsonInputMissingT", #"{"optionalTimestamp": "0001-01-01 00:00:00Z"}"#),
        ("TimestampJsonInputLowercaseZ", #"{"optionalTimestamp": "0001-01-01T00:00:00z"}"#),
        ("TimestampJsonInputLowercaseT", #"{"optionalTimestamp": "0001-01-01t00:00:00Z"}"#),
        ("TimestampWithMissingColonInOffset", #"{"optionalTimestamp": "1970-01-01T08:00:01+0800"}"#),
        ("FieldMaskInvalidCharacter", #"{"optionalFieldMask": "foo,bar_bar"}"#),
        ("AnyWktRepresentationWithEmptyTypeAndValue", #"{"optionalAny": {"@type": "", "value": ""}}"#),
        ("AnyWktRepresentationWithBadType", #"{"optionalAny": {"@type": "not_a_url", "value": ""}}"#),
        (
            "AnyEmptyWithValue",
            #"{"optionalAny": {"@type": "type.googleapis.com/google.protobuf.Empty", "value": {}}}"#
        ),
    ]

    private static func seconds(_ value: Int64) -> [UInt8] {
        var bytes: [UInt8] = [0x08]
        var rest = UInt64(bitPattern: value)
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        return bytes + [UInt8(rest)]
    }

    private static func path(_ text: String) -> [UInt8] { [0x0a, UInt8(text.utf8.count)] + Array(text.utf8) }
    private static func number(_ value: Double) -> [UInt8] {
        [0x11] + withUnsafeBytes(of: value.bitPattern.littleEndian, Array.init)
    }

    static let unprintable: [(name: String, field: UInt64, message: [UInt8])] = [
        ("DurationProtoInputTooSmall", 301, seconds(-315_576_000_001)),
        ("DurationProtoInputTooLarge", 301, seconds(315_576_000_001)),
        ("DurationProtoNanosTooLarge", 301, [0x10, 0x80, 0x94, 0xeb, 0xdc, 0x03]),
        ("DurationProtoNanosWrongSign", 301, seconds(-1) + [0x10, 1]),
        ("TimestampProtoInputTooSmall", 302, seconds(-62_135_596_801)),
        ("TimestampProtoInputTooLarge", 302, seconds(253_402_300_800)),
        ("TimestampProtoNanosTooLarge", 302, [0x10, 0x80, 0x94, 0xeb, 0xdc, 0x03]),
        (
            "TimestampProtoNegativeNanos", 302,
            [0x10, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]
        ),
        ("FieldMaskPathsDontRoundTrip", 303, path("fooBar")),
        ("FieldMaskNumbersDontRoundTrip", 303, path("foo_3_bar")),
        ("FieldMaskTooManyUnderscore", 303, path("foo__bar")),
        ("ValueRejectNanNumberValue", 306, number(.nan)),
        ("ValueRejectInfNumberValue", 306, number(.infinity)),
        ("ValueRejectNegativeInfNumberValue", 306, number(-.infinity)),
        ("ValueWithoutKind", 306, []),
    ]
}
