// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import Logging
import Ravioli
import RavioliEdge
import RavioliSchema
import ServiceLifecycle
import UnixSignals

struct EdgeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "edge",
        abstract: "Serves the methods of Ravioli servers over HTTP: Connect, gRPC and gRPC-Web.",
        discussion: """
            Each method answers POST /package.Service/Method by Connect's protocol, gRPC or gRPC-Web, as JSON or binary, \
            on HTTP/1.1 and HTTP/2. The servers tell their schemas; the edge follows them when they change, and starts \
            even while some are down. GET /healthz answers 200 once every server behind it answers. SIGTERM and Ctrl-C \
            let the running calls end first.

            Examples:
              ravioli edge --upstream 127.0.0.1:7001 --upstream 127.0.0.1:7002
              ravioli edge --upstream unix:/run/shop.sock --prefix /api \\
                --request-header x-tenant --response-header 'x-*'
              ravioli edge --upstream 127.0.0.1:7001 --upstream 127.0.0.1:7002 \\
                --plan Protos/showroom/edge/vehicle-page.yaml
              curl -H 'Content-Type: application/json' -d '{"vin": "1HGCM82633A004352"}' \\
                http://127.0.0.1:8080/showroom.catalog.v1.Catalog/GetVehicle
            """)

    @Option(
        help:
            "Where to listen: HOST:PORT, or unix:PATH for a socket file. Port 0 takes any free one; the log says which."
    )
    var listen = ServerAddress(argument: "127.0.0.1:8080")!

    @Option(
        help: ArgumentHelp(
            "A server behind the edge: HOST:PORT or unix:PATH; repeatable.", valueName: "address"))
    var upstream: [ServerAddress]

    @Option(help: "What stands before /package.Service/Method in every path, as /api.")
    var prefix = ""

    @Option(
        help: ArgumentHelp(
            "A request header that is passed on as metadata; a name, or its beginning and *; repeatable.",
            valueName: "name"))
    var requestHeader: [String] = []

    @Option(
        help: ArgumentHelp(
            "Response metadata that is passed on as a header; a name, or its beginning and *; repeatable.",
            valueName: "name"))
    var responseHeader: [String] = []

    @Option(
        help: ArgumentHelp(
            "A file with the upstreams' schemas (protoc --include_imports --descriptor_set_out), instead of asking them; "
                + "only with a single upstream.", valueName: "file"),
        completion: .file())
    var schema: String?

    @Option(
        help: ArgumentHelp(
            "A file of aggregation plans in YAML, which put one answer together from several calls; repeatable.",
            valueName: "file"), completion: .file(extensions: ["yaml", "yml"]))
    var plan: [String] = []

    @Option(
        help: ArgumentHelp(
            "A file of REST rules in YAML, which come before those in the schemas.", valueName: "file"),
        completion: .file(extensions: ["yaml", "yml"]))
    var restRules: String?

    @Option(help: ArgumentHelp("The longest time a client may ask for, as 30s.", valueName: "time"))
    var timeoutMax: TimeSpan?

    @Option(
        help: ArgumentHelp(
            "An origin whose pages may call from a browser, as https://shop.example, or *; repeatable.",
            valueName: "origin"))
    var corsOrigin: [String] = []

    @Option(
        help: ArgumentHelp("A certificate chain in PEM to serve HTTPS with.", valueName: "file"),
        completion: .file())
    var httpsCertificate: String?

    @Option(
        help: ArgumentHelp("The certificate's private key in PEM.", valueName: "file"), completion: .file())
    var httpsKey: String?

    @OptionGroup(title: "TLS to the upstreams") var tls: TLSArguments

    @Flag(help: "Also print fields that are at their default.")
    var defaults = false

    @Flag(name: [.short, .long], help: "Log every request, not only those that failed.")
    var verbose = false

    func validate() throws {
        if upstream.isEmpty { throw ValidationError("Give at least one --upstream.") }
        if schema != nil, upstream.count != 1 {
            throw ValidationError("--schema needs exactly one --upstream.")
        }
        if (httpsCertificate == nil) != (httpsKey == nil) {
            throw ValidationError("--https-certificate and --https-key belong together.")
        }
    }

    func run() async throws {
        var logger = Logger(label: "ravioli-edge")
        if verbose { logger.logLevel = .debug }
        let pool = try readSchema()
        var options = ClientOptions.defaults
        options.name = "ravioli-edge"
        // The servers are near: once one is back, nobody should be told for long that it is down.
        options.backoff = .init(initial: .milliseconds(100), max: .seconds(2))
        options.tls = tls.options
        let clients = try upstream.map { try Client($0.address, options: options, logger: logger) }
        let upstreams = clients.map { Upstream(name: "\($0.address)", channel: $0, schema: pool) }
        let (listening, isSecure) = (logger, httpsCertificate != nil)
        let server = try EdgeServer(upstreams, on: listen.address, options: try edgeOptions(), logger: logger)
        {
            address in
            let scheme = isSecure ? "https" : "http"
            let url = if case .tcp = address { "\(scheme)://\(address)" } else { "\(address)" }
            listening.info("listening on \(url)")
        }
        // Services are stopped last first: the edge, and then the clients that its calls make use of.
        let services: [any ServiceLifecycle.Service] = clients + [server]
        try await ServiceGroup(
            services: services, gracefulShutdownSignals: [.sigterm, .sigint], logger: logger
        ).run()
        logger.info("stopped")
    }

    private func edgeOptions() throws -> EdgeOptions {
        var options = EdgeOptions.defaults
        options.prefix = prefix
        if !requestHeader.isEmpty {
            options.requestHeaders = HeaderRules(["traceparent", "tracestate"] + requestHeader)
        }
        options.responseHeaders = HeaderRules(responseHeader)
        options.jsonEncoding.emitsFieldsWithoutPresence = defaults
        if !corsOrigin.isEmpty { options.cors = CORSOptions(allowedOrigins: corsOrigin) }
        options.plans.files = try plan.map { PlanOptions.File(name: $0, yaml: try text(of: $0)) }
        if let restRules {
            options.rest.rules = try text(of: restRules)
            options.rest.rulesName = restRules
        }
        if let httpsCertificate, let httpsKey {
            options.tls = EdgeTLSOptions(certificateChainFile: httpsCertificate, privateKeyFile: httpsKey)
        }
        if let timeoutMax {
            options.limits.timeoutMax = timeoutMax.duration
            options.limits.timeoutDefault = min(options.limits.timeoutDefault, timeoutMax.duration)
        }
        return options
    }

    private func text(of file: String) throws -> String {
        do { return try String(contentsOfFile: file, encoding: .utf8) } catch {
            throw ValidationError("cannot read the file \(file)")
        }
    }

    private func readSchema() throws -> DescriptorPool? {
        guard let schema else { return nil }
        do {
            return try DescriptorPool(
                fileDescriptorSet: Array(try Data(contentsOf: URL(fileURLWithPath: schema))))
        } catch {
            throw ValidationError("cannot read the schema \(schema): \(error)")
        }
    }
}
