// SPDX-License-Identifier: Apache-2.0

import Ravioli
import RavioliTesting
import RavioliWire

/// A rule that a swarm broke, and what leads there again.
struct SwarmFailure: Error, CustomStringConvertible {
    let scope: SwarmScope
    let reason: String
    /// Until then.
    let callsBegun: Int
    let faultsStruck: Int
    /// What the seed had switched on.
    let features: Set<SwarmFeature>

    var description: String { "\(reason) [\(scope)]" }
}

/// Puts something between a swarm's callers and a client: tests of the swarm itself put a fault there.
typealias SwarmDecorator = @Sendable (SimulatedClient) -> any Channel

/// One seed's swarm, from its beginning to its rest.
struct SwarmRun: Sendable {
    private let scope: SwarmScope
    private let decorate: SwarmDecorator
    private let world: Simulation
    private let plan: SwarmPlan
    private let books: SwarmBooks
    private let service: BareService
    private static let place = "swarm"

    /// What came of it.
    struct Outcome: Equatable, Sendable {
        var calls: Int
        var succeeded: Int
        var steps: Int
        var digest: UInt64
        /// Simulated.
        var time: Duration
    }

    /// Runs a swarm.
    static func outcome(
        _ scope: SwarmScope, decorate: @escaping SwarmDecorator = { $0 }
    ) throws(SwarmFailure) -> Outcome {
        let plan = SwarmPlan(scope)
        let books = SwarmBooks(clients: plan.clients, callsMax: scope.calls)
        do {
            return try SwarmRun(scope, plan, books, decorate).outcome()
        } catch {
            throw SwarmFailure(
                scope: scope, reason: "\(error)", callsBegun: books.callsBegun,
                faultsStruck: books.faultsStruck, features: plan.features)
        }
    }

    private init(
        _ scope: SwarmScope, _ plan: SwarmPlan, _ books: SwarmBooks, _ decorate: @escaping SwarmDecorator
    ) throws {
        self.scope = scope
        self.decorate = decorate
        self.books = books
        world = Simulation(seed: scope.seed)
        service = try SwarmService(world: world, books: books).service()
        var plan = plan
        if plan.has(.interceptors) {
            plan.server.interceptors = [
                SwarmInterceptor(world: world, books: books, random: scope.random(5))
            ]
        }
        self.plan = plan
    }

    private func outcome() throws -> Outcome {
        try world.run { _ in try await live() }
        try expect(books.handlersRunning == 0, "\(books.handlersRunning) handlers never returned")
        try expect(books.interceptorsRunning == 0, "\(books.interceptorsRunning) interceptors never returned")
        try expect(books.callsEnded == books.callsStarted, "a call never ended")
        return Outcome(
            calls: books.callsEnded, succeeded: books.callsSucceeded, steps: world.steps,
            digest: books.digest, time: world.now)
    }

    private func expect(_ holds: Bool, _ text: @autoclosure () -> String) throws {
        if !holds { throw Simulation.Failure(seed: world.seed, step: world.steps, reason: text()) }
    }

    // MARK: Its life

    private func live() async throws {
        world.network.setConditions(plan.conditions, of: Self.place)
        try serve()
        var clients: [SimulatedClient] = []
        for _ in 0..<plan.clients {
            clients.append(try world.network.client(of: Self.place, options: plan.client))
        }
        let checks = SwarmChecks(world: world, plan: plan, books: books, clients: clients)
        world.check { try checks.checkStep() }
        await callAndMakeTrouble(clients)
        try await recover(clients)
        try await rest(clients, checks)
    }

    private func callAndMakeTrouble(_ clients: [SimulatedClient]) async {
        await withTaskGroup(of: Void.self) { group in
            for (number, client) in clients.enumerated() {
                let caller = SwarmCaller(
                    world: world, scope: scope, plan: plan, books: books, channel: channel(client, number),
                    number: number)
                for _ in 0..<plan.callers { group.addTask { await caller.run() } }
            }
            await withTaskGroup(of: Void.self) { weather in
                weather.addTask { await makeTrouble() }
                await group.waitForAll()
                weather.cancelAll()
            }
        }
    }

    private func channel(_ client: SimulatedClient, _ number: Int) -> any Channel {
        let channel = decorate(client)
        guard plan.has(.interceptors) else { return channel }
        let random = scope.random(10 + UInt64(number))
        return InterceptedCalls(
            channel, SwarmInterceptor(world: world, books: books, random: random))
    }

    private func serve() throws { try world.network.serve([service], at: Self.place, options: plan.server) }

    private func makeTrouble() async {
        let faults = SwarmFeature.faults.filter(plan.has)
        if faults.isEmpty { return }
        let random = scope.random(6)
        do {
            while true {
                try await world.sleep(for: random.duration(in: plan.faultPause))
                let fault = faults[random.int(in: 0...(faults.count - 1))]
                let before = books.faultBegan()
                if before >= scope.faults ?? .max { return }
                try await strike(fault, random)
            }
        } catch {
            // The callers have finished.
        }
    }

    private func strike(_ fault: SwarmFeature, _ random: SeededRandom) async throws {
        let network = world.network
        switch fault {
        case .reset: network.cut(.reset, Self.place)
        case .serverVanishes: network.cut(.serverVanishes, Self.place)
        case .clientVanishes: network.cut(.clientVanishes, Self.place)
        case .partition:
            network.setPartitioned(true, Self.place)
            defer { network.setPartitioned(false, Self.place) }
            try await world.sleep(for: random.duration(in: .milliseconds(1)...(.seconds(5))))
        case .drain:
            network.drain(Self.place)
            try await world.sleep(for: random.duration(in: .zero...(.seconds(2))))
            try serve()
        case .abort:
            network.abort(Self.place)
            try await world.sleep(for: random.duration(in: .zero...(.seconds(2))))
            try serve()
        default: network.setConditions(plan.weather(random), of: Self.place)
        }
    }

    // MARK: Its end

    /// Whatever happened, once it is over every client can call again.
    private func recover(_ clients: [SimulatedClient]) async throws {
        world.network.setConditions(.calm, of: Self.place)
        world.network.setPartitioned(false, Self.place)
        try serve()
        for (number, client) in clients.enumerated() {
            var last: RPCError?
            for _ in 0..<10 {
                last = await error(ofExtraCallBy: client, number)
                if last == nil { break }
            }
            try expect(
                last == nil, "client \(number) cannot call when all is well: \(String(describing: last))")
        }
    }

    private func error(ofExtraCallBy client: SimulatedClient, _ number: Int) async -> RPCError? {
        guard let method = SwarmService.unary else { return nil }
        var options = CallOptions.timeout(.seconds(300))
        options.waitForReady = true
        let order = SwarmOrder(id: books.extraCall())
        var failure: RPCError?
        books.unaryBegan(number)
        do throws(RPCError) {
            _ = try await client.unary(
                UnaryRequest(method, message: order.message(padding: 0), options: options))
        } catch {
            failure = error
        }
        books.unaryEnded(number)
        books.callEnded(order.id, failure, at: world.now)
        return failure
    }

    /// When nobody calls, both ends of each connection have the same books; when all is closed, nothing is left.
    private func rest(_ clients: [SimulatedClient], _ checks: SwarmChecks) async throws {
        await world.sleepStubbornly(for: .seconds(2))
        try checks.checkQuiet()
        for client in clients { await client.close() }
        await world.sleepStubbornly(for: .seconds(1))
        world.network.abort(Self.place)
        await world.sleepStubbornly(for: .seconds(60))
        try expect(
            world.network.connectionsOpen == 0, "\(world.network.connectionsOpen) connections were left")
        try expect(world.network.serversHeld(Self.place) == 0, "a server holds connections that are closed")
        try expect(world.network.timersSet == 0, "\(world.network.timersSet) timers were left")
    }
}

/// Interceptors around unary calls. Around streams they would run in tasks that no simulation drives.
private struct InterceptedCalls: Channel {
    private let base: any Channel
    private let intercepted: InterceptedChannel

    init(_ base: any Channel, _ interceptor: any Interceptor) {
        self.base = base
        intercepted = InterceptedChannel(base, interceptors: [interceptor])
    }

    func unary(_ request: UnaryRequest) async throws(RPCError) -> UnaryResponse {
        try await intercepted.unary(request)
    }

    func stream(_ request: StreamRequest) -> any StreamCall { base.stream(request) }
}
