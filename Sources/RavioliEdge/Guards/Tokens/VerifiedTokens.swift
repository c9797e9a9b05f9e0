// SPDX-License-Identifier: Apache-2.0
//
// A client sends the same token again and again, and a signature costs far more than everything else that a unary call takes. So what
// has been verified is kept, by the token's whole text, beside the keys that verified it: with other keys it is gone. Only
// tokens that are accepted get in, so strangers cannot push others out; whether they have expired is asked each time.

import Synchronization

/// Tokens that one set of keys has verified, and their claims.
final class VerifiedTokens: Sendable {
    private struct State {
        var young: [String: [String: ClaimValue]] = [:]
        /// Those that go when the young ones are too many, unless they are asked for before.
        var old: [String: [String: ClaimValue]] = [:]
    }

    private let state = Mutex(State())
    private let generationMax: Int

    /// - Parameter tokensMax: how many are kept; 0 for none.
    init(tokensMax: Int) { generationMax = tokensMax / 2 }

    /// The claims of a token that was verified before.
    func claims(of token: String) -> [String: ClaimValue]? {
        if generationMax == 0 { return nil }
        return state.withLock { state in
            if let claims = state.young[token] { return claims }
            guard let claims = state.old[token] else { return nil }
            keep(claims, of: token, &state)
            return claims
        }
    }

    /// Keeps the claims of a token that has been verified.
    func keep(_ claims: [String: ClaimValue], of token: String) {
        if generationMax > 0 { state.withLock { keep(claims, of: token, &$0) } }
    }

    private func keep(_ claims: [String: ClaimValue], of token: String, _ state: inout State) {
        if state.young.count >= generationMax { (state.old, state.young) = (state.young, [:]) }
        state.young[token] = claims
    }

    /// How many are kept.
    var count: Int { state.withLock { $0.young.count + $0.old.count } }
}
