// SPDX-License-Identifier: Apache-2.0

import RavioliSchema
import Testing

/// ProtoJSON guide: how each scalar kind is written and read.
@Suite struct JSONScalarTests {
    /// A field, a value as it is read, and as it is printed; `nil` for a default, which is not printed.
    static let accepted: [(field: String, value: String, printed: String?)] = [
        ("int32Value", "1", "1"), ("int32Value", "\"1\"", "1"), ("int32Value", "-2147483648", "-2147483648"),
        ("int32Value", "2147483647", "2147483647"), ("int32Value", "1e2", "100"), ("int32Value", "1.0", "1"),
        ("int32Value", "1.5e1", "15"), ("int32Value", "100e-2", "1"), ("int32Value", "\"1e2\"", "100"),
        ("int32Value", "\"1.00\"", "1"), ("int32Value", "-0", nil), ("int32Value", "0", nil),
        ("int32Value", "0e999999999999999999999", nil), ("int32Value", "0.000", nil),
        ("int32Value", "12000000000000000000000e-20", "120"),
        ("int32Value", "1.000000000000000000000000000", "1"),
        ("int32Value", "\"\\u0031\"", "1"),
        ("sint32Value", "-7", "-7"), ("sfixed32Value", "-7", "-7"),
        ("uint32Value", "4294967295", "4294967295"),
        ("fixed32Value", "\"4294967295\"", "4294967295"), ("uint32Value", "-0", nil),
        ("int64Value", "9223372036854775807", "\"9223372036854775807\""),
        ("int64Value", "\"-9223372036854775808\"", "\"-9223372036854775808\""),
        ("int64Value", "9007199254740993", "\"9007199254740993\""),
        ("int64Value", "1e18", "\"1000000000000000000\""),
        ("sint64Value", "-1", "\"-1\""), ("sfixed64Value", "-1", "\"-1\""), ("fixed64Value", "1", "\"1\""),
        ("uint64Value", "18446744073709551615", "\"18446744073709551615\""),
        ("uint64Value", "\"1.8446744073709551615e19\"", "\"18446744073709551615\""),
        ("uint64Value", "18446744073709551615.0", "\"18446744073709551615\""),
        ("doubleValue", "1", "1"), ("doubleValue", "1.0", "1"), ("doubleValue", "0.1", "0.1"),
        ("doubleValue", "-0.0", "-0"),
        ("doubleValue", "-0", "-0"), ("doubleValue", "0", nil), ("doubleValue", "1.5e300", "1.5e+300"),
        ("doubleValue", "\"NaN\"", "\"NaN\""), ("doubleValue", "\"Infinity\"", "\"Infinity\""),
        ("doubleValue", "\"-Infinity\"", "\"-Infinity\""), ("doubleValue", "\"19.99\"", "19.99"),
        ("doubleValue", "1.7976931348623157e308", "1.7976931348623157e+308"),
        ("doubleValue", "5e-324", "5e-324"),
        ("doubleValue", "0.30000000000000004", "0.30000000000000004"),
        ("doubleValue", "123456.789", "123456.789"),
        ("doubleValue", "-19.99", "-19.99"), ("doubleValue", "1e-400", nil),
        ("doubleValue", "100000000000000", "100000000000000"),
        ("doubleValue", "0.001", "0.001"), ("doubleValue", "1e22", "1e+22"),
        ("doubleValue", "9007199254740993", "9007199254740992"),
        ("floatValue", "0.1", "0.1"), ("floatValue", "3.4028235e38", "3.4028235e+38"),
        ("floatValue", "1e-45", "1e-45"),
        ("floatValue", "16777217", "16777216"), ("floatValue", "\"-Infinity\"", "\"-Infinity\""),
        ("floatValue", "-0.0", "-0"),
        ("floatValue", "19.99", "19.99"), ("floatValue", "1.17549435e-38", "1.1754944e-38"),
        ("floatValue", "0.0", nil),
        ("floatValue", "1.00000017881393432617187499", "1.0000001"), ("floatValue", "123456", "123456"),
        ("boolValue", "true", "true"), ("boolValue", "false", nil),
        ("stringValue", "\"a\"", "\"a\""), ("stringValue", "\"\"", nil),
        ("bytesValue", "\"\"", nil), ("bytesValue", "\"AQI=\"", "\"AQI=\""),
        ("bytesValue", "\"AQI\"", "\"AQI=\""),
        ("bytesValue", "\"-_\"", "\"+w==\""), ("bytesValue", "\"+/8=\"", "\"+/8=\""),
        ("bytesValue", "\"-_8\"", "\"+/8=\""),
        ("bytesValue", "\"AQIDBAUG\"", "\"AQIDBAUG\""), ("bytesValue", "\"AQ\\u003d=\"", "\"AQ==\""),
    ]

    @Test(arguments: accepted)
    func readsAndPrints(field: String, value: String, printed: String?) throws {
        let expected = printed.map { "{\"\(field)\":\($0)}" } ?? "{}"
        #expect(try TestSchema.roundTrip("{\"\(field)\":\(value)}", as: "Scalars") == expected)
    }

    static let refused: [(field: String, values: [String])] = [
        (
            "int32Value",
            [
                "2147483648", "-2147483649", "1.5", "\"1.5\"", "01", "\"01\"", "+1", "\"+1\"", "\"\"",
                "\" 1\"",
                "\"1 \"",
                "12abc", "\"12abc\"", "1.", "\"1.\"", ".5", "1e", "\"1e\"", "1e400", "\"0x10\"", "true", "{}",
                "[]",
                "[1]",
                "-", "\"-\"", "--1", "1e-1", "0.1", "NaN", "\"NaN\"", "\"1\\n\"", "1 2",
                "100000000000000000000001e-5", "1e99999999999999999999", "-01", "\"null\"",
            ]
        ),
        ("uint32Value", ["-1", "4294967296", "\"-1\"", "1.1", "-1e0"]),
        (
            "int64Value",
            ["9223372036854775808", "-9223372036854775809", "\"9223372036854775808\"", "1e19", "0.5"]
        ),
        ("uint64Value", ["18446744073709551616", "-1", "1e20", "184467440737095516150"]),
        (
            "doubleValue",
            [
                "1.89769e308", "-1.89769e308", "NaN", "Infinity", "-Infinity", "\"nan\"", "\"inf\"",
                "\"+Infinity\"",
                "\"\"", "\" 1\"", "\"1 \"", "\"0x1p3\"", "01", "1.", ".1", "\"1.\"", "true", "{}", "\"1e\"",
            ]
        ),
        ("floatValue", ["3.502823e38", "-3.502823e38", "1e39", "\"1e39\"", "NaN", "\"\"", "[]"]),
        ("boolValue", ["\"true\"", "1", "0", "True", "tru", "truex", "\"\"", "{}"]),
        ("stringValue", ["1", "true", "{}", "[]", "'a'", "a"]),
        (
            "bytesValue",
            ["\"A\"", "\"AQI*\"", "\"AQ=\"", "\"=\"", "\"AQI==\"", "\"AQ I=\"", "1", "\"AAAAA\"", "\"AB=C\""]
        ),
    ]

    @Test(arguments: refused)
    func refuses(field: String, values: [String]) throws {
        for value in values {
            let error = TestSchema.refusal(of: "{\"\(field)\":\(value)}", as: "Scalars")
            #expect(error?.code == .invalidData)
            #expect(error?.message.contains("line 1, column") == true)
        }
    }

    @Test func namesExpectedTypeAndPlaceInErrors() {
        let error = TestSchema.refusal(
            of: "{\n  \"child\": {\n    \"int32Value\": \"x\"\n  }\n}", as: "Scalars")
        #expect(error?.path == "child.int32Value")
        #expect(error?.message == "expected an int32, found a string that is none (line 3, column 19)")
        #expect(error?.offset == 33)
        let second = TestSchema.refusal(of: "{\"children\":[{},{},{\"color\":\"BLUE\"}]}", as: "Lists")
        #expect(second?.path == "children[2].color")
        #expect(second?.message == "ravioli.test.Color has no value \"BLUE\" (line 1, column 29)")
        let third = TestSchema.refusal(of: "{\"children\":{\"é\":{\"boolValue\":0}}}", as: "Maps")
        #expect(third?.path == "children[\"\\u{00E9}\"].boolValue")
        #expect(third?.message == "expected true or false, found a number (line 1, column 31)")
    }

    @Test func doublesReadBackTheSame() throws {
        var random = Dice(seed: 7)
        for _ in 0..<20_000 {
            let value = Double(bitPattern: random.next())
            guard value.isFinite else { continue }
            let rounded = (value.exponent.magnitude < 50) ? (value * 1e4).rounded() / 1e4 : value
            for value in [value, rounded] where value.isFinite {
                let bytes = [0x61] + withUnsafeBytes(of: value.bitPattern.littleEndian, Array.init)
                let json = try TestSchema.print(bytes, as: "Scalars")
                guard value.bitPattern != 0 else { continue }
                #expect(try TestSchema.encode(json, as: "Scalars") == bytes, "\(value) as \(json)")
                #expect(json.utf8.count <= "{\"doubleValue\":}".utf8.count + value.description.utf8.count)
            }
        }
    }

    @Test func floatsReadBackTheSame() throws {
        var random = Dice(seed: 8)
        for _ in 0..<20_000 {
            let value = Float(bitPattern: UInt32(truncatingIfNeeded: random.next()))
            let rounded = (value.exponent.magnitude < 15) ? (value * 100).rounded() / 100 : value
            for value in [value, rounded] where value.isFinite && value.bitPattern != 0 {
                let bytes = [0x5d] + withUnsafeBytes(of: value.bitPattern.littleEndian, Array.init)
                let json = try TestSchema.print(bytes, as: "Scalars")
                #expect(try TestSchema.encode(json, as: "Scalars") == bytes, "\(value) as \(json)")
                #expect(json.utf8.count <= "{\"floatValue\":}".utf8.count + value.description.utf8.count)
            }
        }
    }
}
