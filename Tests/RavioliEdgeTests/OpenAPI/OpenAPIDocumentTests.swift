// SPDX-License-Identifier: Apache-2.0

import BlockingTests
import EdgeSchemas
import Foundation
@testable import RavioliEdge
import RavioliSchema
import Testing

@Suite(.blocking) struct OpenAPIDocumentTests {
    private typealias Object = [String: Any]

    private static let golden = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "Golden/library.json")

    private static func text(_ change: (inout OpenAPIDocument.Options) -> Void = { _ in }) throws -> String {
        var options = OpenAPIDocument.Options()
        options.title = "Library"
        options.description = "For tests."
        change(&options)
        let services = TestLibrary.pool.allServices
        return OpenAPIDocument.json(services, bindings: try RESTRules.bindings(services), options: options)
    }

    private func document(
        _ change: (inout OpenAPIDocument.Options) -> Void = { _ in }
    ) throws -> [String: Any] {
        let value = try JSONSerialization.jsonObject(with: Data(try Self.text(change).utf8))
        return try #require(value as? Object)
    }

    /// The value behind names that lead into the document.
    private func at(_ names: String..., in document: [String: Any]) throws -> Any {
        var value: Any = document
        for name in names {
            if let list = value as? [Any], let index = Int(name) {
                value = list[index]
            } else {
                value = try #require((value as? Object)?[name], "\(names) ends at \(name)")
            }
        }
        return value
    }

    private func schema(_ field: String) throws -> String {
        let name = "ravioli.test.v1.EveryKind"
        let value = try at(
            "components", "schemas", name, "properties", field, in: try document())
        return String(
            decoding: try JSONSerialization.data(
                withJSONObject: value, options: [.sortedKeys, .withoutEscapingSlashes]), as: UTF8.self)
    }

    // MARK: As a whole

    /// After a change that is meant, `RAVIOLI_RECORD=1` writes the file anew.
    @Test func documentIsTheRecordedOneToTheByte() throws {
        let text = try Self.text()
        if ProcessInfo.processInfo.environment["RAVIOLI_RECORD"] != nil {
            try Data(text.utf8).write(to: Self.golden)
        }
        #expect(text == String(decoding: try Data(contentsOf: Self.golden), as: UTF8.self))
    }

    @Test func documentIsStable() throws { #expect(try Self.text() == Self.text()) }

    /// `pip install openapi-spec-validator` makes this test run.
    @Test(.enabled(if: PythonValidator.isInstalled)) func documentIsValid() throws {
        #expect(try PythonValidator.complaints(about: Self.golden) == "")
    }

    @Test func operationsAreCalledByServiceAndMethodAndOnce() throws {
        var names: [String] = []
        let paths = try #require(try at("paths", in: document()) as? [String: Object])
        for path in paths.values {
            for operation in path.values {
                names.append(try #require((operation as? Object)?["operationId"] as? String))
            }
        }
        #expect(Set(names).count == names.count)
        for name in [
            "Library_GetVolume", "Library_GetVolume_1", "Library_GetVolume_connect", "Library_Chat_connect",
            "Library_GetVolume_connectGet",
        ] { #expect(names.contains(name)) }
        #expect(!names.contains("Library_LendVolume_connectGet"))
    }

    @Test func commentsAreDescriptions() throws {
        let document = try document()
        let path = "/v1/shelves/{name}/volumes/{name_1}"
        #expect(
            try at("paths", path, "get", "summary", in: document) as? String
                == "Answers one volume by its name.")
        #expect(
            try at("tags", "0", "description", in: document) as? String
                == "Books on shelves.\n\nWhat stands here is told by `/openapi.json`.")
        let volume = ["components", "schemas", "ravioli.test.v1.Volume"]
        #expect(
            try at(volume[0], volume[1], volume[2], "properties", "pages", "description", in: document)
                as? String == "Zero when unknown.")
        #expect(
            try at("components", "schemas", "ravioli.test.v1.Mood", "description", in: document) as? String
                == "How somebody feels.\n\n- `MOOD_GLAD`: Good.")
    }

    // MARK: Schemas

    @Test(arguments: [
        ("int64Field", #"{"format":"int64","pattern":"^-?[0-9]{1,19}$","type":"string"}"#),
        ("uint64Field", #"{"format":"uint64","pattern":"^[0-9]{1,20}$","type":"string"}"#),
        ("int32Field", #"{"format":"int32","maximum":2147483647,"minimum":-2147483648,"type":"integer"}"#),
        ("uint32Field", #"{"format":"uint32","maximum":4294967295,"minimum":0,"type":"integer"}"#),
        (
            "doubleField",
            #"{"anyOf":[{"format":"double","type":"number"},{"enum":["NaN","Infinity","-Infinity"],"type":"string"}]}"#
        ),
        ("boolField", #"{"type":"boolean"}"#), ("stringField", #"{"type":"string"}"#),
        ("bytesField", #"{"contentEncoding":"base64","format":"byte","type":"string"}"#),
        ("mood", ##"{"$ref":"#/components/schemas/ravioli.test.v1.Mood"}"##),
        ("timestamp", #"{"format":"date-time","type":"string"}"#),
        ("duration", #"{"pattern":"^-?[0-9]{1,12}(\\.[0-9]{1,9})?s$","type":"string"}"#),
        ("fieldMask", #"{"pattern":"^[^_]*$","type":"string"}"#),
        ("boolValue", #"{"type":"boolean"}"#), ("stringValue", #"{"type":"string"}"#),
        ("int64Value", #"{"format":"int64","pattern":"^-?[0-9]{1,19}$","type":"string"}"#),
        ("structure", #"{"additionalProperties":true,"type":"object"}"#), ("value", "{}"),
        ("listValue", #"{"items":{},"type":"array"}"#),
        ("any", #"{"additionalProperties":true,"properties":{"@type":{"type":"string"}},"type":"object"}"#),
        ("empty", ##"{"$ref":"#/components/schemas/google.protobuf.Empty"}"##),
        ("nullValue", #"{"type":"null"}"#),
        ("labels", #"{"additionalProperties":{"type":"string"},"type":"object"}"#),
        (
            "authorsByNumber",
            ##"{"additionalProperties":{"$ref":"#/components/schemas/ravioli.test.v1.Author"},"##
                + #""propertyNames":{"pattern":"^-?[0-9]+$"},"type":"object"}"#
        ),
        ("inner", ##"{"$ref":"#/components/schemas/ravioli.test.v1.EveryKind"}"##),
        ("moods", ##"{"items":{"$ref":"#/components/schemas/ravioli.test.v1.Mood"},"type":"array"}"##),
    ])
    func fieldsLookAsProtoJSONShowsThem(field: String, expected: String) throws {
        #expect(try schema(field) == expected)
    }

    @Test func wrappersAreNullableIfSoWished() throws {
        let document = try document { $0.wrappersAreNullable = true }
        let value = try at(
            "components", "schemas", "ravioli.test.v1.EveryKind", "properties", "boolValue", "anyOf", "1",
            "type",
            in: document)
        #expect(value as? String == "null")
    }

    @Test func ofAOneofAtMostOneMemberIsThere() throws {
        let event = try at("components", "schemas", "ravioli.test.v1.ShelfEvent", "oneOf", in: try document())
        let parts = try #require(event as? [Object])
        #expect(parts.count == 3)
        #expect(parts[0]["not"] != nil)
        #expect(parts[2]["required"] as? [String] == ["removed"])
        let every = try at("components", "schemas", "ravioli.test.v1.EveryKind", "allOf", in: try document())
        #expect((every as? [Any])?.count == 2)
    }

    @Test func fieldBehaviorIsShown() throws {
        let document = try document()
        let required = try at(
            "components", "schemas", "ravioli.test.v1.Volume", "required", in: document)
        #expect(required as? [String] == ["title"])
        let readOnly = try at(
            "components", "schemas", "ravioli.test.v1.Volume", "properties", "addedAt", "readOnly",
            in: document)
        #expect(readOnly as? Bool == true)
    }

    // MARK: Operations

    @Test func variablesOverSeveralSegmentsArePartsOfThePath() throws {
        let document = try document()
        let parameters = try at(
            "paths", "/v1/shelves/{name}/volumes/{name_1}", "get", "parameters", in: document)
        let names = try #require(parameters as? [Object]).compactMap { $0["name"] as? String }
        #expect(names == ["name", "name_1", "edition"])
        _ = try at("paths", "/v1/shelves/{name}/volumes/{name_1}:lend", "post", in: document)
        _ = try at("paths", "/v1/files/{path}", "put", in: document)
    }

    @Test func everyLeafThatIsNotBoundIsAQueryParameter() throws {
        let parameters = try at(
            "paths", "/v1/shelves/{shelf}/volumes", "get", "parameters", in: try document())
        let names = try #require(parameters as? [Object]).compactMap { $0["name"] as? String }
        #expect(names == ["shelf", "filter.author", "filter.minPages", "pageSize", "tags"])
    }

    @Test func samePathWithOtherNamesIsOnePath() throws {
        let services = TestLibrary.pool.allServices
        let bindings = [
            try TestLibrary.binding("GET", "/v1/{name}", method: "GetVolume"),
            try TestLibrary.binding("POST", "/v1/{shelf}", method: "ListTitles"),
        ]
        let text = OpenAPIDocument.json(services, bindings: bindings)
        #expect(text.contains(#""/v1/{name}": {"#))
        #expect(!text.contains("/v1/{shelf}"))
    }

    @Test func streamsHaveEachOfTheirForms() throws {
        let content = try at(
            "paths", "/v1/shelves/{shelf}:watch", "get", "responses", "200", "content", in: try document())
        let types = try #require(content as? Object).keys.sorted()
        #expect(types == ["application/json", "application/x-ndjson", "text/event-stream"])
    }

    @Test func errorsAreDescribedForBothProtocols() throws {
        let document = try document()
        let rest = try at("paths", "/v1/every", "get", "responses", "default", "$ref", in: document)
        #expect(rest as? String == "#/components/responses/Error")
        let connect = try at(
            "paths", "/ravioli.test.v1.Library/Every", "post", "responses", "default", "$ref", in: document)
        #expect(connect as? String == "#/components/responses/ConnectError")
        _ = try at("components", "responses", "Error", "content", "application/problem+json", in: document)
    }

    @Test func prefixServersAndSecurityAreToldOf() throws {
        let document = try document { options in
            options.prefix = "/api"
            options.servers = ["https://example.com"]
            options.securitySchemes = ["token": ["type": "http", "scheme": "bearer", "bearerFormat": "JWT"]]
        }
        _ = try at("paths", "/api/ravioli.test.v1.Library/Every", "post", in: document)
        _ = try at("components", "securitySchemes", "token", in: document)
        _ = try at("security", "0", "token", in: document)
        _ = try at("servers", "0", "url", in: document)
    }

    @Test func connectIsLeftOutIfSoWished() throws {
        let text = try Self.text { $0.includesConnect = false }
        #expect(!text.contains("/ravioli.test.v1.Library/"))
        #expect(!text.contains("Error.Connect"))
    }
}

/// `openapi-spec-validator`, if Python has it.
enum PythonValidator {
    static let isInstalled = (try? run(["-c", "import openapi_spec_validator"]))?.status == 0

    static func complaints(about file: URL) throws -> String {
        let result = try run(["-m", "openapi_spec_validator", file.path()])
        return result.status == 0 ? "" : result.text
    }

    private static func run(_ arguments: [String]) throws -> (status: Int32, text: String) {
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["python3"] + arguments
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return (process.terminationStatus, text)
    }
}
