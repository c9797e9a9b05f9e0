// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// One replica: its client, and what calls tell about it. Once it is no longer among a service's replicas, the calls
/// that run on it are all that keeps it, and its client closes itself with the last of them.
final class Endpoint: Sendable {
    let address: Address
    let client: LoopLocalClient
    private let backoff: ClientOptions.Backoff
    private let pendingCount = Atomic<Int>(0)
    private let failuresInARow = Atomic<Int>(0)
    /// When it may be tried again after a failure; calls that end together may both move it, which does no harm.
    private let notBefore = Atomic<Int64>(.min)

    init(_ address: Address, _ client: LoopLocalClient, backoff: ClientOptions.Backoff) {
        self.address = address
        self.client = client
        self.backoff = backoff
    }

    func candidate(now: Int64) -> EndpointChoice.Candidate {
        EndpointChoice.Candidate(
            pending: pendingCount.load(ordering: .relaxed),
            isUsable: notBefore.load(ordering: .relaxed) <= now)
    }

    func begin() { pendingCount.add(1, ordering: .relaxed) }

    /// A call ended; nil for one that was well.
    func end(_ error: RPCError?, now: Int64) {
        pendingCount.subtract(1, ordering: .relaxed)
        guard let error, Self.isUnreachable(error) else { return reached() }
        let failures = failuresInARow.add(1, ordering: .relaxed).newValue
        let pause = backoff.pause(failures: failures, random: .random(in: 0..<1))
        notBefore.store(Deadline(now: now, after: pause).uptimeNanoseconds, ordering: .relaxed)
    }

    /// An answer came from there, and be it an error.
    private func reached() {
        guard failuresInARow.load(ordering: .relaxed) != 0 else { return }
        failuresInARow.store(0, ordering: .relaxed)
        notBefore.store(.min, ordering: .relaxed)
    }

    /// Whether an error says that a call did not reach a replica that takes calls: another one may be asked.
    static func isUnreachable(_ error: RPCError) -> Bool {
        error.code == .unavailable && error.executed == .no
    }
}
