// SPDX-License-Identifier: Apache-2.0

import EdgeSchemas
import Logging
import NIOCore
import NIOPosix
import Ravioli
import ServiceLifecycle
import TestCertificates
import Testing
import X509

@testable import RavioliEdge

/// How an edge that is told to stop takes leave of its connections.
@Suite(.timeLimit(.minutes(2)))
struct EdgeDrainTests {
    private typealias Connection = NIOAsyncChannel<ByteBuffer, ByteBuffer>
    private static let get = "GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n"

    /// Runs an edge for the time of `body`, which must stop it.
    private func running(
        tls: EdgeTLSOptions? = nil, before: @escaping CountingChannel.Before = { _ in },
        _ body:
            @escaping @Sendable (_ port: Int, _ stop: @escaping @Sendable () async -> Void) async throws ->
            Void
    ) async throws {
        let listening = AsyncStream<Address>.makeStream()
        var options = EdgeOptions.defaults
        options.tls = tls
        let server = try EdgeServer(
            [Upstream(name: "line", channel: CountingChannel("ravioli.test.v1.Line", before: before))],
            on: .tcp(host: "127.0.0.1", port: 0), options: options, logger: .quiet,
            onListening: { listening.continuation.yield($0) })
        let services = ServiceGroup(services: [server], logger: .quiet)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await services.run() }
            var addresses = listening.stream.makeAsyncIterator()
            guard case .tcp(_, let port)? = await addresses.next() else { Issue.record("no address"); return }
            try await body(port) { await services.triggerGracefulShutdown() }
            try await group.waitForAll()
        }
    }

    private func connect(_ port: Int) async throws -> Connection {
        try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try Connection(wrappingChannelSynchronously: channel)
                }
            }
    }

    /// Whether nobody listens any more.
    private func isRefused(_ port: Int) async throws -> Bool {
        do {
            try await connect(port).executeThenClose { _, _ in }
            return false
        } catch {
            return true
        }
    }

    @Test func idleConnectionsOfHTTP1AreClosed() async throws {
        try await running { port, stop in
            try await connect(port).executeThenClose { inbound, outbound in
                try await outbound.write(ByteBuffer(string: Self.get))
                var parts = inbound.makeAsyncIterator()
                let answer = try await parts.next()
                #expect(answer.map { String(buffer: $0).hasPrefix("HTTP/1.1 200 OK") } == true)
                await stop()
                while let part = try await parts.next() {
                    #expect(!String(buffer: part).hasPrefix("HTTP/1.1"))
                }
            }
        }
    }

    @Test func aConnectionThatHasSaidNothingHoldsNothingUp() async throws {
        try await running { port, stop in
            try await connect(port).executeThenClose { inbound, _ in
                // The edge has accepted it once it has answered another.
                _ = try await RawHTTP.exchange(
                    port: port, "GET /healthz HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
                await stop()
                do { for try await _ in inbound { Issue.record("nothing was asked") } } catch {
                    // Reset as well as closed.
                }
            }
        }
    }

    @Test func aHandshakeThatIsNotCompleteHoldsNothingUp() async throws {
        let authority = try TestAuthority()
        let files = try authority.issue("edge", .dnsName("localhost"))
        let tls = EdgeTLSOptions(certificateChainFile: files.certificate, privateKeyFile: files.key)
        try await running(tls: tls) { port, stop in
            try await connect(port).executeThenClose { inbound, _ in
                // The edge has accepted it once it has answered another.
                let client = try await HTTP2Client.connect(port: port, trusting: authority.root)
                #expect(try await client.exchange("/healthz", [], method: "GET").status == "200")
                await stop()
                do { for try await _ in inbound { Issue.record("nothing was asked") } } catch {
                    // Reset as well as closed.
                }
                try await client.channel.closeFuture.get()
            }
        }
    }

    @Test func aRunningRequestOfHTTP1IsAnsweredAndItsConnectionClosed() async throws {
        let (began, gate) = (Gate(), Gate())
        let before: CountingChannel.Before = { _ in
            began.open()
            await gate.wait()
        }
        try await running(before: before) { port, stop in
            try await connect(port).executeThenClose { inbound, outbound in
                try await outbound.write(
                    ByteBuffer(
                        string: "POST /ravioli.test.v1.Line/Unary HTTP/1.1\r\nHost: h\r\n"
                            + "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"))
                await began.wait()
                try await connect(port).executeThenClose { others, outbound in
                    try await outbound.write(ByteBuffer(string: Self.get))
                    var parts = others.makeAsyncIterator()
                    _ = try await parts.next()
                    await stop()
                    // Once the idle one is closed, all have been told.
                    while try await parts.next() != nil {}
                }
                #expect(try await isRefused(port))
                gate.open()
                var answer = ByteBuffer()
                for try await var part in inbound { answer.writeBuffer(&part) }
                let text = String(buffer: answer)
                #expect(text.hasPrefix("HTTP/1.1 200 OK\r\n"))
                #expect(text.lowercased().contains("\r\nconnection: close\r\n"))
            }
        }
    }

    /// Reads frames and answers pings, as every client of HTTP/2 does; returns the types of the frames until the end.
    private func frames(_ port: Int, _ stop: @escaping @Sendable () async -> Void) async throws -> [UInt8] {
        try await connect(port).executeThenClose { inbound, outbound in
            let settings: [UInt8] = [0, 0, 0, 4, 0, 0, 0, 0, 0]
            let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
            try await outbound.write(ByteBuffer(bytes: preface + settings))
            var (types, bytes): ([UInt8], ByteBuffer) = ([], ByteBuffer())
            for try await var part in inbound {
                bytes.writeBuffer(&part)
                while let frame = Self.frame(&bytes) {
                    if types.isEmpty { await stop() }
                    types.append(frame.type)
                    if frame.type == 6, frame.flags == 0 {
                        try await outbound.write(
                            ByteBuffer(bytes: [0, 0, 8, 6, 1, 0, 0, 0, 0] + frame.payload))
                    }
                    if frame.type == 7 {
                        #expect(Array(frame.payload.dropFirst(4).prefix(4)) == [0, 0, 0, 0])
                    }
                }
            }
            return types
        }
    }

    private static func frame(_ bytes: inout ByteBuffer) -> (type: UInt8, flags: UInt8, payload: [UInt8])? {
        guard let head = bytes.getBytes(at: bytes.readerIndex, length: 9) else { return nil }
        let count = Int(head[0]) << 16 | Int(head[1]) << 8 | Int(head[2])
        guard bytes.readableBytes >= 9 + count else { return nil }
        bytes.moveReaderIndex(forwardBy: 9)
        return (head[3], head[4], bytes.readBytes(length: count) ?? [])
    }

    @Test func idleConnectionsOfHTTP2AreToldToGoAwayAndClosed() async throws {
        try await running { port, stop in
            let types = try await frames(port, stop)
            #expect(types.contains(7))
        }
    }
}
