// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Logging
import Ravioli
import Showroom
import ShowroomContracts
import ShowroomPricing

@main
struct PricingCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "showroom-pricing",
        abstract: "Serves valuations of cars and quotes as showroom.pricing.v1.Pricing.",
        discussion: """
            It asks catalog what is in stock and at which price, within the deadline of whoever asks it. Catalog \
            need not run yet when this starts. What a call acknowledges is on the disk. SIGTERM and Ctrl-C let the \
            running calls end first.
            """)

    @Option(help: .listen)
    var listen: Address = .tcp(host: "127.0.0.1", port: 7002)

    @Option(help: .database, completion: .file())
    var database = "pricing.sqlite"

    @Option(help: ArgumentHelp("Where catalog listens: HOST:PORT or unix:PATH.", valueName: "address"))
    var catalog: Address = .tcp(host: "127.0.0.1", port: 7001)

    @Option(
        help: ArgumentHelp(
            "Whom catalog's certificate must name, if not the host of its address: a host, or spiffe://….",
            valueName: "name"))
    var catalogIdentity: String?

    @OptionGroup(title: "Security") var security: SecurityArguments

    func run() async throws {
        let logger = Logger(label: "showroom-pricing")
        let store = try ServiceProcess.open("the database \(database)") { try QuotationStore(path: database) }
        var options = ClientOptions.defaults
        options.name = Self.configuration.commandName ?? ""
        // Catalog is near: once it is back, nobody should be told for long that it is down.
        options.backoff = .init(initial: .milliseconds(100), max: .seconds(2))
        security.secure(&options, server: catalogIdentity)
        let client = try Client(catalog, options: options, logger: logger)
        let server = PricingServer(store: store, catalog: CatalogClient(client), logger: logger)
        try await ServiceProcess.serve(
            server, on: listen, clients: [client], security: security, logger: logger)
        try store.close()
    }
}
