// SPDX-License-Identifier: Apache-2.0

import EdgeSchemas
import HTTPTypes
import Logging
import NIOCore
import NIOPosix
import Ravioli
import Synchronization

@testable import RavioliEdge

extension Logger {
    static var quiet: Logger { Logger(label: "test") { _ in SwiftLogNoOpLogHandler() } }
}

/// What a client gets.
struct TestResponse: Sendable {
    var status = HTTPResponse.Status.ok
    var headers = HTTPFields()
    var body = ByteBuffer()
    var trailers: HTTPFields?
    var isComplete = false

    var text: String { String(buffer: body) }
    var bytes: [UInt8] { Array(body.readableBytesView) }
}

/// Keeps what is sent.
final class TestSink: ResponseSink {
    private let state = Mutex(TestResponse())

    var response: TestResponse { state.withLock { $0 } }

    func send(_ part: ResponsePart) async throws(BodyFailure) {
        state.withLock { response in
            if let head = part.head { (response.status, response.headers) = (head.status, head.headerFields) }
            if let body = part.body { response.body.writeImmutableBuffer(body) }
            if let trailers = part.trailers { response.trailers = trailers }
            response.isComplete = part.isLast
        }
    }

    func limitBody(to time: Duration?) {}
}

/// An edge in front of a desk and a line in this process.
struct TestEdge {
    let desk = DeskServer()
    let line = LineServer()
    let channel: InProcessChannel
    let server: EdgeServer

    /// - Parameter services: What stands behind it; nil for the desk and the line.
    init(
        on address: Address = .tcp(host: "127.0.0.1", port: 0), services: [any Ravioli.Service]? = nil,
        _ change: (inout EdgeOptions) -> Void = { _ in }
    ) throws {
        var options = EdgeOptions.defaults
        options.requestHeaders = HeaderRules(["x-*"])
        options.responseHeaders = HeaderRules(["x-*"])
        change(&options)
        channel = InProcessChannel(services ?? [desk, line])
        server = try EdgeServer(
            [Upstream(name: "desk", channel: channel)], on: address, options: options, logger: .quiet)
    }

    /// Answers one request without a socket.
    func answer(
        _ path: String, method: HTTPRequest.Method = .post,
        headers: HTTPFields = [.contentType: "application/json"], body: String = "{}", isHTTP2: Bool = false
    ) async throws -> TestResponse {
        try await answer(path, method: method, headers: headers, bytes: Array(body.utf8), isHTTP2: isHTTP2)
    }

    /// Answers one request without a socket.
    func answer(
        _ path: String, method: HTTPRequest.Method = .post, headers: HTTPFields, bytes: [UInt8],
        isHTTP2: Bool = false
    ) async throws -> TestResponse {
        await server.edge.refresh(paced: true)
        return await server.edge.answer(
            path, method: method, headers: headers, bytes: bytes, isHTTP2: isHTTP2)
    }

    /// Serves on a loopback socket for the time of `body`, which gets the port.
    func serving<Result: Sendable>(
        _ body: @escaping @Sendable (Int) async throws -> Result
    ) async throws -> Result {
        try await server.edge.serving(body)
    }
}

extension Edge {
    /// Serves on a loopback socket for the time of `body`, which gets the port.
    func serving<Result: Sendable>(
        _ body: @escaping @Sendable (Int) async throws -> Result
    ) async throws -> Result {
        await refresh(paced: true)
        let http = HTTPServer(
            .tcp(host: "127.0.0.1", port: 0), options: options, logger: .quiet
        ) { await self.serve($0) }
        let (ports, port) = AsyncStream<Int>.makeStream()
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await http.run { address in
                    if case .tcp(_, let number) = address { port.yield(number) }
                }
            }
            var iterator = ports.makeAsyncIterator()
            let number = await iterator.next() ?? 0
            let result = try await body(number)
            group.cancelAll()
            return result
        }
    }

    /// Answers one request without a socket.
    func answer(
        _ path: String, method: HTTPRequest.Method = .post, headers: HTTPFields, bytes: [UInt8],
        isHTTP2: Bool = false, peer: String? = nil
    ) async -> TestResponse {
        let sink = TestSink()
        let head = HTTPRequest(
            method: method, scheme: "http", authority: "test", path: path, headerFields: headers)
        let exchange = Exchange(
            head, requestID: RequestID.of(headers), connection: .init(isHTTP2: isHTTP2, peer: peer),
            body: RequestBody(whole: ByteBuffer(bytes: bytes)), sink: sink)
        await serve(exchange)
        return sink.response
    }
}

/// Sends bytes as they are, which no HTTP client would.
enum RawHTTP {
    /// Sends and returns all that comes until the server closes the connection.
    static func exchange(port: Int, _ request: String) async throws -> String {
        try await exchange(port: port, ByteBuffer(string: request))
    }

    /// Sends and returns all that comes until the server closes the connection.
    static func exchange(port: Int, _ request: ByteBuffer) async throws -> String {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        return try await channel.executeThenClose { inbound, outbound in
            // A server that closes first is heard of below.
            try? await outbound.write(request)
            var answer = ByteBuffer()
            do { for try await var part in inbound { answer.writeBuffer(&part) } } catch {
                // A reset after the answer ends it as well as a close does.
            }
            return String(buffer: answer)
        }
    }

    /// Sends and hangs up once `until` returns.
    static func hangUp(port: Int, _ request: String, until: @escaping @Sendable () async -> Void) async throws
    {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: "127.0.0.1", port: port).get()
        try await channel.writeAndFlush(ByteBuffer(string: request))
        await until()
        try await channel.close()
    }
}
