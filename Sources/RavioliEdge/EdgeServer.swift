// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import HummingbirdCore
public import Logging
import NIOCore
import NIOHTTPTypes
public import Ravioli
public import ServiceLifecycle

/// Serves the methods of Ravioli servers as JSON over HTTP, by Connect's protocol.
///
/// It needs no generated code: it asks the servers behind it for their schemas and follows them when they change.
public final class EdgeServer: ServiceLifecycle.Service {
    /// Hears where the edge listens, once it does.
    public typealias ListeningObserver = @Sendable (Address) async -> Void

    let edge: Edge
    private let address: Address
    private let onListening: ListeningObserver

    /// An edge in front of some servers; nothing is bound yet.
    ///
    /// - Parameters:
    ///   - upstreams: The servers behind it. Whoever made their channels closes them.
    ///   - address: Where to listen; port 0 takes any free one.
    ///   - options: What it decides.
    ///   - logger: Where it says what happened, each line with the request's id.
    ///   - onListening: Hears where it listens.
    /// - Throws: `invalidConfiguration` when options contradict each other.
    public init(
        _ upstreams: [Upstream], on address: Address, options: EdgeOptions = .defaults, logger: Logger,
        onListening: @escaping ListeningObserver = { _ in }
    ) throws(RuntimeError) {
        edge = try Edge(upstreams, options: options, logger: logger)
        self.address = address
        self.onListening = onListening
    }

    /// Reads the schemas, listens, and serves until graceful shutdown or cancellation; running calls may then end.
    ///
    /// An upstream that is down does not keep the edge from starting: its methods appear when it does.
    ///
    /// - Throws: What keeps it from listening.
    public func run() async throws {
        await edge.refresh()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await self.followSchemas() }
            group.addTask { try await self.application.run() }
            // The follower ends only when it is cancelled, so the first to end is the server.
            _ = try await group.next()
            group.cancelAll()
        }
    }

    private func followSchemas() async {
        while (try? await Task.sleep(for: edge.options.limits.schemaInterval)) != nil { await edge.refresh() }
    }

    /// The edge as an application of Hummingbird's.
    var application: some ApplicationProtocol {
        let limits = edge.options.limits
        let onListening = onListening
        return Application(
            responder: EdgeResponder(edge: edge),
            server: HTTPServerBuilder { EdgeChannel(responder: $0, limits: limits) },
            configuration: ApplicationConfiguration(address: bindAddress),
            onServerRunning: { channel in
                if let bound = Self.boundAddress(of: channel) { await onListening(bound) }
            },
            logger: edge.logger)
    }

    private var bindAddress: BindAddress {
        switch address {
        case .tcp(let host, let port): .hostname(host, port: port)
        case .unix(let path): .unixDomainSocket(path: path)
        }
    }

    private static func boundAddress(of channel: any NIOCore.Channel) -> Address? {
        guard let local = channel.localAddress else { return nil }
        if let path = local.pathname { return .unix(path: path) }
        guard let host = local.ipAddress, let port = local.port else { return nil }
        return .tcp(host: host, port: port)
    }
}

/// Turns Hummingbird's requests and responses into the edge's.
struct EdgeResponder: HTTPResponder {
    let edge: Edge

    func respond(to request: Request, context: BasicRequestContext) async throws -> Response {
        let id = RequestID.of(request.headers)
        guard let watch = ConnectionWatch.current else { return response(await answer(request, id)) }
        return await withTaskGroup(of: EdgeAnswer?.self) { group in
            group.addTask { await answer(request, id) }
            group.addTask { await timeoutAnswer(watch, id) }
            // The watch ends without an answer when the client is gone; the call is then cancelled, and what it
            // answers is written to nobody.
            let first = await group.next() ?? nil
            group.cancelAll()
            if let first { return response(first) }
            let second = await group.next() ?? nil
            return response(second ?? .refusal(.internalServerError, "The call was lost."))
        }
    }

    private func answer(_ request: Request, _ id: String) async -> EdgeAnswer {
        await edge.answer(request.head, requestID: id) { try await request.body.collect(upTo: $0) }
    }

    private func timeoutAnswer(_ watch: ConnectionWatch, _ id: String) async -> EdgeAnswer? {
        guard case .bodyTimeout = await watch.event() else { return nil }
        let error = RPCError(.deadlineExceeded, "the request took too long to arrive", executed: .no)
        var answer = EdgeAnswer.failure(error, rules: HeaderRules([]))
        answer.headers[.requestID] = id
        answer.headers[.connection] = "close"
        return answer
    }

    private func response(_ answer: EdgeAnswer) -> Response {
        Response(status: answer.status, headers: answer.headers, body: ResponseBody(byteBuffer: answer.body))
    }
}

/// An HTTP/1.1 connection with its watch.
struct EdgeChannel: ServerChildChannel {
    struct Value: ServerChildChannelValue {
        let http: HTTP1Channel.Value
        let watch: ConnectionWatch
        var channel: any NIOCore.Channel { http.channel }
    }

    let responder: HTTPChannelHandler.Responder
    let limits: EdgeLimits

    func setup(channel: any NIOCore.Channel, logger: Logger) -> EventLoopFuture<Value> {
        let watch = ConnectionWatch()
        return http(watch).setup(channel: channel, logger: logger).map { Value(http: $0, watch: watch) }
    }

    func handle(value: Value, logger: Logger) async {
        await ConnectionWatch.$current.withValue(value.watch) {
            await http(value.watch).handle(value: value.http, logger: logger)
        }
    }

    private func http(_ watch: ConnectionWatch) -> HTTP1Channel {
        let limits = limits
        let configuration = HTTP1Channel.Configuration(
            additionalChannelHandlers: [ConnectionWatchHandler(watch, limits: limits)],
            idleTimeout: TimeAmount(limits.idleTimeout),
            httpDecoderConfiguration: .init(
                maxHeaderFieldSize: limits.headerFieldBytesMax, maxHeaderListSize: limits.headerListBytesMax,
                maxHeaderFieldCount: limits.headersMax))
        return HTTP1Channel(responder: responder, configuration: configuration)
    }
}
