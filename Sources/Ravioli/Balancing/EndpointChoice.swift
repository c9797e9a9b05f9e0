// SPDX-License-Identifier: Apache-2.0

/// Which of several replicas gets a call: of two distinct ones drawn at random the less loaded ("the power of two
/// choices"), which spreads load as well as asking all of them would, without every client running to the same idle one.
enum EndpointChoice {
    /// What is known of a replica.
    struct Candidate: Sendable, Hashable {
        /// Calls that run on it.
        var pending: Int
        /// Whether calls reached it lately, as far as is known.
        var isUsable: Bool
    }

    /// - Parameter draw: A random number below its argument, which is above 0.
    /// - Returns: The number of a usable replica; of any when none is usable, since what is known may be old; nil when
    ///   there are none.
    static func choose(_ candidates: [Candidate], draw: (Int) -> Int) -> Int? {
        let usable = candidates.indices.filter { candidates[$0].isUsable }
        let pool = usable.isEmpty ? Array(candidates.indices) : usable
        guard pool.count > 1 else { return pool.first }
        let first = draw(pool.count)
        var second = draw(pool.count - 1)
        if second >= first { second += 1 }
        return candidates[pool[second]].pending < candidates[pool[first]].pending ? pool[second] : pool[first]
    }
}
