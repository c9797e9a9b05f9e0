// SPDX-License-Identifier: Apache-2.0

import Ravioli

/// Verifies tokens. Pure: text, keys and the time in, claims out.
package struct TokenVerifier: Sendable {
    private let algorithms: Set<JWTOptions.Algorithm>
    private let types: Set<String>
    private let issuers: Set<String>
    private let audiences: Set<String>
    private let leeway: Double
    private let tokenBytesMax: Int

    package init(_ options: JWTOptions) {
        algorithms = Set(options.algorithms)
        types = Set(options.types.map { $0.lowercased() })
        issuers = Set(options.issuers)
        audiences = Set(options.audiences)
        leeway = options.leeway / .seconds(1)
        tokenBytesMax = options.tokenBytesMax
    }

    /// Takes a token apart.
    ///
    /// - Throws: What makes it unacceptable whatever its signature is.
    package func read(_ text: some Collection<UInt8>) throws(TokenFault) -> SignedToken {
        try SignedToken(text, algorithms: algorithms, types: types, bytesMax: tokenBytesMax)
    }

    /// The claims of a token that these keys have verified before; nil for another.
    ///
    /// - Parameter now: seconds since 1970.
    package func known(
        _ text: String, keys: TokenKeys?, now: Double
    ) throws(TokenFault) -> [String: ClaimValue]? {
        guard let claims = keys?.verified.claims(of: text) else { return nil }
        try checkTimes(claims, now)
        return claims
    }

    /// The claims of a token that one of the keys verifies and that is for us, and now.
    ///
    /// - Parameter now: seconds since 1970.
    package func claims(
        of token: SignedToken, keys: TokenKeys, now: Double
    ) throws(TokenFault) -> [String: ClaimValue] {
        try keys.verify(token)
        let claims = try token.claims()
        try checkTimes(claims, now)
        guard let issuer = claims["iss"]?.string, issuers.contains(issuer) else { throw .issuer }
        try checkAudience(claims["aud"])
        return claims
    }

    private func checkTimes(_ claims: [String: ClaimValue], _ now: Double) throws(TokenFault) {
        guard let expiry = claims["exp"] else { throw .noExpiry }
        guard let end = expiry.seconds else { throw .claims }
        guard now < end + leeway else { throw .expired }
        for name in ["nbf", "iat"] {
            guard let value = claims[name] else { continue }
            guard let start = value.seconds else { throw .claims }
            guard now >= start - leeway else { throw .notYet }
        }
    }

    /// RFC 7519, section 4.1.3: a token for somebody is not for others.
    private func checkAudience(_ value: ClaimValue?) throws(TokenFault) {
        switch value {
        case nil: guard audiences.isEmpty else { throw .audience }
        case .string(let name): guard audiences.contains(name) else { throw .audience }
        case .array(let values):
            let names = values.compactMap(\.string)
            guard names.count == values.count else { throw .claims }
            guard !audiences.isDisjoint(with: names) else { throw .audience }
        default: throw .claims
        }
    }
}
