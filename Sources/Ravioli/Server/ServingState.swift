// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Whether a server takes calls, for whoever has to say so: a health service, a readiness probe.
///
/// Make it before the server, and give it to both the watcher and the server. A server that stops changes it before any
/// client is told to leave, so that a probe never sees a server that refuses calls and claims to serve. Any thread may
/// ask at any time.
public final class ServingState: Sendable {
    /// Where a server is between its making and its end.
    public enum Phase: Sendable, Hashable {
        /// It does not listen yet.
        case starting
        /// It takes calls.
        case serving
        /// It finishes the calls that run and takes no others.
        case draining
        /// It has stopped, or could not start.
        case stopped
    }

    private struct State: Sendable {
        var phase = Phase.starting
        var watchers: [UInt64: AsyncStream<Phase>.Continuation] = [:]
        var watchersMade: UInt64 = 0
    }

    private let state = Mutex(State())

    /// The state of a server that has not started.
    public init() {}

    /// Where the server is.
    public var phase: Phase { state.withLock { $0.phase } }

    /// Whether the server takes calls.
    public var isServing: Bool { phase == .serving }

    /// The present phase, then each change, and the end after ``Phase/stopped``. A reader that is slow misses none.
    public var phases: AsyncStream<Phase> {
        let (stream, continuation) = AsyncStream.makeStream(of: Phase.self)
        let (phase, id) = state.withLock { state in
            continuation.yield(state.phase)
            state.watchersMade += 1
            if state.phase != .stopped { state.watchers[state.watchersMade] = continuation }
            return (state.phase, state.watchersMade)
        }
        if phase == .stopped { continuation.finish() }
        continuation.onTermination = { [weak self] _ in self?.forget(id) }
        return stream
    }

    private func forget(_ id: UInt64) {
        // Let go of outside the lock.
        _ = state.withLock { $0.watchers.removeValue(forKey: id) }
    }

    /// Takes effect before it returns. Phases only go forward.
    func move(to phase: Phase) {
        let ended = state.withLock { state -> [AsyncStream<Phase>.Continuation] in
            guard phase.order > state.phase.order else { return [] }
            state.phase = phase
            for watcher in state.watchers.values { watcher.yield(phase) }
            guard phase == .stopped else { return [] }
            defer { state.watchers = [:] }
            return Array(state.watchers.values)
        }
        // Not under the lock: the end of a stream comes back to `forget`.
        for watcher in ended { watcher.finish() }
    }
}

extension ServingState.Phase {
    fileprivate var order: Int {
        switch self {
        case .starting: 0
        case .serving: 1
        case .draining: 2
        case .stopped: 3
        }
    }
}
