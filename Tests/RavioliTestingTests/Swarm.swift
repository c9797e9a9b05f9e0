// SPDX-License-Identifier: Apache-2.0

// Clients that call without end, servers that come and go, and a network that does what networks do, all decided by one
// seed. Which faults occur at all differs from seed to seed, for faults that occur together hide each other.

import Ravioli
import RavioliTesting
import RavioliWire
import Synchronization

/// What a seed decides before anything happens.
struct SwarmPlan {
    var server = ServerOptions.defaults
    var client = ClientOptions.defaults
    var conditions = SimulatedNetwork.Conditions.calm
    var clients: Int
    var callers: Int
    var faults: [Fault]
    var faultPause: ClosedRange<Duration>
    var messageBytesMax: Int

    enum Fault: CaseIterable { case reset, serverVanishes, clientVanishes, partition, drain, abort, weather }

    init(_ random: SeededRandom) {
        clients = random.int(in: 1...3)
        callers = random.int(in: 1...8)
        faults = Fault.allCases.filter { _ in random.happens(perMillion: 400_000) }
        faultPause =
            .milliseconds(1)...(random.happens(perMillion: 500_000) ? .milliseconds(200) : .seconds(10))
        messageBytesMax = random.happens(perMillion: 700_000) ? 300 : 20_000
        server.limits = Self.limits(random)
        client.limits = Self.limits(random)
        server.connectionAgeMax = random.happens(perMillion: 300_000) ? .seconds(2) : .seconds(1800)
        server.connectionAgeGrace = .seconds(1)
        client.idleTimeout = random.happens(perMillion: 300_000) ? .milliseconds(500) : .seconds(1800)
        client.callsQueuedMax = random.happens(perMillion: 200_000) ? 2 : 1000
        if random.happens(perMillion: 500_000) {
            client.backoff = .init(initial: .milliseconds(10), max: .milliseconds(500))
        }
        conditions = Self.weather(random)
    }

    static func weather(_ random: SeededRandom) -> SimulatedNetwork.Conditions {
        var conditions = SimulatedNetwork.Conditions.calm
        let most = Duration.microseconds(random.int(in: 10...50_000))
        conditions.latency = .microseconds(random.int(in: 1...10))...most
        if random.happens(perMillion: 400_000) { conditions.dribblesPerMillion = random.int(in: 0...200_000) }
        if random.happens(perMillion: 300_000) { conditions.lossesPerMillion = random.int(in: 0...20_000) }
        if random.happens(perMillion: 300_000) { conditions.refusalsPerMillion = 300_000 }
        if random.happens(perMillion: 300_000) { conditions.bufferBytes = 2_000 }
        return conditions
    }

    private static func limits(_ random: SeededRandom) -> WireLimits {
        var limits = WireLimits.defaults
        guard random.happens(perMillion: 700_000) else { return limits }
        limits.metadataBytesMax = 256
        limits.statusBytesMax = 256
        limits.textBytesMax = 256
        limits.frameBytesMax = random.int(in: 1024...4096)
        limits.helloBytesMax = 1024
        limits.streamCreditBytes = limits.frameBytesMax + random.int(in: 0...4096)
        limits.connectionCreditBytes = limits.streamCreditBytes + random.int(in: 0...8192)
        limits.callsRunningMax = random.int(in: 1...10)
        limits.callsQueuedMax = random.int(in: 0...4)
        limits.assemblyBytesMax = limits.messageBytesMax + random.int(in: 0...10_000)
        return limits
    }
}

/// What has happened to the calls of a swarm, and what must never happen.
final class SwarmBooks: Sendable {
    struct Violation: Error, CustomStringConvertible { let description: String }

    private struct State {
        var executions: [UInt8] = []
        var cannotRun: Set<Int> = []
        var handlersRunning = 0
        var callsWaiting: [Int] = []
        var streams: [[(call: any StreamCall, end: Duration)]] = []
        var callsEnded = 0
        var callsSucceeded = 0
        var digest: UInt64 = 0xCBF2_9CE4_8422_2325
        var violation: Violation?

        mutating func fail(_ text: String) { violation = violation ?? Violation(description: text) }
    }

    private let state = Mutex(State())

    init(clients: Int) {
        state.withLock { state in
            state.callsWaiting = Array(repeating: 0, count: clients)
            state.streams = Array(repeating: [], count: clients)
        }
    }

    var callsStarted: Int { state.withLock { $0.executions.count } }
    var callsEnded: Int { state.withLock { $0.callsEnded } }
    var callsSucceeded: Int { state.withLock { $0.callsSucceeded } }
    var handlersRunning: Int { state.withLock { $0.handlersRunning } }
    var digest: UInt64 { state.withLock { $0.digest } }
    var violation: Violation? { state.withLock { $0.violation } }

    /// Calls of a client that have begun and not ended.
    func callsUnderWay(_ client: Int) -> Int {
        state.withLock { $0.callsWaiting[client] + $0.streams[client].count { !$0.call.hasEnded } }
    }

    /// Whether a stream of a client goes on after it must have ended.
    func hasLateStream(_ client: Int, now: Duration) -> Bool {
        state.withLock { $0.streams[client].contains { $0.end < now && !$0.call.hasEnded } }
    }

    func violated(_ text: String) {
        state.withLock { $0.fail(text) }
    }

    // MARK: Callers

    func callBegan() -> Int {
        state.withLock { state in
            state.executions.append(0)
            return state.executions.count - 1
        }
    }

    func unaryBegan(_ client: Int) { state.withLock { $0.callsWaiting[client] += 1 } }
    func unaryEnded(_ client: Int) { state.withLock { $0.callsWaiting[client] -= 1 } }
    /// A stream was opened that must have ended at a time.
    func streamBegan(_ client: Int, _ call: any StreamCall, end: Duration) {
        state.withLock { $0.streams[client].append((call, end)) }
    }
    func streamEnded(_ client: Int, _ call: any StreamCall) {
        state.withLock { state in state.streams[client].removeAll { $0.call === call } }
    }

    /// A call has ended for its caller.
    func callEnded(_ id: Int, _ error: RPCError?, at now: Duration) {
        state.withLock { state in
            state.callsEnded += 1
            let executions = state.executions[id]
            let code = error?.code.rawValue ?? 0
            for value in [UInt64(id), UInt64(code), UInt64(now.components.attoseconds / 1_000_000_000)] {
                state.digest = (state.digest ^ value) &* 0x100_0000_01B3
            }
            guard let error else {
                state.callsSucceeded += 1
                if executions != 1 { state.fail("call \(id) succeeded and ran \(executions) times") }
                return
            }
            switch error.executed {
            case .no:
                state.cannotRun.insert(id)
                if executions != 0 {
                    state.fail("call \(id) ran, and its caller was told it did not: \(error)")
                }
            case .yes:
                if executions != 1 { state.fail("call \(id) ran \(executions) times: \(error)") }
            default: break
            }
        }
    }

    // MARK: Handlers

    func handlerBegan(_ id: Int) {
        state.withLock { state in
            state.handlersRunning += 1
            guard state.executions.indices.contains(id) else {
                return state.fail("call \(id) was never made")
            }
            state.executions[id] += 1
            if state.executions[id] > 1 { state.fail("call \(id) ran twice") }
            if state.cannotRun.contains(id) {
                state.fail("call \(id) runs after its caller was told it did not")
            }
        }
    }

    func handlerEnded() { state.withLock { $0.handlersRunning -= 1 } }
}
