// SPDX-License-Identifier: Apache-2.0

import BlockingTests
import EdgeSchemas
import Foundation
import HTTPTypes
@testable import RavioliEdge
import RavioliSchema
import Testing

/// Plans in the document.
@Suite(.blocking, .timeLimit(.minutes(1))) struct OpenAPIPlanTests {
    private static let golden = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "Golden/garage.json")

    private func document() async throws -> TestResponse {
        let edge = try TestEdge(services: [GarageServer()]) {
            $0.plans.files = [.init(name: "pages.yaml", yaml: PlanServingTests.yaml)]
        }
        return try await edge.answer("/openapi.json", method: .get, headers: [:])
    }

    /// After a change that is meant, `RAVIOLI_RECORD=1` writes the file anew.
    @Test func documentIsTheRecordedOneToTheByte() async throws {
        let text = try await document().text
        if ProcessInfo.processInfo.environment["RAVIOLI_RECORD"] != nil {
            try Data(text.utf8).write(to: Self.golden)
        }
        #expect(text == String(decoding: try Data(contentsOf: Self.golden), as: UTF8.self))
        #expect(text == (try await document().text))
    }

    @Test(.enabled(if: PythonValidator.isInstalled)) func documentIsValid() throws {
        #expect(try PythonValidator.complaints(about: Self.golden) == "")
    }

    @Test func parametersAndAnswersAreDescribed() async throws {
        let text = try await document().text
        for part in [
            #""/v1/pages/cars/{id}": {"#, #""summary": "What the page of one car shows.""#,
            #""operationId": "Pages_CarPage""#,
            #""description": "Which car.""#, #""default": 2"#, #""/v1/pages:search": {"#,
            #""default": "none""#,
            ##""$ref": "#/components/schemas/Error.Missing""##,
        ] {
            #expect(text.contains(part), "\(part)")
        }
    }

    /// A part of an optional step may be null, and one of a required step not.
    @Test func whatMayBeMissingMayBeNull() async throws {
        let value = try JSONSerialization.jsonObject(with: Data(try await document().text.utf8))
        func member(_ value: Any, _ names: [String]) throws -> [String: Any] {
            var value = value
            for name in names { value = try #require((value as? [String: Any])?[name], "\(name)") }
            return try #require(value as? [String: Any])
        }
        let schema = try member(
            value,
            [
                "paths", "/v1/pages/cars/{id}", "get", "responses", "200", "content", "application/json",
                "schema",
            ])
        let properties = try member(schema, ["properties"])
        #expect(
            schema["required"] as? [String] == ["id", "seen", "time", "similar", "total", "more", "errors"])
        #expect(try member(properties, ["id"])["type"] as? String == "string")
        #expect(try member(properties, ["time"])["type"] as? String == "integer")
        #expect(try member(properties, ["seen"])["type"] as? String == "array")
        for name in ["similar", "total", "more"] {
            let choices = try #require(try member(properties, [name])["anyOf"] as? [[String: Any]])
            #expect(choices.last?["type"] as? String == "null")
        }
    }
}
