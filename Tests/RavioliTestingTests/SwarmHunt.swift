// SPDX-License-Identifier: Apache-2.0

// Runs swarms of many seeds on as many threads as there are processors. A swarm that breaks a rule is run again with less
// and less of it as long as it still breaks one, since a fault in three calls is understood sooner than one in hundreds.

import Dispatch
import Foundation
import RavioliTesting
import Synchronization

/// Looks for seeds whose swarms break a rule.
struct SwarmHunt: Sendable {
    /// Put between callers and clients.
    var decorate: SwarmDecorator = { $0 }
    /// Runs that may be spent on making one failure smaller.
    var shrinkingRunsMax = 80

    /// What many swarms came to.
    struct Tally: Sendable {
        var calls = 0
        var succeeded = 0
        var failures: [SwarmFailure] = []
    }

    /// Runs swarms until all have run or one has failed.
    func run(_ scopes: [SwarmScope], threads: Int = ProcessInfo.processInfo.activeProcessorCount) -> Tally {
        let tally = Mutex(Tally())
        let next = Atomic(0)
        DispatchQueue.concurrentPerform(iterations: max(1, threads)) { _ in
            while true {
                let index = next.add(1, ordering: .relaxed).oldValue
                guard index < scopes.count, tally.withLock({ $0.failures.isEmpty }) else { return }
                do throws(SwarmFailure) {
                    let outcome = try SwarmRun.outcome(scopes[index], decorate: decorate)
                    tally.withLock { tally in
                        tally.calls += outcome.calls
                        tally.succeeded += outcome.succeeded
                    }
                } catch {
                    tally.withLock { $0.failures.append(error) }
                }
            }
        }
        return tally.withLock { $0 }
    }

    // MARK: Making it smaller

    /// The smallest swarm found within ``shrinkingRunsMax`` runs that still breaks a rule.
    func shrunk(_ failure: SwarmFailure) -> SwarmFailure {
        var shrinking = Shrinking(hunt: self, best: failure, runsLeft: shrinkingRunsMax)
        shrinking.run()
        return shrinking.best
    }

    private struct Shrinking {
        let hunt: SwarmHunt
        var best: SwarmFailure
        var runsLeft: Int

        mutating func run() {
            // What came after the failure had no part in it.
            tryWith { scope, failure in
                scope.calls = failure.callsBegun
                scope.faults = failure.faultsStruck
            }
            cutFaults()
            cutCalls()
            dropFeatures()
            cutFaults()
            cutCalls()
        }

        /// Runs a smaller swarm; when it fails, it is the best.
        @discardableResult
        private mutating func tryWith(_ change: (inout SwarmScope, SwarmFailure) -> Void) -> Bool {
            var scope = best.scope
            change(&scope, best)
            guard runsLeft > 0, scope != best.scope else { return false }
            runsLeft -= 1
            do throws(SwarmFailure) {
                _ = try SwarmRun.outcome(scope, decorate: hunt.decorate)
                return false
            } catch {
                best = error
                return true
            }
        }

        private mutating func cutCalls() {
            // With fewer calls than so many nothing failed.
            var enough = 0
            while runsLeft > 0, min(best.scope.calls, best.callsBegun) - enough > 1 {
                let middle = (enough + min(best.scope.calls, best.callsBegun)) / 2
                if !tryWith({ scope, _ in scope.calls = middle }) { enough = middle }
            }
            tryWith { scope, failure in scope.calls = failure.callsBegun }
        }

        private mutating func cutFaults() {
            if tryWith({ scope, _ in scope.faults = 0 }) { return }
            var enough = 0
            while runsLeft > 0, let faults = best.scope.faults, faults - enough > 1 {
                let middle = (enough + faults) / 2
                if !tryWith({ scope, _ in scope.faults = middle }) { enough = middle }
            }
        }

        private mutating func dropFeatures() {
            for feature in SwarmFeature.allCases where best.features.contains(feature) {
                tryWith { scope, _ in scope.without.insert(feature) }
            }
        }
    }

    // MARK: Telling it

    /// What leads to a swarm again.
    static func command(_ scope: SwarmScope) -> String {
        "RAVIOLI_SIMULATION_REPLAY='\(scope)' swift test --filter SimulationTests.everyCallEnds"
    }

    /// A failure with what leads to it again, as a whole and made smaller.
    func report(_ failure: SwarmFailure) -> String {
        let small = shrunk(failure)
        return """
            seed \(failure.scope.seed) breaks a rule: \(failure.reason)
              replay it:      \(Self.command(failure.scope))
              made smaller:   \(small.reason)
              replay that:    \(Self.command(small.scope))
            """
    }
}
