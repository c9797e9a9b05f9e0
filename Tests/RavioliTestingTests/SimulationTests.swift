// SPDX-License-Identifier: Apache-2.0

import BlockingTests
import Foundation
import Ravioli
import RavioliTesting
import Synchronization
import Testing

/// What the environment asks for.
private enum SimulationSettings {
    /// Calls to make in all. `Scripts/test` asks for a million.
    static let calls = value("RAVIOLI_SIMULATION_CALLS") ?? 30_000
    static let firstSeed = value("RAVIOLI_SIMULATION_FIRST_SEED") ?? 1
    /// The one swarm to run, as a failure names it.
    static let replay = ProcessInfo.processInfo.environment["RAVIOLI_SIMULATION_REPLAY"]

    static func value(_ name: String) -> UInt64? {
        ProcessInfo.processInfo.environment[name].flatMap { UInt64($0) }
    }
}

/// The whole of client and server on virtual time, checked after each step. A failure names its seed, and the command
/// that leads there again.
@Suite(.blocking, .timeLimit(.minutes(10 + Int(SimulationSettings.calls / 50_000))))
struct SimulationTests {
    /// Calls in each seed's life.
    private static let callsPerSeed = 500
    /// Seeds that have failed once.
    private static let regressions: [UInt64] = []

    @Test func everyCallEndsOnceAndTheBooksAreRight() throws {
        let hunt = SwarmHunt()
        let tally = hunt.run(try Self.scopes())
        if let failure = tally.failures.min(by: { $0.scope.seed < $1.scope.seed }) {
            Issue.record("\(hunt.report(failure))")
        } else if SimulationSettings.replay == nil {
            #expect(tally.calls >= SimulationSettings.calls)
            // A swarm in which nothing works would prove nothing.
            #expect(tally.succeeded > tally.calls / 4, "\(tally.succeeded) of \(tally.calls) calls succeeded")
        }
    }

    private static func scopes() throws -> [SwarmScope] {
        if let text = SimulationSettings.replay {
            return [try #require(SwarmScope(text), "RAVIOLI_SIMULATION_REPLAY is what a failure names")]
        }
        let count = (SimulationSettings.calls + UInt64(callsPerSeed) - 1) / UInt64(callsPerSeed)
        let seeds = SimulationSettings.firstSeed..<SimulationSettings.firstSeed + count
        return (regressions + seeds).map { SwarmScope(seed: $0, calls: callsPerSeed) }
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func aSeedReplays(seed: UInt64) throws {
        let scope = SwarmScope(seed: seed, calls: 300)
        let first = try SwarmRun.outcome(scope)
        #expect(try SwarmRun.outcome(scope) == first)
    }

    @Test(arguments: ["7,calls=500", "7,calls=12,faults=0,without=age+drain"])
    func aScopeReadsWhatItSays(text: String) throws {
        #expect(try #require(SwarmScope(text)).description == text)
        #expect(SwarmScope(text + ",without=nothing") == nil)
        #expect(SwarmScope("seed " + text) == nil)
    }
}
