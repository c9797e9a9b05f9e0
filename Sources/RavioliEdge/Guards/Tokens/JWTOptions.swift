// SPDX-License-Identifier: Apache-2.0

import Ravioli
import RavioliSchema

/// Who may call what: callers show a token (JWT, RFC 7519, as `Authorization: Bearer`) that one of the issuers has signed.
///
/// With it every request needs a valid token, unless a rule says otherwise; `/healthz` alone never does.
public struct JWTOptions: Sendable, Hashable {
    /// How tokens may be signed (RFC 7518, RFC 8037). There is no `none`.
    public enum Algorithm: String, Sendable, Hashable, CaseIterable {
        /// HMAC with SHA-256. Its secret can also make tokens, and comes from a file of keys alone.
        case hs256 = "HS256"
        /// HMAC with SHA-384.
        case hs384 = "HS384"
        /// HMAC with SHA-512.
        case hs512 = "HS512"
        /// RSA with PKCS#1 padding and SHA-256; keys of RSA have 2,048 to 8,192 bits.
        case rs256 = "RS256"
        /// RSA with PKCS#1 padding and SHA-384.
        case rs384 = "RS384"
        /// RSA with PKCS#1 padding and SHA-512.
        case rs512 = "RS512"
        /// RSA with PSS padding and SHA-256.
        case ps256 = "PS256"
        /// RSA with PSS padding and SHA-384.
        case ps384 = "PS384"
        /// RSA with PSS padding and SHA-512.
        case ps512 = "PS512"
        /// ECDSA on P-256 with SHA-256.
        case es256 = "ES256"
        /// ECDSA on P-384 with SHA-384.
        case es384 = "ES384"
        /// ECDSA on P-521 with SHA-512.
        case es512 = "ES512"
        /// Ed25519.
        case eddsa = "EdDSA"

        var isSecret: Bool { self == .hs256 || self == .hs384 || self == .hs512 }
    }

    /// Where the keys come from: a JSON Web Key Set (RFC 7517).
    public enum KeySource: Sendable, Hashable {
        /// A file, read when the edge starts and again when it has changed.
        case file(String)
        /// An address with `https`; `http` is for `localhost`, `127.0.0.1` and `[::1]` only. Redirects are not followed.
        case url(String)
    }

    /// Who may have signed a token: its `iss` is one of these, exactly.
    public var issuers: [String]
    /// For whom a token may be: its `aud` has one of these. Empty: tokens that name no audience.
    public var audiences: [String]
    /// How tokens may be signed. What is not in the list is refused, whatever a key could verify. Default `RS256`,
    /// `ES256` and `EdDSA`.
    public var algorithms: [Algorithm] = [.rs256, .es256, .eddsa]
    /// Where the keys come from.
    public var keys: KeySource
    /// Certificates, in PEM, that the server of the keys may be certified by. Default nil: the system's.
    public var keysCertificatesFile: String?
    /// How often a URL is asked for the keys, give or take a tenth. Default every 5 min. What is known stays in force
    /// when it does not answer.
    public var keysInterval: Duration = .seconds(300)
    /// How often at most a URL is asked because a token names a key that is not known, and how often a file is looked at.
    /// Default every 10 s.
    public var keysPauseMin: Duration = .seconds(10)
    /// Time for a URL to answer. Default 5 s.
    public var keysTimeout: Duration = .seconds(5)
    /// How long a key set may be, in bytes. Default 256 KiB, and never more than 1 MiB.
    public var keysBytesMax = 256 << 10
    /// How many keys a set may have. Default 64.
    public var keysMax = 64
    /// How much clocks may differ, in `exp`, `nbf` and `iat`. Default 60 s.
    public var leeway: Duration = .seconds(60)
    /// How long a token may be, in bytes. Default 8,000, which fits ``EdgeLimits/headerFieldBytesMax``.
    public var tokenBytesMax = 8_000
    /// How many verified tokens are remembered, so that a signature is verified once and not with each request. Default
    /// 4,096; 0 for none. They are forgotten when the keys change.
    public var tokensMax = 4_096
    /// The values of `typ` that tokens may have, if they have one, in any case. Default `JWT` and `at+jwt`.
    public var types = ["JWT", "at+jwt"]
    /// Which claims calls take along, and under which names of metadata. Default `sub` as `ravioli-claim-sub`. A claim
    /// inside another is named with dots, as `realm_access.roles`. Of the names that begin with `ravioli-`, only those with
    /// `ravioli-claim-` are for claims. Clients can never set these names, nor the same with
    /// or without `-bin` at their end.
    public var claims = ["sub": "ravioli-claim-sub"]
    /// The claims that have scopes: a text with blanks between them, or an array of texts. Default `scope` and `scp`.
    public var scopeClaims = ["scope", "scp"]
    /// The claim that has roles, in the same forms. Default `roles`.
    public var rolesClaim = "roles"
    /// What requests need; the first rule that fits decides. A request that none fits needs a valid token. Default none.
    public var rules: [AccessRule] = []
    /// Whether the page and `/openapi.json` need no token, whatever the rules say. Default false.
    public var documentIsPublic = false
    /// The name of what is protected, in `WWW-Authenticate`. Default `api`.
    public var realm = "api"

    /// Tokens of some issuers for some audiences.
    public init(issuers: [String], audiences: [String], keys: KeySource) {
        (self.issuers, self.audiences, self.keys) = (issuers, audiences, keys)
    }
}

/// What some requests need.
public struct AccessRule: Sendable, Hashable {
    /// Who may.
    public enum Access: String, Sendable, Hashable, CaseIterable {
        /// Everybody. A token is not looked at, and nothing about the caller is passed on.
        case everybody = "public"
        /// Whoever has a valid token, and the scopes and roles of the rule.
        case token
        /// Nobody.
        case nobody
    }

    /// The methods, however they are called, as `shop.v1.Cars/GetCar`, `shop.v1.Cars/*`, `shop.v1.*`, or `*` for all;
    /// nil for all requests, also those that lead to no method. Default nil.
    public var method: String?
    /// The paths, as `/cars/*/price` or `/pages/**`: `*` is one segment, `**` at the end any number. Compared with what
    /// the client asks for, escapes undone, the query left out. Default nil: all.
    public var path: String?
    /// Who may. Default: whoever has a valid token.
    public var access = Access.token
    /// The scopes that a token must have, all of them. Default none.
    public var scopes: [String] = []
    /// The roles of which a token must have one. Default none, which asks for none.
    public var roles: [String] = []

    /// A rule for some methods, some paths, or both together.
    public init(
        method: String? = nil, path: String? = nil, access: Access = .token, scopes: [String] = [],
        roles: [String] = []
    ) {
        (self.method, self.path, self.access) = (method, path, access)
        (self.scopes, self.roles) = (scopes, roles)
    }
}

extension JWTOptions {
    /// - Throws: `invalidConfiguration`, naming what does not hold.
    func check(_ limits: EdgeLimits) throws(RuntimeError) {
        try require(!issuers.isEmpty && issuers.allSatisfy { !$0.isEmpty }, "issuers name who signs tokens")
        try require(!algorithms.isEmpty, "algorithms name how tokens are signed")
        if case .url(let url) = keys {
            try require(!algorithms.contains(where: \.isSecret), "HMAC takes its keys from a file")
            try require(KeyFetch.isAcceptable(url), "the keys come from an address with https")
        }
        try require(
            keysInterval > .zero && keysPauseMin > .zero && keysTimeout > .zero, "times for keys are positive"
        )
        try require((256...(1 << 20)).contains(keysBytesMax), "keysBytesMax is 256 bytes to 1 MiB")
        try require((1...1000).contains(keysMax), "keysMax is 1 to 1,000")
        try require(leeway >= .zero && leeway <= .seconds(3600), "leeway is at most an hour")
        try require(
            (64...limits.headerFieldBytesMax).contains(tokenBytesMax), "tokenBytesMax fits one header field")
        try require((0...1_000_000).contains(tokensMax), "tokensMax is 0 to 1,000,000")
        try require(
            realm.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F && $0 != 0x22 && $0 != 0x5C },
            "realm is printable, without quotes and backslashes")
        for rule in rules {
            _ = try RoutePattern(method: rule.method, path: rule.path)
            try require(
                rule.access == .token || rule.scopes.isEmpty && rule.roles.isEmpty,
                "scopes and roles are for rules that ask for a token")
            try require(rule.scopes.allSatisfy(Self.isScope), "scopes are texts without blanks and quotes")
        }
        for name in claims.values {
            try require(
                HeaderRules.canBeClaim(name),
                "\(SchemaError.excerpt(name)) is no name for a claim's metadata")
        }
    }

    /// RFC 6749, section 3.3.
    private static func isScope(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != 0x22 && $0 != 0x5C }
    }

    private func require(_ holds: Bool, _ relation: String) throws(RuntimeError) {
        if !holds { throw RuntimeError(.invalidConfiguration, "jwt: " + relation) }
    }
}
