// SPDX-License-Identifier: Apache-2.0

import Ravioli
import RavioliWire
import Testing

/// Keepalive over real sockets; in virtual time it is tested by `VirtualLifeTests`.
@Suite(.timeLimit(.minutes(1)))
struct KeepaliveTests {
    @Test func aServerThatAnswersNoPingIsGivenUp() async throws {
        var options = ClientOptions.defaults
        options.limits.pingIntervalMin = .milliseconds(20)
        options.keepalive = KeepaliveOptions(interval: .milliseconds(20), timeout: .milliseconds(40))
        try await RawPeer.serve({ peer in
            try await peer.send(RawPeer.hello())
            let all = try await peer.readToEnd()
            #expect(try frames(all).contains { $0.header.kind == .ping })
        }) { address in
            try await withClient(address, options: options) { client in
                let error = await rpcError { try await TrialClient(client).echo(EchoRequest()) }
                #expect(error?.code == .unavailable && error?.executed == .maybe)
                #expect(error?.message.contains("sign of life") == true)
            }
        }
    }

    @Test func aClientThatPingsTooOftenIsToldAndLeft() async throws {
        try await withServer([TestServer()]) { _, address in
            let answer = try await RawPeer.connect(to: address) { peer in
                var bytes = RawPeer.hello()
                for token in 1...4 as ClosedRange<UInt64> { PingFrame(token: token).write(into: &bytes) }
                try await peer.send(bytes)
                return try await peer.readToEnd()
            }
            let frames = try frames(answer)
            #expect(frames.count { $0.header.kind == .ping } == 3)
            #expect(try frames.goaway() == .tooManyPings)
        }
    }

    @Test func aServerPingsASilentClientAndGivesItUp() async throws {
        var options = ServerOptions.defaults
        options.limits.pingIntervalMin = .milliseconds(20)
        options.keepalive = KeepaliveOptions(
            interval: .milliseconds(20), timeout: .milliseconds(40), pingsWithoutCalls: true)
        try await withServer([TestServer()], options: options) { _, address in
            let answer = try await RawPeer.connect(to: address) { peer in
                try await peer.send(RawPeer.hello())
                return try await peer.readToEnd()
            }
            let frames = try frames(answer)
            #expect(frames.contains { $0.header.kind == .ping })
            #expect(try frames.goaway() == .timeout)
        }
    }

    @Test func optionsThatContradictThemselvesAreRefused() {
        let changes: [@Sendable (inout ClientOptions) -> Void] = [
            { $0.keepalive.interval = .seconds(9) }, { $0.keepalive.timeout = .zero },
            { $0.idleTimeout = .zero }, { $0.backoff.initial = .zero }, { $0.backoff.max = .milliseconds(1) },
        ]
        for change in changes {
            var options = ClientOptions.defaults
            change(&options)
            #expect(throws: RuntimeError.self) {
                try Client(.tcp(host: "127.0.0.1", port: 1), options: options)
            }
        }
        let serverChanges: [@Sendable (inout ServerOptions) -> Void] = [
            { $0.keepalive.interval = .seconds(1) }, { $0.connectionAgeMax = .zero },
            { $0.connectionAgeGrace = .seconds(-1) }, { $0.drainTimeout = .seconds(-1) },
            { $0.idleTimeout = .seconds(-1) }, { $0.limits.pingStrikesMax = -1 },
        ]
        for change in serverChanges {
            var options = ServerOptions.defaults
            change(&options)
            #expect(throws: RuntimeError.self) {
                try Server([TestServer()], on: .tcp(host: "127.0.0.1", port: 0), options: options)
            }
        }
    }
}
