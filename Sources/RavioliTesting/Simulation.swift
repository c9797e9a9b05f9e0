// SPDX-License-Identifier: Apache-2.0

// Everything in a simulation runs on the thread that runs it: the tasks, the connections, the network. The loop takes one
// piece of work after the other and moves the time to each, so hours pass in milliseconds, and a seed decides it all, the
// order of what happens at the same time included.

import NIOCore
import Ravioli
import Synchronization

/// A world of clients, servers and a network with its own time, in which the same seed gives the same course of events.
///
/// ```swift
/// let simulation = Simulation(seed: 7)
/// try simulation.run { world in
///     try world.network.serve([Greeter()], at: "greeter")
///     let client = try world.network.client(of: "greeter")
///     world.network.setPartitioned(true, "greeter")
///     …
/// }
/// ```
///
/// It is deterministic as long as its tasks wait for nothing outside it: use ``clock`` instead of `Task.sleep`,
/// ``random`` instead of the system's, and no main actor.
public final class Simulation: Sendable {
    /// What decides the course of events.
    public let seed: UInt64
    /// Where its numbers come from.
    public let random: SeededRandom
    /// Its servers, its clients, and what lies in between.
    public let network: SimulatedNetwork
    /// Its time. Only the simulation moves it.
    public let clock: ManualClock
    let loop: SimulatedLoop
    private let checks = Mutex<[@Sendable () throws -> Void]>([])
    private let stepCount = Atomic<Int>(0)

    /// What went wrong with a simulation itself. Its text names the seed.
    public struct Failure: Error, CustomStringConvertible {
        /// The seed that leads here again.
        public let seed: UInt64
        /// The step at which it was noticed.
        public let step: Int
        /// In words.
        public let reason: String

        package init(seed: UInt64, step: Int, reason: String) {
            self.seed = seed
            self.step = step
            self.reason = reason
        }

        /// The reason with the seed.
        public var description: String { "seed \(seed), step \(step): \(reason)" }
    }

    /// The time at which simulations begin, in nanoseconds of the loop's clock.
    private static let start: Int64 = 1_000_000_000_000
    /// What is left behind may go on for so long.
    private static let restTime: Duration = .seconds(3600)

    /// A world that has not begun.
    public init(seed: UInt64) {
        self.seed = seed
        let loop = SimulatedLoop(start: Self.start, seed: seed)
        self.loop = loop
        random = SeededRandom(seed: seed)
        network = SimulatedNetwork(loop: loop, random: random)
        clock = ManualClock { deadline, wake in
            loop.enqueue(at: Self.start + Int64(clamping: deadline.offset.nanoseconds), wake)
        }
    }

    /// Pieces of work done so far.
    public var steps: Int { stepCount.load(ordering: .relaxed) }

    /// Since the simulation began.
    public var now: Duration { .nanoseconds(loop.nanoseconds - Self.start) }

    /// Waits inside the simulation.
    ///
    /// - Throws: `CancellationError` when the task is cancelled.
    public func sleep(for duration: Duration) async throws {
        try await clock.sleep(until: ManualClock.Instant(offset: now + duration))
    }

    /// Waits inside the simulation, cancelled or not.
    public func sleepStubbornly(for duration: Duration) async {
        await withUnsafeContinuation { continuation in
            let number = loop.enqueue(at: loop.nanoseconds + Int64(clamping: duration.nanoseconds)) {
                continuation.resume()
            }
            if number == nil { continuation.resume() }
        }
    }

    /// Checks something after every piece of work; what it throws ends the simulation.
    public func check(_ body: @escaping @Sendable () throws -> Void) { checks.withLock { $0.append(body) } }

    /// Runs the world until `body` has returned and what it left behind has come to rest. Once only; blocks its thread.
    ///
    /// - Parameters:
    ///   - timeLimit: of simulated time. Default one day.
    ///   - body: what happens, as a task of the simulation.
    /// - Throws: what `body` or a check throws; ``Failure`` when the time is up, or when `body` waits for something that
    ///   nothing inside the simulation can bring about.
    public func run(
        timeLimit: Duration = .seconds(86_400), _ body: @escaping @Sendable (Simulation) async throws -> Void
    ) throws {
        VirtualClock.begin(loop)
        defer {
            loop.shut()
            VirtualClock.end(loop)
        }
        try loop.driven {
            let limit = Self.start + Int64(timeLimit.nanoseconds)
            let ending = Ending()
            Task(executorPreference: network.runtime.executor) {
                do {
                    try await body(self)
                    ending.set(.success(()))
                } catch {
                    ending.set(.failure(error))
                }
            }
            while ending.result == nil {
                guard try step(until: limit) else { throw stuck(limit) }
            }
            try ending.result?.get()
            let rest = loop.nanoseconds + Int64(Self.restTime.nanoseconds)
            while try step(until: rest) {}
        }
    }

    /// How the body ended.
    private final class Ending: Sendable {
        private let state = Mutex<Result<Void, any Error>?>(nil)
        var result: Result<Void, any Error>? { state.withLock { $0 } }
        func set(_ result: Result<Void, any Error>) { state.withLock { $0 = result } }
    }

    private func step(until limit: Int64) throws -> Bool {
        let moved: (Int64) -> Void = { self.clock.advance(to: .init(offset: .nanoseconds($0 - Self.start))) }
        guard loop.step(until: limit, moved: moved) else { return false }
        stepCount.add(1, ordering: .relaxed)
        for check in checks.withLock({ $0 }) {
            do { try check() } catch {
                throw Failure(seed: seed, step: steps, reason: "\(error)")
            }
        }
        return true
    }

    private func stuck(_ limit: Int64) -> Failure {
        Failure(
            seed: seed, step: steps,
            reason: loop.nanoseconds >= limit
                ? "the time limit has passed"
                : "a task waits for something that nothing in the simulation brings")
    }
}
