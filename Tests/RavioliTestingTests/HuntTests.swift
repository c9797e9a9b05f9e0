// SPDX-License-Identifier: Apache-2.0

import BlockingTests
import Ravioli
import RavioliTesting
import Synchronization
import Testing

/// That the swarm finds faults, makes them smaller, and tells how to have them again: with faults put there on purpose.
@Suite(.blocking, .timeLimit(.minutes(5)))
struct HuntTests {
    /// A decorator with a fault that only some swarms show.
    enum Mistake: CaseIterable {
        /// Repeats calls that may have run, and does not ask whether they may be repeated.
        case repeatsWhateverWasLost
        /// Leaves out the last byte of long answers.
        case cutsLongAnswers
        /// Says of every error that the call did not run.
        case deniesThatItRan
        /// Goes on with a call whose time is up.
        case forgetsDeadlines
    }

    @Test(arguments: Mistake.allCases)
    func aMistakeIsFoundMadeSmallerAndReplayed(_ mistake: Mistake) throws {
        let hunt = SwarmHunt(decorate: { MistakenChannel($0, mistake) })
        let tally = hunt.run((1...40).map { SwarmScope(seed: $0, calls: 200) }, threads: 2)
        let failure = try #require(tally.failures.first)

        let report = hunt.report(failure)
        let scopes = report.matches(of: /RAVIOLI_SIMULATION_REPLAY='([^']+)' swift test/).compactMap {
            SwarmScope(String($0.output.1))
        }
        #expect(scopes.count == 2 && scopes.first == failure.scope, "\(report)")

        let small = try #require(scopes.last)
        #expect(small.calls < 200 && small.faults ?? .max <= failure.faultsStruck, "\(report)")
        for scope in scopes {
            let again = try #require(
                throws: SwarmFailure.self, "\(scope) fails each time",
                performing: { try SwarmRun.outcome(scope, decorate: hunt.decorate) })
            #expect(report.contains(again.reason), "\(scope) fails in the same way: \(report)")
        }
        // It is the mistake that fails, not the swarm.
        #expect(throws: Never.self) { try SwarmRun.outcome(small) }
    }

    @Test func makingItSmallerTakesNoMoreRunsThanAllowed() throws {
        let runs = Atomic(0)
        let hunt = SwarmHunt(
            decorate: {
                runs.add(1, ordering: .relaxed)
                return MistakenChannel($0, .deniesThatItRan)
            }, shrinkingRunsMax: 3)
        let failure = try #require(hunt.run([SwarmScope(seed: 1), SwarmScope(seed: 2)]).failures.first)
        runs.store(0, ordering: .relaxed)
        _ = hunt.shrunk(failure)
        // One decorator for each of at most three clients.
        #expect((1...9).contains(runs.load(ordering: .relaxed)))
    }

    @Test func aSwarmWithoutMistakesIsLeftAlone() {
        let tally = SwarmHunt().run((1...4).map { SwarmScope(seed: $0, calls: 50) }, threads: 2)
        #expect(tally.failures.isEmpty && tally.calls >= 200)
    }

    @Test func everyFeatureOccursAndEveryPairOfSwitches() {
        let plans = (1...60).map { SwarmPlan(SwarmScope(seed: $0)).features }
        for feature in SwarmFeature.allCases {
            #expect(plans.contains { $0.contains(feature) } && plans.contains { !$0.contains(feature) })
            for other in SwarmFeature.allCases where other != feature {
                #expect(plans.contains { $0.contains(feature) && $0.contains(other) }, "\(feature) \(other)")
            }
        }
    }

    @Test func whatIsLeftOutChangesNothingElseOfThePlan() {
        var scope = SwarmScope(seed: 9)
        let whole = SwarmPlan(scope)
        for feature in whole.features {
            scope.without = [feature]
            let plan = SwarmPlan(scope)
            #expect(plan.features == whole.features.subtracting([feature]))
            #expect(plan.clients == whole.clients && plan.callers == whole.callers)
            #expect(plan.faultPause == whole.faultPause)
        }
    }
}

/// A client with a mistake in it.
private final class MistakenChannel: Channel {
    private let client: SimulatedClient
    private let mistake: HuntTests.Mistake

    init(_ client: SimulatedClient, _ mistake: HuntTests.Mistake) {
        self.client = client
        self.mistake = mistake
    }

    func unary(_ request: UnaryRequest) async throws(RPCError) -> UnaryResponse {
        do throws(RPCError) {
            return try await answer(request)
        } catch {
            switch mistake {
            case .repeatsWhateverWasLost where error.code == .unavailable && !Task.isCancelled:
                var again = request
                again.waitForReady = true
                return try await client.unary(again)
            case .deniesThatItRan:
                throw RPCError(call: error.code, error.message, executed: .no)
            default: throw error
            }
        }
    }

    private func answer(_ request: UnaryRequest) async throws(RPCError) -> UnaryResponse {
        var request = request
        if mistake == .forgetsDeadlines { request.deadline = .after(.seconds(3600)) }
        var response = try await client.unary(request)
        if mistake == .cutsLongAnswers, response.message.count > 250 { response.message.removeLast() }
        return response
    }

    func stream(_ request: StreamRequest) -> any StreamCall { client.stream(request) }
}
