// SPDX-License-Identifier: Apache-2.0

import EdgeSchemas
import HTTPTypes
import Ravioli
import Testing

@testable import RavioliEdge

/// Guards in front of plans.
@Suite(.timeLimit(.minutes(1))) struct GuardedPlanTests {
    private func status(
        _ rules: [AccessRule], _ claims: String?, limits: [RateLimitRule] = []
    ) async throws -> [Int] {
        let issuer = try await TestIssuer.es256()
        let keys = try TestFile("{\"keys\":[\(issuer.jwk)]}")
        var options = EdgeOptions.defaults
        options.plans.files = [.init(name: "plans.yaml", yaml: PlanServingTests.yaml)]
        options.jwt = .test {
            $0.rules = rules
            $0.keys = .file(keys.path)
        }
        options.rateLimits = limits
        let channel = InProcessChannel([GarageServer(), LibraryServer()] as [any Ravioli.Service])
        let edge = try Edge(
            [Upstream(name: "garage", channel: channel)], options: options, clock: TestClock().clock,
            logger: .quiet)
        await edge.refresh()
        var headers: HTTPFields = [:]
        if let claims { headers[.authorization] = "Bearer \(try issuer.token(claims))" }
        var statuses: [Int] = []
        for _ in 0..<2 {
            let answer = await edge.answer(
                "/v1/pages/cars/c1", method: .get, headers: headers, bytes: [], peer: "192.0.2.1")
            statuses.append(answer.status.code)
            // What the token says reaches the calls that the plan makes.
            if answer.status == .ok, claims == #""sub":"ada""# {
                #expect(answer.text.contains("ravioli-claim-sub=ada"), "\(answer.text)")
            }
        }
        return statuses
    }

    @Test func aPlanNeedsATokenAsEverythingDoes() async throws {
        #expect(try await status([], nil) == [401, 401])
        #expect(try await status([], #""sub":"ada""#) == [200, 200])
    }

    @Test func rulesForPathsAreForPlans() async throws {
        #expect(try await status([AccessRule(path: "/v1/pages/**", access: .everybody)], nil) == [200, 200])
        let scoped = [AccessRule(path: "/v1/pages/cars/*", scopes: ["pages"])]
        #expect(try await status(scoped, #""scope":"pages""#) == [200, 200])
        #expect(try await status(scoped, #""scope":"cars""#) == [403, 403])
    }

    /// No pattern of methods opens or closes a plan, whatever its calls or its own name are.
    @Test func rulesForMethodsAreNot() async throws {
        #expect(try await status([AccessRule(method: "*", access: .everybody)], nil) == [401, 401])
        #expect(try await status([AccessRule(method: "*", access: .nobody)], #""sub":"ada""#) == [200, 200])
    }

    @Test func plansAreCountedOnce() async throws {
        let limits = [RateLimitRule(name: "pages", requests: 1, path: "/v1/pages/**")]
        #expect(try await status([], #""sub":"ada""#, limits: limits) == [200, 429])
        let inner = [RateLimitRule(name: "cars", requests: 1, method: "*")]
        #expect(try await status([], #""sub":"ada""#, limits: inner) == [200, 200])
    }
}
