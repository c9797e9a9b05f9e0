// SPDX-License-Identifier: Apache-2.0

import EdgeSchemas
import HTTPTypes
import NIOCore
import Ravioli
import RavioliSchema
import Testing

@testable import RavioliEdge

/// Tokens at the door, in every protocol.
@Suite(.timeLimit(.minutes(2))) struct JWTServingTests {
    private static let echo = GuardedEdge.echo

    static let forms: [(path: String, type: String, status: Int, code: String)] = [
        (echo, "application/json", 401, "unauthenticated"),
        ("/ravioli.test.v1.Desk/Watch", "application/connect+json", 200, "unauthenticated"),
        (echo, "application/grpc+json", 200, "grpc 16"), (echo, "application/grpc-web+json", 200, "grpc 16"),
        ("/echo/a", "application/json", 401, "16"),
        ("/nowhere.v1.Lost/Call", "application/json", 401, "unauthenticated"),
        ("/", "application/json", 401, "16"), ("/openapi.json", "application/json", 401, "16"),
    ]

    @Test(arguments: forms) func whoeverHasNoTokenHearsSoInHisProtocol(
        row: (path: String, type: String, status: Int, code: String)
    ) async throws {
        let edge = try await GuardedEdge()
        let none = await edge.call(row.path, type: row.type)
        #expect(none.status.code == row.status && none.code == row.code)
        #expect(none.header("www-authenticate") == "Bearer realm=\"api\"")
        let expired = await edge.call(
            row.path, token: try edge.issuer.token(expires: TestIssuer.now - 61), type: row.type)
        #expect(expired.status.code == row.status && expired.code == row.code)
        #expect(
            expired.header("www-authenticate")
                == #"Bearer realm="api", error="invalid_token", error_description="the token has expired""#)
    }

    @Test(arguments: forms.prefix(5)) func aTokenOpensTheDoor(
        row: (path: String, type: String, status: Int, code: String)
    ) async throws {
        let edge = try await GuardedEdge()
        let answer = await edge.call(row.path, token: try edge.issuer.token(), type: row.type)
        #expect(answer.status == .ok)
        #expect(answer.text.contains("ravioli-claim-sub: ada"), "\(answer.text)")
        #expect(answer.header("www-authenticate") == nil)
    }

    @Test func getsAndProblemsToo() async throws {
        let edge = try await GuardedEdge()
        let path = Self.echo + "?connect=v1&encoding=json&message=%7B%7D"
        #expect(await edge.call(path, type: nil, method: .get).status == .unauthorized)
        let token = try edge.issuer.token()
        #expect(await edge.call(path, token: token, type: nil, method: .get).text.contains("sub: ada"))
        #expect(await edge.call("/echo/x", token: token, type: nil, method: .get).text.contains("sub: ada"))
        let problem = await edge.call(
            "/echo/x", type: nil, method: .get, headers: [.accept: "application/problem+json"])
        #expect(problem.header("content-type") == "application/problem+json")
        #expect(
            problem.text.contains(#""status":401"#) && problem.text.contains(#""code":"unauthenticated""#))
        #expect(await edge.call("/nowhere", type: nil, method: .get).status == .unauthorized)
        #expect(await edge.call("/nowhere", token: token, type: nil, method: .get).status == .notFound)
        #expect(await edge.call("/nowhere", token: token).status == .notFound)
        #expect(await edge.call("/%zz", type: nil, method: .get).status == .unauthorized)
        #expect(await edge.call("/%zz", token: token, type: nil, method: .get).status == .badRequest)
        #expect(
            await edge.call("/echo/x", token: token, type: nil, method: .delete).status == .methodNotAllowed)
    }

    @Test func healthIsForEverybody() async throws {
        let edge = try await GuardedEdge()
        #expect(await edge.call("/healthz", type: nil, method: .get).status == .ok)
        #expect(await edge.call("/healthz/", type: nil, method: .get).status == .unauthorized)
    }

    @Test func theDocumentIsForEverybodyByASwitch() async throws {
        let edge = try await GuardedEdge { $0.jwt?.documentIsPublic = true }
        #expect(await edge.call("/", type: nil, method: .get).status == .ok)
        #expect(await edge.call("/openapi.json", type: nil, method: .get).status == .ok)
        #expect(await edge.call().status == .unauthorized)
    }

    @Test func preflightsNeedNoToken() async throws {
        let edge = try await GuardedEdge { $0.cors = CORSOptions(allowedOrigins: ["https://shop.example"]) }
        var headers: HTTPFields = [.origin: "https://shop.example"]
        headers[.accessControlRequestMethod] = "POST"
        let preflight = await edge.call(type: nil, method: .options, headers: headers)
        #expect(preflight.status == .noContent)
        #expect(preflight.header("access-control-allow-headers")?.contains("Authorization") == true)
        headers[.accessControlRequestMethod] = nil
        let refused = await edge.call(headers: headers)
        #expect(refused.status == .unauthorized)
        #expect(refused.header("access-control-allow-origin") == "https://shop.example")
        #expect(refused.header("access-control-expose-headers")?.contains("WWW-Authenticate") == true)
    }

    // MARK: The header

    @Test func theAuthorizationIsOneAndABearers() async throws {
        let edge = try await GuardedEdge()
        let token = try edge.issuer.token()
        func status(_ values: String...) async -> Int {
            var headers: HTTPFields = [:]
            for value in values { headers.append(HTTPField(name: .authorization, value: value)) }
            return await edge.call(headers: headers).status.code
        }
        for value in ["Bearer \(token)", "bearer \(token)", "BEARER  \(token)"] {
            #expect(await status(value) == 200)
        }
        for value in [
            token, "Basic \(token)", "Bearer", "Bearer ", "Bearer\(token)",
            "Bearer \(token), Bearer \(token)",
            "Bearer \(token) x", "Bearer \"\(token)\"", "DPoP \(token)", "", "Beareré \(token)",
        ] {
            #expect(await status(value) == 401, "\(value)")
        }
        #expect(await status("Bearer \(token)", "Bearer \(token)") == 400)
        #expect(await status("Basic eDp5", "Bearer \(token)") == 400)
        #expect(await edge.call(Self.echo + "?access_token=\(token)").status == .unauthorized)
    }

    @Test func aGiantTokenIsRefusedUnread() async throws {
        let edge = try await GuardedEdge()
        let answer = await edge.call(token: String(repeating: "a", count: 1 << 20))
        #expect(answer.status == .unauthorized)
        #expect(answer.header("www-authenticate")?.contains("the token is too long") == true)
    }

    // MARK: What is passed on

    /// Whatever a client calls it, and wherever the name comes from, only the token says who the caller is.
    @Test(arguments: forms.prefix(5)) func nobodySmugglesAClaim(
        row: (path: String, type: String, status: Int, code: String)
    ) async throws {
        let names = [
            "ravioli-claim-sub", "Ravioli-Claim-Sub", "RAVIOLI-CLAIM-SUB", "ravioli-claim-sub-bin",
            "x-tenant", "X-TENANT",
            "x-tenant-bin", "X-Tenant-Bin", "trailer-x-tenant", "grpc-x-tenant", "x-roles", "x-roles-bin",
        ]
        var headers: HTTPFields = [:]
        for name in names {
            headers.append(HTTPField(name: try #require(HTTPField.Name(name)), value: "cm9vdA"))
        }
        let edge = try await GuardedEdge {
            $0.requestHeaders = HeaderRules([
                "*", "x-*", "x-tenant", "x-tenant-bin", "ravioli-*", "trailer-x-tenant",
            ])
            $0.jwt?.claims = ["sub": "ravioli-claim-sub", "tenant": "x-tenant", "roles": "X-Roles-Bin"]
            $0.jwt?.rules = [
                AccessRule(method: "ravioli.test.v1.Desk/*", path: "/public/**", access: .everybody)
            ]
        }
        let bare = await edge.call(row.path, token: try edge.issuer.token(), type: row.type, headers: headers)
        #expect(bare.text.contains("ravioli-claim-sub: ada"))
        #expect(!bare.text.contains("x-tenant") && !bare.text.contains("x-roles"))
        #expect(!bare.text.contains("cm9vdA") && !bare.text.contains("root"))
        let token = try edge.issuer.token(#""sub":"ada","tenant":7,"roles":["é"]"#)
        let full = await edge.call(row.path, token: token, type: row.type, headers: headers)
        #expect(full.text.contains("x-tenant: 7") && full.text.contains("x-roles-bin: WyLDqSJd"))
        #expect(!full.text.contains("cm9vdA") && !full.text.contains("root"))
    }

    @Test func whoIsPublicHasNoClaimsEither() async throws {
        let edge = try await GuardedEdge {
            $0.jwt?.claims = ["sub": "x-user"]
            $0.jwt?.rules = [AccessRule(access: .everybody)]
        }
        var headers: HTTPFields = [HTTPField.Name("X-User")!: "root", HTTPField.Name("X-Other")!: "kept"]
        headers[.authorization] = "Bearer nonsense"
        let answer = await edge.call(headers: headers)
        #expect(answer.status == .ok && answer.text.contains("x-other: kept"))
        #expect(!answer.text.contains("root"))
    }

    @Test func trailersOfARequestAreNoMetadata() async throws {
        let guarded = try await GuardedEdge()
        let token = try guarded.issuer.token()
        let edge = guarded.edge
        let server = HTTPServer(.tcp(host: "127.0.0.1", port: 0), options: edge.options, logger: .quiet) {
            await edge.serve($0)
        }
        let (ports, port) = AsyncStream<Int>.makeStream()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await server.run { if case .tcp(_, let number) = $0 { port.yield(number) } }
            }
            var iterator = ports.makeAsyncIterator()
            let number = await iterator.next() ?? 0
            func exchange(_ authorization: String) async throws -> String {
                try await RawHTTP.exchange(
                    port: number,
                    "POST \(Self.echo) HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nConnection: close\r\n"
                        + authorization
                        + "Transfer-Encoding: chunked\r\nTrailer: ravioli-claim-sub, Authorization\r\n"
                        + "\r\n2\r\n{}\r\n0\r\nravioli-claim-sub: root\r\nX-A: root\r\n"
                        + "Authorization: Bearer \(token)\r\n\r\n")
            }
            let answer = try await exchange("Authorization: Bearer \(token)\r\n")
            #expect(answer.hasPrefix("HTTP/1.1 200 "))
            #expect(answer.contains("ravioli-claim-sub: ada") && !answer.contains("root"))
            #expect(try await exchange("").hasPrefix("HTTP/1.1 401 "))
            let two = try await exchange(
                "Authorization: Bearer \(token)\r\nauthorization: Bearer \(token)\r\n")
            #expect(two.hasPrefix("HTTP/1.1 400 "))
            let h2 = try await HTTP2Client.connect(port: number)
            defer { h2.close() }
            let fields = [("content-type", "application/grpc+json"), ("te", "trailers")]
            let body: [UInt8] = [0, 0, 0, 0, 2] + Array("{}".utf8)
            let refused = try await h2.exchange(Self.echo, fields, body)
            #expect(refused.status == "200" && refused.header("www-authenticate") == "Bearer realm=\"api\"")
            #expect(refused.trailer("grpc-status") == "16")
            let served = try await h2.exchange(
                Self.echo, fields + [("authorization", "Bearer \(token)"), ("ravioli-claim-sub", "root")],
                body)
            #expect(served.trailer("grpc-status") == "0")
            #expect(String(buffer: served.body).contains("ravioli-claim-sub: ada"))
            group.cancelAll()
        }
    }

    // MARK: Rules

    @Test func theFirstRuleThatFitsDecides() async throws {
        let edge = try await GuardedEdge {
            $0.jwt?.rules = [
                AccessRule(path: "/echo/open", access: .everybody),
                AccessRule(method: "ravioli.test.v1.Desk/Echo", scopes: ["echo:read", "echo:write"]),
                AccessRule(method: "ravioli.test.v1.Desk/*", access: .nobody),
                AccessRule(method: "ravioli.test.v1.Desk/Fail", access: .everybody),
                AccessRule(method: "ravioli.test.v1.Library/*", roles: ["admin", "librarian"]),
                AccessRule(path: "/nowhere/**", access: .everybody),
            ]
        }
        func status(
            _ path: String, _ claims: String? = nil, _ method: HTTPRequest.Method = .post
        ) async throws -> Int {
            let token = try claims.map { try edge.issuer.token($0) }
            return await edge.call(
                path, token: token, type: method == .post ? "application/json" : nil, method: method
            ).status.code
        }
        #expect(try await status("/echo/open") == 200)
        #expect(try await status("/echo/%6fpen") == 200)
        #expect(try await status("/echo/Open") == 401)
        #expect(try await status("/echo/open/") == 401)
        #expect(try await status("//echo/open") == 401)
        #expect(try await status("/echo/other", #""scope":"echo:read echo:write""#) == 200)
        #expect(try await status(Self.echo, #""scope":"echo:write x echo:read""#) == 200)
        #expect(try await status(Self.echo, #""scp":["echo:read","echo:write"]"#) == 200)
        #expect(try await status(Self.echo, #""scope":"echo:read","scp":"echo:write""#) == 200)
        #expect(try await status(Self.echo, #""scope":"echo:read""#) == 403)
        #expect(try await status(Self.echo, #""scope":"ECHO:READ ECHO:WRITE""#) == 403)
        #expect(try await status(Self.echo, #""scope":["echo:read echo:write"]"#) == 403)
        #expect(try await status(Self.echo, #""scope":{"echo:read":1,"echo:write":1}"#) == 403)
        #expect(try await status(Self.echo, #""scope":7"#) == 403)
        #expect(try await status("/ravioli.test.v1.Desk/Fail", #""scope":"echo:read""#) == 403)
        #expect(try await status("/ravioli.test.v1.Desk/Fail") == 401)
        #expect(try await status("/v1/volumes/a", #""roles":["reader","librarian"]"#, .get) == 200)
        #expect(try await status("/v1/volumes/a", #""roles":"admin""#, .get) == 200)
        #expect(try await status("/v1/volumes/a", #""roles":["reader"]"#, .get) == 403)
        #expect(try await status("/v1/volumes/a", #""sub":"x""#, .get) == 403)
        #expect(try await status("/v1/volumes/a", #""roles":["reader"]"#, .head) == 403)
        #expect(try await status("/nowhere/at/all", nil, .get) == 404)
        #expect(try await status("/else", nil, .get) == 401)
    }

    @Test(arguments: forms.prefix(5)) func whatATokenMayNotIsToldInTheProtocol(
        row: (path: String, type: String, status: Int, code: String)
    ) async throws {
        let edge = try await GuardedEdge { $0.jwt?.rules = [AccessRule(scopes: ["admin", "x"])] }
        let answer = await edge.call(row.path, token: try edge.issuer.token(), type: row.type)
        #expect(answer.status.code == (row.status == 401 ? 403 : 200))
        let codes = ["unauthenticated": "permission_denied", "grpc 16": "grpc 7", "16": "7"]
        #expect(answer.code == codes[row.code])
        #expect(
            answer.header("www-authenticate")?.hasSuffix(
                #"error="insufficient_scope", error_description="#
                    + #""the token has not every scope that is needed", scope="admin x""#) == true)
    }

    @Test func aMethodThatAppearsLateIsGuardedAsTheOthers() async throws {
        let issuer = try await TestIssuer.es256()
        let keys = try TestFile("{\"keys\":[\(issuer.jwk)]}")
        var options = EdgeOptions.defaults
        options.jwt = .test {
            $0.keys = .file(keys.path)
            $0.rules = [
                AccessRule(method: "ravioli.test.v1.Desk/*", access: .nobody),
                AccessRule(path: "/**", access: .everybody),
            ]
        }
        // It has not asked for schemas when the first request comes.
        let channel = InProcessChannel(DeskServer())
        let edge = try Edge([Upstream(name: "desk", channel: channel)], options: options, logger: .quiet)
        let answer = await edge.answer(
            Self.echo, headers: [.contentType: "application/json"], bytes: Array("{}".utf8))
        #expect(answer.status == .unauthorized)
    }
}
