// SPDX-License-Identifier: Apache-2.0

public import Logging
public import NIOCore
import NIOPosix
import RavioliWire
public import ServiceLifecycle
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Serves services over TCP or a Unix-domain socket.
///
/// Run it as a service of a `ServiceGroup`, or for the time of a closure with
/// ``withServer(_:on:options:logger:_:)``. It stops gracefully: no new connections, a goaway to every client, running
/// calls finish within ``ServerOptions/drainTimeout``.
public final class Server: ServiceLifecycle.Service {
    private enum State: Sendable {
        case idle
        case starting
        case serving(any NIOCore.Channel, Address)
        case stopped(RuntimeError)
    }

    private struct Life: Sendable {
        var state = State.idle
        var waiting: [UnsafeContinuation<Result<Address, RuntimeError>, Never>] = []
    }

    /// Whether it takes calls, for a health service or a probe.
    public let servingState: ServingState
    private let requested: Address
    private let core: ServerCore
    private let tls: ServerTLS?
    private let connections = ConnectionRegistry()
    private let group: any EventLoopGroup
    private let logger: Logger
    private let life = Mutex(Life())

    /// A server; nothing is bound yet.
    ///
    /// - Parameters:
    ///   - services: What it serves.
    ///   - address: Where it listens; TCP port 0 lets the system choose.
    ///   - options: What it decides for its connections.
    ///   - servingState: What it keeps up to date, where somebody watches it; one per server.
    ///   - logger: Where it says what happened; nil for nowhere.
    ///   - group: The loops it lives on; nil for NIO's shared ones.
    /// - Throws: `invalidConfiguration` when a service is given twice, limits contradict each other, or certificates
    ///   cannot be used.
    public init(
        _ services: [any Service], on address: Address, options: ServerOptions = .defaults,
        servingState: ServingState = ServingState(), logger: Logger? = nil,
        group: (any EventLoopGroup)? = nil
    ) throws(RuntimeError) {
        let logger = logger ?? .silent
        core = try ServerCore(services, options: options, logger: logger)
        tls =
            if let tls = options.tls {
                try ServerTLS(tls, handshakeTimeout: options.limits.helloTimeout, logger: logger)
            } else {
                nil
            }
        requested = address
        self.servingState = servingState
        self.group = group ?? MultiThreadedEventLoopGroup.singleton
        self.logger = logger
    }

    /// Where it listens, with the port the system chose; nil before it is bound and after it has stopped.
    public var address: Address? {
        life.withLock { life in
            if case .serving(_, let address) = life.state { return address }
            return nil
        }
    }

    /// Waits until it listens; returns where.
    ///
    /// - Throws: Why it will not: `cannotBind`, or `stopped`.
    public func boundAddress() async throws(RuntimeError) -> Address {
        let result = await withUnsafeContinuation { continuation in
            let known = life.withLock { life -> Result<Address, RuntimeError>? in
                switch life.state {
                case .serving(_, let address): return .success(address)
                case .stopped(let reason): return .failure(reason)
                case .idle, .starting:
                    life.waiting.append(continuation)
                    return nil
                }
            }
            if let known { continuation.resume(returning: known) }
        }
        SanitizedHandover.taken(self)
        return try result.get()
    }

    /// Moves to another state and tells who waits for the address; returns the state before.
    private func move(to state: State, _ result: Result<Address, RuntimeError>) -> State {
        let (before, waiting) = life.withLock { life in
            defer {
                life.state = state
                life.waiting = []
            }
            return (life.state, life.waiting)
        }
        SanitizedHandover.given(self)
        for continuation in waiting { continuation.resume(returning: result) }
        return before
    }

    /// Binds, serves until graceful shutdown or cancellation, and stops. Cancellation does not wait for calls.
    ///
    /// - Throws: `cannotBind`, `alreadyStarted`, or `CancellationError`.
    public func run() async throws {
        _ = try await start()
        do {
            try await gracefulShutdown()
        } catch {
            await stop(drainTimeout: .zero)
            throw error
        }
        await stop(drainTimeout: core.options.drainTimeout)
    }

    /// Binds and serves; returns where. End it with ``stop()``.
    ///
    /// - Throws: `cannotBind` or `alreadyStarted`.
    public func start() async throws(RuntimeError) -> Address {
        let isFirst = life.withLock { life in
            guard case .idle = life.state else { return false }
            life.state = .starting
            return true
        }
        guard isFirst else { throw RuntimeError(.alreadyStarted, "this server was started before") }
        let channel: any NIOCore.Channel
        do {
            channel = try await bind().get()
        } catch {
            let reason = RuntimeError(.cannotBind, "cannot listen on \(requested)", cause: error)
            _ = move(to: .stopped(reason), .failure(reason))
            servingState.move(to: .stopped)
            throw reason
        }
        let address = address(of: channel)
        tls?.watch(on: group.next())
        core.access?.watch(on: group.next())
        _ = move(to: .serving(channel, address), .success(address))
        servingState.move(to: .serving)
        logger.info("serving", metadata: ["address": "\(address)"])
        return address
    }

    /// Stops gracefully: refuses new calls and waits for running ones, at most ``ServerOptions/drainTimeout``.
    public func stop() async { await stop(drainTimeout: core.options.drainTimeout) }

    private func stop(drainTimeout: Duration) async {
        let reason = RuntimeError(.stopped, "the server has stopped")
        guard case .serving(let listener, let address) = move(to: .stopped(reason), .failure(reason)) else {
            return
        }
        // Said before anybody is told to leave: who asks meanwhile sends no more calls here.
        servingState.move(to: .draining)
        logger.info("draining", metadata: ["address": "\(address)"])
        tls?.unwatch()
        core.access?.unwatch()
        try? await listener.close().get()
        if case .unix(let path) = requested { unlink(path) }
        await connections.drain(timeout: drainTimeout, on: group.next())
        servingState.move(to: .stopped)
        logger.info("stopped", metadata: ["address": "\(address)"])
    }

    /// Reads the files of ``ServerOptions/tls`` now, whether they have changed or not; new connections use what they
    /// hold. Without TLS it does nothing.
    ///
    /// - Throws: `invalidConfiguration` when they cannot be used; the last good ones stay.
    public func reloadCertificates() async throws(RuntimeError) {
        guard let source = tls?.source else { return }
        try await Self.offLoop { try source.reload() }
    }

    /// Reads the file of ``ServerOptions/policy`` now, whether it has changed or not; what it says holds for the next call
    /// on every connection. Without a file it does nothing.
    ///
    /// - Throws: `invalidConfiguration` when it cannot be used; the last good policy stays.
    public func reloadPolicy() async throws(RuntimeError) {
        guard let access = core.access else { return }
        try await Self.offLoop { try access.reload() }
    }

    private static func offLoop(_ read: @escaping @Sendable () throws -> Void) async throws(RuntimeError) {
        do {
            try await NIOThreadPool.singleton.runIfActive(read)
        } catch {
            throw error as? RuntimeError ?? RuntimeError(.invalidConfiguration, "not reloaded", cause: error)
        }
    }

    /// What the server holds for each of its peers now, in bytes: requests that are incomplete or wait, messages that no
    /// handler has read, answers that wait to be sent. At most ``WireLimits/connectionBytesMax`` for one connection.
    public func bytesHeld() async -> [Peer: Int] { await connections.bytesHeld() }

    /// Work that nobody waited for, since the server began: what handlers went on with after their calls had been cancelled
    /// or were out of time. Much of it means handlers that do not notice cancellation, or callers that give up early.
    public var workAfterCancel: WorkAfterCancel { core.lateWork.total }

    private func address(of channel: any NIOCore.Channel) -> Address {
        switch requested {
        case .unix: requested
        case .tcp: Address(channel.localAddress) ?? requested
        }
    }

    private func bind() -> EventLoopFuture<any NIOCore.Channel> {
        let (core, connections, tls) = (core, connections, tls)
        var bootstrap = ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: Int32(clamping: core.options.backlog))
            .childChannelOption(.writeBufferWaterMark, value: .ravioli)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let connection = ServerConnection(core, context: LoopContext.of(channel.eventLoop))
                    connections.add(connection)
                    let gate = try tls?.begin(channel) { fault, peer in core.note(fault, from: peer) }
                    try channel.pipeline.syncOperations.addHandler(ChannelLink(connection, gate: gate))
                }
            }
        switch requested {
        case .tcp(let host, let port):
            bootstrap =
                bootstrap
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            if let option = TCPUserTimeout(core.options.keepalive) {
                bootstrap = bootstrap.childChannelOption(.tcpOption(option.name), value: option.milliseconds)
            }
            return bootstrap.bind(host: host, port: port)
        case .unix(let path):
            return bootstrap.bind(unixDomainSocketPath: path, cleanupExistingSocketFile: true)
        }
    }
}

/// Serves for the time of `body`, then stops gracefully.
public func withServer<Result>(
    _ services: [any Service], on address: Address = .tcp(host: "127.0.0.1", port: 0),
    options: ServerOptions = .defaults, logger: Logger? = nil,
    _ body: (_ server: Server, _ address: Address) async throws -> Result
) async throws -> Result {
    let server = try Server(services, on: address, options: options, logger: logger)
    let bound = try await server.start()
    do {
        let result = try await body(server, bound)
        await server.stop()
        return result
    } catch {
        await server.stop()
        throw error
    }
}
