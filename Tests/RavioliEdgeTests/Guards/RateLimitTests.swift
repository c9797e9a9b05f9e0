// SPDX-License-Identifier: Apache-2.0

import Ravioli
import Testing

@testable import RavioliEdge

@Suite struct TokenBucketTests {
    private static let second: Int64 = 1_000_000_000

    private func bucket(_ requests: Int, _ seconds: Int, burst: Int? = nil) -> TokenBucket {
        TokenBucket(
            RateLimitRule(name: "a", requests: requests, window: .seconds(seconds), burst: burst))
    }

    @Test func aBucketHoldsItsBurstAndFillsEvenly() {
        let bucket = bucket(60, 60, burst: 3)
        var fullAt: Int64 = 0
        let start = 100 * Self.second
        #expect((0..<3).map { _ in bucket.take(&fullAt, now: start).remaining } == [2, 1, 0])
        let refused = bucket.take(&fullAt, now: start)
        #expect(refused == .init(isAllowed: false, remaining: 0, wait: Self.second))
        #expect(!bucket.take(&fullAt, now: start + Self.second - 1).isAllowed)
        #expect(bucket.take(&fullAt, now: start + Self.second).isAllowed)
        #expect(!bucket.take(&fullAt, now: start + Self.second).isAllowed)
        #expect(bucket.take(&fullAt, now: start + 1000 * Self.second).remaining == 2)
    }

    @Test func refusalsCostNothing() {
        let bucket = bucket(1, 10)
        var fullAt: Int64 = 0
        #expect(bucket.take(&fullAt, now: 0).isAllowed)
        for now in 1..<10 { #expect(!bucket.take(&fullAt, now: Int64(now) * Self.second).isAllowed) }
        #expect(bucket.take(&fullAt, now: 10 * Self.second).isAllowed)
    }

    @Test func theWaitIsUntilOneMore() {
        let bucket = bucket(10, 10)
        var fullAt: Int64 = 0
        #expect(bucket.take(&fullAt, now: 0).wait == Self.second)
        #expect(bucket.take(&fullAt, now: Self.second / 4).wait == Self.second * 3 / 4)
    }

    @Test func whatIsGivenBackCanBeTakenAgain() {
        let bucket = bucket(1, 60)
        var fullAt: Int64 = 0
        #expect(bucket.take(&fullAt, now: 5).isAllowed)
        bucket.giveBack(&fullAt)
        #expect(bucket.take(&fullAt, now: 5).isAllowed)
        #expect(!bucket.take(&fullAt, now: 5).isAllowed)
    }

    /// However requests come, no stretch of time sees more than the burst and what came back in it.
    @Test func noStretchOfTimeSeesMoreThanIsAllowed() {
        let seed = UInt64.random(in: .min ... .max)
        var random = SeededRandom(seed)
        let bucket = bucket(20, 10, burst: 7)
        var (fullAt, now): (Int64, Int64) = (0, 0)
        var passed: [Int64] = []
        for _ in 0..<3000 {
            now += Int64.random(in: 0...(Self.second / 3), using: &random)
            if bucket.take(&fullAt, now: now).isAllowed { passed.append(now) }
        }
        for first in passed.indices {
            for count in [8, 20, 50] where first + count <= passed.count {
                let time = passed[first + count - 1] - passed[first]
                #expect(Int64(count) <= 7 + time / (Self.second / 2), "seed \(seed)")
            }
        }
        #expect(Int64(passed.count) >= now / (Self.second / 2) - 1, "seed \(seed)")
    }

    @Test func extremesDoNotTrap() {
        let bucket = bucket(1, 86_400, burst: 366)
        var fullAt = Int64.max
        #expect(!bucket.take(&fullAt, now: 0).isAllowed)
        fullAt = .min
        #expect(bucket.take(&fullAt, now: 0).isAllowed)
    }

    static let wrong: [RateLimitRule] = [
        .init(name: "", requests: 1), .init(name: "a b", requests: 1), .init(name: "a\"", requests: 1),
        .init(name: "a", requests: 0), .init(name: "a", requests: -1), .init(name: "a", requests: 2_000_000),
        .init(name: "a", requests: 1, window: .zero),
        .init(name: "a", requests: 1, window: .milliseconds(1500)),
        .init(name: "a", requests: 1, window: .seconds(86_401)), .init(name: "a", requests: 1, burst: 0),
        .init(name: "a", requests: 1, window: .seconds(86_400), burst: 1000),
        .init(name: "a", requests: 1, method: "nonsense"), .init(name: "a", requests: 1, path: "nonsense"),
        .init(name: "a", requests: 1, key: .header("")), .init(name: "a", requests: 1, key: .header("a b")),
    ]

    @Test(arguments: wrong) func rulesThatDoNotHoldAreRefused(rule: RateLimitRule) {
        #expect(throws: RuntimeError.self) { try RateLimitRule.check([rule]) }
    }

    @Test func namesAreUnique() throws {
        let rule = RateLimitRule(name: "a", requests: 1)
        try RateLimitRule.check([rule])
        #expect(throws: RuntimeError.self) { try RateLimitRule.check([rule, rule]) }
    }
}

@Suite struct BucketTableTests {
    private let bucket = TokenBucket(RateLimitRule(name: "a", requests: 2, window: .seconds(60)))
    private static let second: Int64 = 1_000_000_000

    private func key(_ text: String) -> BucketKey { BucketKey(rule: 0, text: text, method: "") }

    @Test func eachKeyHasItsBucket() {
        var table = BucketTable(entriesMax: 10)
        for name in ["a", "b"] {
            let allowed = (0..<3).map { _ in table.take(key(name), rule: 0, bucket, now: 0).isAllowed }
            #expect(allowed == [true, true, false])
        }
        #expect(BucketKey(rule: 0, text: "ab", method: "") != BucketKey(rule: 0, text: "a", method: "b"))
        #expect(BucketKey(rule: 0, text: "a", method: "") != BucketKey(rule: 1, text: "a", method: ""))
    }

    @Test func memoryIsBoundedAndTheThrottledStaySo() {
        var table = BucketTable(entriesMax: 100)
        for _ in 0..<3 { _ = table.take(key("honest"), rule: 0, bucket, now: 0) }
        for number in 0..<10_000 { _ = table.take(key("invented \(number)"), rule: 0, bucket, now: 0) }
        #expect(table.count == 100)
        #expect(!table.take(key("honest"), rule: 0, bucket, now: 0).isAllowed)
        // Those who find no room share one bucket, which is empty by now.
        #expect(!table.take(key("late"), rule: 0, bucket, now: 0).isAllowed)
        #expect(table.take(key("late"), rule: 1, bucket, now: 0).isAllowed)
    }

    @Test func fullBucketsMakeRoom() {
        var table = BucketTable(entriesMax: 100)
        for number in 0..<100 { _ = table.take(key("early \(number)"), rule: 0, bucket, now: 0) }
        for number in 0..<3 { _ = table.take(key("busy"), rule: 0, bucket, now: Int64(number)) }
        let later = 61 * Self.second
        for number in 0..<90 {
            #expect(table.take(key("late \(number)"), rule: 0, bucket, now: later).remaining == 1)
        }
        #expect(table.count <= 100)
    }

    @Test func givingBackMeetsTheSameBucket() {
        var table = BucketTable(entriesMax: 10)
        _ = table.take(key("a"), rule: 0, bucket, now: 0)
        table.giveBack(key("a"), rule: 0, bucket)
        #expect(table.take(key("a"), rule: 0, bucket, now: 0).remaining == 1)
        table.giveBack(key("never seen"), rule: 0, bucket)
        #expect(table.count == 1)
    }

    @Test func manyTasksTakeNoMoreThanThereIs() async {
        let buckets = Buckets(bucketsMax: 1000)
        let bucket = TokenBucket(RateLimitRule(name: "a", requests: 100, window: .seconds(60)))
        let key = key("shared")
        let passed = await withTaskGroup(of: Int.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    (0..<100).count { _ in buckets.take(key, rule: 0, bucket, now: 0).isAllowed }
                }
            }
            return await group.reduce(0, +)
        }
        #expect(passed == 100 && buckets.count == 1)
    }
}
