// SPDX-License-Identifier: Apache-2.0

import EdgeSchemas
import NIOCore
import NIOHTTP2
import Ravioli
import RavioliSchema
import ServiceLifecycle
import Synchronization
import TestCertificates
import Testing
import X509

@testable import RavioliEdge

/// The edge on real connections of HTTP/2.
@Suite(.timeLimit(.minutes(2)))
struct EdgeHTTP2Tests {
    static let line = "/ravioli.test.v1.Line/"
    private let grpc = [("content-type", "application/grpc"), ("te", "trailers")]

    private func envelope(_ request: LineRequest) throws -> [UInt8] {
        let bytes = try request.encoded()
        return [0, 0, 0, 0, UInt8(bytes.count)] + bytes
    }

    private func serving<Result: Sendable>(
        _ edge: TestEdge, _ body: @escaping @Sendable (HTTP2Client) async throws -> Result
    ) async throws -> Result {
        try await edge.serving { port in
            let client = try await HTTP2Client.connect(port: port)
            defer { client.close() }
            return try await body(client)
        }
    }

    @Test func answersGRPCInClearTextWithTrailers() async throws {
        let request = try envelope(LineRequest(text: "hello"))
        let response = try await serving(TestEdge()) { client in
            try await client.exchange(Self.line + "Unary", [("content-type", "application/grpc")], request)
        }
        #expect(response.status == "200")
        #expect(response.header("content-type") == "application/grpc")
        #expect(response.header("x-ahead-bin") == "/wA")
        #expect(response.trailer("grpc-status") == "0")
        #expect(response.trailer("x-behind") == "3")
        #expect(response.header("trailer-x-behind") == nil)
        #expect(response.isEnded && response.reset == nil)
    }

    @Test func answersBeforeTheRequestHasItsEnd() async throws {
        let edge = try TestEdge()
        let (one, two) = (try envelope(LineRequest(text: "one")), try envelope(LineRequest(text: "two")))
        let response = try await serving(edge) { client in
            let stream = try await client.open(
                Self.line + "Both", [("content-type", "application/connect+proto")])
            try await stream.send(one)
            let isSent = Atomic<Bool>(false)
            return try await stream.response { response in
                // The second request goes out when the first one's answer is here.
                if response.body.readableBytes > 10, !isSent.exchange(true, ordering: .relaxed) {
                    Task { try await stream.send(two, isLast: true) }
                }
                return false
            }
        }
        var reader = EnvelopeReader(bytesMax: 1000, coding: .identity)
        reader.append(response.body)
        var texts: [String] = []
        for _ in 0..<2 {
            let bytes = try #require(try reader.next())
            texts.append(try LineResponse(decoding: Array(bytes.readableBytesView)).text)
        }
        #expect(texts == ["one", "two"])
        #expect(String(buffer: response.body).hasSuffix("{}"))
    }

    @Test func aStreamThatIsResetCancelsItsCall() async throws {
        let edge = try TestEdge()
        let line = edge.line
        let request = try envelope(LineRequest())
        try await serving(edge) { client in
            let stream = try await client.open(Self.line + "Hang", [("content-type", "application/grpc")])
            try await stream.send(request)
            for await sight in line.sights {
                if case .cancelled = sight { break }
                try await stream.reset(.cancel)
            }
        }
    }

    @Test func aResponseThatComesEarlyStopsTheRequest() async throws {
        let edge = try TestEdge()
        let request = try envelope(LineRequest(text: "early", code: 5))
        let response = try await serving(edge) { client in
            let stream = try await client.open(Self.line + "Up", [("content-type", "application/grpc")])
            try await stream.send(request)
            return try await stream.response()
        }
        #expect(response.trailer("grpc-status") == "5")
    }

    @Test func speaksHTTP2OverTLS() async throws {
        let authority = try TestAuthority()
        let files = try authority.issue("edge", .dnsName("localhost"))
        let edge = try TestEdge {
            $0.tls = EdgeTLSOptions(certificateChainFile: files.certificate, privateKeyFile: files.key)
        }
        let request = try envelope(LineRequest(text: "hello"))
        let root = authority.root
        let response = try await edge.serving { port in
            let client = try await HTTP2Client.connect(port: port, trusting: root)
            defer { client.close() }
            return try await client.exchange(
                Self.line + "Unary", [("content-type", "application/grpc")], request)
        }
        #expect(response.trailer("grpc-status") == "0")
    }

    @Test func tooManyHeadersAre431() async throws {
        let response = try await serving(TestEdge()) { client in
            let fields = (0..<120).map { ("x-\($0)", "1") }
            return try await client.exchange(
                Self.line + "Unary", [("content-type", "application/json")] + fields, Array("{}".utf8))
        }
        #expect(response.status == "431")
    }

    @Test func aConnectionWithoutStreamsIsClosedInTime() async throws {
        let edge = try TestEdge {
            $0.limits.bodyTimeout = .milliseconds(100)
            $0.limits.idleTimeout = .milliseconds(200)
        }
        try await serving(edge) { client in
            try await client.channel.closeFuture.get()
        }
    }

    @Test func aHostThatIsNotTheAuthorityIsRefused() async throws {
        let json = [("content-type", "application/json")]
        let statuses = try await serving(TestEdge()) { client in
            let path = Self.line + "Unary"
            let other = try await client.exchange(path, json + [("host", "other")], Array("{}".utf8))
            let same = try await client.exchange(path, json + [("host", "test")], Array("{}".utf8))
            return [other.status, same.status]
        }
        #expect(statuses == ["400", "200"])
    }

    @Test func aFloodOfPingsEndsTheConnection() async throws {
        let edge = try TestEdge {
            $0.limits.controlFramesMax = 50
            $0.limits.idleTimeout = .seconds(600)
        }
        let frame = "\0\0\u{8}\u{6}\0\0\0\0\0abcdefgh"
        let preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u{4}\0\0\0\0\0"
        try await edge.serving { port in
            // Returns because the edge closes, long before it would for silence.
            _ = try await RawHTTP.exchange(port: port, preface + String(repeating: frame, count: 200))
        }
    }

    @Test func aFloodOfContinuationsEndsTheConnection() async throws {
        let preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u{4}\0\0\0\0\0"
        let headers = "\0\0\u{1}\u{1}\0\0\0\0\u{1}\0"
        let continuation = "\0\0\u{1}\u{9}\0\0\0\0\u{1}\0"
        let edge = try TestEdge { $0.limits.idleTimeout = .seconds(600) }
        try await edge.serving { port in
            let flood = preface + headers + String(repeating: continuation, count: 100)
            _ = try await RawHTTP.exchange(port: port, flood)
        }
    }

    @Test func aFloodOfSettingsEndsTheConnection() async throws {
        let edge = try TestEdge {
            $0.limits.controlFramesMax = 50
            $0.limits.idleTimeout = .seconds(600)
        }
        let settings = "\0\0\0\u{4}\0\0\0\0\0"
        let preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
        try await edge.serving { port in
            _ = try await RawHTTP.exchange(port: port, preface + String(repeating: settings, count: 200))
        }
    }

    @Test func aFloodOfResetsEndsTheConnection() async throws {
        let edge = try TestEdge {
            $0.limits.streamsMax = 20
            $0.limits.streamResetsMax = 50
        }
        let request = try envelope(LineRequest())
        try await serving(edge) { client in
            do {
                for _ in 0..<5000 {
                    guard client.channel.isActive else { return }
                    let stream = try await client.open(
                        Self.line + "Hang", [("content-type", "application/grpc")])
                    try await stream.send(request)
                    try await stream.reset(.cancel)
                }
                Issue.record("the connection is still there")
            } catch {
                // Whatever fails first on a connection that is closed.
            }
        }
    }

    @Test func drainingLetsRunningCallsEnd() async throws {
        let listening = AsyncStream<Address>.makeStream()
        let server = try EdgeServer(
            [Upstream(name: "line", channel: InProcessChannel([LineServer()]))],
            on: .tcp(host: "127.0.0.1", port: 0), logger: .quiet,
            onListening: { listening.continuation.yield($0) })
        let services = ServiceGroup(services: [server], logger: .quiet)
        let (one, two) = (try envelope(LineRequest(text: "one")), try envelope(LineRequest(text: "two")))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await services.run() }
            var addresses = listening.stream.makeAsyncIterator()
            guard case .tcp(_, let port)? = await addresses.next() else { Issue.record("no address"); return }
            let client = try await HTTP2Client.connect(port: port)
            let stream = try await client.open(Self.line + "Both", [("content-type", "application/grpc")])
            try await stream.send(one)
            let isDraining = Atomic<Bool>(false)
            let response = try await stream.response { response in
                guard response.body.readableBytes > 0, !isDraining.exchange(true, ordering: .relaxed) else {
                    return false
                }
                Task {
                    await services.triggerGracefulShutdown()
                    try await stream.send(two, isLast: true)
                }
                return false
            }
            #expect(response.trailer("grpc-status") == "0")
            #expect(String(buffer: response.body).contains("two"))
            // The edge ends by itself once its last call has, and closes the connection.
            try await group.waitForAll()
            try await client.channel.closeFuture.get()
        }
    }

    @Test func theFirstBytesTellTheVersions() {
        #expect(ProtocolGate.isHTTP2(Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)) == true)
        #expect(ProtocolGate.isHTTP2(Array("PRI * ".utf8)) == nil)
        #expect(ProtocolGate.isHTTP2(Array("PRI * HTTP/1.1\r\n".utf8)) == false)
        #expect(ProtocolGate.isHTTP2(Array("POST ".utf8)) == false)
        #expect(ProtocolGate.isHTTP2([]) == nil)
    }
}
