// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Logging
import Ravioli
import RavioliEdge
import RavioliSchema
import ServiceLifecycle
import UnixSignals

struct EdgeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "edge",
        abstract: "Serves the methods of Ravioli servers over HTTP: Connect, gRPC, gRPC-Web and REST.",
        discussion: """
            Each method answers POST /package.Service/Method by Connect's protocol, gRPC or gRPC-Web, as JSON or binary, \
            on HTTP/1.1 and HTTP/2, and at the paths of its REST rules. The servers tell their schemas; the edge follows \
            them when they change, and starts even while some are down. GET / is a page to try everything, \
            GET /openapi.json describes it, and GET /healthz answers 200 once every server behind it answers. SIGTERM and \
            Ctrl-C let the running calls end first.

            Everything that an edge can be told stands in one file, --config; options given beside it come before what \
            the file says. The documentation of the module RavioliEdge describes the file.

            Examples:
              ravioli edge --upstream 127.0.0.1:7001 --upstream 127.0.0.1:7002
              ravioli edge --upstream unix:/run/shop.sock --prefix /api \\
                --request-header x-tenant --response-header 'x-*'
              ravioli edge --config edge.yaml --check
              ravioli edge --upstream 127.0.0.1:7001 --upstream 127.0.0.1:7002 \\
                --plan Protos/showroom/edge/vehicle-page.yaml
              curl -H 'Content-Type: application/json' -d '{"vin": "1HGCM82633A004352"}' \\
                http://127.0.0.1:8080/showroom.catalog.v1.Catalog/GetVehicle
            """)

    @Option(
        help: ArgumentHelp("A file with everything that the edge is told, in YAML.", valueName: "file"),
        completion: .file())
    var config: String?

    @Flag(help: "Check the configuration, say what is wrong with it, and do not serve.")
    var check = false

    @Option(
        help: ArgumentHelp(
            """
            Where to listen: HOST:PORT, or unix:PATH for a socket file. Port 0 takes any free one; the log says which. \
            (default: 127.0.0.1:8080)
            """, valueName: "address"))
    var listen: ServerAddress?

    @Option(
        help: ArgumentHelp(
            "A server behind the edge: HOST:PORT or unix:PATH; repeatable. They take the place of the file's.",
            valueName: "address"))
    var upstream: [ServerAddress] = []

    @Option(help: "What stands before /package.Service/Method in every path, as /api.")
    var prefix: String?

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
            "A file with the upstream's schema (protoc --include_imports --descriptor_set_out), instead of asking it; "
                + "only with a single --upstream.", valueName: "file"),
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
        if upstream.isEmpty, config == nil {
            throw ValidationError("Give at least one --upstream, or a --config that names them.")
        }
        if schema != nil, upstream.count != 1 {
            throw ValidationError("--schema needs exactly one --upstream.")
        }
        if upstream.isEmpty, tls.options != nil {
            throw ValidationError("TLS options are for each --upstream; the file has its own.")
        }
        if (httpsCertificate == nil) != (httpsKey == nil) {
            throw ValidationError("--https-certificate and --https-key belong together.")
        }
    }

    func run() async throws {
        do {
            let configuration = try edgeConfiguration()
            if check {
                let silent = Logger(label: "check") { _ in SwiftLogNoOpLogHandler() }
                _ = try await configuration.services(logger: silent)
                Terminal.answer("nothing is wrong, as far as can be told without asking the services")
            } else {
                try await serve(configuration)
            }
        } catch let error as RuntimeError where error.code == .invalidConfiguration {
            throw Terminal.exit(.usage("\(error)"), asJSON: false)
        }
    }

    private func serve(_ configuration: EdgeConfiguration) async throws {
        var logger = Logger(label: "ravioli-edge")
        if configuration.logsRequests { logger.logLevel = .debug }
        let (listening, isSecure) = (logger, configuration.options.tls != nil)
        let services = try await configuration.services(logger: logger) { address in
            let scheme = isSecure ? "https" : "http"
            let url = if case .tcp = address { "\(scheme)://\(address)" } else { "\(address)" }
            listening.info("listening on \(url)")
        }
        try await ServiceGroup(
            services: services, gracefulShutdownSignals: [.sigterm, .sigint], logger: logger
        ).run()
        logger.info("stopped")
    }

    /// What the file says, and the options before it.
    private func edgeConfiguration() throws -> EdgeConfiguration {
        var configuration =
            try config.map { try EdgeConfiguration(contentsOfFile: $0) } ?? EdgeConfiguration()
        if let listen { configuration.listen = listen.address }
        if !upstream.isEmpty { configuration.upstreams = upstreams }
        if verbose { configuration.logsRequests = true }
        try change(&configuration.options)
        return configuration
    }

    private var upstreams: [UpstreamConfiguration] {
        upstream.map { server in
            var upstream = UpstreamConfiguration(
                name: "\(server.address)", source: .fixed([server.address]))
            upstream.schemaFile = schema
            upstream.tls = tls.options
            return upstream
        }
    }

    private func change(_ options: inout EdgeOptions) throws(RuntimeError) {
        if let prefix { options.prefix = prefix }
        if !requestHeader.isEmpty {
            options.requestHeaders = HeaderRules(EdgeOptions.tracingHeaders + requestHeader)
        }
        if !responseHeader.isEmpty { options.responseHeaders = HeaderRules(responseHeader) }
        if defaults { options.jsonEncoding.emitsFieldsWithoutPresence = true }
        if !corsOrigin.isEmpty { options.cors = CORSOptions(allowedOrigins: corsOrigin) }
        if !plan.isEmpty {
            options.plans.files = try plan.map { (file) throws(RuntimeError) in
                try PlanOptions.File(contentsOfFile: file)
            }
        }
        if let restRules { try options.rest.readRules(fromFile: restRules) }
        if let httpsCertificate, let httpsKey {
            options.tls = EdgeTLSOptions(certificateChainFile: httpsCertificate, privateKeyFile: httpsKey)
        }
        if let timeoutMax {
            options.limits.timeoutMax = timeoutMax.duration
            options.limits.timeoutDefault = min(options.limits.timeoutDefault, timeoutMax.duration)
        }
    }
}
