// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import Logging
import Ravioli
import Showroom
import ShowroomCatalog

@main
struct CatalogCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "showroom-catalog",
        abstract: "Serves Showroom's stock of cars as showroom.catalog.v1.Catalog.",
        discussion: """
            A new database is given a stock derived from real models of 1993; an existing one is left as it is. What a \
            call acknowledges is on the disk. SIGTERM and Ctrl-C let the running calls end first.
            """)

    @Option(help: .listen)
    var listen: Address = .tcp(host: "127.0.0.1", port: 7001)

    @Option(help: .database, completion: .file())
    var database = "catalog.sqlite"

    @Option(help: ArgumentHelp("How many vehicles a new database starts with.", valueName: "count"))
    var vehicles = 5_000

    @OptionGroup(title: "Security") var security: SecurityArguments

    func validate() throws {
        guard 0...Inventory.vehiclesMax ~= vehicles else {
            throw ArgumentParser.ValidationError("--vehicles must be from 0 to \(Inventory.vehiclesMax).")
        }
    }

    func run() async throws {
        let logger = Logger(label: "showroom-catalog")
        let store = try ServiceProcess.open("the database \(database)") { try CatalogStore(path: database) }
        try await store.seed(vehicles: vehicles, at: Date(), logger: logger)
        try await ServiceProcess.serve(
            CatalogServer(store: store, logger: logger), on: listen, security: security, logger: logger)
        try store.close()
    }
}
