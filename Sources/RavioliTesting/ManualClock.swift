// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// A clock that moves only when a test says so: for code that takes an `any Clock<Duration>`.
///
/// ```swift
/// let clock = ManualClock()
/// async let answer = poll(every: .seconds(30), clock: clock)
/// await clock.sleepers(atLeast: 1)
/// clock.advance(by: .seconds(30))
/// ```
public final class ManualClock: Clock {
    /// A moment, as the time since the clock was made.
    public struct Instant: InstantProtocol {
        /// Since the clock was made.
        public var offset: Duration

        /// A moment by its distance from the clock's first.
        public init(offset: Duration) { self.offset = offset }

        /// The moment that lies `duration` ahead.
        public func advanced(by duration: Duration) -> Instant { Instant(offset: offset + duration) }
        /// The time from this moment to another.
        public func duration(to other: Instant) -> Duration { other.offset - offset }
        /// Whether `a` is the earlier.
        public static func < (a: Instant, b: Instant) -> Bool { a.offset < b.offset }
    }

    private struct Sleeper {
        let id: Int
        let deadline: Instant
        let continuation: UnsafeContinuation<Bool, Never>
    }

    private struct State {
        var now = Instant(offset: .zero)
        var sleepers: [Sleeper] = []
        var made = 0
        var watchers: [(count: Int, continuation: UnsafeContinuation<Void, Never>)] = []
    }

    private let state = Mutex(State())
    /// Told when somebody begins to sleep: until when, and how to wake him.
    private let sleepBegan: (@Sendable (Instant, _ wake: @escaping @Sendable () -> Void) -> Void)?

    /// A clock at its first moment.
    public init() { sleepBegan = nil }

    /// A clock whose sleepers are woken one by one by whoever moves it.
    init(sleepBegan: @escaping @Sendable (Instant, _ wake: @escaping @Sendable () -> Void) -> Void) {
        self.sleepBegan = sleepBegan
    }

    /// The time as it stands.
    public var now: Instant { state.withLock { $0.now } }

    /// A nanosecond.
    public var minimumResolution: Duration { .nanoseconds(1) }

    /// Moves the time, and wakes who slept until then, in the order of their deadlines.
    public func advance(by duration: Duration) { advance(to: now.advanced(by: duration)) }

    /// Moves the time to a moment; without effect when that has passed.
    public func advance(to moment: Instant) {
        let woken = state.withLock { state -> [Sleeper] in
            guard moment > state.now else { return [] }
            state.now = moment
            if state.sleepers.isEmpty || sleepBegan != nil { return [] }
            let due = state.sleepers.filter { $0.deadline <= moment }
            state.sleepers.removeAll { $0.deadline <= moment }
            return due.sorted { ($0.deadline, $0.id) < ($1.deadline, $1.id) }
        }
        for sleeper in woken { sleeper.continuation.resume(returning: true) }
    }

    /// Waits until this many tasks sleep, so that a test moves the time when that has an effect.
    public func sleepers(atLeast count: Int) async {
        await withUnsafeContinuation { continuation in
            let isMet = state.withLock { state in
                if state.sleepers.count < count { state.watchers.append((count, continuation)) }
                return state.sleepers.count >= count
            }
            if isMet { continuation.resume() }
        }
    }

    /// Sleeps until the clock was moved to the deadline.
    ///
    /// - Throws: `CancellationError` when the task is cancelled.
    public func sleep(until deadline: Instant, tolerance: Duration? = nil) async throws {
        let id = state.withLock { state in
            state.made += 1
            return state.made
        }
        let isDue = await withTaskCancellationHandler {
            await withUnsafeContinuation { fallAsleep(id, deadline, $0) }
        } onCancel: {
            wake(id, isDue: false)
        }
        if !isDue { throw CancellationError() }
    }

    private func fallAsleep(_ id: Int, _ deadline: Instant, _ continuation: UnsafeContinuation<Bool, Never>) {
        let (outcome, watchers) = state.withLock { state -> (Bool?, [UnsafeContinuation<Void, Never>]) in
            if Task.isCancelled { return (false, []) }
            if deadline <= state.now { return (true, []) }
            state.sleepers.append(Sleeper(id: id, deadline: deadline, continuation: continuation))
            let count = state.sleepers.count
            let met = state.watchers.filter { $0.count <= count }.map(\.continuation)
            state.watchers.removeAll { $0.count <= count }
            return (nil, met)
        }
        if let outcome {
            continuation.resume(returning: outcome)
        } else {
            sleepBegan?(deadline) { self.wake(id, isDue: true) }
        }
        for watcher in watchers { watcher.resume() }
    }

    private func wake(_ id: Int, isDue: Bool) {
        state.withLock { state -> Sleeper? in
            guard let index = state.sleepers.firstIndex(where: { $0.id == id }) else { return nil }
            return state.sleepers.remove(at: index)
        }?.continuation.resume(returning: isDue)
    }
}
