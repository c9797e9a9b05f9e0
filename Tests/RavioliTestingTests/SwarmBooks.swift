// SPDX-License-Identifier: Apache-2.0

import Ravioli
import Synchronization

/// What has happened to the calls of a swarm, and what must never happen.
final class SwarmBooks: Sendable {
    /// A rule that was broken.
    struct Violation: Error, CustomStringConvertible { let description: String }

    private struct Client {
        var unaryCallsWaiting = 0
        var streams: [(call: any StreamCall, end: Duration)] = []
    }

    private struct State {
        var executions: [UInt8] = []
        var cannotRun: Set<Int> = []
        var callsBegun = 0
        var handlersRunning = 0
        var interceptorsRunning = 0
        var faultsStruck = 0
        var clients: [Client] = []
        var callsEnded = 0
        var callsSucceeded = 0
        var digest: UInt64 = 0xCBF2_9CE4_8422_2325
        var violation: Violation?

        mutating func fail(_ text: String) { violation = violation ?? Violation(description: text) }

        /// What happened, and in which order: two runs of a seed must agree.
        mutating func note(_ value: UInt64) { digest = (digest ^ value) &* 0x100_0000_01B3 }
    }

    private let state = Mutex(State())
    private let callsMax: Int

    /// - Parameter callsMax: what callers make together.
    init(clients: Int, callsMax: Int) {
        self.callsMax = callsMax
        state.withLock { $0.clients = Array(repeating: Client(), count: clients) }
    }

    /// Calls of the callers that have begun.
    var callsBegun: Int { state.withLock { $0.callsBegun } }
    /// All calls that have begun, those that only see whether a client has recovered included.
    var callsStarted: Int { state.withLock { $0.executions.count } }
    var callsEnded: Int { state.withLock { $0.callsEnded } }
    var callsSucceeded: Int { state.withLock { $0.callsSucceeded } }
    var handlersRunning: Int { state.withLock { $0.handlersRunning } }
    var interceptorsRunning: Int { state.withLock { $0.interceptorsRunning } }
    var faultsStruck: Int { state.withLock { $0.faultsStruck } }
    var digest: UInt64 { state.withLock { $0.digest } }
    var violation: Violation? { state.withLock { $0.violation } }

    /// Calls of a client that have begun and not ended, and whether a stream goes on after it must have ended.
    func callsUnderWay(_ client: Int, now: Duration) -> (count: Int, hasLateStream: Bool) {
        state.withLock { state in
            var count = state.clients[client].unaryCallsWaiting
            var hasLateStream = false
            for stream in state.clients[client].streams where !stream.call.hasEnded {
                count += 1
                if stream.end < now { hasLateStream = true }
            }
            return (count, hasLateStream)
        }
    }

    func violated(_ text: String) {
        state.withLock { $0.fail(text) }
    }

    /// A fault is about to strike; returns how many did before.
    func faultBegan() -> Int {
        state.withLock { state in
            defer { state.faultsStruck += 1 }
            return state.faultsStruck
        }
    }

    // MARK: Callers

    /// The number of a caller's next call; nil when all have begun.
    func nextCall() -> Int? {
        state.withLock { state in
            guard state.callsBegun < callsMax else { return nil }
            state.callsBegun += 1
            state.executions.append(0)
            return state.executions.count - 1
        }
    }

    /// The number of a call beyond those of the callers.
    func extraCall() -> Int {
        state.withLock { state in
            state.executions.append(0)
            return state.executions.count - 1
        }
    }

    func unaryBegan(_ client: Int) { state.withLock { $0.clients[client].unaryCallsWaiting += 1 } }
    func unaryEnded(_ client: Int) { state.withLock { $0.clients[client].unaryCallsWaiting -= 1 } }

    /// A stream was opened that must have ended at a time.
    func streamBegan(_ client: Int, _ call: any StreamCall, end: Duration) {
        state.withLock { $0.clients[client].streams.append((call, end)) }
    }

    func streamEnded(_ client: Int, _ call: any StreamCall) {
        state.withLock { state in state.clients[client].streams.removeAll { $0.call === call } }
    }

    /// A call has ended for its caller.
    func callEnded(_ id: Int, _ error: RPCError?, at now: Duration) {
        state.withLock { state in
            state.callsEnded += 1
            let executions = state.executions[id]
            state.note(UInt64(id))
            state.note(UInt64(error?.code.rawValue ?? 0))
            state.note(UInt64(now.components.attoseconds / 1_000_000_000))
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
            guard id >= 0, id < state.executions.count else {
                return state.fail("call \(id) was never made")
            }
            state.executions[id] &+= 1
            if state.executions[id] > 1 { state.fail("call \(id) ran twice") }
            if state.cannotRun.contains(id) {
                state.fail("call \(id) runs after its caller was told it did not")
            }
        }
    }

    func handlerEnded() { state.withLock { $0.handlersRunning -= 1 } }
    func interceptorBegan() { state.withLock { $0.interceptorsRunning += 1 } }
    func interceptorEnded() { state.withLock { $0.interceptorsRunning -= 1 } }
}
