// SPDX-License-Identifier: Apache-2.0

import Foundation
import RavioliSchema
import Testing

/// What `Documentation.docc/JSON.md` shows, run.
@Suite struct JSONDocumentationTests {
    @Test func printsAndReads() throws {
        // snippet: value
        let point = try Google_Protobuf_Struct(json: #"{"x": 1, "tags": ["a", null]}"#)
        let text = try point.json()  // {"tags":["a",null],"x":1}
        // snippet end
        #expect(text == #"{"tags":["a",null],"x":1}"#)
    }

    @Test func ignoresUnknown() throws {
        let received = #"{"name": "a", "invented": [1, 2]}"#
        // snippet: options
        var options = JSONDecodingOptions.defaults
        options.ignoresUnknown = true
        let message = try Google_Protobuf_DescriptorProto(json: received, options: options)
        // snippet end
        #expect(message.name == "a")
        #expect(throws: SchemaError.self) { try Google_Protobuf_DescriptorProto(json: received) }
    }

    @Test func transcodes() throws {
        let pool = TestSchema.pool
        let body = Array(#"{"any": {"@type": "example.org/ravioli.test2.Old", "plain": 1}}"#.utf8)
        // snippet: transcoder
        var reading = JSONDecodingOptions.defaults
        reading.types = pool
        var printing = JSONEncodingOptions.defaults
        printing.types = pool
        guard let type = pool.message(named: "ravioli.test.WellKnown") else { return }
        let bytes = try JSONTranscoder.encoded(fromJSON: body, as: type, options: reading)
        let json = try JSONTranscoder.json(fromEncoded: bytes, as: type, options: printing)
        // snippet end
        #expect(
            String(decoding: json, as: UTF8.self)
                == #"{"any":{"@type":"example.org/ravioli.test2.Old","plain":1}}"#)
    }

    @Test func namesThePlaceOfAnError() throws {
        // snippet: error
        var place = ""
        do {
            _ = try Google_Protobuf_DescriptorProto(json: #"{"field": [{"number": "x"}]}"#)
        } catch {
            place = "\(error.path): \(error.message)"
            // field[0].number: expected an int32, found a string that is none (line 1, column 23)
        }
        // snippet end
        #expect(
            place == "field[0].number: expected an int32, found a string that is none (line 1, column 23)")
        let error = #expect(throws: SchemaError.self) {
            try Google_Protobuf_DescriptorProto(json: #"{"field": [{"number": "x"}]}"#)
        }
        #expect(error?.path == "field[0].number")
        #expect(error?.message == "expected an int32, found a string that is none (line 1, column 23)")
        #expect(error?.offset == 22)
    }

    /// Each example of the page stands in this file as well, where it runs.
    @Test func thePageShowsWhatRunsHere() throws {
        func text(_ path: String) throws -> String {
            try String(
                contentsOf: URL(filePath: #filePath).deletingLastPathComponent().appending(path: path),
                encoding: .utf8)
        }
        func lines(_ text: some StringProtocol) -> [String] {
            text.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
        }
        let page = try text("../../../Sources/RavioliSchema/Documentation.docc/JSON.md")
        let tests = try text("JSONDocumentationTests.swift")
        let examples = page.matches(of: /```swift\n((?s).*?)```/).map { lines($0.1) }
        let snippets = tests.matches(of: /\/\/ snippet: .*\n((?s).*?)\/\/ snippet end/).map { lines($0.1) }
        #expect(examples.count == 4)
        for example in examples {
            #expect(snippets.contains { $0.filter { !$0.isEmpty } == example }, "\(example)")
        }
    }
}
