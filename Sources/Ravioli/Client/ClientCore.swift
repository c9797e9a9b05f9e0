// SPDX-License-Identifier: Apache-2.0

// The life of a client on its loop: no connection until the first call, one connection while it lasts, another with the
// next call after a loss. Failed attempts are paced: during the pause a call fails at once with the last cause, or
// waits for the next attempt when it asked to. Loop only.

import Logging
import NIOCore
import RavioliWire

/// Makes connections. Loop only.
protocol Connector: Sendable {
    /// What is connected to, for errors and logs.
    var target: String { get }
    /// Connects `connection`; reports failure on the loop. Success is the connection's own `connected(peer:)`.
    func connect(_ connection: ClientConnection, timeout: Duration, failed: @escaping (any Error) -> Void)
}

/// A client on its loop. Loop only.
final class ClientCore: ClientConnectionObserver, TimerOwner {
    private enum State {
        case idle
        case pausing(until: Int64, cause: String)
        case connecting(ClientConnection)
        case ready(ClientConnection)
        case closed
    }

    private let context: LoopContext
    private var options: ClientOptions
    private let connector: any Connector
    private let logger: Logger
    private var state = State.idle
    private var queue = CallQueue()
    private var leaving: [ClientConnection] = []
    private var failures = 0
    /// From 0 to 1, for the jitter of pauses.
    var random: () -> Double
    private var pauseTimer = TimerID.none

    init(_ context: LoopContext, options: ClientOptions, connector: any Connector, logger: Logger) {
        self.context = context
        random = context.random
        self.options = options
        self.connector = connector
        self.logger = logger
    }

    // MARK: Calls

    /// A caller's task wants its call run; the continuation is resumed exactly once.
    func submit(_ call: ClientCall, _ continuation: UnsafeContinuation<CallResult, Never>) {
        submit(PendingCall(call, continuation))
    }

    /// A caller opens a call with streams.
    func submit(_ stream: ClientStreamState) { submit(PendingCall(stream)) }

    private func submit(_ pending: PendingCall) {
        var pending = pending
        let call = pending.call
        if let refusal = refusal(of: call) {
            pending.resume(.failure(refusal))
            return
        }
        if call.request.deadline != .never {
            pending.timer = context.setTimer(
                at: call.request.deadline.uptimeNanoseconds, LoopTimer(owner: self, subject: call, key: 0))
        }
        if case .ready(let connection) = state, queue.isEmpty, connection.hasPlace {
            connection.open(pending)
        } else {
            queue.append(pending)
            if case .idle = state { connect() }
        }
    }

    private func refusal(of call: ClientCall) -> RPCError? {
        if call.isCancelled {
            return RPCError(
                call: .cancelled, "the caller was cancelled before the call was sent", executed: .no)
        }
        if call.request.deadline.uptimeNanoseconds <= context.now {
            return timeUp(call, .queued)
        }
        switch state {
        case .closed: return RPCError(call: .unavailable, "the client is closed", executed: .no)
        case .pausing(_, let cause) where !call.request.waitForReady: return unreachable(cause)
        default: break
        }
        guard queue.count < options.callsQueuedMax else {
            return RPCError(
                call: .resourceExhausted, "over callsQueuedMax = \(options.callsQueuedMax) waiting calls",
                executed: .no)
        }
        return nil
    }

    /// A caller's task was cancelled.
    func cancel(_ call: ClientCall) {
        switch call.place {
        case .nowhere: break
        case .queued(let ticket):
            endQueued(
                ticket, RPCError(call: .cancelled, "the caller was cancelled while queued", executed: .no))
        case .open(let slot): connection(of: call, slot)?.cancel(slot)
        }
    }

    /// A stream has messages to send. One that waits for its connection sends them when it is open.
    func outputWanted(_ call: ClientCall) {
        if case .open(let slot) = call.place { connection(of: call, slot)?.outputWanted(slot) }
    }

    /// Responses of a stream have been read.
    func responsesRead(_ call: ClientCall, _ cost: MessageCost) {
        if case .open(let slot) = call.place { connection(of: call, slot)?.responsesRead(slot, cost) }
    }

    func timerFired(_ timer: LoopTimer) {
        guard let call = timer.subject as? ClientCall else {
            pauseTimer = .none
            pauseEnded()
            return
        }
        switch call.place {
        case .nowhere: break
        case .queued(let ticket):
            let phase: DeadlineReport.Phase = if case .ready = state { .queued } else { .connecting }
            endQueued(ticket, timeUp(call, phase))
        case .open(let slot): connection(of: call, slot)?.deadlinePassed(slot)
        }
    }

    private func timeUp(_ call: ClientCall, _ phase: DeadlineReport.Phase) -> RPCError {
        let method = call.request.method.fullName
        return .timeUp(
            call: DeadlineReport(phase: phase, hop: connector.target, method: method), executed: .no)
    }

    /// The connection a call is open on: the present one, or one that is being left.
    private func connection(of call: ClientCall, _ slot: CallSlot) -> ClientConnection? {
        if case .ready(let connection) = state, connection.holds(call, slot) { return connection }
        return leaving.first { $0.holds(call, slot) }
    }

    private func endQueued(_ ticket: Int, _ error: RPCError) {
        guard let pending = queue.remove(ticket: ticket) else { return }
        end(pending, error)
    }

    private func end(_ pending: PendingCall, _ error: RPCError) {
        context.cancelTimer(pending.timer)
        pending.call.place = .nowhere
        pending.resume(.failure(error))
    }

    // MARK: Connecting

    private func connect() {
        let connection = ClientConnection(context, options: options, target: connector.target)
        connection.observer = self
        state = .connecting(connection)
        connector.connect(connection, timeout: options.connectTimeout) { [target = connector.target] error in
            connection.close("cannot connect to \(target): \(error)")
        }
    }

    func connectionHasPlace(_ connection: ClientConnection) {
        switch state {
        case .connecting(let current) where current === connection: state = .ready(connection)
        case .ready(let current) where current === connection:
            if connection.hasServed { failures = 0 }
        default: return
        }
        fill(connection)
    }

    private func fill(_ connection: ClientConnection) {
        while connection.hasPlace, let next = queue.popFirst() { connection.open(next) }
        // The id space of a connection is finite: the next call begins another one.
        if !connection.takesCalls {
            connectionLeaves(connection, reason: "its call ids are used up", unaccepted: [])
        }
    }

    func connectionLeaves(_ connection: ClientConnection, reason: String, unaccepted: [PendingCall]) {
        let refusal = RPCError(
            call: .unavailable, "the server did not accept the call: \(reason)", executed: .no)
        for pending in unaccepted { runElsewhere(pending, refusal) }
        if case .ready(let current) = state, current === connection {
            leaving.append(connection)
            state = .idle
        }
        // Where no call is open, the connection closes now; if it has not served, that begins a pause.
        connection.leaveBegan()
        proceed()
    }

    func connectionRefused(_ connection: ClientConnection, _ pending: PendingCall, _ error: RPCError) {
        runElsewhere(pending, error)
        if case .ready(let current) = state, current === connection { return }
        proceed()
    }

    func connectionPingedTooOften(_ connection: ClientConnection) {
        guard let interval = options.keepalive.interval else { return }
        options.keepalive.interval = min(interval * 2, max(interval, .seconds(7200)))
        logger.notice(
            "the server allows fewer keepalive pings",
            metadata: [
                "target": "\(connector.target)", "interval": "\(options.keepalive.interval ?? interval)",
            ])
    }

    /// A call that surely was not executed goes out again, by itself, once. ``proceed()`` sends it.
    private func runElsewhere(_ pending: PendingCall, _ error: RPCError) {
        let isClosed = if case .closed = state { true } else { false }
        // Requests of a stream that have been sent are gone; only its caller has them.
        let isRepeatable = !pending.wasUnaccepted && !pending.call.streamsRequests
        guard isRepeatable, !isClosed, queue.count < options.callsQueuedMax else {
            end(pending, error)
            return
        }
        var pending = pending
        pending.wasUnaccepted = true
        queue.append(pending)
    }

    /// Sends what waits, or does what it waits for.
    private func proceed() {
        switch state {
        case .idle: if !queue.isEmpty { connect() }
        case .ready(let connection): fill(connection)
        case .pausing(_, let cause): failFast(cause)
        case .connecting, .closed: break
        }
    }

    func connectionClosed(_ connection: ClientConnection, cause: String, unsent: [PendingCall]) {
        for pending in unsent {
            runElsewhere(pending, RPCError(call: .unavailable, cause, executed: .no))
        }
        let wasLeft = leaving.contains { $0 === connection }
        leaving.removeAll { $0 === connection }
        switch state {
        case .connecting(let current) where current === connection: pause(cause)
        case .ready(let current) where current === connection:
            state = .idle
            if !connection.hasServed { pause(cause) }
        case .idle where wasLeft && !connection.hasServed: pause("the server left without serving: \(cause)")
        default: break
        }
        proceed()
    }

    private func pause(_ cause: String) {
        failures += 1
        let pause = options.backoff.pause(failures: failures, random: random())
        let until = Deadline(now: context.now, after: pause).uptimeNanoseconds
        logger.debug("not connected", metadata: ["target": "\(connector.target)", "cause": "\(cause)"])
        state = .pausing(until: until, cause: cause)
        pauseTimer = context.setTimer(at: until, LoopTimer(owner: self, subject: nil, key: 0))
        failFast(cause)
    }

    private func failFast(_ cause: String) {
        for pending in queue.removeAll(where: { !$0.request.waitForReady }) {
            end(pending, unreachable(cause))
        }
    }

    private func pauseEnded() {
        guard case .pausing = state else { return }
        state = .idle
        proceed()
    }

    private func unreachable(_ cause: String) -> RPCError {
        RPCError(call: .unavailable, cause, executed: .no)
    }

    /// Calls whose callers wait for an end.
    var callsHeld: Int {
        var held = queue.count
        switch state {
        case .connecting(let connection), .ready(let connection): held += connection.callsHeld
        case .idle, .pausing, .closed: break
        }
        for connection in leaving { held += connection.callsHeld }
        return held
    }

    // MARK: Closing

    /// Ends every call and closes the connection; no call runs afterwards.
    func close() {
        if case .closed = state { return }
        let last = state
        state = .closed
        context.cancelTimer(pauseTimer)
        let reason = "the client was closed"
        for pending in queue.removeAll(where: { _ in true }) {
            end(pending, RPCError(call: .unavailable, reason, executed: .no))
        }
        switch last {
        case .connecting(let connection), .ready(let connection): connection.close(reason)
        case .idle, .pausing, .closed: break
        }
        for connection in leaving { connection.close(reason) }
        leaving = []
    }
}
