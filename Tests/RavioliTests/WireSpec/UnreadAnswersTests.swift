// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOPosix
import Ravioli
import RavioliWire
import Synchronization
import Testing

/// A peer that asks for much and reads nothing, or late.
@Suite(.timeLimit(.minutes(2)))
struct UnreadAnswersTests {
    /// 400 calls in 20 kB ask for 400 MB. Handlers stop being started once about a megabyte waits to be sent.
    @Test func serverStopsAnsweringWhoDoesNotRead() async throws {
        let server = TestServer()
        try await withServer([server]) { _, address in
            guard case .tcp(let host, let port) = address else { return }
            let lazy = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .channelOption(.autoRead, value: false).connect(host: host, port: port).get()
            let calls = Wire.times(400) { Wire.call($0, "Echo", Wire.field(2, 1_000_000)) }
            try await lazy.writeAndFlush(ByteBuffer(bytes: Wire.hello() + calls)).get()
            // Another connection is served meanwhile; by its answers the first one's reads have long been handled.
            try await withClient(address) { client in
                for _ in 0..<200 { try await TrialClient(client).expectsEcho(of: [1]) }
            }
            // What the sockets hold, and the megabyte and one answer above it.
            #expect(server.largeAnswers.withLock { $0 } < 40)
            try await lazy.close().get()
        }
    }

    /// Whoever reads late gets everything.
    @Test func answersGoOnWhenPeerReads() async throws {
        try await withServer([TestServer()]) { _, address in
            let ends = try await RawPeer.connect(to: address) { peer in
                let calls = Wire.times(60) { Wire.call($0, "Echo", Wire.field(2, 300_000)) }
                try await peer.send(ByteBuffer(bytes: Wire.hello() + calls))
                var ended = Set<UInt32>()
                var answers = WireAnswers()
                for try await part in peer.inbound {
                    answers.append(part)
                    ended.formUnion(answers.ends.map(\.stream))
                    if ended.count == 60 { break }
                }
                return ended.count
            }
            #expect(ends == 60)
        }
    }
}
