// SPDX-License-Identifier: Apache-2.0

package import HTTPTypes
package import Ravioli
import RavioliSchema

/// Counts requests, refuses those that are too many, and tells clients how many they have left
/// (draft-ietf-httpapi-ratelimit-headers-11).
package struct RateLimitGuard: DoorGuard {
    private struct Rule: Sendable {
        let number: Int
        let rule: RateLimitRule
        let pattern: RoutePattern
        let bucket: TokenBucket
        /// As `RateLimit-Policy` has it.
        let policy: String

        init(_ number: Int, _ rule: RateLimitRule) throws(RuntimeError) {
            (self.number, self.rule) = (number, rule)
            pattern = try RoutePattern(method: rule.method, path: rule.path)
            bucket = TokenBucket(rule)
            policy = "\"\(rule.name)\";q=\(bucket.burst);w=\(bucket.capacity.wholeSeconds)"
        }
    }

    /// What was taken, and from where.
    private struct Taken {
        let rule: Rule
        let key: BucketKey
        let decision: TokenBucket.Decision

        var tightness: LimitNotice.Tightness {
            LimitNotice.Tightness(
                isAllowed: decision.isAllowed, wait: decision.wait,
                left: Double(decision.remaining) / Double(rule.bucket.burst))
        }

        /// As `RateLimit` has it.
        var text: String {
            "\"\(rule.rule.name)\";r=\(decision.remaining);t=\(decision.wait.wholeSeconds)"
        }
    }

    private let rules: [Rule]
    private let buckets: Buckets
    private let clock: GuardClock

    /// - Parameters:
    ///   - byClaims: whether it is the guard for the rules by claims, or for all others.
    ///   - buckets: shared by both.
    /// - Throws: `invalidConfiguration` for a pattern that is none.
    package init(
        _ rules: [RateLimitRule], byClaims: Bool, buckets: Buckets, clock: GuardClock
    ) throws(RuntimeError) {
        var mine: [Rule] = []
        for (number, rule) in rules.enumerated() where rule.key.isClaim == byClaims {
            mine.append(try Rule(number, rule))
        }
        (self.rules, self.buckets, self.clock) = (mine, buckets, clock)
    }

    /// Whether there is nothing to count.
    var isEmpty: Bool { rules.isEmpty }

    package func look(at visit: inout Visit) async -> GuardVerdict {
        let (method, path) = (visit.target?.method, visit.path)
        let now = clock.nanoseconds()
        var taken: [Taken] = []
        for rule in rules where rule.pattern.matches(method, path) {
            let name = rule.rule.perMethod ? method.map { "\($0.serviceName)/\($0.name)" } ?? "" : ""
            let key = BucketKey(rule: rule.number, text: Self.text(rule.rule.key, visit), method: name)
            let decision = buckets.take(key, rule: rule.number, rule.bucket, now: now)
            taken.append(Taken(rule: rule, key: key, decision: decision))
        }
        guard let tightest = taken.min(by: { $0.tightness < $1.tightness }) else { return .pass([:]) }
        visit.limits.add(taken.map(\.rule.policy), tightest.tightness, tightest.text)
        if tightest.decision.isAllowed { return .pass([:]) }
        for other in taken where other.decision.isAllowed {
            buckets.giveBack(other.key, rule: other.rule.number, other.rule.bucket)
        }
        return Self.refusal(seconds: tightest.decision.wait.wholeSeconds)
    }

    /// Whose bucket it is. Texts of different kinds are never the same.
    private static func text(_ key: RateLimitRule.Key, _ visit: Visit) -> String {
        switch key {
        case .everybody: return ""
        case .client: break
        case .claim(let name):
            if let text = visit.claims?.value(at: name)?.plain { return "c" + text }
        case .header(let name):
            let values = HTTPField.Name(name).map { visit.head.headerFields[values: $0] } ?? []
            if !values.isEmpty { return "h" + values.joined(separator: ",") }
        }
        guard let client = visit.clientAddress else { return "a" }
        guard let address = IPAddress(client.prefix { $0 != "%" }) else { return "a" + client }
        return address.isV4 ? "a\(address.low)" : "a6\(address.high)"
    }

    private static func refusal(seconds: Int64) -> GuardVerdict {
        let error = RPCError(
            .resourceExhausted, "too many requests; try again in \(seconds) s",
            details: [.retryInfo(seconds: seconds)], executed: .no)
        return .refuse(error, [.retryAfter: "\(seconds)"])
    }
}

/// What clients are told about the limits that fit their request.
package struct LimitNotice: Sendable {
    /// How near a limit is; less is nearer. A limit that is reached is nearest, most of all the one that is for longest;
    /// of others the one of which the smallest part is left.
    struct Tightness: Sendable, Comparable {
        let isAllowed: Bool
        let wait: Int64
        let left: Double

        static func < (a: Tightness, b: Tightness) -> Bool {
            if a.isAllowed != b.isAllowed { return !a.isAllowed }
            return a.isAllowed ? a.left < b.left : a.wait > b.wait
        }
    }

    private var policies: [String] = []
    private var tightest: (tightness: Tightness, text: String)?

    mutating func add(_ policies: [String], _ tightness: Tightness, _ text: String) {
        self.policies += policies
        if tightest.map({ tightness < $0.tightness }) ?? true { tightest = (tightness, text) }
    }

    /// `RateLimit-Policy` with all of them, and `RateLimit` with the tightest; nil if no limit fits.
    package var fields: HTTPFields? {
        guard let tightest else { return nil }
        return [.rateLimitPolicy: policies.joined(separator: ", "), .rateLimit: tightest.text]
    }
}

extension RateLimitRule.Key {
    fileprivate var isClaim: Bool { if case .claim = self { true } else { false } }
}

extension Int64 {
    /// Nanoseconds as seconds, rounded up, and one at least.
    fileprivate var wholeSeconds: Int64 { Swift.max(1, (self - 1) / 1_000_000_000 + 1) }
}

extension StatusDetail {
    /// `google.rpc.RetryInfo { google.protobuf.Duration retry_delay = 1; }`
    static func retryInfo(seconds: Int64) -> StatusDetail {
        var duration = WireWriter()
        duration.varint(UInt64(clamping: seconds), numbered: 1)
        var info = WireWriter()
        info.blob(duration.bytes, numbered: 1)
        return StatusDetail(typeURL: "type.googleapis.com/google.rpc.RetryInfo", value: info.bytes)
    }
}

extension HTTPField.Name {
    static let rateLimit = HTTPField.Name("RateLimit")!
    static let rateLimitPolicy = HTTPField.Name("RateLimit-Policy")!
}
