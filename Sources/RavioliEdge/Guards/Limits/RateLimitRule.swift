// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Ravioli
import RavioliSchema

/// How many requests of a kind somebody may make.
///
/// Each caller has a bucket that holds ``burst`` requests and fills up again at the rate of ``requests`` in a ``window``; a
/// request takes one out, and is refused when there is none. A stream is one request. Every rule that fits counts; a
/// request that one of them refuses takes nothing from the others that look at the same time. Rules by claims look
/// once the token has been verified, all others before, so that they count invalid tokens as well.
public struct RateLimitRule: Sendable, Hashable {
    /// Whose requests are counted together.
    public enum Key: Sendable, Hashable {
        /// Those of one address; of IPv6, of the 64 bits that one site has.
        case client
        /// Those with the same claim in their token, as `sub`; without the claim, those of one address.
        case claim(String)
        /// Those with the same value of a header, as `x-api-key`; without it, those of one address. Nobody verifies the
        /// value: whoever invents many has as many buckets, so put a limit by address beside it.
        case header(String)
        /// All.
        case everybody
    }

    /// The name of the rule, unlike all others; clients see it.
    public var name: String
    /// Whose requests are counted together. Default: those of one address.
    public var key = Key.client
    /// How many requests there may be in a window, in the long run.
    public var requests: Int
    /// The window, in whole seconds. Default one minute, at most a day.
    public var window: Duration
    /// How many requests there may be at once. Default nil: as many as in a window.
    public var burst: Int?
    /// The methods, as in ``AccessRule/method``. Default nil: all requests, also those that lead to no method.
    public var method: String?
    /// The paths, as in ``AccessRule/path``. Default nil: all.
    public var path: String?
    /// Whether each method has buckets of its own. Default false.
    public var perMethod = false

    /// A rule for all requests, each address on its own.
    public init(
        name: String, requests: Int, window: Duration = .seconds(60), burst: Int? = nil, key: Key = .client,
        method: String? = nil, path: String? = nil, perMethod: Bool = false
    ) {
        (self.name, self.requests, self.window, self.burst) = (name, requests, window, burst)
        (self.key, self.method, self.path, self.perMethod) = (key, method, path, perMethod)
    }

    /// - Throws: `invalidConfiguration`, naming what does not hold.
    func check() throws(RuntimeError) {
        _ = try RoutePattern(method: method, path: path)
        let isName = !name.isEmpty && name.utf8.count <= 64 && name.utf8.allSatisfy(Self.isNameByte)
        try require(isName, "a name is 1 to 64 letters, digits, - and _")
        if case .header(let header) = key {
            try require(HTTPField.Name(header) != nil, "a key is the name of a header")
        }
        try require((1...1_000_000).contains(requests), "requests are 1 to 1,000,000 in a window")
        try require(
            window >= .seconds(1) && window <= .seconds(86_400) && window.components.attoseconds == 0,
            "a window is 1 s to a day, in whole seconds")
        try require((1...1_000_000).contains(burst ?? requests), "a burst is 1 to 1,000,000")
        try require(
            TokenBucket(self).capacity <= 366 * 86_400 * 1_000_000_000, "a bucket is full within a year")
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"): true
        default: false
        }
    }

    private func require(_ holds: Bool, _ relation: String) throws(RuntimeError) {
        if holds { return }
        throw RuntimeError(
            .invalidConfiguration, "rate limit \(SchemaError.excerpt(name)): \(relation)")
    }

    /// - Throws: `invalidConfiguration` for a rule that does not hold, and for two of one name.
    static func check(_ rules: [RateLimitRule]) throws(RuntimeError) {
        guard rules.count <= 64 else {
            throw RuntimeError(.invalidConfiguration, "rate limits: there are more than 64 rules")
        }
        for rule in rules { try rule.check() }
        guard Set(rules.map(\.name)).count == rules.count else {
            throw RuntimeError(.invalidConfiguration, "rate limits: two rules have one name")
        }
    }
}
