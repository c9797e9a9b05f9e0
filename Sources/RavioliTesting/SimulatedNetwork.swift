// SPDX-License-Identifier: Apache-2.0

public import Logging
import NIOCore
public import Ravioli

/// Servers by name, clients of them, and what lies in between, all inside a ``Simulation``.
///
/// Clients and servers are those of `Ravioli`, down to the bytes they exchange; only sockets and time are simulated. Use
/// it from the simulation's own tasks alone.
public final class SimulatedNetwork: Sendable {
    let loop: SimulatedLoop
    let runtime: VirtualRuntime
    let random: SeededRandom
    private let routes: NIOLoopBoundBox<[SimulatedRoute]>

    init(loop: SimulatedLoop, random: SeededRandom) {
        self.loop = loop
        self.random = random
        runtime = VirtualRuntime(loop) { random.unit() }
        routes = .makeBoxSendingValue([], eventLoop: loop)
    }

    // MARK: Servers and clients

    /// Serves under a name, in place of who served there before; that one takes no new connections any more.
    ///
    /// - Throws: `invalidConfiguration`, as a server over sockets does.
    public func serve(
        _ services: [any Service], at name: String, options: ServerOptions = .defaults, logger: Logger? = nil
    ) throws(RuntimeError) {
        let server = try VirtualServer(runtime, services, options: options, logger: logger)
        let route = route(name)
        if let former = route.server { route.formerServers.append(former) }
        route.server = server
    }

    /// A client of the server at a name, whether or not one is there yet.
    ///
    /// - Throws: `invalidConfiguration`, as a client over sockets does.
    public func client(
        of name: String, options: ClientOptions = .defaults, logger: Logger? = nil
    ) throws(RuntimeError) -> SimulatedClient {
        let dialer = SimulatedDialer(
            target: name, network: self, route: NIOLoopBound(route(name), eventLoop: loop))
        return SimulatedClient(
            client: try VirtualClient(runtime, options: options, dialer: dialer, logger: logger))
    }

    // MARK: The weather

    /// What the way to a server is like from now on.
    public func setConditions(_ conditions: Conditions, of name: String) {
        route(name).conditions = conditions
    }

    /// Whether nothing gets through to a server or back. Bytes that are sent meanwhile arrive when it is over; nobody
    /// hears of it.
    public func setPartitioned(_ isPartitioned: Bool, _ name: String) {
        let route = route(name)
        route.isPartitioned = isPartitioned
        if !isPartitioned { for connection in route.connections { connection.healed() } }
    }

    /// Cuts the connections to a server that stand now.
    public func cut(_ cut: Cut, _ name: String) {
        for connection in route(name).connections { connection.cut(cut) }
    }

    /// The server at a name stops in an orderly way: nobody can connect, and calls that run are finished.
    public func drain(_ name: String) {
        let route = route(name)
        guard let server = route.server else { return }
        route.server = nil
        route.formerServers.append(server)
        server.drain()
    }

    /// The server at a name is gone: its connections are closed, and its handlers cancelled.
    public func abort(_ name: String) {
        let route = route(name)
        for server in route.formerServers { server.abort() }
        route.server?.abort()
        if let server = route.server { route.formerServers.append(server) }
        route.server = nil
    }

    // MARK: Inside

    func route(_ name: String) -> SimulatedRoute {
        if let known = routes.value.first(where: { $0.name == name }) { return known }
        let route = SimulatedRoute(name)
        routes.value.append(route)
        return route
    }

    var allRoutes: [SimulatedRoute] { routes.value }
}

/// The way to the server at one name. Loop only.
final class SimulatedRoute {
    let name: String
    var conditions = SimulatedNetwork.Conditions.calm
    var isPartitioned = false
    var server: VirtualServer?
    /// Those that take no connections any more and may still serve calls.
    var formerServers: [VirtualServer] = []
    var connections: [SimulatedConnection] = []

    init(_ name: String) { self.name = name }

    func ended() {
        connections.removeAll { !$0.isOpen }
        formerServers.removeAll { $0.connectionsHeld == 0 }
    }
}

/// Connects a simulated client.
private struct SimulatedDialer: VirtualDialer {
    let target: String
    let network: SimulatedNetwork
    let route: NIOLoopBound<SimulatedRoute>

    func dial(_ end: VirtualEnd, timeout: Duration, failed: @escaping (any Error) -> Void) {
        let conditions = route.value.conditions
        let latency = network.random.duration(in: conditions.latency)
        let isRefused = network.random.happens(perMillion: conditions.refusalsPerMillion)
        let isLost = route.value.isPartitioned
        let attempt = NIOLoopBound(Attempt(end: end, failed: failed), eventLoop: network.loop)
        let at = network.loop.nanoseconds + Int64((isLost ? timeout : latency + latency).nanoseconds)
        network.loop.enqueue(at: at) {
            let (end, failed) = (attempt.value.end, attempt.value.failed)
            if isLost || route.value.isPartitioned {
                return failed(SimulatedNetwork.ConnectError(description: "connection timed out"))
            }
            guard !isRefused, let server = route.value.server else {
                return failed(SimulatedNetwork.ConnectError(description: "connection refused"))
            }
            let connection = SimulatedConnection(
                end, server.accept(), route: route.value, loop: network.loop, random: network.random)
            route.value.connections.append(connection)
            connection.begin()
        }
    }

    private struct Attempt {
        let end: VirtualEnd
        let failed: (any Error) -> Void
    }
}
