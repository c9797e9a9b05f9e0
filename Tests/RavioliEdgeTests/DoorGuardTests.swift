// SPDX-License-Identifier: Apache-2.0

import EdgeSchemas
import HTTPTypes
import NIOCore
import Ravioli
import Testing

@testable import RavioliEdge

@Suite(.timeLimit(.minutes(1)))
struct DoorGuardTests {
    private let echo = "/ravioli.test.v1.Desk/Echo"

    /// A guard that knows the caller, and one that does not want it.
    private struct Knowing: DoorGuard {
        func look(at visit: inout Visit) async -> GuardVerdict {
            visit.verified.add("x-user", "ada")
            return .pass([HTTPField.Name("X-Seen")!: "yes"])
        }
    }

    private struct Refusing: DoorGuard {
        func look(at visit: inout Visit) async -> GuardVerdict {
            .refuse(
                RPCError(.unauthenticated, "who are you?", executed: .no),
                [HTTPField.Name("WWW-Authenticate")!: "Bearer"])
        }
    }

    private func edge(_ guards: [any DoorGuard]) throws -> Edge {
        var options = EdgeOptions.defaults
        options.requestHeaders = HeaderRules(["x-*"])
        let upstream = Upstream(name: "desk", channel: InProcessChannel(DeskServer()))
        return try Edge([upstream], options: options, guards: guards, logger: .quiet)
    }

    @Test func whatIsVerifiedReplacesWhatTheClientSays() async throws {
        let headers: HTTPFields = [.contentType: "application/json", HTTPField.Name("X-User")!: "root"]
        let answer = try await edge([Knowing()]).answer(echo, headers: headers, bytes: Array("{}".utf8))
        #expect(answer.text.contains("x-user: ada") && !answer.text.contains("root"))
        #expect(answer.headers[HTTPField.Name("X-Seen")!] == "yes")
    }

    static let forms: [(type: String, status: Int, text: String)] = [
        ("application/json", 401, #"{"code":"unauthenticated","message":"who are you?"}"#),
        ("application/connect+json", 200, #"{"error":{"code":"unauthenticated","message":"who are you?"}}"#),
        ("application/grpc-web", 200, "grpc-status: 16\r\ngrpc-message: who are you?\r\n"),
    ]

    @Test(arguments: forms) func aRefusalIsToldInTheClientsProtocol(
        row: (type: String, status: Int, text: String)
    ) async throws {
        let edge = try edge([Refusing()])
        let answer = await edge.answer(echo, headers: [.contentType: row.type], bytes: [])
        #expect(answer.status.code == row.status)
        #expect(answer.text.hasSuffix(row.text))
        #expect(answer.headers[HTTPField.Name("WWW-Authenticate")!] == "Bearer")
        let grpc = await edge.answer(
            echo, headers: [.contentType: "application/grpc"], bytes: [], isHTTP2: true)
        #expect(grpc.trailers?[HTTPField.Name("grpc-status")!] == "16")
    }

    // MARK: Other origins

    private func cors(
        _ origin: String?, method: HTTPRequest.Method = .post, asks: String? = nil,
        _ change: @escaping (inout CORSOptions) -> Void = { _ in }
    ) async throws -> TestResponse {
        var rules = CORSOptions(allowedOrigins: ["https://shop.example"])
        change(&rules)
        var headers: HTTPFields = method == .options ? [:] : [.contentType: "application/json"]
        headers[.origin] = origin
        headers[.accessControlRequestMethod] = asks
        return try await TestEdge { $0.cors = rules }.answer(echo, method: method, headers: headers)
    }

    @Test func aPreflightOfAnAllowedOriginIsAnswered() async throws {
        let answer = try await cors("https://shop.example", method: .options, asks: "POST")
        #expect(answer.status == .noContent && answer.body.readableBytes == 0)
        #expect(answer.headers[.accessControlAllowOrigin] == "https://shop.example")
        #expect(answer.headers[.accessControlAllowMethods] == "GET, HEAD, POST, PUT, PATCH, DELETE")
        #expect(answer.headers[.accessControlAllowHeaders]?.contains("Connect-Protocol-Version") == true)
        #expect(answer.headers[.accessControlMaxAge] == "7200")
        let vary = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"
        #expect(answer.headers[.vary] == vary)
        #expect(answer.headers[.accessControlAllowCredentials] == nil)
    }

    @Test func aPreflightOfAnotherOriginAllowsNothing() async throws {
        let answer = try await cors("https://evil.example", method: .options, asks: "POST")
        #expect(answer.headers[.accessControlAllowOrigin] == nil)
        #expect(answer.headers[.accessControlAllowMethods] == nil)
    }

    @Test func anAllowedOriginMayReadTheAnswer() async throws {
        let answer = try await cors("https://shop.example")
        #expect(answer.status == .ok)
        #expect(answer.headers[.accessControlAllowOrigin] == "https://shop.example")
        #expect(answer.headers[.accessControlExposeHeaders]?.contains("Grpc-Status") == true)
        #expect(answer.headers[values: .vary].contains("Origin"))
    }

    @Test(arguments: [
        "https://evil.example", "https://shop.example.evil.example", "null", "http://shop.example",
    ])
    func otherOriginsMayNot(origin: String) async throws {
        let answer = try await cors(origin)
        #expect(answer.headers[.accessControlAllowOrigin] == nil)
        #expect(answer.headers[values: .vary].contains("Origin"))
    }

    @Test func allOriginsAreAStarWithoutCredentials() async throws {
        let answer = try await cors("https://any.example") { $0.allowedOrigins = ["*"] }
        #expect(answer.headers[.accessControlAllowOrigin] == "*")
        var options = EdgeOptions.defaults
        options.cors = CORSOptions(allowedOrigins: ["*"])
        options.cors?.allowsCredentials = true
        #expect(throws: RuntimeError.self) { try Edge([], options: options, logger: .quiet) }
    }
}
