// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Ravioli
import RavioliSchema
import Testing

@testable import RavioliEdge

/// Limits at the door, in every protocol.
@Suite(.timeLimit(.minutes(2))) struct RateLimitServingTests {
    private static let echo = GuardedEdge.echo

    private func edge(
        _ rules: RateLimitRule..., change: (inout EdgeOptions) -> Void = { $0.jwt = nil }
    ) async throws -> GuardedEdge {
        try await GuardedEdge {
            $0.rateLimits = rules
            change(&$0)
        }
    }

    static let forms: [(path: String, type: String, status: Int, code: String)] = [
        (echo, "application/json", 429, "resource_exhausted"),
        ("/ravioli.test.v1.Desk/Watch", "application/connect+json", 200, "resource_exhausted"),
        (echo, "application/grpc+json", 200, "grpc 8"), (echo, "application/grpc-web+json", 200, "grpc 8"),
        ("/echo/a", "application/json", 429, "8"),
        ("/nowhere.v1.Lost/Call", "application/json", 429, "resource_exhausted"),
    ]

    @Test(arguments: forms) func whoeverAsksTooOftenHearsSoInHisProtocol(
        row: (path: String, type: String, status: Int, code: String)
    ) async throws {
        let edge = try await edge(.init(name: "basic", requests: 2, window: .seconds(60)))
        let first = await edge.call(row.path, type: row.type)
        #expect(first.header("ratelimit-policy") == "\"basic\";q=2;w=60")
        #expect(first.header("ratelimit") == "\"basic\";r=1;t=30")
        #expect(first.header("retry-after") == nil && !first.code.hasSuffix("8"))
        _ = await edge.call(row.path, type: row.type)
        edge.clock.move(by: .milliseconds(500))
        let third = await edge.call(row.path, type: row.type)
        #expect(third.status.code == row.status && third.code == row.code)
        #expect(third.header("retry-after") == "30")
        #expect(third.header("ratelimit") == "\"basic\";r=0;t=30")
        #expect(third.header("ratelimit-policy") == "\"basic\";q=2;w=60")
        for name in ["ratelimit", "retry-after"] { #expect(third.trailers?[HTTPField.Name(name)!] == nil) }
        edge.clock.move(by: .milliseconds(29_500))
        #expect(!(await edge.call(row.path, type: row.type).code.hasSuffix("8")))
    }

    @Test func theErrorSaysWhenToTryAgain() async throws {
        let edge = try await edge(.init(name: "basic", requests: 1, window: .seconds(300)))
        _ = await edge.call()
        // RetryInfo { retry_delay { seconds: 300 } }
        #expect(await edge.call().text.contains(#""type":"google.rpc.RetryInfo","value":"CgMIrAI""#))
        let grpc = await edge.call(type: "application/grpc+json")
        let details = try #require(grpc.trailers?[HTTPField.Name("grpc-status-details-bin")!])
        let status = try #require(Base64.decode(details))
        #expect(String(decoding: status, as: UTF8.self).contains("google.rpc.RetryInfo"))
        let problem = await edge.call("/echo/a", headers: [.accept: "application/problem+json"])
        #expect(problem.status == .tooManyRequests && problem.text.contains(#""code":"resource_exhausted""#))
    }

    // MARK: Keys

    @Test func eachAddressHasItsOwn() async throws {
        let edge = try await edge(.init(name: "a", requests: 1))
        func status(_ peer: String?) async -> Int { await edge.call(peer: peer).status.code }
        #expect(await status("192.0.2.1") == 200)
        #expect(await status("192.0.2.1") == 429)
        #expect(await status("::ffff:192.0.2.1") == 429)
        #expect(await status("192.0.2.2") == 200)
        // A site of IPv6 has more addresses than anybody can count.
        #expect(await status("2001:db8::1") == 200)
        #expect(await status("2001:db8::ffff:1") == 429)
        #expect(await status("2001:db8:0:1::1") == 200)
        #expect(await status(nil) == 200)
        #expect(await status(nil) == 429)
    }

    @Test func proxiesSpeakForTheirClients() async throws {
        let edge = try await edge(.init(name: "a", requests: 1)) {
            $0.jwt = nil
            $0.trustedProxies = TrustedProxies(["10.0.0.0/8"])
        }
        func status(_ peer: String, _ client: String) async -> Int {
            await edge.call(headers: [.forwardedFor: client], peer: peer).status.code
        }
        #expect(await status("10.0.0.1", "203.0.113.1") == 200)
        #expect(await status("10.0.0.2", "9.9.9.9, 203.0.113.1") == 429)
        #expect(await status("10.0.0.1", "203.0.113.2") == 200)
        #expect(await status("203.0.113.7", "1.1.1.1") == 200)
        #expect(await status("203.0.113.7", "2.2.2.2") == 429)
    }

    @Test func keysOfHeadersAndWhoHasNone() async throws {
        let edge = try await edge(.init(name: "a", requests: 1, key: .header("X-Api-Key")))
        func status(_ key: String?) async -> Int {
            var headers: HTTPFields = [:]
            headers[HTTPField.Name("x-api-key")!] = key
            return await edge.call(headers: headers).status.code
        }
        #expect(await status("one") == 200)
        #expect(await status("one") == 429)
        #expect(await status("two") == 200)
        #expect(await status(nil) == 200)
        #expect(await status(nil) == 429)
        // No value of the header is somebody's address.
        #expect(await status("192.0.2.1") == 200)
    }

    @Test func claimsCountOnceTheyAreVerified() async throws {
        let edge = try await edge(
            .init(name: "all", requests: 100, key: .everybody),
            .init(name: "user", requests: 1, key: .claim("sub"))
        ) { _ in }
        func call(_ subject: String) async throws -> TestResponse {
            await edge.call(token: try edge.issuer.token("\"sub\":\"\(subject)\""))
        }
        let first = try await call("ada")
        #expect(first.status == .ok)
        #expect(first.header("ratelimit-policy") == "\"all\";q=100;w=60, \"user\";q=1;w=60")
        #expect(first.headers[values: HTTPField.Name("ratelimit")!] == ["\"user\";r=0;t=60"])
        #expect(try await call("ada").status == .tooManyRequests)
        #expect(try await call("bob").status == .ok)
        let refused = await edge.call()
        #expect(refused.status == .unauthorized)
        #expect(refused.header("ratelimit") == "\"all\";r=96;t=1")
    }

    @Test func invalidTokensAreCountedToo() async throws {
        let edge = try await edge(.init(name: "a", requests: 2)) { _ in }
        for _ in 0..<2 { #expect(await edge.call(token: "nonsense").status == .unauthorized) }
        #expect(await edge.call(token: "nonsense").status == .tooManyRequests)
    }

    // MARK: Rules

    @Test func allThatFitCountAndTheTightestIsTold() async throws {
        let edge = try await edge(
            .init(name: "short", requests: 10, window: .seconds(1)),
            .init(name: "day", requests: 3, window: .seconds(86_400), key: .everybody),
            .init(name: "library", requests: 1, method: "ravioli.test.v1.Library/*"),
            .init(name: "path", requests: 1, path: "/echo/*"))
        let first = await edge.call()
        #expect(first.header("ratelimit-policy") == "\"short\";q=10;w=1, \"day\";q=3;w=86400")
        #expect(first.header("ratelimit") == "\"day\";r=2;t=28800")
        let second = await edge.call("/echo/a")
        #expect(second.header("ratelimit") == "\"path\";r=0;t=60")
        // What one rule refuses takes nothing from the others.
        for _ in 0..<5 { #expect(await edge.call("/echo/a").status == .tooManyRequests) }
        #expect(await edge.call().header("ratelimit") == "\"day\";r=0;t=28800")
        let over = await edge.call("/echo/a")
        #expect(over.header("ratelimit") == "\"day\";r=0;t=28800" && over.header("retry-after") == "28800")
        #expect(
            await edge.call("/v1/volumes/a", type: nil, method: .get).header("ratelimit-policy")?.contains(
                "library") == true)
    }

    @Test func methodsHaveTheirOwnWhereTheRuleSaysSo() async throws {
        let edge = try await edge(.init(name: "a", requests: 1, method: "*", perMethod: true))
        #expect(await edge.call().status == .ok)
        // The same method by another path.
        #expect(await edge.call("/echo/a").status == .tooManyRequests)
        #expect(await edge.call("/v1/volumes/a", type: nil, method: .get).status == .ok)
        let nowhere = await edge.call("/nowhere")
        #expect(nowhere.status == .notFound && nowhere.header("ratelimit") == nil)
    }

    @Test func healthAndPreflightsAreNotCounted() async throws {
        let edge = try await edge(.init(name: "a", requests: 1)) {
            $0.jwt = nil
            $0.cors = CORSOptions(allowedOrigins: ["https://shop.example"])
        }
        var headers: HTTPFields = [.origin: "https://shop.example"]
        headers[.accessControlRequestMethod] = "POST"
        for _ in 0..<3 {
            #expect(await edge.call("/healthz", type: nil, method: .get).status == .ok)
            #expect(await edge.call(type: nil, method: .options, headers: headers).status == .noContent)
        }
        #expect(await edge.call().status == .ok)
        let over = await edge.call(headers: [.origin: "https://shop.example"])
        #expect(over.status == .tooManyRequests)
        #expect(over.header("access-control-expose-headers")?.contains("RateLimit-Policy") == true)
    }

    @Test func aServiceDoesNotSpeakForTheLimits() {
        let rules = HeaderRules(["*"])
        #expect(!rules.allow("ratelimit") && !rules.allow("ratelimit-policy"))
    }
}
