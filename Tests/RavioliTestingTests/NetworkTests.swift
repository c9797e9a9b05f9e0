// SPDX-License-Identifier: Apache-2.0

import Ravioli
import Synchronization
import Testing

@testable import RavioliTesting

/// What each fault of the simulated network looks like to those who call through it.
@Suite(.timeLimit(.minutes(1)))
struct NetworkTests {
    private static let echo = "test.Echo/Echo"

    private func world(_ body: @escaping @Sendable (World) async throws -> Void) throws {
        try Simulation(seed: 11).run { simulation in
            let world = try World(simulation)
            try await body(world)
            await world.client.close()
            simulation.network.abort("echo")
        }
    }

    /// A server that answers after a while, and a client of it.
    struct World: Sendable {
        let simulation: Simulation
        let client: SimulatedClient
        private let service: BareService

        init(_ simulation: Simulation) throws {
            self.simulation = simulation
            guard let name = MethodName(NetworkTests.echo) else { throw CancellationError() }
            service = try BareService(
                "test.Echo",
                methods: [
                    .unaryBytes(name) { request, _ in
                        try await simulation.sleep(for: .milliseconds(Int(request.first ?? 0)))
                        return request
                    }
                ])
            try simulation.network.serve([service], at: "echo")
            client = try simulation.network.client(of: "echo")
        }

        func serveAgain() throws { try simulation.network.serve([service], at: "echo") }

        func call(milliseconds: UInt8 = 0, timeout: Duration = .seconds(15)) async -> RPCError? {
            guard let name = MethodName(NetworkTests.echo) else { return nil }
            do throws(RPCError) {
                _ = try await client.unary(
                    UnaryRequest(name, message: [milliseconds], options: .timeout(timeout)))
                return nil
            } catch {
                return error
            }
        }

        /// How long something takes in the simulation.
        func time(_ body: () async -> Void) async -> Duration {
            let began = simulation.now
            await body()
            return simulation.now - began
        }
    }

    @Test func latencyIsPaidEachWay() throws {
        try world { world in
            var conditions = SimulatedNetwork.Conditions.calm
            conditions.latency = .milliseconds(100)...(.milliseconds(100))
            world.simulation.network.setConditions(conditions, of: "echo")
            // To connect, to greet, to call.
            #expect(await world.time { _ = await world.call() } == .milliseconds(600))
            #expect(await world.time { _ = await world.call() } == .milliseconds(200))
        }
    }

    @Test func aPartitionIsFeltAtTheDeadlineAndHeals() throws {
        try world { world in
            #expect(await world.call() == nil)
            world.simulation.network.setPartitioned(true, "echo")
            let time = await world.time {
                #expect(await world.call(timeout: .seconds(2))?.code == .deadlineExceeded)
            }
            #expect(time >= .seconds(2) && time <= .milliseconds(2002))
            world.simulation.network.setPartitioned(false, "echo")
            #expect(await world.call() == nil)
        }
    }

    @Test func aServerThatVanishesIsFoundByKeepalive() throws {
        try world { world in
            #expect(await world.call() == nil)
            world.simulation.network.cut(.serverVanishes, "echo")
            let time = await world.time {
                let error = await world.call(timeout: .seconds(1000))
                #expect(error?.code == .unavailable && error?.executed == .maybe)
            }
            #expect(time >= .seconds(20) && time < .seconds(60))
        }
    }

    @Test func aResetEndsRunningCalls() throws {
        try world { world in
            #expect(await world.call() == nil)
            async let ended = world.call(milliseconds: 200)
            try await world.simulation.sleep(for: .milliseconds(50))
            world.simulation.network.cut(.reset, "echo")
            let error = await ended
            #expect(error?.code == .unavailable && error?.executed == .maybe)
            #expect(await world.call() == nil)
        }
    }

    @Test func aDrainFinishesWhatRuns() throws {
        try world { world in
            async let ended = world.call(milliseconds: 200)
            try await world.simulation.sleep(for: .milliseconds(50))
            world.simulation.network.drain("echo")
            try world.serveAgain()
            #expect(await world.call() == nil)
            #expect(await ended == nil)
        }
    }

    @Test func bytesThatDribbleMakeWholeCalls() throws {
        try world { world in
            var conditions = SimulatedNetwork.Conditions.calm
            conditions.dribblesPerMillion = 1_000_000
            world.simulation.network.setConditions(conditions, of: "echo")
            for _ in 0..<20 { #expect(await world.call() == nil) }
        }
    }

    /// Who comes first of those that come at the same time.
    private func arrivals(
        seed: UInt64, _ body: @escaping @Sendable (Simulation, Arrivals) async throws -> Void
    )
        throws -> [Int]
    {
        let arrivals = Arrivals()
        try Simulation(seed: seed).run { try await body($0, arrivals) }
        return arrivals.all
    }

    private final class Arrivals: Sendable {
        private let state = Mutex<[Int]>([])
        var all: [Int] { state.withLock { $0 } }
        func add(_ number: Int) { state.withLock { $0.append(number) } }
    }

    @Test func connectionsOvertakeEachOtherAtTheSameTimeAsTheSeedSays() throws {
        let orders = try (1...20 as ClosedRange<UInt64>).map { seed in
            let course: @Sendable (Simulation, Arrivals) async throws -> Void = { simulation, arrivals in
                let name = try #require(MethodName(NetworkTests.echo))
                let service = try BareService(
                    "test.Echo",
                    methods: [
                        .unaryBytes(name) { request, _ in
                            arrivals.add(Int(request.first ?? 0))
                            return request
                        }
                    ])
                try simulation.network.serve([service], at: "echo")
                await withTaskGroup(of: Void.self) { group in
                    for number in [0, 1] {
                        group.addTask {
                            guard let client = try? simulation.network.client(of: "echo") else { return }
                            for index in [0, 2, 4] {
                                let bytes = [UInt8(number + index)]
                                _ = try? await client.unary(UnaryRequest(name, message: bytes))
                            }
                            await client.close()
                        }
                    }
                }
            }
            let order = try arrivals(seed: seed, course)
            #expect(try arrivals(seed: seed, course) == order, "a seed gives the same order each time")
            // Each connection keeps its own.
            for number in [0, 1] {
                #expect(order.filter { $0 % 2 == number } == [0, 2, 4].map { $0 + number })
            }
            return order
        }
        #expect(Set(orders).count >= 4, "\(orders)")
    }

    @Test func sleepersWakeAtTheSameTimeAsTheSeedSays() throws {
        let orders = try (1...20 as ClosedRange<UInt64>).map { seed in
            try arrivals(seed: seed) { simulation, arrivals in
                await withTaskGroup(of: Void.self) { group in
                    for number in 0...2 {
                        group.addTask {
                            try? await simulation.sleep(for: .seconds(number == 2 ? 2 : 1))
                            arrivals.add(number)
                        }
                    }
                }
            }
        }
        #expect(Set(orders) == [[0, 1, 2], [1, 0, 2]])
    }

    @Test func whatIsHandedToTheLoopKeepsItsOrder() {
        for seed in 1...20 {
            let loop = SimulatedLoop(start: 0, seed: UInt64(seed))
            let arrivals = Arrivals()
            for number in 0..<10 { loop.execute { arrivals.add(number) } }
            loop.driven { while loop.step(until: 1, moved: { _ in }) {} }
            #expect(arrivals.all == Array(0..<10))
        }
    }

    @Test func aWaitThatNobodyEndsIsNoticed() {
        #expect(throws: Simulation.Failure.self) {
            try Simulation(seed: 1).run { _ in
                let never = ManualClock()
                try await never.sleep(for: .seconds(1))
            }
        }
    }

    @Test func aCheckThatFailsNamesTheSeed() throws {
        let simulation = Simulation(seed: 77)
        simulation.check { if simulation.now > .seconds(1) { throw CancellationError() } }
        let failure = #expect(throws: Simulation.Failure.self) {
            try simulation.run { world in try await world.sleep(for: .seconds(2)) }
        }
        #expect(failure?.description.contains("seed 77") == true)
    }
}
