// SPDX-License-Identifier: Apache-2.0

import Foundation
import Ravioli
import RavioliSchema
import ShowroomContracts
import Testing

/// A car that no new stock has.
private let volvo = Vehicle(
    vin: "YV1LS5711SG000001", make: "Volvo", model: "850", modelYear: 1995, bodyClass: .midsize,
    mileage: 48_000,
    price: Money(minorUnits: 12_995_00, currency: "USD"), description: "One owner.")

/// Showroom's executables, as processes.
@Suite(.serialized, .timeLimit(.minutes(3)))
struct ProcessTests {
    @Test func catalogStartsWithItsStockAndPricingAsksIt() async throws {
        try await withShowroom { showroom in
            let catalog = try await showroom.startCatalog()
            let pricing = try await showroom.startPricing(asking: catalog.address)
            try await withClient(catalog.address) { toCatalog in
                let found = try await CatalogClient(toCatalog).searchVehicles(
                    SearchVehiclesRequest(pageSize: 1, includeTotal: true))
                #expect(found.total == Int32(RunningShowroom.vehicles))
                let vehicle = try #require(found.vehicles.first)
                try await withClient(pricing.address) { toPricing in
                    let quote = try await PricingClient(toPricing).createQuote(
                        CreateQuoteRequest(requestId: "r1", vin: vehicle.vin, customer: "ann"))
                    #expect(quote.price == vehicle.price && quote.vehicleVersion == vehicle.version)
                }
            }
        }
    }

    /// With a socket file, what the killed process left lying around is in the way of the next one too.
    @Test(arguments: [false, true])
    func whatWasAcknowledgedSurvivesAKill(overSocketFile: Bool) async throws {
        try await withShowroom { showroom in
            let listen: Address = overSocketFile ? .unix(path: showroom.path("catalog.sock")) : .anyPort
            let catalog = try await showroom.startCatalog(listen: listen)
            let pricing = try await showroom.startPricing(asking: catalog.address)
            let held = try await withClient(catalog.address) { try await addAndReserve(CatalogClient($0)) }
            try await withClient(pricing.address) { client in
                let pricing = PricingClient(client)
                let quote = try await pricing.createQuote(quoteRequest("before"))
                try await catalog.process.killed()
                try await expectPromisesWithoutCatalog(pricing, quote)
                let again = try await showroom.startCatalog(listen: catalog.address)
                #expect(again.address == catalog.address)
                try await withClient(again.address) { try await expectIntact(CatalogClient($0), held) }
                // Pricing was never restarted.
                let recovered = try await whenAvailable {
                    try await pricing.createQuote(quoteRequest("after"))
                }
                #expect(recovered.vehicleVersion == held.version && recovered.quoteId != quote.quoteId)
            }
        }
    }

    @Test func pricingsPromisesSurviveAKill() async throws {
        try await withShowroom { showroom in
            let catalog = try await showroom.startCatalog()
            let first = try await showroom.startPricing(asking: catalog.address)
            _ = try await withClient(catalog.address) { try await addAndReserve(CatalogClient($0)) }
            let quote = try await withClient(first.address) {
                try await PricingClient($0).createQuote(quoteRequest("r1"))
            }
            try await first.process.killed()
            let second = try await showroom.startPricing(asking: catalog.address)
            try await withClient(second.address) { client in
                let pricing = PricingClient(client)
                let kept = try await pricing.getQuote(GetQuoteRequest(quoteId: quote.quoteId))
                let again = try await pricing.createQuote(quoteRequest("r1"))
                #expect(kept == quote && again == quote)
            }
        }
    }

    @Test(arguments: [SIGTERM, SIGINT])
    func stopsGracefully(signal: Int32) async throws {
        try await withShowroom { showroom in
            let catalog = try await showroom.startCatalog(listen: .unix(path: showroom.path("catalog.sock")))
            let pricing = try await showroom.startPricing(asking: catalog.address)
            try await withClient(pricing.address) { client in
                let error = await #expect(throws: RPCError.self) {
                    try await PricingClient(client).getQuote(GetQuoteRequest(quoteId: "none"))
                }
                #expect(error?.code == .notFound)
                // A client that stays connected keeps nobody from stopping.
                for service in [pricing, catalog] {
                    service.process.signal(signal)
                    let end = try await service.process.finished()
                    #expect(end == .exited(status: 0), "\(service.process.errors)")
                    #expect(service.process.output == "listening on \(service.address)\n")
                }
            }
            #expect(!FileManager.default.fileExists(atPath: showroom.path("catalog.sock")))
        }
    }

    @Test func saysWhyItCannotStart() async throws {
        try await withShowroom { showroom in
            let catalog = try await showroom.startCatalog()
            let second = try await showroom.run(
                "showroom-pricing", "--listen", "\(catalog.address)", "--database",
                showroom.path("pricing.sqlite"))
            #expect(second.end == .exited(status: 1))
            #expect(second.errors.contains("cannot listen on \(catalog.address)"), "\(second.errors)")

            let text = showroom.path("text")
            try Data("no database".utf8).write(to: URL(filePath: text))
            let third = try await showroom.run("showroom-catalog", "--database", text)
            #expect(third.end == .exited(status: 1))
            #expect(third.errors.contains("cannot open the database \(text): "), "\(third.errors)")
        }
    }
}

// MARK: Steps

private func quoteRequest(_ id: String) -> CreateQuoteRequest {
    CreateQuoteRequest(requestId: id, vin: volvo.vin, customer: "ann")
}

private func addAndReserve(_ catalog: CatalogClient) async throws -> Vehicle {
    let added = try await catalog.addVehicle(AddVehicleRequest(vehicle: volvo))
    #expect(added.version == 1)
    return try await catalog.reserveVehicle(
        ReserveVehicleRequest(vin: added.vin, expectedVersion: 1, holder: "order-1"))
}

/// Pricing stands by what it promised, and says why it cannot promise more.
private func expectPromisesWithoutCatalog(_ pricing: PricingClient, _ quote: Quote) async throws {
    #expect(try await pricing.createQuote(quoteRequest("before")) == quote)
    let error = await #expect(throws: RPCError.self) {
        try await pricing.createQuote(quoteRequest("meanwhile"), options: .timeout(.seconds(5)))
    }
    #expect(error?.code == .unavailable && error?.message.contains("catalog") == true)
}

/// The vehicle is as it was acknowledged, and nothing was added to the stock or lost from it.
private func expectIntact(_ catalog: CatalogClient, _ held: Vehicle) async throws {
    let found = try await catalog.getVehicle(GetVehicleRequest(vin: held.vin))
    #expect(found == held && found.reservation?.holder == "order-1" && found.version == 2)
    let stock = try await catalog.searchVehicles(SearchVehiclesRequest(pageSize: 1, includeTotal: true))
    #expect(stock.total == Int32(RunningShowroom.vehicles) + 1)
}
