// SPDX-License-Identifier: Apache-2.0
//
// A set of keys (RFC 7517), made ready once for each algorithm that it may be used with. Which algorithm a key is for is decided by the
// options and by the key, never by a token: a token only chooses among what is here. So no public key becomes the
// secret of an HMAC, and no curve serves an algorithm of another.

import JWTKit
package import Ravioli
import RavioliSchema

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The keys that tokens are verified with.
package struct TokenKeys: Sendable {
    private struct Key: Sendable {
        let keyID: String?
        let algorithm: JWTOptions.Algorithm
        let verifier: any JWTAlgorithm
    }

    private var keys: [Key] = []
    /// What these keys have verified.
    let verified: VerifiedTokens
    /// Keys that cannot be used, with the reasons, for the log.
    package private(set) var leftOut: [String] = []

    /// Reads a key set. Keys that are for something else or malformed are left out.
    ///
    /// - Parameters:
    ///   - allowsSecrets: whether there may be keys for HMAC.
    ///   - tokensMax: how many verified tokens are kept.
    /// - Throws: `invalidConfiguration` for what is no key set, for too many keys, and when none is left.
    package init(
        jwks: some Sequence<UInt8>, algorithms: Set<JWTOptions.Algorithm>, allowsSecrets: Bool, keysMax: Int,
        tokensMax: Int = 0
    ) async throws(RuntimeError) {
        verified = VerifiedTokens(tokensMax: tokensMax)
        guard let entries = ClaimValue(json: jwks)?.object?["keys"]?.array else {
            throw RuntimeError(.invalidConfiguration, "it is no key set in JSON with unique names")
        }
        guard entries.count <= keysMax else {
            throw RuntimeError(.invalidConfiguration, "it has more than \(keysMax) keys")
        }
        for (index, entry) in entries.enumerated() {
            do throws(KeyFault) {
                keys += try await Self.read(entry, algorithms: algorithms, allowsSecrets: allowsSecrets)
            } catch {
                leftOut.append("key \(index): \(error.reason)")
            }
        }
        guard !keys.isEmpty else {
            throw RuntimeError(
                .invalidConfiguration, "it has no key that can be used: \(leftOut.joined(separator: ", "))")
        }
    }

    /// Whether a token may name this key.
    package func knows(_ keyID: String) -> Bool { keys.contains { $0.keyID == keyID } }

    /// Verifies a signature with the key that the token names; if it names none, with the only one there is for its
    /// algorithm.
    package func verify(_ token: SignedToken) throws(TokenFault) {
        let fitting = keys.filter {
            $0.algorithm == token.algorithm && (token.keyID == nil || $0.keyID == token.keyID)
        }
        guard let key = fitting.first, fitting.count == 1 || token.keyID != nil else { throw .key }
        let isValid = try? key.verifier.verify(token.signature, signs: token.signed)
        guard isValid == true else { throw .signature }
    }

    // MARK: Keys

    private struct KeyFault: Error { let reason: String }

    /// The key, once for each algorithm it is for.
    private static func read(
        _ entry: ClaimValue, algorithms: Set<JWTOptions.Algorithm>, allowsSecrets: Bool
    ) async throws(KeyFault) -> [Key] {
        guard let fields = entry.object, let type = fields["kty"]?.string else {
            throw KeyFault(reason: "it has no kty")
        }
        if let use = fields["use"], use.string != "sig" { throw KeyFault(reason: "it is not for signatures") }
        if let uses = fields["key_ops"]?.array, !uses.contains(.string("verify")) {
            throw KeyFault(reason: "it is not for verifying")
        }
        if type == "oct", !allowsSecrets { throw KeyFault(reason: "secrets come from files only") }
        var fitting = algorithms.filter { $0.keyType == type && $0.curve == fields["crv"]?.string }
        if let only = fields["alg"] {
            fitting.formIntersection(fitting.filter { $0.rawValue == only.string })
        }
        guard !fitting.isEmpty else { throw KeyFault(reason: "no accepted algorithm is for it") }
        var keys: [Key] = []
        var fault: KeyFault?
        for algorithm in fitting {
            // A secret may be long enough for one and too short for another.
            do throws(KeyFault) {
                let verifier = try await verifier(fields, algorithm)
                keys.append(Key(keyID: fields["kid"]?.string, algorithm: algorithm, verifier: verifier))
            } catch { fault = error }
        }
        if keys.isEmpty, let fault { throw fault }
        return keys
    }

    private static func verifier(
        _ fields: [String: ClaimValue], _ algorithm: JWTOptions.Algorithm
    ) async throws(KeyFault) -> any JWTAlgorithm {
        let collection = JWTKeyCollection()
        let name: JWKIdentifier = "key"
        do {
            if let digest = algorithm.digest {
                let secret = try bytes(fields["k"], in: algorithm.secretBytesMin...1024)
                await collection.add(hmac: HMACKey(from: secret), digestAlgorithm: digest, kid: name)
            } else {
                try await collection.add(jwk: try publicKey(fields, algorithm, name))
            }
            let verifier = try await collection.getKey(for: name, alg: algorithm.rawValue)
            guard verifier.name == algorithm.rawValue else { throw KeyFault(reason: "it is for another") }
            return verifier
        } catch let fault as KeyFault {
            throw fault
        } catch {
            throw KeyFault(reason: "it is malformed")
        }
    }

    /// The public half alone, whatever else the set has.
    private static func publicKey(
        _ fields: [String: ClaimValue], _ algorithm: JWTOptions.Algorithm, _ name: JWKIdentifier
    ) throws(KeyFault) -> JWK {
        let jwk = JWK.Algorithm(rawValue: algorithm.rawValue)
        switch algorithm.keyType {
        case "RSA":
            // 2,048 to 8,192 bits: a longer key would make every token costly.
            _ = try bytes(fields["n"], in: 256...1024)
            _ = try bytes(fields["e"], in: 1...8)
            return .rsa(jwk, identifier: name, modulus: fields["n"]?.string, exponent: fields["e"]?.string)
        case "EC":
            let count = algorithm.coordinateBytes
            _ = try bytes(fields["x"], in: count...count)
            _ = try bytes(fields["y"], in: count...count)
            let curve = ECDSACurve(rawValue: algorithm.curve ?? "")
            return .ecdsa(
                jwk, identifier: name, x: fields["x"]?.string, y: fields["y"]?.string, curve: curve)
        default:
            _ = try bytes(fields["x"], in: 32...32)
            return .octetKeyPair(
                jwk, identifier: name, x: fields["x"]?.string, y: nil, curve: .ed25519)
        }
    }

    /// A number in URL-safe base64 without padding.
    private static func bytes(_ value: ClaimValue?, in counts: ClosedRange<Int>) throws(KeyFault) -> [UInt8] {
        guard let text = value?.string, !text.contains("="), let bytes = Base64.decode(text),
            counts.contains(bytes.count)
        else { throw KeyFault(reason: "a number of it is malformed, too short or too long") }
        return bytes
    }
}

extension JWTOptions.Algorithm {
    /// `kty` of its keys.
    fileprivate var keyType: String {
        switch self {
        case .hs256, .hs384, .hs512: "oct"
        case .rs256, .rs384, .rs512, .ps256, .ps384, .ps512: "RSA"
        case .es256, .es384, .es512: "EC"
        case .eddsa: "OKP"
        }
    }

    /// `crv` of its keys.
    fileprivate var curve: String? {
        switch self {
        case .es256: "P-256"
        case .es384: "P-384"
        case .es512: "P-521"
        case .eddsa: "Ed25519"
        default: nil
        }
    }

    fileprivate var coordinateBytes: Int {
        switch self {
        case .es256: 32
        case .es384: 48
        default: 66
        }
    }

    fileprivate var digest: DigestAlgorithm? {
        switch self {
        case .hs256: .sha256
        case .hs384: .sha384
        case .hs512: .sha512
        default: nil
        }
    }

    /// RFC 7518, section 3.2: a secret is as long as the digest at least.
    fileprivate var secretBytesMin: Int {
        switch self {
        case .hs384: 48
        case .hs512: 64
        default: 32
        }
    }
}
