// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
package import Logging
package import Ravioli
import RavioliSchema

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The clocks of the guards.
package struct GuardClock: Sendable {
    /// Seconds since 1970, as tokens count.
    package var seconds: @Sendable () -> Double
    /// Nanoseconds that never jump, as limits count.
    package var nanoseconds: @Sendable () -> Int64

    package init(seconds: @escaping @Sendable () -> Double, nanoseconds: @escaping @Sendable () -> Int64) {
        (self.seconds, self.nanoseconds) = (seconds, nanoseconds)
    }

    /// This machine's.
    package static let system = GuardClock(
        seconds: { Date().timeIntervalSince1970 }, nanoseconds: { Deadline.nowNanoseconds })
}

/// Lets in who has a token, and passes on what it says. RFC 6750 says how both sides speak.
package struct JWTGuard: DoorGuard {
    private let rules: AccessRules
    private let verifier: TokenVerifier
    private let metadata: ClaimMetadata
    private let store: KeyStore
    private let options: JWTOptions
    private let clock: GuardClock
    private let logger: Logger

    /// - Throws: `invalidConfiguration` for a rule that is none.
    package init(
        _ options: JWTOptions, store: KeyStore, clock: GuardClock, logger: Logger
    ) throws(RuntimeError) {
        rules = try AccessRules(options)
        verifier = TokenVerifier(options)
        metadata = ClaimMetadata(options.claims)
        (self.options, self.store, self.clock, self.logger) = (options, store, clock, logger)
    }

    package func look(at visit: inout Visit) async -> GuardVerdict {
        let need = rules.need(visit)
        if need.access == .everybody { return .pass([:]) }
        let claims: [String: ClaimValue]
        switch await read(visit) {
        case .success(let known): claims = known
        case .failure(let refusal): return refusal.verdict
        }
        if let refusal = lacks(need, claims) { return refusal.verdict }
        visit.claims = claims
        visit.verified.add(contentsOf: metadata.metadata(claims))
        return .pass([:])
    }

    private struct Refusal: Error {
        let verdict: GuardVerdict
    }

    // MARK: Tokens

    private func read(_ visit: Visit) async -> Result<[String: ClaimValue], Refusal> {
        let values = visit.head.headerFields[values: .authorization]
        guard values.count <= 1 else {
            let text = "there is more than one authorization"
            return .failure(refused(.invalidArgument, text, "invalid_request"))
        }
        guard let text = values.first.flatMap(Self.bearer) else {
            return .failure(refused(.unauthenticated, "a token is missing", nil))
        }
        do throws(TokenFault) {
            if let claims = try verifier.known(text, keys: store.keys, now: clock.seconds()) {
                return .success(claims)
            }
            let token = try verifier.read(text.utf8)
            guard let keys = await keys(for: token) else { return .failure(Self.noKeys) }
            let claims = try verifier.claims(of: token, keys: keys, now: clock.seconds())
            keys.verified.keep(claims, of: text)
            return .success(claims)
        } catch {
            logger.debug(
                "token refused", metadata: ["request": "\(visit.requestID)", "reason": "\(error.rawValue)"])
            return .failure(refused(.unauthenticated, error.rawValue, "invalid_token"))
        }
    }

    /// What follows `Bearer`, in any case, and blanks; nil for another scheme.
    private static func bearer(_ value: String) -> String? {
        let scheme = value.utf8.prefix(7)
        guard scheme.count == 7, String(Substring(scheme)).lowercased() == "bearer " else { return nil }
        return String(Substring(value.utf8.dropFirst(7).drop { $0 == 0x20 }))
    }

    /// The keys; a token that names one that is not known makes the store look again, at its own pace.
    private func keys(for token: SignedToken) async -> TokenKeys? {
        if let keys = store.keys, token.keyID.map(keys.knows) ?? true { return keys }
        await store.refresh(paced: true, now: clock.nanoseconds())
        return store.keys
    }

    private static let noKeys = Refusal(
        verdict: .refuse(
            RPCError(.unavailable, "tokens cannot be verified yet", executed: .no), [.retryAfter: "5"]))

    // MARK: Rules

    private func lacks(_ need: AccessRules.Need, _ claims: [String: ClaimValue]) -> Refusal? {
        guard need.access == .token else {
            return refused(.permissionDenied, "nobody may do this", nil, challenges: false)
        }
        if !need.scopes.isEmpty {
            let scopes = Set(options.scopeClaims.flatMap { claims.words(of: $0) })
            if !scopes.isSuperset(of: need.scopes) {
                let text = "the token has not every scope that is needed"
                return refused(.permissionDenied, text, "insufficient_scope", scopes: need.scopes)
            }
        }
        if !need.roles.isEmpty, Set(claims.words(of: options.rolesClaim)).isDisjoint(with: need.roles) {
            return refused(.permissionDenied, "the token has no role that may do this", "insufficient_scope")
        }
        return nil
    }

    /// - Parameter error: RFC 6750's word for it; nil where a token was not tried at all.
    private func refused(
        _ code: StatusCode, _ text: String, _ error: String?, scopes: [String] = [], challenges: Bool = true
    ) -> Refusal {
        var challenge = "Bearer realm=\"\(options.realm)\""
        if let error { challenge += ", error=\"\(error)\", error_description=\"\(text)\"" }
        if !scopes.isEmpty { challenge += ", scope=\"\(scopes.joined(separator: " "))\"" }
        return Refusal(
            verdict: .refuse(
                RPCError(code, text, executed: .no), challenges ? [.wwwAuthenticate: challenge] : [:]))
    }
}
