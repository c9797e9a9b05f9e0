// SPDX-License-Identifier: Apache-2.0

import EdgeSchemas
import HTTPTypes
import Ravioli
import Testing

@testable import RavioliEdge

/// Methods that clients do not find.
@Suite(.timeLimit(.minutes(1)))
struct ExposureTests {
    private static let echo = "/ravioli.test.v1.Desk/Echo"
    private static let fail = "/ravioli.test.v1.Desk/Fail"
    private static let line = "/ravioli.test.v1.Line/Unary"

    private func edge(
        expose: [String] = [], hide: [String] = [], _ change: (inout EdgeOptions) -> Void = { _ in }
    ) throws -> TestEdge {
        try TestEdge(services: [DeskServer(), LineServer(), LibraryServer()]) {
            ($0.exposedMethods, $0.hiddenMethods) = (expose, hide)
            change(&$0)
        }
    }

    @Test(
        arguments: [
            ([], [], [echo, fail, line]), (["*"], [], [echo, fail, line]),
            ([], ["ravioli.test.v1.Desk/Echo"], [fail, line]), ([], ["ravioli.test.v1.Desk/*"], [line]),
            (["ravioli.test.v1.Desk/*"], [], [echo, fail]),
            (["ravioli.test.v1.*"], ["ravioli.test.v1.Desk/Fail"], [echo, line]),
            (["ravioli.test.v1.Desk/Echo", "ravioli.test.v1.Line/Unary"], ["*"], []), (["shop.v1.*"], [], []),
        ] as [([String], [String], [String])])
    func theListsDecide(expose: [String], hide: [String], found: [String]) async throws {
        let edge = try edge(expose: expose, hide: hide)
        let document = try await edge.answer("/openapi.json", method: .get, headers: [:], body: "").text
        for path in [Self.echo, Self.fail, Self.line] {
            let status = try await edge.answer(path).status
            #expect((status != .notFound) == found.contains(path), "\(path): \(status)")
            #expect(document.contains("\"\(path)\"") == found.contains(path), "\(path)")
        }
    }

    /// What a hidden method is answered is what one is that there is not, in every protocol.
    @Test(arguments: [
        ("application/json", false), ("application/proto", false), ("application/connect+json", false),
        ("application/grpc-web", false), ("application/grpc", true), ("text/plain", false),
    ])
    func isAnsweredLikeOneThatThereIsNot(type: String, isHTTP2: Bool) async throws {
        let edge = try edge(hide: ["ravioli.test.v1.Desk/*"])
        func answer(_ path: String, _ method: HTTPRequest.Method) async throws -> TestResponse {
            var answer = try await edge.answer(
                path, method: method, headers: [.contentType: type], isHTTP2: isHTTP2)
            answer.headers[.requestID] = nil
            return answer
        }
        for method in [HTTPRequest.Method.post, .get, .options, .put] {
            let hidden = try await answer(Self.echo, method)
            let unknown = try await answer("/ravioli.test.v1.Desk/Ecko", method)
            #expect(hidden.status == unknown.status && hidden.headers == unknown.headers)
            #expect(hidden.trailers == unknown.trailers)
            // A problem's text names its request.
            #expect(hidden.text.count == unknown.text.count)
        }
        let escaped = try await answer("/ravioli.test.v1.Desk/%45cho?a=b", .post)
        #expect(escaped.status == (try await answer(Self.echo, .post)).status)
    }

    @Test func itsRulesDoNotCount() async throws {
        let rules = "http: { rules: [{ selector: ravioli.test.v1.Desk.Echo, get: \"/echo/{text}\" }] }"
        let (shown, hidden) = (
            try edge { $0.rest.rules = rules },
            try edge(hide: ["ravioli.test.v1.Desk/Echo", "ravioli.test.v1.Library/*"]) {
                $0.rest.rules = rules
            }
        )
        for (path, edge, status) in [
            ("/echo/a", shown, 200), ("/echo/a", hidden, 404), ("/v1/volumes/a", shown, 200),
            ("/v1/volumes/a", hidden, 404),
        ] as [(String, TestEdge, Int)] {
            #expect(try await edge.answer(path, method: .get, headers: [:], body: "").status.code == status)
            #expect(edge.server.edge.restDoor.fault == nil)
            let document = try await edge.answer("/openapi.json", method: .get, headers: [:], body: "").text
            #expect(document.contains("/echo/{text}") == (edge.server === shown.server))
        }
    }

    @Test func plansMayCallIt() async throws {
        let plan = """
            plans:
              Page:
                get: /page/{text}
                parameters: { text: }
                steps: { echo: { call: ravioli.test.v1.Desk/Echo, request: { text: $text } } }
                response: { said: $echo.request.text }
            """
        let edge = try edge(hide: ["ravioli.test.v1.Desk/*"]) {
            $0.plans.files = [.init(name: "page.yaml", yaml: plan)]
        }
        let page = try await edge.answer("/page/hello", method: .get, headers: [:], body: "")
        #expect(page.status == .ok && page.text.contains(#"{"said":"hello","#), "\(page.text)")
        #expect(try await edge.answer(Self.echo).status == .notFound)
    }

    @Test func whatIsNoPatternIsRefused() {
        for options in ["expose", "hide"] {
            let yaml = "upstreams: [{ name: a, address: \"h:1\" }]\n\(options): [shop.v1.Cars]"
            #expect {
                _ = try EdgeConfiguration(yaml: yaml, name: "edge.yaml", folder: "")
            } throws: { error in
                "\(error)".contains("edge.yaml, line 2: \(options): shop.v1.Cars is no pattern of methods")
            }
        }
    }
}
