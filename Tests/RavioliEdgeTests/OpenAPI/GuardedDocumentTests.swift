// SPDX-License-Identifier: Apache-2.0

import EdgeSchemas
import Foundation
@testable import RavioliEdge
import RavioliSchema
import Testing

@Suite struct GuardedDocumentTests {
    private func document(_ change: (inout EdgeOptions) -> Void) throws -> [String: Any] {
        var edge = EdgeOptions.defaults
        change(&edge)
        var options = OpenAPIDocument.Options()
        options.guards = try OpenAPIGuards(edge)
        options.securitySchemes = options.guards.securitySchemes
        options.idempotency = try OpenAPIIdempotency(edge.idempotency)
        let services = TestLibrary.pool.allServices
        let text = OpenAPIDocument.json(
            services, bindings: try RESTRules.bindings(services), options: options)
        return try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    }

    private func operation(_ document: [String: Any], _ method: String, _ path: String) -> [String: Any]? {
        let paths = document["paths"] as? [String: [String: Any]]
        return paths?[path]?[method] as? [String: Any]
    }

    private func responses(_ operation: [String: Any]?) -> [String] {
        (operation?["responses"] as? [String: Any] ?? [:]).keys.sorted()
    }

    @Test func operationsThatHaveKeysSayWhich() throws {
        let document = try document {
            $0.idempotency = IdempotencyOptions(file: "keys.sqlite")
            $0.idempotency?.required = ["ravioli.test.v1.Library/CreateVolume"]
        }
        func key(_ operation: [String: Any]?) -> [String: Any]? {
            (operation?["parameters"] as? [[String: Any]])?.first {
                $0["name"] as? String == "Idempotency-Key"
            }
        }
        var found: [String: Bool] = [:]
        for (path, operations) in document["paths"] as? [String: [String: [String: Any]]] ?? [:] {
            for (method, operation) in operations {
                guard let key = key(operation) else {
                    #expect(!responses(operation).contains("422"))
                    continue
                }
                #expect(method != "get" && method != "head")
                #expect(responses(operation).contains("409"), "\(path)")
                found[operation["operationId"] as? String ?? ""] = key["required"] as? Bool
            }
        }
        #expect(found["Library_CreateVolume"] == true)
        #expect(found.values.contains(false))
    }

    @Test func operationsSayWhatTheyNeed() throws {
        let document = try document {
            $0.jwt = .test {
                $0.rules = [
                    AccessRule(method: "ravioli.test.v1.Library/GetVolume", access: .everybody),
                    AccessRule(method: "ravioli.test.v1.Library/DeleteVolume", access: .nobody),
                    AccessRule(method: "ravioli.test.v1.Library/*", scopes: ["read", "write"]),
                ]
            }
            $0.rateLimits = [
                RateLimitRule(name: "a", requests: 1, method: "ravioli.test.v1.Library/ListTitles")
            ]
        }
        let components = try #require(document["components"] as? [String: Any])
        let schemes = components["securitySchemes"] as? [String: [String: String]]
        #expect(schemes == ["bearer": ["type": "http", "scheme": "bearer", "bearerFormat": "JWT"]])
        #expect(document["security"] as? [[String: [String]]] == [["bearer": []]])
        let open = operation(document, "post", "/ravioli.test.v1.Library/GetVolume")
        #expect((open?["security"] as? [Any])?.isEmpty == true)
        #expect(responses(open) == ["200", "default"])
        #expect(operation(document, "post", "/ravioli.test.v1.Library/DeleteVolume") == nil)
        let closed = operation(document, "post", "/ravioli.test.v1.Library/ListTitles")
        #expect(closed?["security"] as? [[String: [String]]] == [["bearer": ["read", "write"]]])
        #expect(responses(closed) == ["200", "401", "403", "429", "default"])
        try everyReferenceLeadsSomewhere(document)
    }

    private func everyReferenceLeadsSomewhere(_ document: [String: Any]) throws {
        let known = try #require((document["components"] as? [String: Any])?["responses"] as? [String: Any])
        let text = String(decoding: try JSONSerialization.data(withJSONObject: document), as: UTF8.self)
        let names = text.matches(of: #/components\\\/responses\\\/(\w+)/#).map { String($0.1) }
        #expect(names.contains("ConnectUnauthenticated") && names.contains("ResourceExhausted"))
        for name in names { #expect(known[name] != nil, "\(name)") }
    }

    @Test func whatNoMethodIsBehindIsKnownByItsPath() throws {
        var edge = EdgeOptions.defaults
        edge.jwt = .test { $0.rules = [AccessRule(path: "/pages/*", scopes: ["pages"])] }
        edge.rateLimits = [RateLimitRule(name: "pages", requests: 1, path: "/pages/**")]
        let page: JSONNode = ["responses": ["200": ["description": "A page."]]]
        let guards = try OpenAPIGuards(edge)
        let text = try #require(guards.guarded(page, nil, form: "/pages/{id}", isConnect: false)).text
        for part in ["401", "403", "429", "\"bearer\": [\n        \"pages\""] {
            #expect(text.contains(part), "\(text)")
        }
        let other = try #require(guards.guarded(page, nil, form: "/others/{id}", isConnect: false)).text
        #expect(other.contains("401") && !other.contains("429") && !other.contains("pages"))
    }

    @Test func withoutGuardsNothingIsSaid() throws {
        let document = try document { _ in }
        #expect(document["security"] == nil)
        let open = operation(document, "post", "/ravioli.test.v1.Library/GetVolume")
        #expect(open?["security"] == nil && responses(open) == ["200", "default"])
    }
}
