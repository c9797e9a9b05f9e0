// SPDX-License-Identifier: Apache-2.0

import RavioliSchema
import Testing

@testable import Ravioli

/// Health as callers see it, over the wire.
@Suite(.timeLimit(.minutes(1)))
struct HealthTests {
    private static func serving() -> ServingState {
        let state = ServingState()
        state.move(to: .serving)
        return state
    }

    @Test func servicesServeUntilToldOtherwise() async throws {
        let health = ServerHealth([TestServer()], servingState: Self.serving())
        let client = HealthClient(InProcessChannel([health]))
        let name = Trial.descriptor.fullName
        for service in ["", name] {
            #expect(try await client.check(HealthRequest(service: service)).status == .serving)
        }
        health.set(.notServing, for: name)
        #expect(try await client.check(HealthRequest(service: name)).status == .notServing)
        #expect(try await client.check(HealthRequest()).status == .serving)
        let unknown = await rpcError { try await client.check(HealthRequest(service: "no.Such")) }
        #expect(unknown?.code == .notFound)
    }

    @Test func watchersHearOfEachChange() async throws {
        let health = ServerHealth([TestServer()], servingState: Self.serving())
        let client = HealthClient(InProcessChannel([health]))
        let name = Trial.descriptor.fullName
        let statuses = client.watch(HealthRequest(service: name)).makeAsyncIterator()
        #expect(try await statuses.next()?.status == .serving)
        health.set(.notServing, for: name)
        #expect(try await statuses.next()?.status == .notServing)
        health.set(.serving, for: name)
        #expect(try await statuses.next()?.status == .serving)
        let unknown = client.watch(HealthRequest(service: "later.Service")).makeAsyncIterator()
        #expect(try await unknown.next()?.status == .serviceUnknown)
        health.set(.serving, for: "later.Service")
        #expect(try await unknown.next()?.status == .serving)
    }

    @Test func aServerThatLeavesSaysSoAndDoesNotWaitForItsWatchers() async throws {
        let state = ServingState()
        let health = ServerHealth([TestServer()], servingState: state)
        let server = try Server(
            [TestServer(), health], on: .tcp(host: "127.0.0.1", port: 0), servingState: state)
        let address = try await server.start()
        try await withClient(address) { client in
            let statuses = HealthClient(client).watch(HealthRequest()).makeAsyncIterator()
            let before = try await statuses.next()
            #expect(before?.status == .serving)
            async let stopped: Void = server.stop()
            let after = try await statuses.next()
            #expect(after?.status == .notServing)
            let last = try await statuses.next()
            #expect(last == nil)
            await stopped
        }
    }
}
