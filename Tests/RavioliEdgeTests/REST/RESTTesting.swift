// SPDX-License-Identifier: Apache-2.0

import EdgeSchemas
import NIOCore
@testable import RavioliEdge
import RavioliSchema
import Testing

/// The library's rules, and what they make of requests.
struct TestLibrary {
    static let pool = DescriptorPool([RavioliTestV1LibrarySchema.file])
    let router: RESTRouter
    var options = RESTOptions.defaults

    /// - Parameter yaml: A file of rules.
    init(yaml: String = "") throws {
        let file = try RESTRuleFile(yaml: yaml, name: "rules.yaml")
        router = try RESTRouter(try RESTRules.bindings(Self.pool.allServices, file: file))
    }

    static func method(_ name: String) throws -> MethodDescriptor {
        try #require(pool.service(named: "ravioli.test.v1.Library")?.method(named: name))
    }

    /// A rule of the test's own on a method of the library.
    static func binding(
        _ httpMethod: String?, _ path: String, method name: String, body: String = "",
        responseBody: String = ""
    ) throws -> RESTBinding {
        let selector = "ravioli.test.v1.Library.\(name)"
        var rule = HTTPRule(selector: selector, httpMethod: httpMethod, path: path)
        (rule.body, rule.responseBody) = (body, responseBody)
        return try RESTBinding(rule, method: try method(name))
    }

    func match(_ httpMethod: String, _ target: String) throws -> RESTMatch {
        let match = router.match(httpMethod, target)
        guard case .found(let found) = match else {
            Issue.record("\(httpMethod) \(target) is \(match)")
            throw NotFound()
        }
        return found
    }

    struct NotFound: Error {}

    /// The request that a call gets, as JSON.
    func request(
        _ httpMethod: String, _ target: String, body: String = "", type: String? = "application/json"
    ) throws -> String {
        let match = try match(httpMethod, target)
        let request = RESTRequest(match, options: options, types: Self.pool)
        let encoded = try request.encoded(body: ByteBuffer(string: body), contentType: type)
        let json = try JSONTranscoder.json(fromEncoded: encoded, as: match.binding.method.input)
        return String(decoding: json, as: UTF8.self)
    }

    /// Why a request is refused.
    func failure(
        _ httpMethod: String, _ target: String, body: String = "", type: String? = "application/json"
    ) throws -> RESTFailure {
        let match = try match(httpMethod, target)
        let request = RESTRequest(match, options: options, types: Self.pool)
        let failure = #expect(throws: RESTFailure.self) {
            try request.encoded(body: ByteBuffer(string: body), contentType: type)
        }
        return try #require(failure)
    }
}

extension RESTBinding {
    /// The body for a message that is given as JSON.
    func body(
        _ json: String, options: RESTOptions = .defaults
    ) throws -> RESTResponse.Body {
        let encoded = try JSONTranscoder.encoded(fromJSON: Array(json.utf8), as: method.output)
        return try RESTResponse(self, options: options, types: TestLibrary.pool).body(of: encoded)
    }
}

extension RESTResponse.Body {
    var text: String { String(decoding: bytes, as: UTF8.self) }
}
