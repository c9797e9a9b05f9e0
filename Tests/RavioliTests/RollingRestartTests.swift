// SPDX-License-Identifier: Apache-2.0

// What is proven here: while every one of three replicas is stopped and started again, in turn and more than once, under
// load that never pauses, each call succeeds and its handler runs exactly once. There are two ways to call, and none
// guesses: a call is repeated only where the error says that it was not executed.

import Foundation
import Ravioli
import RavioliSchema
import RavioliWire
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(2)))
struct RollingRestartTests {
    private static let rounds = 3
    private static let callers = 6

    /// A caller that knows all replicas: what one did not execute, the next one does.
    @Test(arguments: [false, true])
    func aRollingRestartOfThreeReplicasLosesNoCall(overTCP: Bool) async throws {
        let effects = Effects()
        try await withReplicas(3, effects, overTCP: overTCP) { replicas in
            let clients = try replicas.map { try Client($0.address, options: .impatient) }
            let picking = PickingChannel(clients)
            try await load(Self.callers, effects, on: { _ in picking }, .defaults) {
                for _ in 0..<Self.rounds {
                    for replica in replicas { try await replica.restart() }
                }
            }
            for client in clients { await client.close() }
        }
        effects.expectEachOnce()
    }

    /// A caller that knows one replica only waits for it: its call is queued while there is nobody to send it to.
    @Test(arguments: [false, true])
    func callersOfOneReplicaWaitForItsReturnAndLoseNoCall(overTCP: Bool) async throws {
        let effects = Effects()
        try await withReplicas(3, effects, overTCP: overTCP) { replicas in
            let clients = try replicas.map { try Client($0.address, options: .impatient) }
            var options = CallOptions.timeout(.seconds(60))
            options.waitForReady = true
            try await load(Self.callers, effects, on: { clients[$0 % clients.count] }, options) {
                for _ in 0..<Self.rounds {
                    for replica in replicas { try await replica.restart() }
                }
            }
            for client in clients { await client.close() }
        }
        effects.expectEachOnce()
    }

    /// Connections that retire while calls run are replaced without anybody noticing.
    @Test func connectionsThatAgeLoseNoCall() async throws {
        let effects = Effects()
        var options = ServerOptions.defaults
        options.connectionAgeMax = .milliseconds(20)
        let service = Echoing(effects: effects, served: Gate())
        try await withServer([service], options: options) { _, address in
            try await withClient(address) { client in
                try await load(Self.callers, effects, on: { _ in client }, .timeout(.seconds(60))) {
                    while effects.connections < 20 { await Task.yield() }
                }
            }
        }
        effects.expectEachOnce()
    }

    @Test func aServerSaysThatItStopsBeforeAnybodyIsToldToLeave() async throws {
        let service = TestServer()
        let state = ServingState()
        let server = try Server([service], on: .unix(path: temporarySocketPath()), servingState: state)
        #expect(!state.isServing && server.servingState === state)
        let phases = Task { await state.phases.reduce(into: []) { $0.append($1) } }
        let address = try await server.start()
        #expect(state.isServing)
        let told = try await withClient(address) { client in
            async let running = TrialClient(client).hang(HangRequest(), options: .timeout(.seconds(50)))
            await service.started.wait()
            async let stopped: Void = server.stop()
            for await phase in state.phases where phase == .draining { break }
            // The call still runs: the server drains, and said so.
            #expect(state.phase == .draining && !state.isServing)
            service.release.open()
            _ = try await running
            await stopped
            return state.phase
        }
        #expect(told == .stopped)
        let seen = await phases.value
        #expect(seen.suffix(3) == [.serving, .draining, .stopped])
        let late = await state.phases.reduce(into: []) { $0.append($1) }
        #expect(late == [.stopped])
    }

    @Test func aServerThatCannotStartIsStopped() async throws {
        let server = try Server([TestServer()], on: .unix(path: "/nonexistent/ravioli.sock"))
        await #expect(throws: RuntimeError.self) { _ = try await server.start() }
        #expect(server.servingState.phase == .stopped)
    }

    // MARK: Replicas and load

    private func withReplicas(
        _ count: Int, _ effects: Effects, overTCP: Bool,
        _ body: ([Replica]) async throws -> Void
    ) async throws {
        var replicas: [Replica] = []
        for _ in 0..<count { replicas.append(try await Replica(effects, overTCP: overTCP)) }
        do { try await body(replicas) } catch { Issue.record(error) }
        for replica in replicas { await replica.stop() }
    }

    /// Calls without a pause from several tasks until `body` has returned. Every call must succeed.
    private func load(
        _ callers: Int, _ effects: Effects, on channel: @Sendable @escaping (Int) -> any Ravioli.Channel,
        _ options: CallOptions, while body: () async throws -> Void
    ) async throws {
        let over = Gate()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for caller in 0..<callers {
                let trial = TrialClient(channel(caller))
                group.addTask {
                    while !over.isOpen {
                        let id = effects.begin()
                        do {
                            try await trial.expectsEcho(of: id, options: options)
                        } catch {
                            // It goes on: who restarts the replicas waits for calls.
                            effects.lost(error)
                        }
                    }
                }
            }
            try await body()
            over.open()
            try await group.waitForAll()
        }
    }
}

/// What the handlers of all replicas did.
private final class Effects: Sendable {
    private struct State: Sendable {
        var begun: UInt64 = 0
        var executions: [UInt64: Int] = [:]
        var peers: Set<String> = []
        var losses: [String] = []
    }

    private let state = Mutex(State())

    /// Connections that calls came over; over TCP each has an address of its own.
    var connections: Int { state.withLock { $0.peers.count } }

    /// A new call's payload.
    func begin() -> [UInt8] {
        let id = state.withLock { state in
            state.begun += 1
            return state.begun
        }
        return withUnsafeBytes(of: id.bigEndian) { Array($0) }
    }

    func executed(_ payload: [UInt8], from peer: String) {
        let id = payload.reduce(0 as UInt64) { $0 << 8 | UInt64($1) }
        state.withLock { state in
            state.executions[id, default: 0] += 1
            state.peers.insert(peer)
        }
    }

    func lost(_ error: any Error) { state.withLock { $0.losses.append("\(error)") } }

    func expectEachOnce() {
        let (begun, executions, losses) = state.withLock { ($0.begun, $0.executions, $0.losses) }
        #expect(
            losses.isEmpty, "\(losses.count) of \(begun) calls were lost, the first: \(losses.first ?? "")")
        #expect(begun > 0 && executions.count == Int(begun))
        #expect(executions.values.allSatisfy { $0 == 1 })
    }
}

/// A server that can be stopped and started again where it was.
private final class Replica: Sendable {
    let address: Address
    private let effects: Effects
    private let current: Mutex<(Server, Gate)>

    init(_ effects: Effects, overTCP: Bool) async throws {
        self.effects = effects
        let first = try await Self.start(
            at: overTCP ? .tcp(host: "127.0.0.1", port: 0) : .unix(path: temporarySocketPath()), effects)
        address = try await first.0.boundAddress()
        current = Mutex(first)
    }

    private static func start(at address: Address, _ effects: Effects) async throws -> (Server, Gate) {
        let served = Gate()
        let service = Echoing(effects: effects, served: served)
        while true {
            let server = try Server([service], on: address)
            do throws(RuntimeError) {
                _ = try await server.start()
                return (server, served)
            } catch {
                // The system may have lent the port to another test's client meanwhile.
                guard error.code == .cannotBind, case .tcp = address else { throw error }
            }
            try Task.checkCancellation()
            await Task.yield()
        }
    }

    /// Stops as on SIGTERM, starts anew, and waits until the new server has been found.
    func restart() async throws {
        await stop()
        let next = try await Self.start(at: address, effects)
        current.withLock { $0 = next }
        await next.1.wait()
    }

    func stop() async {
        let (server, _) = current.withLock { $0 }
        await server.stop()
    }
}

/// Echoes, after having let others run, and notes what it did.
private struct Echoing: Service {
    let effects: Effects
    let served: Gate
    var descriptor: ServiceDescriptor { Trial.descriptor }
    var methods: [MethodHandler] {
        [
            .unary(Trial.echo) { request, context in
                effects.executed(request.payload, from: context.peer.address)
                for _ in 0..<3 { await Task.yield() }
                served.open()
                return EchoResponse(payload: request.payload)
            }
        ]
    }
}

/// Asks one replica after the other, and another one when a call was surely not executed.
private final class PickingChannel: Ravioli.Channel {
    private let clients: [Client]
    private let next = Atomic<Int>(0)

    init(_ clients: [Client]) { self.clients = clients }

    func unary(_ request: UnaryRequest) async throws(RPCError) -> UnaryResponse {
        let start = next.add(1, ordering: .relaxed).oldValue
        var last: RPCError?
        for offset in 0..<clients.count * 100 {
            do throws(RPCError) {
                return try await clients[(start + offset) % clients.count].unary(request)
            } catch {
                guard error.executed == .no, error.code == .unavailable else { throw error }
                last = error
            }
            await Task.yield()
        }
        throw last ?? RPCError(.unavailable, "no replica")
    }

    /// Streams are not repeated: each goes to the next replica.
    func stream(_ request: StreamRequest) -> any StreamCall {
        clients[next.add(1, ordering: .relaxed).oldValue % clients.count].stream(request)
    }
}
