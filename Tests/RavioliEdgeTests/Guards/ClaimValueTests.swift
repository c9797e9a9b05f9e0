// SPDX-License-Identifier: Apache-2.0

import Ravioli
import Testing

@testable import RavioliEdge

@Suite struct ClaimValueTests {
    static let readings: [(json: String, value: ClaimValue)] = [
        ("{}", .object([:])), (" [ ] ", .array([])), ("null", .null), ("true", .bool(true)),
        ("-12.50e+3", .number("-12.50e+3")), ("12345678901234567890", .number("12345678901234567890")),
        (#""a\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00é""#, .string("a\"\\/\u{8}\u{c}\n\r\té😀é")),
        (#"{"a":[1,{"b":null}]}"#, .object(["a": .array([.number("1"), .object(["b": .null])])])),
    ]

    @Test(arguments: readings) func valuesAreRead(row: (json: String, value: ClaimValue)) {
        #expect(ClaimValue(json: row.json.utf8) == row.value)
    }

    @Test(arguments: [
        "", " ", "{", "[", "[1,]", "{\"a\":1,}", "{\"a\"}", "{a:1}", "'a'", "01", "1.", ".5", "+1", "-", "1e",
        "NaN",
        "Infinity", "tru", "\"\u{1}\"", "\"a", #""\x""#, #""\u12""#, #""\ud800""#, #""\udc00""#,
        #""\ud800A""#,
        "1 2", "{} {}", "\u{feff}{}", #"{"a":1,"a":2}"#, #"{"a":1,"\u0061":2}"#, #"{"x":{"a":1,"a":1}}"#,
        "// no\n{}",
    ])
    func whatIsUnclearIsRefused(json: String) { #expect(ClaimValue(json: json.utf8) == nil) }

    @Test func textIsUTF8() {
        #expect(ClaimValue(json: [0x22, 0xC3, 0x28, 0x22]) == nil)
        #expect(ClaimValue(json: [0x22, 0xED, 0xA0, 0x80, 0x22]) == nil)
    }

    @Test func depthIsBounded() {
        func nested(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        #expect(ClaimValue(json: nested(16).utf8) != nil)
        #expect(ClaimValue(json: nested(17).utf8) == nil)
        #expect(ClaimValue(json: String(repeating: "[", count: 1_000_000).utf8) == nil)
        #expect(ClaimValue(json: String(repeating: "{\"a\":", count: 200_000).utf8) == nil)
    }

    static let printed: [(claim: String, name: String, pair: String?)] = [
        (#""ada""#, "x-c", "x-c=ada"), ("12345678901234567890", "x-c", "x-c=12345678901234567890"),
        ("1.50", "x-c", "x-c=1.50"), ("true", "x-c", "x-c=true"), ("null", "x-c", nil),
        (#""""#, "x-c", "x-c="),
        (#"[ "a", 1 ]"#, "x-c", #"x-c=["a",1]"#),
        (#"{"b":1, "a":{"c":[]}}"#, "x-c", #"x-c={"a":{"c":[]},"b":1}"#),
        (#""é""#, "x-c", "x-c-bin=[195, 169]"), (#""a\r\nb""#, "x-c", "x-c-bin=[97, 13, 10, 98]"),
        (#""a\u0000""#, "x-c", "x-c-bin=[97, 0]"), (#""a""#, "x-c-bin", "x-c-bin=[97]"),
        (#"["é"]"#, "x-c", "x-c-bin=[91, 34, 195, 169, 34, 93]"), (#""a""#, "X-C", "x-c=a"),
    ]

    @Test(arguments: printed) func claimsBecomeMetadata(
        row: (claim: String, name: String, pair: String?)
    ) throws {
        let claims = try #require(ClaimValue(json: "{\"c\":\(row.claim)}".utf8)?.object)
        let pairs = ClaimMetadata(["c": row.name]).metadata(claims).map {
            "\($0.name)=\($0.text ?? "\($0.value)")"
        }
        #expect(pairs == [row.pair].compactMap(\.self))
    }

    @Test func claimsInsideOthersAreNamedWithDots() throws {
        let json = #"{"realm_access":{"roles":["a","b"]},"https://x.example/r":"c","d.e":1}"#
        let claims = try #require(ClaimValue(json: json.utf8)?.object)
        #expect(claims.words(of: "realm_access.roles") == ["a", "b"])
        #expect(claims.words(of: "https://x.example/r") == ["c"])
        #expect(claims.value(at: "d.e") == .number("1"))
        #expect(claims.value(at: "realm_access.roles.x") == nil && claims.value(at: ".") == nil)
    }

    @Test func reservedNamesHaveBothForms() {
        #expect(ClaimMetadata(["a": "X-User"]).reserved == ["x-user", "x-user-bin"])
        #expect(ClaimMetadata(["a": "x-user-bin"]).reserved == ["x-user", "x-user-bin"])
    }
}
