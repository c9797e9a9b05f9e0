// SPDX-License-Identifier: Apache-2.0

import EdgeSchemas
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import NIOCore
import NIOPosix
import Ravioli
@testable import RavioliEdge

extension Logger {
    static var quiet: Logger { Logger(label: "test") { _ in SwiftLogNoOpLogHandler() } }
}

/// An edge in front of a desk in this process.
struct TestEdge {
    let desk = DeskServer()
    let channel: InProcessChannel
    let server: EdgeServer

    init(_ change: (inout EdgeOptions) -> Void = { _ in }) throws {
        var options = EdgeOptions.defaults
        options.requestHeaders = HeaderRules(["x-*"])
        options.responseHeaders = HeaderRules(["x-*"])
        change(&options)
        channel = InProcessChannel(desk)
        server = try EdgeServer(
            [Upstream(name: "desk", channel: channel)], on: .tcp(host: "127.0.0.1", port: 0), options: options,
            logger: .quiet)
    }

    /// Answers one request without a socket.
    func answer(
        _ path: String, method: HTTPRequest.Method = .post, headers: HTTPFields = [.contentType: "application/json"],
        body: String = "{}"
    ) async throws -> TestResponse {
        await server.edge.refresh(paced: true)
        return try await server.application.test(.router) { client in
            try await client.execute(uri: path, method: method, headers: headers, body: ByteBuffer(string: body))
        }
    }

    /// Serves on a loopback socket for the time of `body`, which gets the port.
    func serving<Result: Sendable>(_ body: @escaping @Sendable (Int) async throws -> Result) async throws -> Result {
        await server.edge.refresh(paced: true)
        return try await server.application.test(.live) { client in try await body(client.port!) }
    }
}

extension TestResponse {
    var text: String { String(buffer: body) }
}

/// Sends bytes as they are, which no HTTP client would.
enum RawHTTP {
    /// Sends and returns all that comes until the server closes the connection.
    static func exchange(port: Int, _ request: String) async throws -> String {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        return try await channel.executeThenClose { inbound, outbound in
            try await outbound.write(ByteBuffer(string: request))
            var answer = ByteBuffer()
            do { for try await var part in inbound { answer.writeBuffer(&part) } } catch {
                // A reset after the answer ends it as well as a close does.
            }
            return String(buffer: answer)
        }
    }

    /// Sends and hangs up once `until` returns.
    static func hangUp(port: Int, _ request: String, until: @escaping @Sendable () async -> Void) async throws {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: "127.0.0.1", port: port).get()
        try await channel.writeAndFlush(ByteBuffer(string: request))
        await until()
        try await channel.close()
    }
}
