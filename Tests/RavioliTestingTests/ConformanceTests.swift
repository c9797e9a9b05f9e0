// SPDX-License-Identifier: Apache-2.0

import Foundation
import Ravioli
import RavioliTesting
import RavioliWire
import TestCertificates
import Testing

/// The kit, on every transport that there is. One after the other, so that a slow machine's handshakes have their time.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct ConformanceTests {
    private func expectConforms(_ kit: ChannelConformance, _ channel: any Channel) async {
        for failure in await kit.failures(of: channel) { Issue.record("\(failure)") }
    }

    private func run(
        on address: Address, server: ServerOptions = .defaults, client: ClientOptions = .defaults
    ) async throws {
        let kit = try ChannelConformance()
        var (server, client) = (server, client)
        // A machine that runs many tests at once may take its time to greet.
        server.limits.helloTimeout = .seconds(60)
        client.limits.helloTimeout = .seconds(60)
        try await withServer([kit.service], on: address, options: server) { _, address in
            try await withClient(address, options: client) { await expectConforms(kit, $0) }
        }
    }

    @Test func tcp() async throws { try await run(on: .tcp(host: "127.0.0.1", port: 0)) }

    @Test func unixSocket() async throws {
        let name = "ravioli-\(UUID().uuidString.prefix(8)).sock"
        try await run(on: .unix(path: FileManager.default.temporaryDirectory.appending(path: name).path))
    }

    @Test func tls() async throws {
        let authority = try TestAuthority()
        let own = try authority.issue("client", .workload("conformance"))
        try await run(
            on: .tcp(host: "127.0.0.1", port: 0), server: authority.server(), client: authority.client(own))
    }

    @Test func inProcess() async throws {
        let kit = try ChannelConformance()
        let channel = InProcessChannel([kit.service])
        await expectConforms(kit, channel)
        await channel.close()
    }

    @Test func decorated() async throws {
        let kit = try ChannelConformance()
        let channel = InProcessChannel([kit.service])
        var faults = FaultInjectingChannel.Faults()
        faults.delaysPerMillion = 500_000
        faults.delay = .zero ... .microseconds(100)
        await expectConforms(kit, FaultInjectingChannel(channel, faults: faults, seed: 1))
        await channel.close()
    }

    @Test func simulated() throws {
        let simulation = Simulation(seed: 1)
        try simulation.run { world in
            let kit = try ChannelConformance()
            try world.network.serve([kit.service], at: "kit")
            let client = try world.network.client(of: "kit")
            let failures = await kit.failures(of: client)
            #expect(failures.isEmpty, "\(failures)")
            await client.close()
            world.network.abort("kit")
        }
    }

    /// The kit notices what it is for.
    @Test func findsWhatDoesNotConform() async throws {
        let kit = try ChannelConformance()
        let channel = InProcessChannel([kit.service])
        let failures = await kit.failures(of: Forgetful(channel: channel))
        #expect(failures.map(\.check).contains("carries metadata both ways"), "\(failures)")
        #expect(failures.map(\.check).contains("ends a call at its deadline"), "\(failures)")
        #expect(failures.map(\.check).contains("makes a sender wait for its reader"), "\(failures)")
        #expect(failures.count == 3, "\(failures)")
        await channel.close()
    }
}

/// Drops metadata of answers, prolongs deadlines, and reads streams ahead of their reader.
private struct Forgetful: Channel {
    let channel: any Channel

    func unary(_ request: UnaryRequest) async throws(RPCError) -> UnaryResponse {
        do throws(RPCError) {
            return UnaryResponse(message: try await channel.unary(request).message)
        } catch  where error.code == .deadlineExceeded && error.executed != .no {
            return UnaryResponse(message: [])
        }
    }

    func stream(_ request: StreamRequest) -> any StreamCall { Greedy(call: channel.stream(request)) }
}

private final class Greedy: StreamCall {
    let call: any StreamCall

    init(call: any StreamCall) { self.call = call }

    func send(_ message: [UInt8]) async throws(RPCError) { try await call.send(message) }
    func finish() { call.finish() }
    func next() async throws(RPCError) -> [UInt8]? {
        let next = try await call.next()
        // Sixteen KiB is a message of the flood alone.
        if next?.count == 16 * 1024 { for _ in 0..<300 { _ = try await call.next() } }
        return next
    }
    func metadata() async -> Metadata { await call.metadata() }
    var trailers: Metadata { call.trailers }
    var hasEnded: Bool { call.hasEnded }
    func cancel() { call.cancel() }
}
