// SPDX-License-Identifier: Apache-2.0

extension JSONConformanceTests {
    static let valid: [(name: String, json: String, printed: String?)] = [
        ("HelloWorld", #"{"optionalString":"Hello, World!"}"#, nil),
        // Names.
        (
            "FieldNameInSnakeCase", #"{"fieldname1":1,"fieldName2":2,"FieldName3":3,"fieldName4":4}"#, nil
        ),
        ("FieldNameWithNumbers", #"{"field0name5":5,"field0Name6":6}"#, nil),
        (
            "FieldNameWithMixedCases",
            #"{"fieldName7":7,"FieldName8":8,"fieldName9":9,"FieldName10":10,"FIELDNAME11":11,"FIELDName12":12}"#,
            nil
        ),
        (
            "FieldNameWithDoubleUnderscores",
            #"{"FieldName13":13,"FieldName14":14,"fieldName15":15,"fieldName16":16,"fieldName17":17,"FieldName18":18}"#,
            nil
        ),
        (
            "OriginalProtoFieldName",
            #"{"fieldname1":1,"field_name2":2,"_field_name3":3,"field__name4_":4,"field0name5":5,"field_0_name6":6,"#
                + #""fieldName7":7,"FieldName8":8,"field_Name9":9,"Field_Name10":10,"FIELD_NAME11":11,"FIELD_name12":12,"#
                + #""__field_name13":13,"__Field_name14":14,"field__name15":15,"field__Name16":16,"field_name17__":17,"#
                + #""Field_name18__":18}"#,
            #"{"fieldname1":1,"fieldName2":2,"FieldName3":3,"fieldName4":4,"field0name5":5,"field0Name6":6,"#
                + #""fieldName7":7,"FieldName8":8,"fieldName9":9,"FieldName10":10,"FIELDNAME11":11,"FIELDName12":12,"#
                + #""FieldName13":13,"FieldName14":14,"fieldName15":15,"fieldName16":16,"fieldName17":17,"FieldName18":18}"#
        ),
        ("FieldNameEscaped", #"{"fieldn\u0061me1":1}"#, #"{"fieldname1":1}"#),
        (
            "OneLineNoSpaces", #"{"optionalInt32":1,"optionalInt64":2}"#,
            #"{"optionalInt32":1,"optionalInt64":"2"}"#
        ),
        (
            "OneLineWithSpaces", #"{ "optionalInt32" : 1 , "optionalInt64" : 2 }"#,
            #"{"optionalInt32":1,"optionalInt64":"2"}"#
        ),
        (
            "MultilineNoSpaces", "{\n\"optionalInt32\"\n:\n1\n,\n\"optionalInt64\"\n:\n2\n}",
            #"{"optionalInt32":1,"optionalInt64":"2"}"#
        ),
        (
            "MultilineWithSpaces", "{\n  \"optionalInt32\"  :  1\n  ,\n  \"optionalInt64\"  :  2\n}\n",
            #"{"optionalInt32":1,"optionalInt64":"2"}"#
        ),
        // Integers.
        ("Int32FieldMaxValue", #"{"optionalInt32":2147483647}"#, nil),
        ("Int32FieldMinValue", #"{"optionalInt32":-2147483648}"#, nil),
        ("Uint32FieldMaxValue", #"{"optionalUint32":4294967295}"#, nil),
        ("Int64FieldMaxValue", #"{"optionalInt64":"9223372036854775807"}"#, nil),
        ("Int64FieldMinValue", #"{"optionalInt64":"-9223372036854775808"}"#, nil),
        ("Uint64FieldMaxValue", #"{"optionalUint64":"18446744073709551615"}"#, nil),
        (
            "Int64FieldMaxValueNotQuoted", #"{"optionalInt64":9223372036854774784}"#,
            #"{"optionalInt64":"9223372036854774784"}"#
        ),
        (
            "Int64FieldMinValueNotQuoted", #"{"optionalInt64":-9223372036854775808}"#,
            #"{"optionalInt64":"-9223372036854775808"}"#
        ),
        (
            "Uint64FieldMaxValueNotQuoted", #"{"optionalUint64":18446744073709549568}"#,
            #"{"optionalUint64":"18446744073709549568"}"#
        ),
        ("Int32FieldStringValue", #"{"optionalInt32":"2147483647"}"#, #"{"optionalInt32":2147483647}"#),
        (
            "Int32FieldStringValueEscaped", #"{"optionalInt32":"2\u003147483647"}"#,
            #"{"optionalInt32":2147483647}"#
        ),
        ("Int32FieldQuotedExponentialValue", #"{"optionalInt32":"1e5"}"#, #"{"optionalInt32":100000}"#),
        ("Int32FieldFloatTrailingZero", #"{"optionalInt32":100000.000}"#, #"{"optionalInt32":100000}"#),
        ("Int32FieldExponentialFormat", #"{"optionalInt32":1e5}"#, #"{"optionalInt32":100000}"#),
        ("Int32FieldMaxFloatValue", #"{"optionalInt32":2.147483647e9}"#, #"{"optionalInt32":2147483647}"#),
        ("Int32FieldMinFloatValue", #"{"optionalInt32":-2.147483648e9}"#, #"{"optionalInt32":-2147483648}"#),
        ("Uint32FieldMaxFloatValue", #"{"optionalUint32":4.294967295e9}"#, #"{"optionalUint32":4294967295}"#),
        ("Int64FieldBeString", #"{"optionalInt64":1}"#, #"{"optionalInt64":"1"}"#),
        ("Uint64FieldBeString", #"{"optionalUint64":1}"#, #"{"optionalUint64":"1"}"#),
        ("BoolFieldTrue", #"{"optionalBool":true}"#, nil),
        // Floats.
        ("FloatFieldMinPositiveValue", #"{"optionalFloat":1.175494e-38}"#, nil),
        ("FloatFieldMaxNegativeValue", #"{"optionalFloat":-1.175494e-38}"#, nil),
        ("FloatFieldMaxPositiveValue", #"{"optionalFloat":3.402823e+38}"#, nil),
        ("FloatFieldMinNegativeValue", #"{"optionalFloat":-3.402823e+38}"#, nil),
        ("FloatFieldQuotedValue", #"{"optionalFloat":"1"}"#, #"{"optionalFloat":1}"#),
        ("FloatFieldQuotedExponentialValue", #"{"optionalFloat":"1e5"}"#, #"{"optionalFloat":100000}"#),
        ("FloatFieldNan", #"{"optionalFloat":"NaN"}"#, nil),
        ("FloatFieldInfinity", #"{"optionalFloat":"Infinity"}"#, nil),
        ("FloatFieldNegativeInfinity", #"{"optionalFloat":"-Infinity"}"#, nil),
        ("DoubleFieldMinPositiveValue", #"{"optionalDouble":2.22507e-308}"#, nil),
        ("DoubleFieldMaxNegativeValue", #"{"optionalDouble":-2.22507e-308}"#, nil),
        ("DoubleFieldMaxPositiveValue", #"{"optionalDouble":1.79769e+308}"#, nil),
        ("DoubleFieldMinNegativeValue", #"{"optionalDouble":-1.79769e+308}"#, nil),
        ("DoubleFieldQuotedValue", #"{"optionalDouble":"1"}"#, #"{"optionalDouble":1}"#),
        ("DoubleFieldNan", #"{"optionalDouble":"NaN"}"#, nil),
        ("DoubleFieldInfinity", #"{"optionalDouble":"Infinity"}"#, nil),
        ("DoubleFieldNegativeInfinity", #"{"optionalDouble":"-Infinity"}"#, nil),
        // Enums.
        ("EnumField", #"{"optionalNestedEnum":"BAR"}"#, nil),
        ("EnumFieldNegative", #"{"optionalNestedEnum":-1}"#, #"{"optionalNestedEnum":"NEG"}"#),
        ("EnumFieldWithAlias", #"{"optionalAliasedEnum":"ALIAS_BAZ"}"#, nil),
        (
            "EnumFieldWithAliasUseAlias", #"{"optionalAliasedEnum":"MOO"}"#,
            #"{"optionalAliasedEnum":"ALIAS_BAZ"}"#
        ),
        (
            "EnumFieldWithAliasLowerCase", #"{"optionalAliasedEnum":"moo"}"#,
            #"{"optionalAliasedEnum":"ALIAS_BAZ"}"#
        ),
        (
            "EnumFieldWithAliasDifferentCase", #"{"optionalAliasedEnum":"bAz"}"#,
            #"{"optionalAliasedEnum":"ALIAS_BAZ"}"#
        ),
        ("EnumFieldNumericValueNonZero", #"{"optionalNestedEnum":1}"#, #"{"optionalNestedEnum":"BAR"}"#),
        // Strings and bytes.
        ("StringField", #"{"optionalString":"Hello world!"}"#, nil),
        ("StringFieldUnicode", #"{"optionalString":"谷歌"}"#, nil),
        (
            "StringFieldEscape", #"{"optionalString":"\"\\\/\b\f\n\r\t"}"#,
            #"{"optionalString":"\"\\/\b\f\n\r\t"}"#
        ),
        ("StringFieldUnicodeEscape", #"{"optionalString":"\u8C37\u6B4C"}"#, #"{"optionalString":"谷歌"}"#),
        (
            "StringFieldUnicodeEscapeWithLowercaseHexLetters", #"{"optionalString":"\u8c37\u6b4c"}"#,
            #"{"optionalString":"谷歌"}"#
        ),
        ("StringFieldSurrogatePair", #"{"optionalString":"\uD83D\uDE01"}"#, #"{"optionalString":"😁"}"#),
        ("StringFieldEmbeddedNull", #"{"optionalString":"Hello\u0000world!"}"#, nil),
        ("BytesField", #"{"optionalBytes":"AQI="}"#, nil),
        ("BytesFieldBase64Url", #"{"optionalBytes":"-_"}"#, #"{"optionalBytes":"+w=="}"#),
        // Messages and oneofs.
        ("MessageField", #"{"optionalNestedMessage":{"a":1234}}"#, nil),
        ("OneofZeroUint32", #"{"oneofUint32":0}"#, nil),
        ("OneofZeroMessage", #"{"oneofNestedMessage":{}}"#, nil),
        ("OneofZeroString", #"{"oneofString":""}"#, nil),
        ("OneofZeroBytes", #"{"oneofBytes":""}"#, nil),
        ("OneofZeroBool", #"{"oneofBool":false}"#, nil),
        ("OneofZeroUint64", #"{"oneofUint64":0}"#, #"{"oneofUint64":"0"}"#),
        ("OneofZeroFloat", #"{"oneofFloat":0.0}"#, #"{"oneofFloat":0}"#),
        ("OneofZeroDouble", #"{"oneofDouble":0.0}"#, #"{"oneofDouble":0}"#),
        ("OneofZeroEnum", #"{"oneofEnum":"FOO"}"#, nil),
        ("OneofFieldNullFirst", #"{"oneofUint32":null,"oneofString":"test"}"#, #"{"oneofString":"test"}"#),
        ("OneofFieldNullSecond", #"{"oneofString":"test","oneofUint32":null}"#, #"{"oneofString":"test"}"#),
        ("NullValueInOtherOneofOldFormat", #"{"oneofNullValue":"NULL_VALUE"}"#, #"{"oneofNullValue":null}"#),
        ("NullValueInOtherOneofNewFormat", #"{"oneofNullValue":null}"#, nil),
        // Maps.
        ("Int32MapField", #"{"mapInt32Int32":{"1":2,"3":4}}"#, nil),
        ("Uint32MapField", #"{"mapUint32Uint32":{"1":2,"3":4}}"#, nil),
        ("Int64MapField", #"{"mapInt64Int64":{"1":2,"3":4}}"#, #"{"mapInt64Int64":{"1":"2","3":"4"}}"#),
        ("Uint64MapField", #"{"mapUint64Uint64":{"1":2,"3":4}}"#, #"{"mapUint64Uint64":{"1":"2","3":"4"}}"#),
        (
            "BoolMapField", #"{"mapBoolBool":{"true":true,"false":false}}"#,
            #"{"mapBoolBool":{"false":false,"true":true}}"#
        ),
        ("MessageMapField", #"{"mapStringNestedMessage":{"hello":{"a":1234},"world":{"a":5678}}}"#, nil),
        ("Int32MapEscapedKey", #"{"mapInt32Int32":{"\u0031":2}}"#, #"{"mapInt32Int32":{"1":2}}"#),
        ("Int64MapEscapedKey", #"{"mapInt64Int64":{"\u0031":2}}"#, #"{"mapInt64Int64":{"1":"2"}}"#),
        ("BoolMapEscapedKey", #"{"mapBoolBool":{"tr\u0075e":true}}"#, #"{"mapBoolBool":{"true":true}}"#),
        // Lists.
        ("PrimitiveRepeatedField", #"{"repeatedInt32":[1,2,3,4]}"#, nil),
        ("EnumRepeatedField", #"{"repeatedNestedEnum":["FOO","BAR","BAZ"]}"#, nil),
        ("StringRepeatedField", #"{"repeatedString":["Hello","world"]}"#, nil),
        ("BytesRepeatedField", #"{"repeatedBytes":["AAEC","AQI="]}"#, nil),
        ("MessageRepeatedField", #"{"repeatedNestedMessage":[{"a":1234},{"a":5678}]}"#, nil),
        // null.
        (
            "AllFieldAcceptNull",
            #"{"optionalInt32":null,"optionalInt64":null,"optionalUint32":null,"optionalUint64":null,"optionalSint32":null,"#
                + #""optionalSint64":null,"optionalFixed32":null,"optionalFixed64":null,"optionalSfixed32":null,"#
                + #""optionalSfixed64":null,"optionalFloat":null,"optionalDouble":null,"optionalBool":null,"#
                + #""optionalString":null,"optionalBytes":null,"optionalNestedEnum":null,"optionalNestedMessage":null,"#
                + #""repeatedInt32":null,"repeatedInt64":null,"repeatedUint32":null,"repeatedUint64":null,"#
                + #""repeatedFloat":null,"repeatedDouble":null,"repeatedBool":null,"repeatedString":null,"#
                + #""repeatedBytes":null,"repeatedNestedEnum":null,"repeatedNestedMessage":null,"#
                + #""mapInt32Int32":null,"mapBoolBool":null,"mapStringNestedMessage":null}"#, "{}"
        ),
        // Wrappers.
        ("OptionalBoolWrapper", #"{"optionalBoolWrapper":false}"#, nil),
        ("OptionalInt32Wrapper", #"{"optionalInt32Wrapper":0}"#, nil),
        ("OptionalUint32Wrapper", #"{"optionalUint32Wrapper":0}"#, nil),
        ("OptionalInt64Wrapper", #"{"optionalInt64Wrapper":0}"#, #"{"optionalInt64Wrapper":"0"}"#),
        ("OptionalUint64Wrapper", #"{"optionalUint64Wrapper":0}"#, #"{"optionalUint64Wrapper":"0"}"#),
        ("OptionalFloatWrapper", #"{"optionalFloatWrapper":0}"#, nil),
        ("OptionalDoubleWrapper", #"{"optionalDoubleWrapper":0}"#, nil),
        ("OptionalStringWrapper", #"{"optionalStringWrapper":""}"#, nil),
        ("OptionalBytesWrapper", #"{"optionalBytesWrapper":""}"#, nil),
        (
            "OptionalWrapperTypesWithNonDefaultValue",
            #"{"optionalBoolWrapper":true,"optionalInt32Wrapper":1,"optionalInt64Wrapper":"1","optionalUint32Wrapper":1,"#
                + #""optionalUint64Wrapper":"1","optionalFloatWrapper":1,"optionalDoubleWrapper":1,"#
                + #""optionalStringWrapper":"1","optionalBytesWrapper":"AQI="}"#, nil
        ),
        ("RepeatedBoolWrapper", #"{"repeatedBoolWrapper":[true,false]}"#, nil),
        ("RepeatedInt32Wrapper", #"{"repeatedInt32Wrapper":[0,1]}"#, nil),
        ("RepeatedInt64Wrapper", #"{"repeatedInt64Wrapper":[0,1]}"#, #"{"repeatedInt64Wrapper":["0","1"]}"#),
        ("RepeatedStringWrapper", #"{"repeatedStringWrapper":["","AQI="]}"#, nil),
        ("RepeatedBytesWrapper", #"{"repeatedBytesWrapper":["","AQI="]}"#, nil),
        (
            "WrapperTypesWithNullValue",
            #"{"optionalBoolWrapper":null,"optionalInt32Wrapper":null,"optionalBytesWrapper":null,"repeatedInt32Wrapper":null}"#,
            "{}"
        ),
        // Duration and Timestamp.
        ("DurationMinValue", #"{"optionalDuration":"-315576000000.999999999s"}"#, nil),
        ("DurationMaxValue", #"{"optionalDuration":"315576000000.999999999s"}"#, nil),
        (
            "DurationRepeatedValue", #"{"repeatedDuration":["1.5s","-1.5s"]}"#,
            #"{"repeatedDuration":["1.500s","-1.500s"]}"#
        ),
        ("DurationNull", #"{"optionalDuration":null}"#, "{}"),
        ("DurationNegativeSeconds", #"{"optionalDuration":"-5s"}"#, nil),
        ("DurationNegativeNanos", #"{"optionalDuration":"-0.5s"}"#, #"{"optionalDuration":"-0.500s"}"#),
        (
            "DurationHasZeroFractionalDigit", #"{"optionalDuration":"1.000000000s"}"#,
            #"{"optionalDuration":"1s"}"#
        ),
        (
            "DurationHas3FractionalDigits", #"{"optionalDuration":"1.010000000s"}"#,
            #"{"optionalDuration":"1.010s"}"#
        ),
        (
            "DurationHas6FractionalDigits", #"{"optionalDuration":"1.000010000s"}"#,
            #"{"optionalDuration":"1.000010s"}"#
        ),
        ("DurationHas9FractionalDigits", #"{"optionalDuration":"1.000000010s"}"#, nil),
        ("TimestampMinValue", #"{"optionalTimestamp":"0001-01-01T00:00:00Z"}"#, nil),
        ("TimestampMaxValue", #"{"optionalTimestamp":"9999-12-31T23:59:59.999999999Z"}"#, nil),
        (
            "TimestampRepeatedValue",
            #"{"repeatedTimestamp":["0001-01-01T00:00:00Z","9999-12-31T23:59:59.999999999Z"]}"#, nil
        ),
        (
            "TimestampEpochValue", #"{"optionalTimestamp":"1970-01-01T00:00:00.000Z"}"#,
            #"{"optionalTimestamp":"1970-01-01T00:00:00Z"}"#
        ),
        ("TimestampNanoAfterEpochlValue", #"{"optionalTimestamp":"1970-01-01T00:00:00.000000001Z"}"#, nil),
        ("TimestampNanoBeforeEpochValue", #"{"optionalTimestamp":"1969-12-31T23:59:59.999999999Z"}"#, nil),
        ("TimestampLittleAfterEpochlValue", #"{"optionalTimestamp":"1970-01-01T00:00:01.000000001Z"}"#, nil),
        ("TimestampLittleBeforeEpochValue", #"{"optionalTimestamp":"1969-12-31T23:59:58.999999999Z"}"#, nil),
        (
            "TimestampTenAndHalfSecondsAfterEpochValue", #"{"optionalTimestamp":"1970-01-01T00:00:10.500Z"}"#,
            nil
        ),
        (
            "TimestampTenAndHalfSecondsBeforeEpochValue",
            #"{"optionalTimestamp":"1969-12-31T23:59:49.500Z"}"#, nil
        ),
        (
            "TimestampLeap", #"{"optionalTimestamp":"1993-02-10T00:00:00.000Z"}"#,
            #"{"optionalTimestamp":"1993-02-10T00:00:00Z"}"#
        ),
        (
            "TimestampWithPositiveOffset", #"{"optionalTimestamp":"1970-01-01T08:00:01+08:00"}"#,
            #"{"optionalTimestamp":"1970-01-01T00:00:01Z"}"#
        ),
        (
            "TimestampWithNegativeOffset", #"{"optionalTimestamp":"1969-12-31T16:00:01-08:00"}"#,
            #"{"optionalTimestamp":"1970-01-01T00:00:01Z"}"#
        ),
        ("TimestampNull", #"{"optionalTimestamp":null}"#, "{}"),
        (
            "TimestampZeroNormalized", #"{"optionalTimestamp":"1969-12-31T16:00:00-08:00"}"#,
            #"{"optionalTimestamp":"1970-01-01T00:00:00Z"}"#
        ),
        (
            "TimestampHas3FractionalDigits", #"{"optionalTimestamp":"1970-01-01T00:00:00.010000000Z"}"#,
            #"{"optionalTimestamp":"1970-01-01T00:00:00.010Z"}"#
        ),
        (
            "TimestampHas6FractionalDigits", #"{"optionalTimestamp":"1970-01-01T00:00:00.000010000Z"}"#,
            #"{"optionalTimestamp":"1970-01-01T00:00:00.000010Z"}"#
        ),
        ("TimestampHas9FractionalDigits", #"{"optionalTimestamp":"1970-01-01T00:00:00.000000010Z"}"#, nil),
        // FieldMask, Struct, Value, ListValue.
        ("FieldMask", #"{"optionalFieldMask":"foo,barBaz"}"#, nil),
        ("EmptyFieldMask", #"{"optionalFieldMask":""}"#, nil),
        (
            "Struct",
            #"{"optionalStruct":{"boolValue":true,"doubleValue":1234.5678,"intValue":1234,"listValue":[1234,"5678"],"#
                + #""nullValue":null,"objectValue":{"value":0},"stringValue":"Hello world!"}}"#, nil
        ),
        ("StructWithEmptyListValue", #"{"optionalStruct":{"listValue":[]}}"#, nil),
        ("ValueAcceptInteger", #"{"optionalValue":1}"#, nil),
        ("ValueAcceptFloat", #"{"optionalValue":1.5}"#, nil),
        ("ValueAcceptBool", #"{"optionalValue":false}"#, nil),
        ("ValueAcceptNull", #"{"optionalValue":null}"#, nil),
        ("ValueAcceptString", #"{"optionalValue":"hello"}"#, nil),
        ("ValueAcceptList", #"{"optionalValue":[0,"hello"]}"#, nil),
        ("ValueAcceptObject", #"{"optionalValue":{"value":1}}"#, nil),
        ("RepeatedValue", #"{"repeatedValue":[["a"]]}"#, nil),
        ("RepeatedListValue", #"{"repeatedListValue":[["a"]]}"#, nil),
        ("NullValueInStruct", #"{"repeatedValue":[null,{"a":null}]}"#, nil),
        // Any.
        (
            "Any",
            #"{"optionalAny":{"@type":"type.googleapis.com/ravioli.conformance.All","optionalInt32":12345}}"#,
            nil
        ),
        (
            "AnyNested",
            #"{"optionalAny":{"@type":"type.googleapis.com/google.protobuf.Any","#
                + #""value":{"@type":"type.googleapis.com/ravioli.conformance.All","optionalInt32":12345}}}"#,
            nil
        ),
        (
            "AnyUnorderedTypeTag",
            #"{"optionalAny":{"optionalInt32":12345,"@type":"type.googleapis.com/ravioli.conformance.All"}}"#,
            #"{"optionalAny":{"@type":"type.googleapis.com/ravioli.conformance.All","optionalInt32":12345}}"#
        ),
        (
            "AnyWithInt32ValueWrapper",
            #"{"optionalAny":{"@type":"type.googleapis.com/google.protobuf.Int32Value","value":12345}}"#, nil
        ),
        (
            "AnyWithDuration",
            #"{"optionalAny":{"@type":"type.googleapis.com/google.protobuf.Duration","value":"1.5s"}}"#,
            #"{"optionalAny":{"@type":"type.googleapis.com/google.protobuf.Duration","value":"1.500s"}}"#
        ),
        (
            "AnyWithTimestamp",
            #"{"optionalAny":{"@type":"type.googleapis.com/google.protobuf.Timestamp","value":"1970-01-01T00:00:00Z"}}"#,
            nil
        ),
        (
            "AnyWithFieldMask",
            #"{"optionalAny":{"@type":"type.googleapis.com/google.protobuf.FieldMask","value":"foo,barBaz"}}"#,
            nil
        ),
        (
            "AnyWithStruct",
            #"{"optionalAny":{"@type":"type.googleapis.com/google.protobuf.Struct","value":{"foo":1}}}"#, nil
        ),
        (
            "AnyWithValueForJsonObject",
            #"{"optionalAny":{"@type":"type.googleapis.com/google.protobuf.Value","value":{"foo":1}}}"#, nil
        ),
        (
            "AnyWithValueForInteger",
            #"{"optionalAny":{"@type":"type.googleapis.com/google.protobuf.Value","value":1}}"#, nil
        ),
        ("AnyWithNoType", #"{"optionalAny":{}}"#, nil), ("AnyNull", #"{"optionalAny":null}"#, "{}"),
        ("AnyEmpty", #"{"optionalAny":{"@type":"type.googleapis.com/google.protobuf.Empty"}}"#, nil),
    ]

    static let zeros: [(name: String, json: String)] = [
        ("StoresDefaultPrimitive", #"{"FieldName13":0}"#), ("SkipsDefaultPrimitive", #"{"FieldName13":0}"#),
        ("Int32FieldStringValueZero", #"{"optionalInt32":0}"#),
        ("BoolFieldFalse", #"{"optionalBool":false}"#),
        ("EnumFieldNumericValueZero", #"{"optionalNestedEnum":"FOO"}"#),
        ("StringField", #"{"optionalString":""}"#),
        ("BytesField", #"{"optionalBytes":""}"#), ("DoubleField", #"{"optionalDouble":0}"#),
    ]

    static let ignored: [(name: String, json: String, printed: String)] = [
        ("IgnoreUnknownJsonNumber", #"{"unknown": 1}"#, "{}"),
        ("IgnoreUnknownJsonString", #"{"unknown": "a"}"#, "{}"),
        ("IgnoreUnknownJsonTrue", #"{"unknown": true}"#, "{}"),
        ("IgnoreUnknownJsonFalse", #"{"unknown": false}"#, "{}"),
        ("IgnoreUnknownJsonNull", #"{"unknown": null}"#, "{}"),
        ("IgnoreUnknownJsonObject", #"{"unknown": {"a": 1}}"#, "{}"),
        (
            "IgnoreUnknownEnumStringValueInOptionalField", #"{"optional_nested_enum": "UNKNOWN_ENUM_VALUE"}"#,
            "{}"
        ),
        (
            "IgnoreUnknownEnumStringValueInRepeatedField",
            #"{"repeated_nested_enum": ["UNKNOWN_ENUM_VALUE"]}"#, "{}"
        ),
        (
            "IgnoreUnknownEnumStringValueInMapValue",
            #"{"map_string_nested_enum": {"key": "UNKNOWN_ENUM_VALUE"}}"#, "{}"
        ),
        (
            "IgnoreUnknownEnumStringValueInRepeatedPart",
            #"{"repeated_nested_enum":["FOO","UNKNOWN_ENUM_VALUE","FOO"]}"#,
            #"{"repeatedNestedEnum":["FOO","FOO"]}"#
        ),
        (
            "IgnoreUnknownEnumStringValueInMapPart",
            #"{"map_string_nested_enum":{"key1":"FOO","key2":"UNKNOWN_ENUM_VALUE"}}"#,
            #"{"mapStringNestedEnum":{"key1":"FOO"}}"#
        ),
    ]
}
