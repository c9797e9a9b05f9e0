// SPDX-License-Identifier: Apache-2.0

import Foundation
import JWTKit
import Ravioli
import RavioliSchema
import Testing

@testable import RavioliEdge

/// Tokens without an edge: what is accepted, and everything that is tried to be.
@Suite struct TokenTests {
    private static let rfcClaims =
        "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
    private static let modulus =
        "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SF"
        + "d2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo"
        + "7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkM"
        + "Ls91kzk2PAcDTW9gb54h4FRWyuXpoQ"

    /// RFC 7515, appendices A.1 to A.3: header, signature, key.
    static let rfc7515: [(header: String, signature: String, key: String)] = [
        (
            "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
            #"{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}"#
        ),
        (
            "eyJhbGciOiJSUzI1NiJ9",
            "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdb"
                + "F9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN"
                + "9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5A"
                + "XLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw",
            #"{"kty":"RSA","e":"AQAB","n":"\#(modulus)"}"#
        ),
        (
            "eyJhbGciOiJFUzI1NiJ9",
            "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
            #"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","#
                + #""y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#
        ),
    ]

    private func keys(
        _ jwks: String, _ algorithms: Set<JWTOptions.Algorithm> = Set(JWTOptions.Algorithm.allCases),
        allowsSecrets: Bool = true
    ) async throws -> TokenKeys {
        try await TokenKeys(
            jwks: "{\"keys\":[\(jwks)]}".utf8, algorithms: algorithms, allowsSecrets: allowsSecrets,
            keysMax: 8)
    }

    private func claims(
        _ token: String, _ keys: TokenKeys, at now: Int = TestIssuer.now,
        _ change: (inout JWTOptions) -> Void = { _ in }
    ) throws(TokenFault) -> [String: ClaimValue] {
        let verifier = TokenVerifier(.test(change))
        return try verifier.claims(of: try verifier.read(token.utf8), keys: keys, now: Double(now))
    }

    private func fault(
        _ token: String, _ keys: TokenKeys, at now: Int = TestIssuer.now,
        _ change: (inout JWTOptions) -> Void = { _ in }
    ) -> TokenFault? {
        do throws(TokenFault) {
            _ = try claims(token, keys, at: now, change)
            return nil
        } catch { return error }
    }

    // MARK: Tokens of others

    @Test(arguments: rfc7515) func tokensOfTheRFCAreVerified(
        row: (header: String, signature: String, key: String)
    ) async throws {
        let keys = try await keys(row.key)
        func ofJoe(_ options: inout JWTOptions) {
            (options.issuers, options.audiences) = (["joe"], [])
            options.algorithms = [.hs256, .rs256, .es256]
        }
        let token = "\(row.header).\(Self.rfcClaims).\(row.signature)"
        let found = try claims(token, keys, at: 1_300_819_379, ofJoe)
        #expect(found["http://example.com/is_root"] == .bool(true))
        #expect(fault(token, keys, at: 1_300_819_440, ofJoe) == .expired)
        for change in ["A", "-"] where !row.signature.hasPrefix(change) {
            let other = "\(row.header).\(Self.rfcClaims).\(change)\(row.signature.dropFirst())"
            #expect(fault(other, keys, at: 1_300_819_379, ofJoe) == .signature)
        }
    }

    @Test(arguments: rfc7515) func signaturesOfAnyLengthAreOnlyWrong(
        row: (header: String, signature: String, key: String)
    ) async throws {
        let keys = try await keys(row.key)
        for count in Array(0...140) + [255, 256, 257, 1000] {
            let signature = base64URL([UInt8](repeating: UInt8(truncatingIfNeeded: count), count: count))
            let token = "\(row.header).\(Self.rfcClaims).\(signature)"
            #expect(fault(token, keys) { $0.algorithms = [.hs256, .rs256, .es256] } == .signature)
        }
    }

    /// RFC 8037, appendix A.4.
    @Test func theEd25519SignatureOfTheRFCIsVerified() async throws {
        let keys = try await keys(
            #"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#)
        let text =
            "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhi"
            + "jcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
        try keys.verify(try TokenVerifier(.test()).read(text.utf8))
        // What is signed there is no set of claims.
        #expect(fault(text, keys) == .claims)
    }

    private struct Payload: JWTPayload {
        var iss = IssuerClaim(value: TestIssuer.name)
        var aud = AudienceClaim(value: TestIssuer.audience)
        var exp = ExpirationClaim(value: Date(timeIntervalSince1970: Double(TestIssuer.now) + 60))
        var sub = SubjectClaim(value: "ada")
        func verify(using algorithm: some JWTAlgorithm) throws {}
    }

    @Test func tokensOfJWTKitAreVerified() async throws {
        let key = ES256PrivateKey()
        let collection = JWTKeyCollection()
        await collection.add(ecdsa: key, kid: "k")
        let token = try await collection.sign(Payload(), kid: "k")
        let point = try #require(key.publicKey.parameters)
        let (x, y) = (base64URL(Base64.decode(point.x) ?? []), base64URL(Base64.decode(point.y) ?? []))
        let keys = try await keys(
            #"{"kty":"EC","crv":"P-256","kid":"k","alg":"ES256","x":"\#(x)","y":"\#(y)"}"#)
        #expect(try claims(token, keys)["sub"] == .string("ada"))
    }

    // MARK: Attacks on the signature

    @Test func noneIsNoAlgorithm() async throws {
        let issuer = try await TestIssuer.es256()
        let keys = try await keys(issuer.jwk)
        let payload = try issuer.token().split(separator: ".")[1]
        for name in ["none", "None", "NONE", "nOnE", "", "es256", "ES256 ", "HS256", "RS1"] {
            for header in [#"{"alg":"\#(name)"}"#, #"{"alg":"\#(name)","kid":"key-1"}"#] {
                let start = base64URL(header.utf8) + "." + payload + "."
                #expect(fault(start, keys) == .algorithm)
                #expect(fault(start + "AAAA", keys) == .algorithm)
            }
        }
        for header in [#"{"kid":"key-1"}"#, #"{"alg":null}"#, #"{"alg":["ES256"]}"#] {
            #expect(fault(base64URL(header.utf8) + "." + payload + ".", keys) == .algorithm)
        }
    }

    /// The public key of RSA is no secret of HMAC, though both algorithms are accepted and anybody knows its text.
    @Test func aPublicKeyIsNoSecret() async throws {
        let rsa = #"{"kty":"RSA","kid":"r","e":"AQAB","n":"\#(Self.modulus)"}"#
        let keys = try await keys(rsa)
        let pem = try Insecure.RSA.PublicKey(modulus: Self.modulus, exponent: "AQAB").pemRepresentation
        for secret in [
            Array(pem.utf8), Array(rsa.utf8), Base64.decode(Self.modulus) ?? [], Array(Self.modulus.utf8),
        ] {
            let forger = try await TestIssuer.hs256(secret, keyID: "r")
            let token = try forger.token()
            #expect(fault(token, keys) { $0.algorithms = [.rs256, .hs256] } == .key)
            #expect(fault(token, keys) == .algorithm)
            let bare = try forger.token(header: #"{"alg":"HS256"}"#, payload: "{}")
            #expect(fault(bare, keys) { $0.algorithms = [.rs256, .hs256] } == .key)
        }
    }

    @Test func aKeyServesTheAlgorithmsOfItsKindAlone() async throws {
        let (p256, p384) = (try await TestIssuer.es256("a"), try await TestIssuer.es384("b"))
        let both = try await keys(p256.jwk + "," + p384.jwk)
        #expect(fault(try p384.token(), both) == .algorithm)
        #expect(fault(try p384.token(), both) { $0.algorithms = [.es256, .es384] } == nil)
        // Signed on one curve, said to be of the other, with either's key.
        let payload =
            #"{"iss":"\#(TestIssuer.name)","aud":"\#(TestIssuer.audience)","exp":\#(TestIssuer.now)}"#
        for (keyID, expected) in [("a", TokenFault.signature), ("b", .key)] {
            let token = try p384.token(header: #"{"alg":"ES256","kid":"\#(keyID)"}"#, payload: payload)
            #expect(fault(token, both) { $0.algorithms = [.es256, .es384] } == expected)
        }
        let wrong = p384.jwk.replacing("P-384", with: "P-256")
        await #expect(throws: RuntimeError.self) { try await keys(wrong) }
        await #expect(throws: RuntimeError.self) {
            try await keys(p384.jwk.replacing("\"use\"", with: "\"alg\":\"ES256\",\"use\""))
        }
    }

    @Test func keysAreOnlyTheKnownOnes() async throws {
        let (known, stranger) = (try await TestIssuer.es256("a"), try await TestIssuer.es256("a"))
        let keys = try await keys(known.jwk)
        #expect(fault(try stranger.token(), keys) == .signature)
        // A key that the token brings along, or an address of one, is not looked at.
        for extra in [
            #""jwk":\#(stranger.jwk)"#, #""jku":"https://evil.example""#, #""x5u":"https://evil.example""#,
        ] {
            let header = #"{"alg":"ES256","kid":"a",\#(extra)}"#
            #expect(fault(try stranger.token(header: header, payload: "{}"), keys) == .signature)
        }
        for keyID in ["b", "", "../../dev/null", "a' OR '1'='1", "A", "a\\u0000", "%61"] {
            let header = #"{"alg":"ES256","kid":"\#(keyID)"}"#
            #expect(fault(try known.token(header: header, payload: "{}"), keys) == .key, "\(keyID)")
        }
    }

    @Test func aTokenWithoutAKeyIDNeedsTheOnlyKey() async throws {
        let (one, two) = (try await TestIssuer.es256("a"), try await TestIssuer.es256("b"))
        let payload = try one.token().split(separator: ".")[1]
        let text = String(decoding: try #require(Base64.decode(String(payload))), as: UTF8.self)
        let token = try one.token(header: #"{"alg":"ES256"}"#, payload: text)
        #expect(fault(token, try await keys(one.jwk)) == nil)
        #expect(fault(token, try await keys(one.jwk + "," + two.jwk)) == .key)
    }

    // MARK: Attacks on the form

    @Test func twoReadersUnderstandATokenAlike() async throws {
        let issuer = try await TestIssuer.es256()
        let keys = try await keys(issuer.jwk)
        let start = #"{"iss":"\#(TestIssuer.name)","aud":"\#(TestIssuer.audience)","exp":\#(TestIssuer.now)"#
        func fault(header: String = "", payload: String) throws -> TokenFault? {
            let token = try issuer.token(
                header: #"{"alg":"ES256","kid":"key-1"\#(header)}"#, payload: payload)
            return self.fault(token, keys)
        }
        #expect(try fault(payload: start + "}") == nil)
        #expect(try fault(payload: start + #","sub":"a","sub":"root"}"#) == .claims)
        #expect(try fault(payload: start + #","exp":9999999999}"#) == .claims)
        #expect(try fault(payload: start + #","e\u0078p":9999999999}"#) == .claims)
        #expect(try fault(payload: "[\(start)}]") == .claims)
        #expect(try fault(header: #","alg":"ES256""#, payload: start + "}") == .malformed)
        #expect(try fault(header: #","alg":"none""#, payload: start + "}") == .malformed)
        #expect(try fault(header: #","kid":1"#, payload: start + "}") == .malformed)
        #expect(try fault(header: #","crit":["exp"],"exp":1"#, payload: start + "}") == .extensions)
        #expect(try fault(header: #","crit":[]"#, payload: start + "}") == .extensions)
        #expect(try fault(header: #","b64":false"#, payload: start + "}") == .extensions)
        #expect(try fault(header: #","typ":"application/at+JWT""#, payload: start + "}") == nil)
        #expect(try fault(header: #","typ":"logout+jwt""#, payload: start + "}") == .type)
        #expect(try fault(header: #","typ":1"#, payload: start + "}") == .malformed)
    }

    @Test func theFormIsExact() async throws {
        let issuer = try await TestIssuer.es256()
        let keys = try await keys(issuer.jwk)
        let token = try issuer.token()
        let parts = token.split(separator: ".").map(String.init)
        #expect(fault(token, keys) == nil)
        for text in [
            "", ".", "..", "...", "a.b.c", parts[0], parts[0] + "." + parts[1], token + ".", "." + token,
            token + "=",
            token + " ", " " + token, token + "." + parts[2], parts[0] + "=." + parts[1] + "." + parts[2],
            token + "é",
            token.replacing(".", with: ","), token + "\n", parts[0] + ".." + parts[2] + "+",
            "eyJhbGciOiJFUzI1NiJ.\(parts[1]).\(parts[2])",
        ] {
            #expect(fault(text, keys) == .malformed, "\(text)")
        }
        #expect(fault(parts[0] + "." + parts[1] + ".", keys) == .signature)
        #expect(fault(parts[0] + ".." + parts[2], keys) == .signature)
        #expect(fault(String(repeating: "a", count: 8_001), keys) == .tooLong)
        #expect(fault(try issuer.token(#""x":"\#(String(repeating: "a", count: 8_000))""#), keys) == .tooLong)
    }

    /// Whatever character of a token is another, it is another token.
    @Test func noCharacterOfATokenMayDiffer() async throws {
        let issuer = try await TestIssuer.es256()
        let keys = try await keys(issuer.jwk)
        let token = Array(try issuer.token().utf8)
        for index in token.indices {
            for digit in "AQgw_-.=".utf8 where digit != token[index] {
                var other = token
                other[index] = digit
                #expect(fault(String(decoding: other, as: UTF8.self), keys) != nil)
            }
        }
    }

    @Test func verifiedTokensAreFewAndTheLatest() {
        let tokens = VerifiedTokens(tokensMax: 10)
        for number in 0..<1000 {
            tokens.keep(["n": .number("\(number)")], of: "token \(number)")
            #expect(tokens.claims(of: "token 0") != nil && tokens.count <= 10)
        }
        #expect(tokens.claims(of: "token 999")?["n"] == .number("999"))
        #expect(tokens.claims(of: "token 900") == nil)
        let none = VerifiedTokens(tokensMax: 0)
        none.keep([:], of: "a")
        #expect(none.claims(of: "a") == nil && none.count == 0)
    }

    // MARK: Claims

    static let times: [(claims: String, fault: TokenFault?)] = [
        ("\"exp\":1700000000", nil), ("\"exp\":1699999941", nil), ("\"exp\":1699999940", .expired),
        ("\"exp\":1699999940.5", nil), ("\"exp\":-1", .expired), ("\"exp\":0", .expired),
        ("\"exp\":1.7e9", nil), ("\"exp\":1e400", .claims), ("\"exp\":\"1800000000\"", .claims),
        ("\"exp\":null", .claims), ("\"exp\":[1800000000]", .claims), ("\"exp\":true", .claims),
        ("\"exp\":9e99", .claims), ("\"x\":1", .noExpiry),
        ("\"exp\":1800000000,\"nbf\":1700000060", nil), ("\"exp\":1800000000,\"nbf\":1700000061", .notYet),
        ("\"exp\":1800000000,\"nbf\":\"0\"", .claims), ("\"exp\":1800000000,\"iat\":1700000060", nil),
        ("\"exp\":1800000000,\"iat\":1700003600", .notYet), ("\"exp\":1800000000,\"iat\":{}", .claims),
    ]

    @Test(arguments: times) func timesHoldWithinAMinute(
        row: (claims: String, fault: TokenFault?)
    ) async throws {
        let issuer = try await TestIssuer.es256()
        let token = try issuer.token(
            header: #"{"alg":"ES256","kid":"key-1"}"#,
            payload: #"{"iss":"\#(TestIssuer.name)","aud":"\#(TestIssuer.audience)",\#(row.claims)}"#)
        #expect(fault(token, try await keys(issuer.jwk)) == row.fault)
    }

    static let parties: [(claims: String, fault: TokenFault?)] = [
        (#""iss":"https://issuer.example","aud":"https://api.example""#, nil),
        (#""iss":"https://issuer.example","aud":["a","https://api.example"]"#, nil),
        (#""iss":"https://issuer.example/","aud":"https://api.example""#, .issuer),
        (#""iss":"HTTPS://issuer.example","aud":"https://api.example""#, .issuer),
        (#""iss":["https://issuer.example"],"aud":"https://api.example""#, .issuer),
        (#""iss":null,"aud":"https://api.example""#, .issuer), (#""aud":"https://api.example""#, .issuer),
        (#""iss":"https://issuer.example""#, .audience),
        (#""iss":"https://issuer.example","aud":[]"#, .audience),
        (#""iss":"https://issuer.example","aud":"https://api.example https://other""#, .audience),
        (#""iss":"https://issuer.example","aud":["https://api.example",1]"#, .claims),
        (#""iss":"https://issuer.example","aud":{"https://api.example":1}"#, .claims),
    ]

    @Test(arguments: parties) func partiesAreTheKnownOnes(
        row: (claims: String, fault: TokenFault?)
    ) async throws {
        let issuer = try await TestIssuer.es256()
        let token = try issuer.token(
            header: #"{"alg":"ES256","kid":"key-1"}"#, payload: #"{\#(row.claims),"exp":1800000000}"#)
        #expect(fault(token, try await keys(issuer.jwk)) == row.fault)
    }

    @Test func aTokenForSomebodyIsNotForNobody() async throws {
        let issuer = try await TestIssuer.es256()
        let keys = try await keys(issuer.jwk)
        #expect(fault(try issuer.token(), keys) { $0.audiences = [] } == .audience)
        let bare = try issuer.token(
            header: #"{"alg":"ES256","kid":"key-1"}"#,
            payload: #"{"iss":"\#(TestIssuer.name)","exp":1800000000}"#)
        #expect(fault(bare, keys) { $0.audiences = [] } == nil)
    }

    // MARK: Key sets

    @Test(arguments: [
        "", "{}", "[]", #"{"keys":{}}"#, #"{"keys":[]}"#, #"{"keys":[1,null,{}]}"#, #"{"keys":[],"keys":[]}"#,
        #"{"keys":[{"kty":"oct","k":"c2hvcnQ"}]}"#,
        #"{"keys":[{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}]}"#,
        #"{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB"}]}"#,
        #"{"keys":[{"kty":"OKP","crv":"X25519","x":"AA"}]}"#,
        #"{"keys":[{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T","use":"enc"}]}"#,
        #"{"keys":[{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T","key_ops":["encrypt"]}]}"#,
    ])
    func whatHasNoKeyToUseIsRefused(jwks: String) async {
        await #expect(throws: RuntimeError.self) {
            try await TokenKeys(
                jwks: jwks.utf8, algorithms: Set(JWTOptions.Algorithm.allCases), allowsSecrets: true,
                keysMax: 8)
        }
    }

    @Test func aPointBesideTheCurveIsNoKey() async throws {
        let zeros = base64URL([UInt8](repeating: 1, count: 32))
        let good = try await TestIssuer.es256()
        let bad = #"{"kty":"EC","crv":"P-256","kid":"bad","x":"\#(zeros)","y":"\#(zeros)"}"#
        let keys = try await keys(bad + "," + good.jwk)
        #expect(keys.leftOut.count == 1 && !keys.knows("bad") && keys.knows("key-1"))
    }

    @Test func secretsAndSurplusAreForFiles() async throws {
        let secret = try await TestIssuer.hs256([UInt8](repeating: 7, count: 32))
        _ = try await keys(secret.jwk)
        await #expect(throws: RuntimeError.self) { try await keys(secret.jwk, allowsSecrets: false) }
        let many = [String](repeating: secret.jwk, count: 9).joined(separator: ",")
        await #expect(throws: RuntimeError.self) { try await keys(many) }
    }

    static let wrong: [@Sendable (inout JWTOptions) -> Void] = [
        { $0.issuers = [] }, { $0.issuers = [""] }, { $0.algorithms = [] },
        { $0.keys = .url("http://keys.example/") },
        { $0.keys = .url("https://") }, { $0.keys = .url("https://a@b/") },
        { $0.keys = .url("file:///etc/passwd") },
        { $0.keys = .url("http://127.0.0.1.evil.example/") },
        { $0.keys = .url("http://localhost@evil.example/") },
        {
            $0.keys = .url("https://keys.example/")
            $0.algorithms = [.hs256]
        },
        { $0.leeway = .seconds(-1) }, { $0.leeway = .seconds(4000) }, { $0.tokenBytesMax = 10_000 },
        { $0.realm = "a\"b" }, { $0.realm = "a\r\nb" }, { $0.claims = ["sub": "grpc-x"] },
        { $0.claims = ["sub": "ravioli-client-identity"] },
        { $0.claims = ["sub": "X Y"] }, { $0.claims = ["sub": ""] }, { $0.claims = ["sub": "x-request-id"] },
        { $0.rules = [AccessRule(method: "nonsense")] },
        { $0.rules = [AccessRule(access: .everybody, scopes: ["a"])] },
        { $0.rules = [AccessRule(scopes: ["a b"])] }, { $0.rules = [AccessRule(scopes: ["a\""])] },
        { $0.keysMax = 0 }, { $0.keysBytesMax = 1 << 30 }, { $0.keysInterval = .zero },
    ]

    @Test(arguments: wrong.indices) func optionsThatDoNotHoldAreRefused(index: Int) throws {
        try JWTOptions.test().check(.defaults)
        let options = JWTOptions.test(Self.wrong[index])
        #expect(throws: RuntimeError.self) { try options.check(.defaults) }
    }

    @Test(arguments: [
        "https://keys.example/jwks", "HTTPS://k", "http://127.0.0.1:80/", "http://localhost",
        "http://[::1]:1/",
    ])
    func keysMayComeFromThere(url: String) { #expect(KeyFetch.isAcceptable(url)) }
}
