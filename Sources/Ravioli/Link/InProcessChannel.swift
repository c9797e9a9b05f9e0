// SPDX-License-Identifier: Apache-2.0

public import Logging
import NIOCore
import NIOPosix

/// A server and its only client in one process, without a socket.
///
/// Everything that holds over TCP holds here: deadlines, cancellation, metadata and its limits, typed errors. For tests
/// with fakes, and for services that live in one process.
public final class InProcessChannel: Channel {
    private let handle: ClientHandle

    /// A channel to these services.
    ///
    /// - Precondition: No service or method is given twice, and the options are valid: both are the program's text.
    public init(_ services: [any Service], options: ServerOptions = .defaults, logger: Logger? = nil) {
        let context = LoopContext.of(MultiThreadedEventLoopGroup.singleton.next())
        let core: ServerCore
        do {
            core = try ServerCore(services, options: options, logger: logger ?? .silent)
        } catch {
            preconditionFailure("InProcessChannel: \(error)")
        }
        var clientOptions = ClientOptions.defaults
        clientOptions.limits = options.limits
        handle = ClientHandle(
            context, options: clientOptions, connector: InProcessConnector(server: core, context: context),
            logger: logger ?? .silent)
    }

    /// A channel to one service, for instance a fake.
    public convenience init(_ service: any Service) { self.init([service]) }

    /// Runs one call; see ``Channel/unary(_:)``.
    public func unary(_ request: UnaryRequest) async throws(RPCError) -> UnaryResponse {
        try await handle.run(request)
    }

    /// Opens a call with streams; see ``Channel/stream(_:)``.
    public func stream(_ request: StreamRequest) -> any StreamCall { handle.open(request) }

    /// Ends every call; no call runs afterwards.
    public func close() async { await handle.closed() }

    deinit { handle.close() }
}

/// Connects to a server of the same process. It cannot fail.
private struct InProcessConnector: Connector {
    let server: ServerCore
    let context: LoopContext

    var target: String { "in-process" }

    func connect(_ connection: ClientConnection, timeout: Duration, failed: @escaping (any Error) -> Void) {
        InProcessEnd.connect(connection, ServerConnection(server, context: context))
    }
}
