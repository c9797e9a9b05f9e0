// SPDX-License-Identifier: Apache-2.0
//
// The buckets that are not full, in bounded memory. A bucket is found by 128 bits of a keyed hash, so that long keys cost no
// more than short ones and nobody can choose which meet. When there is no room for another, full buckets make
// some, and forgetting them changes nothing; buckets that are not full are never forgotten, or whoever is throttled
// could fill the table to become free. Whoever comes while every bucket is in use shares one with all who do.

import Synchronization

/// What a bucket is found by.
package struct BucketKey: Sendable, Hashable {
    private let first: Int
    private let second: Int

    /// - Parameters:
    ///   - rule: the number of the rule.
    ///   - text: whose bucket it is.
    ///   - method: of which method; empty for all together.
    package init(rule: Int, text: String, method: String) {
        first = Self.hash(1, rule, text, method)
        second = Self.hash(2, rule, text, method)
    }

    /// Swift's hasher has a secret of each process.
    private static func hash(_ salt: Int, _ rule: Int, _ text: String, _ method: String) -> Int {
        var hasher = Hasher()
        hasher.combine(salt)
        hasher.combine(rule)
        hasher.combine(text)
        hasher.combine(method)
        return hasher.finalize()
    }

    package var shard: Int { first & 0xF }
}

/// One part of the buckets. Pure.
package struct BucketTable: Sendable {
    private struct Entry {
        var key: BucketKey
        var fullAt: Int64
    }

    private var places: [BucketKey: Int] = [:]
    private var entries: [Entry] = []
    /// For each rule the bucket of those who find no room.
    private var shared: [Int: Int64] = [:]
    /// Where the search for full buckets goes on.
    private var hand = 0
    private let entriesMax: Int

    /// How many buckets are looked at for one that is full.
    private static let looksMax = 32

    package init(entriesMax: Int) { self.entriesMax = max(1, entriesMax) }

    /// How many buckets are kept.
    package var count: Int { entries.count }

    /// Takes a request out of a bucket.
    package mutating func take(
        _ key: BucketKey, rule: Int, _ bucket: TokenBucket, now: Int64
    ) -> TokenBucket.Decision {
        if let place = places[key] { return bucket.take(&entries[place].fullAt, now: now) }
        if entries.count >= entriesMax { sweep(now) }
        guard entries.count < entriesMax else {
            return bucket.take(&shared[rule, default: now], now: now)
        }
        var fullAt = now
        let decision = bucket.take(&fullAt, now: now)
        places[key] = entries.count
        entries.append(Entry(key: key, fullAt: fullAt))
        return decision
    }

    /// Puts back what was taken.
    package mutating func giveBack(_ key: BucketKey, rule: Int, _ bucket: TokenBucket) {
        if let place = places[key] {
            bucket.giveBack(&entries[place].fullAt)
        } else if shared[rule] != nil {
            bucket.giveBack(&shared[rule, default: 0])
        }
    }

    /// Forgets some buckets that are full. Bounded, and goes on where it stopped.
    private mutating func sweep(_ now: Int64) {
        for _ in 0..<min(Self.looksMax, entries.count) {
            if hand >= entries.count { hand = 0 }
            if entries.isEmpty { return }
            if entries[hand].fullAt <= now { forget(hand) } else { hand += 1 }
        }
    }

    private mutating func forget(_ place: Int) {
        places[entries[place].key] = nil
        let last = entries.removeLast()
        guard place < entries.count else { return }
        entries[place] = last
        places[last.key] = place
    }
}

/// All buckets, in parts with a lock each.
package final class Buckets: Sendable {
    private final class Shard: Sendable {
        let table: Mutex<BucketTable>
        init(entriesMax: Int) { table = Mutex(BucketTable(entriesMax: entriesMax)) }
    }

    private let shards: [Shard]

    /// - Parameter bucketsMax: how many there may be.
    package init(bucketsMax: Int) {
        shards = (0..<16).map { _ in Shard(entriesMax: max(1, bucketsMax / 16)) }
    }

    func take(_ key: BucketKey, rule: Int, _ bucket: TokenBucket, now: Int64) -> TokenBucket.Decision {
        shards[key.shard].table.withLock { $0.take(key, rule: rule, bucket, now: now) }
    }

    func giveBack(_ key: BucketKey, rule: Int, _ bucket: TokenBucket) {
        shards[key.shard].table.withLock { $0.giveBack(key, rule: rule, bucket) }
    }

    /// How many buckets are kept.
    package var count: Int { shards.reduce(0) { $0 + $1.table.withLock(\.count) } }
}
