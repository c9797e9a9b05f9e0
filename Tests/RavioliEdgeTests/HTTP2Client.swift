// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOHPACK
import NIOHTTP2
import NIOPosix
import NIOSSL

/// A client of HTTP/2 for tests: each stream is a sequence of frames' contents that tests see as they are.
final class HTTP2Client: Sendable {
    typealias Payload = HTTP2Frame.FramePayload

    /// One stream.
    final class Stream: Sendable {
        let channel: NIOAsyncChannel<Payload, Payload>
        init(_ channel: NIOAsyncChannel<Payload, Payload>) { self.channel = channel }
    }

    /// What came on a stream until its end.
    struct Response: Sendable {
        var headers: [HPACKHeaders] = []
        var body = ByteBuffer()
        var reset: HTTP2ErrorCode?
        var isEnded = false

        var status: String? { headers.first?[":status"].first }
        func header(_ name: String) -> String? { headers.first?[name].first }
        func trailer(_ name: String) -> String? { headers.count > 1 ? headers.last?[name].first : nil }
    }

    let channel: any Channel
    private let multiplexer: NIOHTTP2Handler.StreamMultiplexer

    private init(_ channel: any Channel, _ multiplexer: NIOHTTP2Handler.StreamMultiplexer) {
        self.channel = channel
        self.multiplexer = multiplexer
    }

    /// Connects in clear text with prior knowledge, or over TLS.
    static func connect(port: Int, trusting root: String? = nil) async throws -> HTTP2Client {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.applicationProtocols = ["h2"]
        if let root { configuration.trustRoots = .file(root) }
        let context = try root.map { _ in try NIOSSLContext(configuration: configuration) }
        return try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    let operations = channel.pipeline.syncOperations
                    if let context {
                        try operations.addHandler(
                            NIOSSLClientHandler(context: context, serverHostname: "localhost"))
                    }
                    let multiplexer = try operations.configureHTTP2Pipeline(
                        mode: .client, connectionConfiguration: .init(), streamConfiguration: .init()
                    ) { $0.eventLoop.makeSucceededVoidFuture() }
                    return HTTP2Client(channel, multiplexer)
                }
            }
    }

    func close() { channel.close(promise: nil) }

    /// Opens a stream and sends its head.
    func open(
        _ path: String, _ fields: [(String, String)], method: String = "POST", isLast: Bool = false
    ) async throws -> Stream {
        let child = try await multiplexer.createStreamChannel { $0.eventLoop.makeSucceededVoidFuture() }.get()
        let channel = try await child.eventLoop.submit {
            try NIOAsyncChannel<Payload, Payload>(wrappingChannelSynchronously: child)
        }.get()
        var headers: HPACKHeaders = [
            ":method": method, ":scheme": "http", ":authority": "test", ":path": path,
        ]
        for (name, value) in fields { headers.add(name: name, value: value) }
        try await channel.channel.writeAndFlush(Payload.headers(.init(headers: headers, endStream: isLast)))
        return Stream(channel)
    }

    /// Sends a whole request and waits for the whole response.
    func exchange(
        _ path: String, _ fields: [(String, String)], method: String = "POST", _ body: [UInt8]? = nil
    ) async throws -> Response {
        let stream = try await open(path, fields, method: method, isLast: body == nil)
        // A server that has answered before the body came may have closed the stream: what counts is the answer.
        if let body { try? await stream.send(body, isLast: true) }
        return try await stream.response()
    }
}

extension HTTP2Client.Stream {
    func send(_ bytes: [UInt8], isLast: Bool = false) async throws {
        let data = HTTP2Client.Payload.data(
            .init(data: .byteBuffer(ByteBuffer(bytes: bytes)), endStream: isLast))
        try await channel.channel.writeAndFlush(data)
    }

    func reset(_ code: HTTP2ErrorCode) async throws {
        try await channel.channel.writeAndFlush(HTTP2Client.Payload.rstStream(code))
    }

    /// Reads frames until `isEnough` or the end of the stream.
    func response(
        until isEnough: @escaping @Sendable (HTTP2Client.Response) -> Bool = { _ in false }
    ) async throws -> HTTP2Client.Response {
        try await channel.executeThenClose { inbound, _ in
            var response = HTTP2Client.Response()
            do {
                for try await payload in inbound {
                    response.add(payload)
                    if response.isEnded || isEnough(response) { break }
                }
            } catch let error as NIOHTTP2Errors.StreamClosed {
                response.reset = error.errorCode
            }
            return response
        }
    }
}

extension HTTP2Client.Response {
    fileprivate mutating func add(_ payload: HTTP2Client.Payload) {
        switch payload {
        case .headers(let content):
            headers.append(content.headers)
            isEnded = content.endStream
        case .data(let content):
            if case .byteBuffer(let bytes) = content.data { body.writeImmutableBuffer(bytes) }
            isEnded = content.endStream
        case .rstStream(let code): reset = code
        default: break
        }
    }
}
