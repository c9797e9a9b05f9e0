// SPDX-License-Identifier: Apache-2.0

import Ravioli
public import RavioliSchema

/// What whoever runs an edge decides.
public struct EdgeOptions: Sendable {
    /// The defaults.
    public static var defaults: EdgeOptions { EdgeOptions() }

    /// What it is willing to hold and wait for.
    public var limits = EdgeLimits.defaults
    /// What stands before `/pkg.Service/Method` in every path, as `/api`. Default empty.
    public var prefix = ""
    /// The methods that clients find, as in ``AccessRule/method``: `shop.v1.Cars/GetCar`, `shop.v1.Cars/*`, `shop.v1.*`. All
    /// others are as if there were none, in every protocol, by REST rules and in the document; plans may call them.
    /// Default empty: all methods.
    public var exposedMethods: [String] = []
    /// Methods that clients do not find although they are exposed, in the same form. Default none.
    public var hiddenMethods: [String] = []
    /// Which request headers become metadata of the call. Default: `traceparent` and `tracestate`. The request id
    /// always goes along, as `x-request-id`.
    public var requestHeaders = HeaderRules(tracingHeaders)
    /// Which response metadata becomes headers. Default: none.
    public var responseHeaders = HeaderRules([])
    /// Whether requests without `Connect-Protocol-Version: 1` are refused. Default false, so that plain curl works.
    public var demandsProtocolVersion = false
    /// Whether responses are compressed for clients that accept it, from 1 KiB on. Default true. Turn it off where secrets
    /// and what an attacker chooses stand in one response, as their length then tells about the secret.
    public var compressesResponses = true
    /// Which calls are made at most once for each `Idempotency-Key`. Default nil: keys are passed over.
    public var idempotency: IdempotencyOptions?
    /// Whether answers to GET and HEAD have an `ETag`, so that a client that has one need not get it again. Such answers
    /// may then be kept by the client itself, and by nobody in between. Default true.
    public var etags = true
    /// REST, and the document that describes all that is served.
    public var rest = RESTOptions.defaults
    /// Answers that are put together from several calls, as <doc:Plans> tells. Default: none.
    public var plans = PlanOptions.defaults
    /// Which pages of other origins may call from a browser. Default nil: none.
    public var cors: CORSOptions?
    /// Who may call what, by tokens. Default nil: everybody everything.
    public var jwt: JWTOptions?
    /// How many requests who may make. Default none. ``EdgeLimits/rateLimitBucketsMax`` bounds what they remember.
    public var rateLimits: [RateLimitRule] = []
    /// The proxies that clients come through. Default none.
    public var trustedProxies = TrustedProxies()
    /// The certificate to serve HTTPS with; nil for clear text. Default nil.
    public var tls: EdgeTLSOptions?
    /// How responses are printed as JSON. Default: as the ProtoJSON guide asks. Types inside `Any` are always looked
    /// up in the upstream's schema.
    public var jsonEncoding = JSONEncodingOptions.defaults
    /// How requests are read. Default: strictly.
    public var jsonDecoding = JSONDecodingOptions.defaults

    /// What tracing needs; whoever passes on more headers begins with these.
    public static let tracingHeaders = ["traceparent", "tracestate"]

    /// The defaults.
    public init() {}

    /// - Throws: `invalidConfiguration`, naming what does not hold.
    func check() throws(RuntimeError) {
        try limits.check()
        try jwt?.check(limits)
        try RateLimitRule.check(rateLimits)
        try trustedProxies.check()
        if let cors, cors.allowsAnyOrigin, cors.allowsCredentials {
            throw RuntimeError(.invalidConfiguration, "edge options: no credentials from all origins")
        }
        try idempotency?.check(limits)
        try tls?.check()
    }
}

/// An allow-list of header names. What the edge and HTTP need for themselves never passes, whatever the list says.
public struct HeaderRules: Sendable, Hashable {
    private let names: Set<String>
    private let prefixes: [String]
    /// Names that never pass.
    private var withheld: Set<String> = []

    /// A list of names, in any case; one that ends in `*` stands for all names that begin so.
    public init(_ patterns: [String]) {
        let patterns = patterns.map { $0.lowercased() }
        names = Set(patterns.filter { !$0.hasSuffix("*") })
        prefixes = patterns.filter { $0.hasSuffix("*") }.map { String($0.dropLast()) }
    }

    /// Whether a name, in lower case, may pass.
    func allow(_ name: String) -> Bool {
        guard names.contains(name) || prefixes.contains(where: name.hasPrefix) else { return false }
        return !Self.isReserved(name) && !withheld.contains(name) && name.utf8.allSatisfy(Self.isNameByte)
    }

    /// The same list without some names, in lower case.
    func withholding(_ names: Set<String>) -> HeaderRules {
        var rules = self
        rules.withheld.formUnion(names)
        return rules
    }

    /// Whether a claim may go along under a name: any that metadata may have, but for those that mean something else.
    static func canBeClaim(_ name: String) -> Bool {
        let name = name.lowercased()
        guard !name.isEmpty, name != "-bin", name.utf8.allSatisfy(isNameByte) else { return false }
        return !isReserved(name) || name.hasPrefix("ravioli-claim-")
    }

    /// Connect's own names, those that describe this connection or body only, those that a proxy vouches for, and
    /// those that the edge sets itself.
    private static func isReserved(_ name: String) -> Bool {
        reservedNames.contains(name) || reservedPrefixes.contains(where: name.hasPrefix)
    }

    private static let reservedPrefixes = [
        "connect-", "trailer-", "grpc-", "ravioli-", "content-", "access-control-", "sec-", "proxy-",
        "x-forwarded-", ":",
    ]
    private static let reservedNames: Set<String> = [
        "accept", "accept-encoding", "accept-post", "allow", "cache-control", "connection", "cookie", "date",
        "expect",
        "forwarded", "host", "keep-alive", "location", "ratelimit", "ratelimit-policy", "referrer-policy",
        "server", "set-cookie",
        "strict-transport-security", "te", "trailer", "transfer-encoding", "upgrade", "user-agent", "vary",
        "via",
        "x-content-type-options", "x-request-id",
    ]

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
        case UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."): true
        default: false
        }
    }
}
