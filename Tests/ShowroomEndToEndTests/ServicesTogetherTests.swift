// SPDX-License-Identifier: Apache-2.0

import Foundation
import Logging
import Ravioli
import RavioliSchema
import Showroom
import ShowroomCatalog
import ShowroomContracts
import ShowroomPricing
import Testing

/// Both services with their stores, each behind a server of its own in this process, for the time of `body`.
private func withServices(
    overSocketFiles: Bool, _ body: (CatalogClient, PricingClient) async throws -> Void
) async throws {
    try await withShowroom { showroom in
        func address(_ name: String) -> Address {
            overSocketFiles ? .unix(path: showroom.path("\(name).sock")) : .anyPort
        }
        let silent = Logger(label: "silent") { _ in SwiftLogNoOpLogHandler() }
        let stock = try CatalogStore(path: showroom.path("catalog.sqlite"))
        try await stock.seed(vehicles: RunningShowroom.vehicles, at: Date(), logger: silent)
        let quotes = try QuotationStore(path: showroom.path("pricing.sqlite"))
        let catalog = CatalogServer(store: stock, logger: silent)
        try await withServer([catalog], on: address("catalog")) { _, catalogAddress in
            try await withClient(catalogAddress) { toCatalog in
                let pricing = PricingServer(store: quotes, catalog: CatalogClient(toCatalog), logger: silent)
                try await withServer([pricing], on: address("pricing")) { _, pricingAddress in
                    try await withClient(pricingAddress) { toPricing in
                        try await body(CatalogClient(toCatalog), PricingClient(toPricing))
                    }
                }
            }
        }
        try quotes.close()
        try stock.close()
    }
}

/// Catalog and pricing as they are, over sockets.
@Suite(.timeLimit(.minutes(1)))
struct ServicesTogetherTests {
    @Test(arguments: [false, true])
    func aQuoteStandsWhileThePriceChanges(overSocketFiles: Bool) async throws {
        try await withServices(overSocketFiles: overSocketFiles) { catalog, pricing in
            let vehicle = try #require(
                try await catalog.searchVehicles(SearchVehiclesRequest(pageSize: 1)).vehicles.first)
            let order = CreateQuoteRequest(requestId: "r1", vin: vehicle.vin, customer: "ann")
            let quote = try await pricing.createQuote(order)
            #expect(quote.price == vehicle.price && quote.vehicleVersion == 1)

            let price = Money(minorUnits: 1_234_00, currency: "USD")
            _ = try await catalog.updateVehicle(
                UpdateVehicleRequest(
                    vehicle: Vehicle(vin: vehicle.vin, price: price),
                    updateMask: Google_Protobuf_FieldMask(paths: ["price"]), expectedVersion: 1))
            #expect(try await pricing.createQuote(order) == quote)
            let later = CreateQuoteRequest(requestId: "r2", vin: vehicle.vin, customer: "ann")
            let dearer = try await pricing.createQuote(later)
            #expect(dearer.price == price && dearer.vehicleVersion == 2)
        }
    }

    @Test(arguments: [false, true])
    func aCarIsValuedFromTheStock(overSocketFiles: Bool) async throws {
        try await withServices(overSocketFiles: overSocketFiles) { catalog, pricing in
            let stock = try await catalog.searchVehicles(SearchVehiclesRequest(pageSize: 200)).vehicles
            func others(like car: Vehicle) -> [Vehicle] {
                stock.filter {
                    $0.make == car.make && $0.model == car.model && abs($0.modelYear - car.modelYear) <= 3
                }
            }
            let popular = try #require(stock.max { others(like: $0).count < others(like: $1).count })
            let comparables = others(like: popular).count
            try #require(comparables >= 3)
            let facts = VehicleFacts(
                make: popular.make, model: popular.model, modelYear: popular.modelYear,
                mileage: popular.mileage)
            let valuation = try await pricing.valueVehicle(ValueVehicleRequest(subject: .facts(facts)))
            #expect(valuation.comparableCount == Int32(comparables))
            #expect(valuation.comparables.allSatisfy { $0.price != nil && !$0.vin.isEmpty })
        }
    }

    @Test(arguments: [false, true])
    func catalogsStatusesReachPricingsCallersWithTheirDetails(overSocketFiles: Bool) async throws {
        try await withServices(overSocketFiles: overSocketFiles) { _, pricing in
            let missing = await #expect(throws: RPCError.self) {
                try await pricing.valueVehicle(ValueVehicleRequest(subject: .vin("1M8GDM9AXKP042788")))
            }
            #expect(missing?.code == .notFound && missing?.executed == .yes && missing?.origin == .peer)
            let invalid = await #expect(throws: RPCError.self) {
                try await pricing.createQuote(
                    CreateQuoteRequest(requestId: "r1", vin: "no VIN", customer: "ann"))
            }
            #expect(invalid?.code == .invalidArgument && invalid?.executed == .yes)
            let violations = try invalid?.details.first?.message(as: InvalidFields.self)?.violations
            #expect(violations?.map(\.field) == ["vin"])
        }
    }
}
