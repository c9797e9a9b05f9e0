// SPDX-License-Identifier: Apache-2.0

import Foundation
import Ravioli
import RavioliSchema
@testable import RavioliEdge
import Testing

@Suite struct EdgeConfigurationTests {
    private static let upstream = "upstreams: [{ name: a, address: \"unix:/a.sock\" }]\n"

    private func read(_ yaml: String, folder: String = "") throws(RuntimeError) -> EdgeConfiguration {
        try EdgeConfiguration(yaml: yaml, name: "edge.yaml", folder: folder)
    }

    /// The whole example of the documentation, in a folder that has the files it names.
    @Test func theExampleOfTheDocumentationIsRead() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "edge-\(UUID().uuidString)/")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try Data("http: { rules: [] }".utf8).write(to: folder.appending(path: "rest.yaml"))
        try Data("plans: {}".utf8).write(to: folder.appending(path: "vehicle-page.yaml"))
        let page = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../Sources/RavioliEdge/Documentation.docc/Configuration.md")
        let text = try String(contentsOf: page, encoding: .utf8)
        let example = try #require(text.firstMatch(of: #/(?s)```yaml\n(.*?)```/#)).1
        let file = folder.appending(path: "edge.yaml")
        try Data(example.utf8).write(to: file)

        let configuration = try EdgeConfiguration(contentsOfFile: file.path)

        #expect(configuration.listen == .tcp(host: "0.0.0.0", port: 8443))
        #expect(configuration.upstreams.map(\.name) == ["catalog", "pricing", "orders"])
        #expect(
            configuration.upstreams.map(\.source) == [
                .fixed([.tcp(host: "10.0.0.4", port: 7001), .tcp(host: "10.0.0.5", port: 7001)]),
                .dns(host: "pricing.shop.internal", port: 7002),
                .file(path: folder.path + "/services.txt", service: "orders"),
            ])
        #expect(configuration.upstreams[1].connectTimeout == .seconds(2))
        let tls = try #require(configuration.upstreams[1].tls)
        #expect(tls.expectedServer == .identity("spiffe://shop.example/pricing"))
        #expect(tls.trustRootsFile == folder.path + "/ca.pem")
        #expect(configuration.upstreams[2].schemaFile == folder.path + "/orders.binpb")
        let options = configuration.options
        #expect(options.tls?.certificateChainFile == folder.path + "/edge.pem")
        #expect(
            options.limits.timeoutDefault == .seconds(10) && options.limits.streamTimeoutMax == .seconds(3600)
        )
        #expect(options.requestHeaders == HeaderRules(["traceparent", "tracestate", "x-tenant"]))
        #expect(options.cors?.allowedOrigins == ["https://shop.example"])
        #expect(options.rest.rules == "http: { rules: [] }" && options.rest.title == "The shop")
        #expect(options.exposedMethods == ["shop.v1.*"])
        #expect(options.hiddenMethods == ["shop.v1.Admin/*", "shop.v1.Cars/Reindex"])
        #expect(!configuration.logsRequests)
        try checkGuards(of: options, folder: folder.path)
    }

    private func checkGuards(of options: EdgeOptions, folder: String) throws {
        #expect(options.tls?.clientCertificates == .optional)
        #expect(options.tls?.clientAuthoritiesFile == folder + "/clients-ca.pem")
        #expect(options.trustedProxies == TrustedProxies(["10.0.0.0/8"]))
        var jwt = JWTOptions(
            issuers: ["https://login.shop.example"], audiences: ["shop"],
            keys: .url("https://login.shop.example/.well-known/jwks.json"))
        jwt.keysCertificatesFile = folder + "/login-ca.pem"
        jwt.rules = [
            AccessRule(method: "shop.v1.Cars/SearchCars", access: .everybody),
            AccessRule(method: "shop.v1.Cars/*", scopes: ["cars"]),
            AccessRule(path: "/v1/pages/**", access: .everybody),
            AccessRule(method: "shop.v1.Admin/*", roles: ["admin", "owner"]),
        ]
        // All else stands in the example as it is by default.
        #expect(options.jwt == jwt)
        #expect(
            options.rateLimits == [
                RateLimitRule(name: "everyone", requests: 600, burst: 100),
                RateLimitRule(
                    name: "orders", requests: 10, key: .claim("sub"), method: "shop.v1.Orders/*",
                    perMethod: true),
            ])
        var idempotency = IdempotencyOptions(file: folder + "/idempotency.sqlite")
        idempotency.required = ["shop.v1.Orders/PlaceOrder"]
        #expect(options.idempotency == idempotency)
        var plans = PlanOptions.defaults
        plans.files = [.init(name: folder + "/vehicle-page.yaml", yaml: "plans: {}")]
        #expect(options.plans == plans)
        var limits = EdgeLimits.defaults
        limits.timeoutDefault = .seconds(10)
        #expect(options.limits == limits && options.etags)
    }

    /// Every default that the documentation's example states is the one there is.
    @Test func whatIsLeftOutHasItsDefault() throws {
        let configuration = try read(Self.upstream)
        #expect(configuration.options.limits == .defaults)
        #expect(configuration.options.requestHeaders == EdgeOptions.defaults.requestHeaders)
        #expect(configuration.options.cors == nil && configuration.options.tls == nil)
        #expect(configuration.listen == .tcp(host: "127.0.0.1", port: 8080))
    }

    @Test func keysBecomeOptions() throws {
        let options = try read(
            Self.upstream + """
                limits: { message_bytes: 64KiB, timeout: 5s, connections: 7, idle_timeout: 1.5m }
                json: { defaults: true, ignore_unknown: true, integers_as_numbers: true }
                compression: false
                demand_protocol_version: true
                rest: { document: false, ignored_parameters: gclid, heartbeat: 500ms }
                cors: { origins: "*", max_age: 10s }
                """
        ).options
        #expect(options.limits.messageBytesMax == 65_536 && options.limits.connectionsMax == 7)
        // A default that is longer than the longest is shortened with it.
        #expect(options.limits.timeoutMax == .seconds(5) && options.limits.timeoutDefault == .seconds(5))
        #expect(options.limits.idleTimeout == .seconds(90))
        #expect(options.jsonEncoding.emitsFieldsWithoutPresence && options.jsonDecoding.ignoresUnknown)
        #expect(options.jsonEncoding.prints64BitIntegersAsNumbers && !options.jsonEncoding.usesOriginalNames)
        #expect(!options.compressesResponses && options.demandsProtocolVersion)
        #expect(!options.rest.servesDocument && options.rest.ignoredQueryParameters == ["gclid"])
        #expect(options.rest.heartbeatInterval == .milliseconds(500))
        #expect(options.cors?.allowsAnyOrigin == true && options.cors?.maxAge == .seconds(10))
    }

    @Test(arguments: [
        ("listen: 1", "edge.yaml, line 1: \"1\" is neither HOST:PORT nor unix:PATH"),
        ("", "edge.yaml, line 1: upstreams is a list of at least one service"),
        ("- a", "edge.yaml, line 1: the file is a mapping of keys to values"),
        (
            "upstreams:\n  - name: a\n    adress: b:1",
            "edge.yaml, line 3: an upstream has no key \"adress\"; there are"
        ),
        (
            "upstreams:\n  - name: a",
            "edge.yaml, line 2: the upstream a has one of address, dns and discovery"
        ),
        (
            "upstreams:\n  - name: a\n    address: b:1\n    dns: b:1",
            "edge.yaml, line 2: the upstream a has one of"
        ),
        ("upstreams:\n  - address: b:1", "edge.yaml, line 2: an upstream has a name"),
        ("upstreams:\n  - name: a\n    dns: unix:/b", "edge.yaml, line 3: dns is HOST:PORT"),
        (
            "upstreams: [{ name: a, address: b:1 }, { name: a, address: c:1 }]",
            "two upstreams have the same name"
        ),
        (upstream + "limits: { timeout: 5 }", "edge.yaml, line 2: timeout is a time, such as 500ms"),
        (upstream + "limits: { message_bytes: 4MB }", "edge.yaml, line 2: message_bytes is a size"),
        (upstream + "limits: { connections: -1 }", "edge.yaml, line 2: connections is a whole number"),
        (upstream + "limits: { message_bytes: 1 }", "messageBytesMax is 1 KiB to 1 GiB"),
        (
            upstream + "limits: { timeouts: 5s }",
            "line 2: limits has no key \"timeouts\"; there are message_bytes"
        ),
        (upstream + "limits: 5s", "edge.yaml, line 2: limits is a mapping of keys to values"),
        (upstream + "compression: maybe", "edge.yaml, line 2: compression is true or false"),
        (upstream + "cors: {}", "edge.yaml, line 2: cors has origins"),
        (upstream + "cors: { origins: [\"*\"], credentials: true }", "no credentials from all origins"),
        (upstream + "tls: { certificate: a.pem }", "edge.yaml, line 2: tls has a certificate and a key"),
        (upstream + "rest: { rules: /nonexistent.yaml }", "cannot read /nonexistent.yaml: No such file"),
        (upstream + "headers: { request: [[a]] }", "edge.yaml, line 2: request is a text or a list of texts"),
        (upstream + "jwt: { issuers: a }", "edge.yaml, line 2: jwt has either a keys_file or a keys_url"),
        (upstream + "jwt: { keys_file: a }", "edge.yaml, line 2: jwt has issuers"),
        (
            upstream + "jwt: { issuers: a, keys_file: a, algorithms: none }",
            "line 2: \"none\" is none of HS256"
        ),
        (
            upstream + "jwt: { issuers: a, keys_url: \"http://a/\" }",
            "the keys come from an address with https"
        ),
        (
            upstream + "jwt: { issuers: a, keys_file: a, rules: [{ acces: public }] }",
            "a rule has no key \"acces\""
        ),
        (
            upstream + "jwt: { issuers: a, keys_file: a, rules: [{ access: all }] }",
            "access is one of public, token"
        ),
        (
            upstream + "rate_limits: [{ name: a }]",
            "line 2: a rate limit has a name, and a number of requests"
        ),
        (upstream + "rate_limits: [{ name: a, requests: 1, key: ip }]", "line 2: key is client, everybody"),
        (upstream + "idempotency: {}", "line 2: idempotency has a file"),
        (upstream + "idempotency: { file: a, methods: pkg }", "pkg is no pattern of methods"),
        (upstream + "plans: { files: /nonexistent.yaml }", "cannot read /nonexistent.yaml"),
        ("prefix: /a\nprefix: /b", "edge.yaml is no YAML"),
        ("a: [", "edge.yaml is no YAML"),
    ])
    func whatIsWrongIsNamedWithItsLine(yaml: String, message: String) {
        let error = #expect(throws: RuntimeError.self) { try read(yaml) }
        #expect(error?.message.contains(message) == true, "\(error?.message ?? "")")
    }

    @Test(arguments: [
        ("500ms", Duration.milliseconds(500)), ("2s", .seconds(2)), ("1.5s", .milliseconds(1500)),
        ("10m", .seconds(600)),
        ("24h", .seconds(86_400)), ("0s", .zero), ("5", nil), ("-1s", nil), ("s", nil), ("1e3s", nil),
        ("inf s", nil),
        ("99999h", nil), ("1 s", nil), ("", nil),
    ])
    func timesAreReadAsPeopleWriteThem(text: String, time: Duration?) {
        #expect(WrittenUnits.duration(text) == time)
    }

    @Test(arguments: [
        ("0", 0), ("512", 512), ("64KiB", 65_536), ("4MiB", 4_194_304), ("1.5KiB", 1536), ("1GiB", 1 << 30),
        ("1.5", nil), ("4MB", nil), ("-1", nil), ("9999999GiB", nil), ("KiB", nil),
    ])
    func sizesAreReadAsPeopleWriteThem(text: String, bytes: Int?) {
        #expect(WrittenUnits.bytes(text) == bytes)
    }
}
