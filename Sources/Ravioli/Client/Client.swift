// SPDX-License-Identifier: Apache-2.0

public import Logging
public import NIOCore
import NIOPosix
import RavioliWire
public import ServiceLifecycle

/// Calls one server over TCP or a Unix-domain socket.
///
/// It connects with the first call, keeps one connection for all calls, and connects again with the next call after a
/// loss. Any task may call at any time. Use ``withClient(_:options:logger:_:)``, or run it as a service; a client that
/// is let go closes itself.
public final class Client: Channel, ServiceLifecycle.Service {
    /// What it connects to.
    public let address: Address
    private let handle: ClientHandle

    /// A client for an address; nothing is connected yet.
    ///
    /// - Parameters:
    ///   - address: Where the server listens.
    ///   - options: What it decides for its connection.
    ///   - logger: Where it says what happened to its connection; nil for nowhere.
    ///   - eventLoop: The loop it lives on; nil for one of NIO's shared loops.
    /// - Throws: `invalidConfiguration` when limits contradict each other, or certificates cannot be used.
    public init(
        _ address: Address, options: ClientOptions = .defaults, logger: Logger? = nil,
        eventLoop: (any EventLoop)? = nil
    ) throws(RuntimeError) {
        try options.check()
        self.address = address
        let context = LoopContext.of(eventLoop ?? MultiThreadedEventLoopGroup.singleton.next())
        let logger = logger ?? .silent
        let timeout = options.limits.helloTimeout
        let tls: ClientTLS? =
            if let tls = options.tls {
                try ClientTLS(tls, address: address, handshakeTimeout: timeout, logger: logger)
            } else {
                nil
            }
        handle = ClientHandle(
            context, options: options,
            connector: SocketConnector(
                address: address, context: context, tls: tls, keepalive: options.keepalive),
            logger: logger)
    }

    /// Runs one call; see ``Channel/unary(_:)``.
    public func unary(_ request: UnaryRequest) async throws(RPCError) -> UnaryResponse {
        try await handle.run(request)
    }

    /// Opens a call with streams; see ``Channel/stream(_:)``.
    public func stream(_ request: StreamRequest) -> any StreamCall { handle.open(request) }

    /// Runs `body` on the client's event loop: its calls cost no change of thread. Nothing in it may block.
    public func withLoop<Result>(_ body: () async throws -> Result) async rethrows -> Result {
        // A preference takes effect with the next suspension; the yields make that the first and the last moment.
        let result = try await withTaskExecutorPreference(LoopExecutor(handle.context)) {
            await Task.yield()
            return try await body()
        }
        await Task.yield()
        return result
    }

    /// Closes the connection; calls that still run end with `unavailable`.
    public func close() async { await handle.closed() }

    /// Waits for graceful shutdown or cancellation, then closes.
    public func run() async throws {
        try? await gracefulShutdown()
        await close()
    }

    deinit { handle.close() }
}

/// Makes a client for the time of `body` and closes it at the end.
public func withClient<Result>(
    _ address: Address, options: ClientOptions = .defaults, logger: Logger? = nil,
    _ body: (Client) async throws -> Result
) async throws -> Result {
    let client = try Client(address, options: options, logger: logger)
    do {
        let result = try await body(client)
        await client.close()
        return result
    } catch {
        await client.close()
        throw error
    }
}

extension ClientOptions {
    /// - Throws: `invalidConfiguration` naming what does not hold.
    func check() throws(RuntimeError) {
        do {
            try limits.check()
        } catch {
            throw RuntimeError(.invalidConfiguration, error.message)
        }
        guard callsQueuedMax >= 0, connectTimeout > .zero, backoff.multiplier >= 1,
            (0...1).contains(backoff.jitter), backoff.initial > .zero, backoff.max >= backoff.initial
        else { throw RuntimeError(.invalidConfiguration, "client options: a value is out of range") }
        try keepalive.check(limits: limits, idleTimeout: idleTimeout)
    }
}

extension Logger {
    /// Says nothing.
    static var silent: Logger { Logger(label: "ravioli") { _ in SwiftLogNoOpLogHandler() } }
}
