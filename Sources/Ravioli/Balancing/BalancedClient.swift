// SPDX-License-Identifier: Apache-2.0

public import Logging
import NIOCore
import NIOPosix
public import ServiceLifecycle
import Synchronization

/// What a balanced client decides beside what its clients do.
public struct BalancingOptions: Sendable, Hashable {
    /// How often a host's name is resolved again. Default every 30 s, a fifth more or less at random.
    public var dnsInterval: Duration = .seconds(30)
    /// How often it is looked whether a discovery file has changed. Default every second.
    public var fileInterval: Duration = .seconds(1)
    /// How many replicas a unary call is offered that none before has taken. Default 3.
    public var attemptsMax = 3
    /// Whether each event loop has connections of its own, so that calls which are made on one wake no other thread; see
    /// ``LoopLocalClient``. Default false: one connection to each replica.
    public var connectsPerLoop = false

    /// The defaults.
    public static var defaults: BalancingOptions { BalancingOptions() }

    /// The defaults.
    public init() {}
}

/// Calls the replicas of a service: each call goes to the less busy of two, and round those that cannot be reached.
///
/// It follows its ``EndpointSource``: a replica that is new gets calls at once, and one that is gone keeps those that run.
/// A unary call that a replica surely did not execute since it could not be reached is offered to another one; a stream
/// is not, but the next one avoids that replica. Run it as a service, so that it follows its source.
public final class BalancedClient: Channel, ServiceLifecycle.Service {
    private struct State {
        var endpoints: [Endpoint] = []
        var isClosed = false
    }

    private let name: String
    private let source: EndpointSource
    private let options: ClientOptions
    private let balancing: BalancingOptions
    private let logger: Logger
    private let state = Mutex(State())

    /// A client for a service; nothing is resolved or connected yet, but addresses that are given are known.
    ///
    /// - Parameters:
    ///   - name: The service's name, for logs.
    ///   - source: Where its replicas are.
    ///   - options: What it decides for each connection. With TLS and ``EndpointSource/dns(host:port:)`` certificates
    ///     must name the host, unless the options name somebody else.
    ///   - balancing: What it decides beside.
    ///   - logger: Where it says which replicas there are.
    /// - Throws: `invalidConfiguration` for options that contradict each other, and a discovery file that cannot be read.
    public init(
        _ name: String, _ source: EndpointSource, options: ClientOptions = .defaults,
        balancing: BalancingOptions = .defaults, logger: Logger
    ) throws(RuntimeError) {
        try options.check()
        guard balancing.dnsInterval > .zero, balancing.fileInterval > .zero, balancing.attemptsMax > 0 else {
            throw RuntimeError(.invalidConfiguration, "balancing options: a value is out of range")
        }
        self.name = name
        self.source = source
        self.balancing = balancing
        self.logger = logger
        var options = options
        if case .dns(let host, _) = source, options.tls?.expectedServer == .addressHost {
            options.tls?.expectedServer = .hostName(host)
        }
        self.options = options
        if case .dns = source { return }
        try use(try source.addresses())
    }

    /// The addresses of the replicas that are called now.
    public var addresses: [Address] { state.withLock { $0.endpoints.map(\.address) } }

    // MARK: Calls

    /// Runs one call on a replica; see ``Channel/unary(_:)``.
    public func unary(_ request: UnaryRequest) async throws(RPCError) -> UnaryResponse {
        var tried: Set<Address> = []
        while true {
            let endpoint = try choose(except: tried)
            do throws(RPCError) {
                let response = try await endpoint.client.unary(request)
                endpoint.end(nil, now: Deadline.nowNanoseconds)
                return response
            } catch {
                endpoint.end(error, now: Deadline.nowNanoseconds)
                tried.insert(endpoint.address)
                let canGoOn = tried.count < balancing.attemptsMax && tried.count < addresses.count
                guard Endpoint.isUnreachable(error), canGoOn, !Task.isCancelled else { throw error }
            }
        }
    }

    /// Opens a call with streams on a replica; see ``Channel/stream(_:)``.
    public func stream(_ request: StreamRequest) -> any StreamCall {
        do throws(RPCError) {
            let endpoint = try choose(except: [])
            return BalancedStream(endpoint.client.stream(request), endpoint)
        } catch {
            return FailedCall(error)
        }
    }

    /// The replica for a call, which has begun with that.
    private func choose(except tried: Set<Address>) throws(RPCError) -> Endpoint {
        var endpoints = state.withLock { $0.endpoints }
        if !tried.isEmpty { endpoints.removeAll { tried.contains($0.address) } }
        let now = Deadline.nowNanoseconds
        let number = EndpointChoice.choose(endpoints.map { $0.candidate(now: now) }) {
            Int.random(in: 0..<$0)
        }
        guard let number else {
            throw RPCError(call: .unavailable, "no replica of \(name) is known", executed: .no)
        }
        endpoints[number].begin()
        return endpoints[number]
    }

    // MARK: Replicas

    /// Looks where the replicas are. What cannot be found out changes nothing, and the log says why.
    public func resolve() async {
        let source = source
        do {
            let addresses = try await NIOThreadPool.singleton.runIfActive { try source.addresses() }
            try use(addresses)
        } catch {
            logger.warning("replicas not found out", metadata: ["service": "\(name)", "error": "\(error)"])
        }
    }

    private func use(_ addresses: [Address]) throws(RuntimeError) {
        let known = state.withLock { $0.endpoints }
        guard known.map(\.address) != addresses else { return }
        var endpoints: [Endpoint] = []
        for address in addresses {
            if let same = known.first(where: { $0.address == address }) {
                endpoints.append(same)
            } else {
                let client = try LoopLocalClient(
                    address,
                    loops: balancing.connectsPerLoop ? nil : [MultiThreadedEventLoopGroup.singleton.next()],
                    options: options, logger: logger)
                endpoints.append(Endpoint(address, client, backoff: options.backoff))
            }
        }
        state.withLock { if !$0.isClosed { $0.endpoints = endpoints } }
        let list = addresses.map(\.description).joined(separator: " ")
        logger.info("replicas", metadata: ["service": "\(name)", "addresses": "\(list)"])
    }

    // MARK: Life

    /// Follows the source until graceful shutdown or cancellation, then closes.
    public func run() async throws {
        await cancelWhenGracefulShutdown { await self.follow() }
        await close()
    }

    private func follow() async {
        switch source {
        case .fixed: try? await gracefulShutdown()
        case .dns:
            while !Task.isCancelled {
                await resolve()
                // Clients that were started together do not ask together for ever.
                try? await Task.sleep(for: balancing.dnsInterval * Double.random(in: 0.8...1.2))
            }
        case .file(let path, _):
            var stamp = SmallFile.stamp(of: path)
            while (try? await Task.sleep(for: balancing.fileInterval)) != nil {
                let newest = SmallFile.stamp(of: path)
                if newest != stamp { await resolve() }
                stamp = newest
            }
        }
    }

    /// Closes all connections; calls that still run end with `unavailable`.
    public func close() async {
        let endpoints = state.withLock { state in
            defer { state.endpoints = [] }
            state.isClosed = true
            return state.endpoints
        }
        for endpoint in endpoints { await endpoint.client.close() }
    }
}

/// A call with streams on a replica, which counts as running there until it is let go.
private final class BalancedStream: StreamCall {
    private let call: any StreamCall
    private let endpoint: Endpoint
    private let failure = Mutex<RPCError?>(nil)

    init(_ call: any StreamCall, _ endpoint: Endpoint) {
        self.call = call
        self.endpoint = endpoint
    }

    deinit { endpoint.end(failure.withLock { $0 }, now: Deadline.nowNanoseconds) }

    func send(_ message: [UInt8]) async throws(RPCError) { try await call.send(message) }

    func trySend(_ message: UnsafeRawBufferPointer) -> Bool { call.trySend(message) }

    func tryNext(_ body: (UnsafeRawBufferPointer) -> Void) -> Bool { call.tryNext(body) }

    func finish() { call.finish() }

    func next() async throws(RPCError) -> [UInt8]? {
        do throws(RPCError) { return try await call.next() } catch {
            failure.withLock { $0 = error }
            throw error
        }
    }

    func metadata() async -> Metadata { await call.metadata() }

    var trailers: Metadata { call.trailers }

    var hasEnded: Bool { call.hasEnded }

    func cancel() { call.cancel() }
}
