// SPDX-License-Identifier: Apache-2.0

import Ravioli
import RavioliSchema

/// Turns the sections of a configuration file into options. Each section is read where its keys are listed, and nothing
/// has a default here: what a file leaves out stays as the options have it.
struct EdgeConfigurationReader {
    let folder: String

    /// - Throws: `invalidConfiguration` naming the file and the line.
    mutating func read(
        _ yaml: String, name: String, into configuration: inout EdgeConfiguration
    ) throws(RuntimeError) {
        var file = try YAMLSection(yaml: yaml, file: name)
        try listening(&file, &configuration)
        try upstreams(&file, &configuration)
        var options = configuration.options
        try routes(&file, &options)
        try file.section("limits") { (section) throws(RuntimeError) in
            try Self.limits(&section, &options.limits)
        }
        try file.section("cors") { (section) throws(RuntimeError) in try Self.cors(&section, &options) }
        try file.section("json") { (section) throws(RuntimeError) in try Self.json(&section, &options) }
        try guards(&file, &options)
        try file.section("idempotency") { (section) throws(RuntimeError) in
            try idempotency(&section, &options)
        }
        try file.section("plans") { (section) throws(RuntimeError) in try plans(&section, &options.plans) }
        try file.section("rest") { (section) throws(RuntimeError) in try rest(&section, &options.rest) }
        try file.end()
        try options.check()
        configuration.options = options
    }

    // MARK: Where

    private func listening(
        _ file: inout YAMLSection, _ configuration: inout EdgeConfiguration
    ) throws(RuntimeError) {
        if let text = try file.text("listen") {
            configuration.listen = try Self.address(text, "listen", file)
        }
        try file.section("tls") { (section) throws(RuntimeError) in
            guard let certificate = try section.text("certificate"), let key = try section.text("key") else {
                throw section.failure("tls has a certificate and a key")
            }
            var tls = EdgeTLSOptions(certificateChainFile: path(certificate), privateKeyFile: path(key))
            if let clients = try section.choice("client_certificates", Self.clientCertificates) {
                tls.clientCertificates = clients
            }
            tls.clientAuthoritiesFile = try section.text("client_authorities").map(path)
            try section.set("reload_interval", time: &tls.reloadInterval)
            configuration.options.tls = tls
        }
        try file.section("log") { (section) throws(RuntimeError) in
            try section.set("requests", flag: &configuration.logsRequests)
        }
    }

    private func upstreams(
        _ file: inout YAMLSection, _ configuration: inout EdgeConfiguration
    ) throws(RuntimeError) {
        var upstreams: [UpstreamConfiguration] = []
        try file.sections("upstreams", each: "an upstream") { (section) throws(RuntimeError) in
            upstreams.append(try upstream(&section))
        }
        guard !upstreams.isEmpty else { throw file.failure("upstreams is a list of at least one service") }
        guard Set(upstreams.map(\.name)).count == upstreams.count else {
            throw file.failure("upstreams", "two upstreams have the same name")
        }
        configuration.upstreams = upstreams
    }

    private func upstream(_ section: inout YAMLSection) throws(RuntimeError) -> UpstreamConfiguration {
        guard let name = try section.text("name") else { throw section.failure("an upstream has a name") }
        let sources = try sources(name, &section)
        var upstream = UpstreamConfiguration(name: name, source: sources.first ?? .fixed([]))
        upstream.schemaFile = try section.text("schema").map(path)
        if let time = try section.time("connect_timeout") { upstream.connectTimeout = time }
        try section.section("tls") { (tls) throws(RuntimeError) in upstream.tls = try clientTLS(&tls) }
        // A key that is misspelt is why there is none, more often than not.
        try section.end()
        guard sources.count == 1 else {
            throw section.failure("the upstream \(name) has one of address, dns and discovery")
        }
        return upstream
    }

    private func sources(
        _ name: String, _ section: inout YAMLSection
    ) throws(RuntimeError) -> [EndpointSource] {
        var sources: [EndpointSource] = []
        if let texts = try section.texts("address") {
            var addresses: [Address] = []
            for text in texts { addresses.append(try Self.address(text, "address", section)) }
            sources.append(.fixed(addresses))
        }
        if let text = try section.text("dns") {
            guard case .tcp(let host, let port) = Address(text) else {
                throw section.failure("dns", "dns is HOST:PORT, for all addresses of the host")
            }
            sources.append(.dns(host: host, port: port))
        }
        if let text = try section.text("discovery") {
            sources.append(.file(path: path(text), service: name))
        }
        return sources
    }

    private func clientTLS(_ section: inout YAMLSection) throws(RuntimeError) -> ClientTLSOptions {
        var tls = ClientTLSOptions.defaults
        tls.trustRootsFile = try section.text("authorities").map(path)
        tls.certificateChainFile = try section.text("certificate").map(path)
        tls.privateKeyFile = try section.text("key").map(path)
        guard (tls.certificateChainFile == nil) == (tls.privateKeyFile == nil) else {
            throw section.failure("certificate and key belong together")
        }
        if let server = try section.text("server") {
            tls.expectedServer = server.hasPrefix("spiffe:") ? .identity(server) : .hostName(server)
        }
        return tls
    }

    // MARK: What

    private func routes(_ file: inout YAMLSection, _ options: inout EdgeOptions) throws(RuntimeError) {
        try file.set("prefix", text: &options.prefix)
        if let methods = try Self.methods("expose", &file) { options.exposedMethods = methods }
        if let methods = try Self.methods("hide", &file) { options.hiddenMethods = methods }
        try file.set("etags", flag: &options.etags)
        try file.set("compression", flag: &options.compressesResponses)
        try file.set("demand_protocol_version", flag: &options.demandsProtocolVersion)
        try file.section("headers") { (section) throws(RuntimeError) in
            if let names = try section.texts("request") {
                options.requestHeaders = HeaderRules(EdgeOptions.tracingHeaders + names)
            }
            if let names = try section.texts("response") { options.responseHeaders = HeaderRules(names) }
        }
    }

    /// Patterns of methods.
    private static func methods(_ key: String, _ file: inout YAMLSection) throws(RuntimeError) -> [String]? {
        guard let texts = try file.texts(key) else { return nil }
        do throws(RuntimeError) { _ = try RoutePattern.methods(texts) } catch {
            throw file.failure(key, "\(key): \(error.message)")
        }
        return texts
    }

    private static func limits(
        _ section: inout YAMLSection, _ limits: inout EdgeLimits
    ) throws(RuntimeError) {
        try section.set("message_bytes", bytes: &limits.messageBytesMax)
        try section.set("header_field_bytes", bytes: &limits.headerFieldBytesMax)
        try section.set("header_list_bytes", bytes: &limits.headerListBytesMax)
        try section.set("headers", count: &limits.headersMax)
        try section.set("timeout_default", time: &limits.timeoutDefault)
        try section.set("timeout", time: &limits.timeoutMax)
        limits.timeoutDefault = min(limits.timeoutDefault, limits.timeoutMax)
        try section.set("stream_timeout", time: &limits.streamTimeoutMax)
        try section.set("body_timeout", time: &limits.bodyTimeout)
        try section.set("handshake_timeout", time: &limits.handshakeTimeout)
        try section.set("write_timeout", time: &limits.writeTimeout)
        try section.set("idle_timeout", time: &limits.idleTimeout)
        try section.set("drain_timeout", time: &limits.drainTimeout)
        try section.set("connections", count: &limits.connectionsMax)
        try section.set("streams_per_connection", count: &limits.streamsMax)
        try section.set("rate_limit_buckets", count: &limits.rateLimitBucketsMax)
        try section.set("schema_interval", time: &limits.schemaInterval)
    }

    private static func cors(_ section: inout YAMLSection, _ options: inout EdgeOptions) throws(RuntimeError)
    {
        guard let origins = try section.texts("origins") else {
            throw section.failure("cors has origins, such as https://shop.example, or \"*\"")
        }
        var cors = CORSOptions(allowedOrigins: origins)
        try section.set("credentials", flag: &cors.allowsCredentials)
        if let names = try section.texts("request_headers") { cors.requestHeaders = names }
        if let names = try section.texts("response_headers") { cors.responseHeaders = names }
        try section.set("max_age", time: &cors.maxAge)
        options.cors = cors
    }

    private static func json(_ section: inout YAMLSection, _ options: inout EdgeOptions) throws(RuntimeError)
    {
        try section.set("defaults", flag: &options.jsonEncoding.emitsFieldsWithoutPresence)
        try section.set("original_names", flag: &options.jsonEncoding.usesOriginalNames)
        try section.set("enums_as_numbers", flag: &options.jsonEncoding.printsEnumsAsNumbers)
        try section.set("integers_as_numbers", flag: &options.jsonEncoding.prints64BitIntegersAsNumbers)
        try section.set("ignore_unknown", flag: &options.jsonDecoding.ignoresUnknown)
    }

    private func rest(_ section: inout YAMLSection, _ rest: inout RESTOptions) throws(RuntimeError) {
        if let name = try section.text("rules") { try rest.readRules(fromFile: path(name)) }
        try section.set("title", text: &rest.title)
        try section.set("version", text: &rest.version)
        try section.set("summary", text: &rest.summary)
        try section.set("document", flag: &rest.servesDocument)
        try section.set("heartbeat", time: &rest.heartbeatInterval)
        if let names = try section.texts("ignored_parameters") { rest.ignoredQueryParameters = Set(names) }
        try section.set("ignore_unknown_parameters", flag: &rest.ignoresUnknownQueryParameters)
        try section.set("enums_in_any_case", flag: &rest.acceptsEnumsInAnyCase)
    }

    private func plans(_ section: inout YAMLSection, _ plans: inout PlanOptions) throws(RuntimeError) {
        for name in try section.texts("files") ?? [] {
            plans.files.append(try PlanOptions.File(contentsOfFile: path(name)))
        }
        try section.set("timeout", time: &plans.timeout)
        try section.set("steps", count: &plans.stepsMax)
        try section.set("calls", count: &plans.callsMax)
        try section.set("parallel", count: &plans.parallelMax)
        try section.set("bytes", bytes: &plans.bytesMax)
    }

    private func idempotency(_ section: inout YAMLSection, _ options: inout EdgeOptions) throws(RuntimeError)
    {
        guard let file = try section.text("file") else { throw section.failure("idempotency has a file") }
        var idempotency = IdempotencyOptions(file: path(file))
        if let methods = try section.texts("methods") { idempotency.methods = methods }
        if let methods = try section.texts("required") { idempotency.required = methods }
        if let names = try section.texts("callers") { idempotency.callers = names }
        try section.set("lifetime", time: &idempotency.lifetime)
        try section.set("key_bytes", bytes: &idempotency.keyBytesMax)
        try section.set("answer_bytes", bytes: &idempotency.answerBytesMax)
        try section.set("keys", count: &idempotency.rowsMax)
        try section.set("bytes", bytes: &idempotency.bytesMax)
        options.idempotency = idempotency
    }

    // MARK: Values

    private static let clientCertificates: KeyValuePairs<String, ServerTLSOptions.ClientCertificates> = [
        "ignored": .ignored, "optional": .optional, "required": .required,
    ]

    private static func address(
        _ text: String, _ key: String, _ section: YAMLSection
    ) throws(RuntimeError) -> Address {
        guard let address = Address(text) else {
            throw section.failure(key, "\"\(text)\" is neither HOST:PORT nor unix:PATH")
        }
        return address
    }

    func path(_ text: String) -> String { text.hasPrefix("/") ? text : folder + text }
}
