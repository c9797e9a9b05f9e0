// SPDX-License-Identifier: Apache-2.0

import Logging
import NIOCore
import NIOExtras
import NIOPosix
import Ravioli
import ServiceLifecycle
import Synchronization

/// Listens, and serves each request as an exchange: HTTP/1.1, and HTTP/2 in clear text or over TLS.
final class HTTPServer: Sendable {
    private let address: Address
    private let options: EdgeOptions
    private let logger: Logger
    private let serve: ExchangeRunner.Serve
    private let group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton
    private let connections = Connections()

    init(_ address: Address, options: EdgeOptions, logger: Logger, serve: @escaping ExchangeRunner.Serve) {
        self.address = address
        self.options = options
        self.logger = logger
        self.serve = serve
    }

    /// Serves until graceful shutdown, and then until the calls that run have ended; cancellation does not wait for them.
    ///
    /// - Throws: What keeps it from listening, or that it was cancelled.
    func run(onListening: @Sendable (Address) async -> Void) async throws {
        let quiescing = ServerQuiescingHelper(group: group)
        let tls = try options.tls.map { try EdgeTLS($0, logger: logger) }
        let listener = try await bind(quiescing, tls).get()
        tls?.beginWatching(on: group.any())
        defer { tls?.endWatching() }
        await onListening(Address(listener.localAddress, asked: address))
        do {
            try await gracefulShutdown()
        } catch {
            try? await listener.close().get()
            connections.closeAll()
            throw error
        }
        logger.info("draining")
        await drain(quiescing)
    }

    private func drain(_ quiescing: ServerQuiescingHelper) async {
        let loop = group.any()
        let drained = loop.makePromise(of: Void.self)
        quiescing.initiateShutdown(promise: drained)
        let connections = connections
        let late = loop.scheduleTask(in: TimeAmount(options.limits.drainTimeout)) { connections.closeAll() }
        try? await drained.futureResult.get()
        late.cancel()
    }

    private func bind(
        _ quiescing: ServerQuiescingHelper, _ tls: EdgeTLS?
    ) -> EventLoopFuture<any NIOCore.Channel> {
        let connection = HTTPConnection(limits: options.limits, tls: tls, serve: serve)
        let (connections, connectionsMax) = (connections, options.limits.connectionsMax)
        var bootstrap = ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 1024)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let handler = quiescing.makeServerChannelHandler(channel: channel)
                    try channel.pipeline.syncOperations.addHandler(handler)
                }
            }
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    guard connections.add(channel, max: connectionsMax) else {
                        throw ChannelError.ioOnClosedChannel
                    }
                    try connection.begin(channel)
                }
            }
        switch address {
        case .tcp(let host, let port):
            bootstrap =
                bootstrap
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            return bootstrap.bind(host: host, port: port)
        case .unix(let path):
            return bootstrap.bind(unixDomainSocketPath: path, cleanupExistingSocketFile: true)
        }
    }
}

/// The connections there are, so that they can be counted and closed.
private final class Connections: Sendable {
    private let channels = Mutex<[ObjectIdentifier: any NIOCore.Channel]>([:])

    /// Adds a connection until it is closed; false if there are too many.
    func add(_ channel: any NIOCore.Channel, max: Int) -> Bool {
        let id = ObjectIdentifier(channel)
        let hasRoom = channels.withLock { channels in
            guard channels.count < max else { return false }
            channels[id] = channel
            return true
        }
        guard hasRoom else { return false }
        channel.closeFuture.whenComplete { _ in
            self.channels.withLock { _ = $0.removeValue(forKey: id) }
        }
        return true
    }

    func closeAll() {
        for channel in channels.withLock({ Array($0.values) }) { channel.close(promise: nil) }
    }
}

extension Address {
    /// Where a listener listens.
    fileprivate init(_ bound: SocketAddress?, asked: Address) {
        guard let host = bound?.ipAddress, let port = bound?.port, case .tcp = asked else {
            self = asked
            return
        }
        self = .tcp(host: host, port: port)
    }
}
