// SPDX-License-Identifier: Apache-2.0

public import Logging
import NIOCore
import NIOPosix
public import ServiceLifecycle

/// Calls one server over a connection per event loop: a call that is made on a loop, such as a handler's, stays there, and
/// no other thread is woken for it. Calls from elsewhere go over any of them.
///
/// It is for programs that mostly pass calls on. A ``Client`` has one connection, on which more calls travel together.
public final class LoopLocalClient: Channel, ServiceLifecycle.Service {
    private let clients: [Client]
    private let numbers: [ObjectIdentifier: Int]

    /// A client for the loops of NIO's shared group; each connects with its first call.
    ///
    /// - Parameters:
    ///   - address: Where the server listens.
    ///   - options: What it decides for each connection.
    ///   - logger: Where it says what happened to its connections.
    /// - Throws: `invalidConfiguration` as ``Client``.
    public convenience init(
        _ address: Address, options: ClientOptions = .defaults, logger: Logger
    ) throws(RuntimeError) {
        try self.init(address, loops: nil, options: options, logger: logger)
    }

    /// - Parameter loops: The loops that have connections; nil for all.
    init(
        _ address: Address, loops: [any EventLoop]?, options: ClientOptions, logger: Logger
    ) throws(RuntimeError) {
        var clients: [Client] = []
        var numbers: [ObjectIdentifier: Int] = [:]
        for loop in loops ?? Array(MultiThreadedEventLoopGroup.singleton.makeIterator()) {
            numbers[ObjectIdentifier(loop)] = clients.count
            clients.append(try Client(address, options: options, logger: logger, eventLoop: loop))
        }
        self.clients = clients
        self.numbers = numbers
    }

    private var client: Client {
        if clients.count == 1 { return clients[0] }
        if let loop = MultiThreadedEventLoopGroup.currentEventLoop,
            let number = numbers[ObjectIdentifier(loop)]
        {
            return clients[number]
        }
        return clients[Int.random(in: 0..<clients.count)]
    }

    /// Runs one call; see ``Channel/unary(_:)``.
    public func unary(_ request: UnaryRequest) async throws(RPCError) -> UnaryResponse {
        try await client.unary(request)
    }

    /// Opens a call with streams; see ``Channel/stream(_:)``.
    public func stream(_ request: StreamRequest) -> any StreamCall { client.stream(request) }

    /// Waits for graceful shutdown or cancellation, then closes.
    public func run() async throws {
        try? await gracefulShutdown()
        await close()
    }

    /// Closes the connections; calls that still run end with `unavailable`.
    public func close() async {
        for client in clients { await client.close() }
    }
}
