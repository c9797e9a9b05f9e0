// SPDX-License-Identifier: Apache-2.0

public import Logging
public import Ravioli
public import ServiceLifecycle

/// Serves the methods of Ravioli servers over HTTP: by Connect's protocol, gRPC and gRPC-Web, on HTTP/1.1 and HTTP/2.
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

    /// Reads the schemas, listens, and serves until graceful shutdown or cancellation; running calls may then end, for
    /// at most ``EdgeLimits/drainTimeout``.
    ///
    /// An upstream that is down does not keep the edge from starting: its methods appear when it does.
    ///
    /// - Throws: `invalidConfiguration` for REST rules and plans that contradict each other or the schemas, and for a
    ///   file of keys without any; what keeps it from listening; `CancellationError`.
    public func run() async throws {
        try await edge.keyStore?.start()
        await edge.refresh()
        if let fault = edge.restDoor.fault {
            throw RuntimeError(.invalidConfiguration, "REST rules: \(fault)")
        }
        if let fault = edge.restDoor.planFault {
            throw RuntimeError(.invalidConfiguration, "plans: \(fault)")
        }
        let edge = edge
        let server = HTTPServer(address, options: edge.options, logger: edge.logger) { await edge.serve($0) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await self.followSchemas() }
            if let keys = edge.keyStore { group.addTask { await keys.follow() } }
            group.addTask { try await server.run(onListening: self.onListening) }
            // The followers end only when they are cancelled, so the first to end is the server.
            _ = try await group.next()
            group.cancelAll()
        }
    }

    private func followSchemas() async {
        while (try? await Task.sleep(for: edge.options.limits.schemaInterval)) != nil {
            await edge.refresh()
            await edge.idempotency?.sweep()
        }
    }
}
