// SPDX-License-Identifier: Apache-2.0

import Ravioli
import RavioliTesting
import RavioliWire
import Synchronization

/// One seed's swarm, from its beginning to its rest.
struct SwarmRun: Sendable {
    let world: Simulation
    let plan: SwarmPlan
    let books: SwarmBooks
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

    /// Runs a seed.
    ///
    /// - Throws: what was violated, with the seed.
    static func outcome(seed: UInt64, calls: Int) throws -> Outcome {
        let run = try SwarmRun(seed: seed)
        try run.world.run { _ in try await run.live(calls: calls) }
        try run.expect(run.books.handlersRunning == 0, "\(run.books.handlersRunning) handlers never returned")
        try run.expect(run.books.callsEnded == run.books.callsStarted, "a call never ended")
        return Outcome(
            calls: run.books.callsEnded, succeeded: run.books.callsSucceeded, steps: run.world.steps,
            digest: run.books.digest, time: run.world.now)
    }

    private init(seed: UInt64) throws {
        world = Simulation(seed: seed)
        plan = SwarmPlan(world.random)
        books = SwarmBooks(clients: plan.clients)
        service = try SwarmService(world: world, books: books).service()
    }

    private func expect(_ holds: Bool, _ text: @autoclosure () -> String) throws {
        if !holds { throw Simulation.Failure(seed: world.seed, step: world.steps, reason: text()) }
    }

    // MARK: Its life

    private func live(calls: Int) async throws {
        world.network.setConditions(plan.conditions, of: Self.place)
        try serve()
        var clients: [SimulatedClient] = []
        for _ in 0..<plan.clients {
            clients.append(try world.network.client(of: Self.place, options: plan.client))
        }
        let all = clients
        world.check { try checkStep(all) }
        await withTaskGroup(of: Void.self) { group in
            let share = max(1, calls / (plan.clients * plan.callers))
            for (number, client) in all.enumerated() {
                let caller = SwarmCaller(
                    world: world, books: books, client: client, number: number,
                    messageBytesMax: plan.messageBytesMax)
                for _ in 0..<plan.callers { group.addTask { await caller.run(calls: share) } }
            }
            await withTaskGroup(of: Void.self) { weather in
                weather.addTask { await makeTrouble() }
                await group.waitForAll()
                weather.cancelAll()
            }
        }
        try await recover(all)
        try await rest(all)
    }

    private func serve() throws { try world.network.serve([service], at: Self.place, options: plan.server) }

    private func makeTrouble() async {
        guard !plan.faults.isEmpty else { return }
        do {
            while true {
                try await world.sleep(for: world.random.duration(in: plan.faultPause))
                try await strike(plan.faults[world.random.int(in: 0...(plan.faults.count - 1))])
            }
        } catch {
            // The callers have finished.
        }
    }

    private func strike(_ fault: SwarmPlan.Fault) async throws {
        let network = world.network
        switch fault {
        case .reset: network.cut(.reset, Self.place)
        case .serverVanishes: network.cut(.serverVanishes, Self.place)
        case .clientVanishes: network.cut(.clientVanishes, Self.place)
        case .partition:
            network.setPartitioned(true, Self.place)
            defer { network.setPartitioned(false, Self.place) }
            try await world.sleep(for: world.random.duration(in: .milliseconds(1)...(.seconds(5))))
        case .drain:
            network.drain(Self.place)
            try await world.sleep(for: world.random.duration(in: .zero...(.seconds(2))))
            try serve()
        case .abort:
            network.abort(Self.place)
            try await world.sleep(for: world.random.duration(in: .zero...(.seconds(2))))
            try serve()
        case .weather: network.setConditions(SwarmPlan.weather(world.random), of: Self.place)
        }
    }

    // MARK: Its end

    /// Whatever happened, once it is over every client can call again.
    private func recover(_ clients: [SimulatedClient]) async throws {
        world.network.setConditions(.calm, of: Self.place)
        world.network.setPartitioned(false, Self.place)
        try serve()
        guard let method = SwarmService.unary else { return }
        var options = CallOptions.timeout(.seconds(300))
        options.waitForReady = true
        for (number, client) in clients.enumerated() {
            var last: RPCError?
            for _ in 0..<3 {
                let id = books.callBegan()
                books.unaryBegan(number)
                do throws(RPCError) {
                    let order = SwarmOrder(id: id)
                    _ = try await client.unary(
                        UnaryRequest(method, message: order.message(padding: 0), options: options))
                    last = nil
                } catch {
                    last = error
                }
                books.unaryEnded(number)
                books.callEnded(id, last, at: world.now)
                if last == nil { break }
            }
            try expect(
                last == nil, "client \(number) cannot call when all is well: \(String(describing: last))")
        }
    }

    /// When nobody calls, both ends of each connection have the same books; when all is closed, nothing is left.
    private func rest(_ clients: [SimulatedClient]) async throws {
        await world.sleepStubbornly(for: .seconds(2))
        try checkQuiet()
        for client in clients { await client.close() }
        await world.sleepStubbornly(for: .seconds(1))
        world.network.abort(Self.place)
        await world.sleepStubbornly(for: .seconds(60))
        try expect(
            world.network.connectionsOpen == 0, "\(world.network.connectionsOpen) connections were left")
        try expect(world.network.serversHeld(Self.place) == 0, "a server holds connections that are closed")
        try expect(world.network.timersSet == 0, "\(world.network.timersSet) timers were left")
    }

    // MARK: What always holds

    private func checkStep(_ clients: [SimulatedClient]) throws {
        if let violation = books.violation { throw violation }
        for (number, client) in clients.enumerated() {
            let (held, underWay) = (client.client.callsHeld, books.callsUnderWay(number))
            if held != underWay {
                throw SwarmBooks.Violation(
                    description: "client \(number) holds \(held) calls, and \(underWay) have not ended")
            }
            if books.hasLateStream(number, now: world.now) {
                throw SwarmBooks.Violation(description: "a stream of client \(number) outlives its deadline")
            }
        }
        for (client, server) in world.network.books {
            try check(client, "client")
            try check(server, "server")
            if server.handlersRunning ?? 0 > plan.server.limits.callsRunningMax {
                throw SwarmBooks.Violation(description: "more handlers run than callsRunningMax: \(server)")
            }
        }
    }

    private func check(_ end: ConnectionBooks, _ name: String) throws {
        let holds =
            end.sendCredit >= 0 && end.streamSendCreditMin ?? 0 >= 0 && end.receiveCredit >= 0
            && end.creditDue >= 0 && end.receiveCredit + end.creditDue <= end.receiveWindow
            && end.assemblyBytes >= 0 && end.handlersRunning ?? 0 >= 0
            && end.handlersRunning ?? 0 <= end.callsOpen
        if !holds { throw SwarmBooks.Violation(description: "the \(name)'s books: \(end)") }
    }

    private func checkQuiet() throws {
        for (client, server) in world.network.quietBooks where client.callsOpen == 0 && server.callsOpen == 0
        {
            let text = "at rest: client \(client), server \(server)"
            try expect(client.receiveCredit + client.creditDue == client.receiveWindow, text)
            try expect(server.receiveCredit + server.creditDue == server.receiveWindow, text)
            try expect(client.assemblyBytes == 0 && server.assemblyBytes == 0, text)
            try expect(client.sendCredit == server.receiveCredit, text)
            try expect(server.sendCredit == client.receiveCredit, text)
        }
    }
}
