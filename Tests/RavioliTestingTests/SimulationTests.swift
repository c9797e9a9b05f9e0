// SPDX-License-Identifier: Apache-2.0

import BlockingTests
import Foundation
import RavioliTesting
import Testing

/// What the environment asks for.
private enum SimulationSettings {
    /// The seeds of every run; `RAVIOLI_SIMULATION_SEEDS` asks for more.
    static let seedCount = value("RAVIOLI_SIMULATION_SEEDS") ?? 60

    static func value(_ name: String) -> UInt64? {
        ProcessInfo.processInfo.environment[name].flatMap { UInt64($0) }
    }
}

/// The whole of client and server on virtual time, checked after each step. A failure names its seed; replay it with
/// `RAVIOLI_SIMULATION_SEED=<seed> swift test --filter SimulationTests`.
@Suite(.blocking, .timeLimit(.minutes(5 + Int(SimulationSettings.seedCount / 50))))
struct SimulationTests {
    /// Calls in each seed's life.
    private static let callsPerSeed = 500
    /// Seeds that have failed once.
    private static let regressions: [UInt64] = []

    @Test func everyCallEndsOnceAndTheBooksAreRight() throws {
        let one = SimulationSettings.value("RAVIOLI_SIMULATION_SEED").map { [$0] }
        let first = SimulationSettings.value("RAVIOLI_SIMULATION_FIRST_SEED") ?? 1
        var calls = 0
        var succeeded = 0
        for seed in one ?? (Self.regressions + (first..<first + SimulationSettings.seedCount)) {
            let outcome = try SwarmRun.outcome(seed: seed, calls: Self.callsPerSeed)
            calls += outcome.calls
            succeeded += outcome.succeeded
        }
        // A swarm in which nothing works would prove nothing.
        if one == nil { #expect(succeeded > calls / 4, "\(succeeded) of \(calls) calls succeeded") }
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func aSeedReplays(seed: UInt64) throws {
        let first = try SwarmRun.outcome(seed: seed, calls: 300)
        #expect(try SwarmRun.outcome(seed: seed, calls: 300) == first)
    }
}
