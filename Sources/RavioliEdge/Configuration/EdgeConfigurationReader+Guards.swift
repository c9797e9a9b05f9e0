// SPDX-License-Identifier: Apache-2.0

import Ravioli

/// Who may call, and how often.
extension EdgeConfigurationReader {
    func guards(_ file: inout YAMLSection, _ options: inout EdgeOptions) throws(RuntimeError) {
        try file.section("jwt") { (section) throws(RuntimeError) in options.jwt = try jwt(&section) }
        var limits: [RateLimitRule] = []
        try file.sections("rate_limits", each: "a rate limit") { (section) throws(RuntimeError) in
            limits.append(try Self.rateLimit(&section))
        }
        options.rateLimits = limits
        try file.section("trusted_proxies") { (section) throws(RuntimeError) in
            if let networks = try section.texts("networks") { options.trustedProxies.networks = networks }
            if let header = try section.choice("header", Self.proxyHeaders) {
                options.trustedProxies.header = header
            }
        }
    }

    // MARK: Tokens

    private func jwt(_ section: inout YAMLSection) throws(RuntimeError) -> JWTOptions {
        guard let issuers = try section.texts("issuers") else {
            throw section.failure("jwt has issuers: the `iss` that tokens may have")
        }
        var jwt = JWTOptions(
            issuers: issuers, audiences: try section.texts("audiences") ?? [], keys: try keys(&section))
        if let names = try section.texts("algorithms") {
            jwt.algorithms = try Self.algorithms(names, section)
        }
        jwt.keysCertificatesFile = try section.text("keys_authorities").map(path)
        try section.set("keys_interval", time: &jwt.keysInterval)
        try section.set("keys_timeout", time: &jwt.keysTimeout)
        try section.set("leeway", time: &jwt.leeway)
        try section.set("token_bytes", bytes: &jwt.tokenBytesMax)
        try section.set("tokens", count: &jwt.tokensMax)
        if let types = try section.texts("types") { jwt.types = types }
        if let claims = try section.table("claims") {
            jwt.claims = Dictionary(claims) { first, _ in first }
        }
        if let claims = try section.texts("scope_claims") { jwt.scopeClaims = claims }
        try section.set("roles_claim", text: &jwt.rolesClaim)
        try section.set("public_document", flag: &jwt.documentIsPublic)
        try section.set("realm", text: &jwt.realm)
        try section.sections("rules", each: "a rule") { (rule) throws(RuntimeError) in
            jwt.rules.append(try Self.rule(&rule))
        }
        return jwt
    }

    private func keys(_ section: inout YAMLSection) throws(RuntimeError) -> JWTOptions.KeySource {
        let file = try section.text("keys_file")
        let url = try section.text("keys_url")
        switch (file, url) {
        case (let file?, nil): return .file(path(file))
        case (nil, let url?): return .url(url)
        default: throw section.failure("jwt has either a keys_file or a keys_url")
        }
    }

    private static func algorithms(
        _ names: [String], _ section: YAMLSection
    ) throws(RuntimeError) -> [JWTOptions.Algorithm] {
        var algorithms: [JWTOptions.Algorithm] = []
        for name in names {
            guard let algorithm = JWTOptions.Algorithm(rawValue: name) else {
                let known = JWTOptions.Algorithm.allCases.map(\.rawValue).joined(separator: ", ")
                throw section.failure("algorithms", "\"\(name)\" is none of \(known)")
            }
            algorithms.append(algorithm)
        }
        return algorithms
    }

    private static func rule(_ section: inout YAMLSection) throws(RuntimeError) -> AccessRule {
        var rule = AccessRule(method: try section.text("method"), path: try section.text("path"))
        if let access = try section.choice("access", accesses) { rule.access = access }
        if let scopes = try section.texts("scopes") { rule.scopes = scopes }
        if let roles = try section.texts("roles") { rule.roles = roles }
        return rule
    }

    private static let accesses: KeyValuePairs<String, AccessRule.Access> = [
        "public": .everybody, "token": .token, "nobody": .nobody,
    ]

    // MARK: Limits

    private static func rateLimit(_ section: inout YAMLSection) throws(RuntimeError) -> RateLimitRule {
        guard let name = try section.text("name"), let requests = try section.count("requests") else {
            throw section.failure("a rate limit has a name, and a number of requests")
        }
        var rule = RateLimitRule(name: name, requests: requests)
        try section.set("window", time: &rule.window)
        rule.burst = try section.count("burst")
        if let key = try section.text("key") { rule.key = try self.key(key, section) }
        rule.method = try section.text("method")
        rule.path = try section.text("path")
        try section.set("per_method", flag: &rule.perMethod)
        return rule
    }

    private static func key(_ text: String, _ section: YAMLSection) throws(RuntimeError) -> RateLimitRule.Key
    {
        if text == "client" { return .client }
        if text == "everybody" { return .everybody }
        let parts = text.split(separator: " ")
        if parts.count == 2, parts[0] == "claim" { return .claim(String(parts[1])) }
        if parts.count == 2, parts[0] == "header" { return .header(String(parts[1])) }
        throw section.failure("key", "key is client, everybody, \"claim NAME\" or \"header NAME\"")
    }

    private static let proxyHeaders: KeyValuePairs<String, TrustedProxies.Header> = [
        "x-forwarded-for": .xForwardedFor, "forwarded": .forwarded,
    ]
}
