// SPDX-License-Identifier: Apache-2.0

import BlockingTests
import Foundation
import RavioliSchema
import Testing

/// Base64 without escapes is read by a short way, and with one by the long way. Both read what Foundation
/// writes, in either alphabet and with or without padding, and refuse the same texts.
@Suite(.blocking) struct JSONBase64Tests {
    private static func json(_ digits: String, escaped: Bool) -> String {
        guard escaped, let first = digits.utf8.first else { return #"{"bytesValue":"\#(digits)"}"# }
        let code = String(first, radix: 16)
        return #"{"bytesValue":"\u00\#(code.count == 1 ? "0" : "")\#(code)\#(digits.dropFirst())"}"#
    }

    private static func encoded(_ json: String) -> [UInt8]? { try? TestSchema.encode(json, as: "Scalars") }

    @Test(arguments: 0...100)
    func readsWhatFoundationWrites(length: Int) {
        let bytes = (0..<length).map { UInt8(truncatingIfNeeded: 167 &* $0 &+ 251) }
        // Field 15: a key and a length of one byte each.
        let expected = bytes.isEmpty ? [] : [0x7a, UInt8(length)] + bytes
        let padded = Data(bytes).base64EncodedString()
        let url = padded.replacingOccurrences(of: "+", with: "-").replacingOccurrences(of: "/", with: "_")
        for digits in [padded, url] {
            for text in [digits, digits.replacingOccurrences(of: "=", with: "")] {
                #expect(Self.encoded(Self.json(text, escaped: false)) == expected)
                #expect(Self.encoded(Self.json(text, escaped: true)) == expected)
            }
        }
    }

    /// One byte that is no digit, at each place of texts of each length.
    @Test(arguments: 1...24)
    func refusesWhatIsNoDigit(length: Int) {
        for wrong in [" ", "!", "@", "`", "{", ".", "\u{7f}", "é"] {
            for place in 0..<length {
                let text =
                    String(repeating: "A", count: place) + wrong
                    + String(repeating: "A", count: length - place - 1)
                #expect(Self.encoded(Self.json(text, escaped: false)) == nil, "\(text)")
                #expect(Self.encoded(#"{"bytesValue":"\u0041AAA\#(text)"}"#) == nil, "\(text)")
            }
        }
    }

    @Test(arguments: [
        "A", "AAAAA", "=", "==", "A=", "A==", "A===", "AA=", "AAA==", "AAAA=", "AA=A", "=AAA", "AAAA====",
    ])
    func refusesWrongLengthsAndPadding(text: String) {
        #expect(Self.encoded(Self.json(text, escaped: false)) == nil)
        #expect(Self.encoded(Self.json(text, escaped: true)) == nil)
        let long = String(repeating: "A", count: 32) + text
        #expect(Self.encoded(Self.json(long, escaped: false)) == nil)
        #expect(Self.encoded(Self.json(long, escaped: true)) == nil)
    }
}
