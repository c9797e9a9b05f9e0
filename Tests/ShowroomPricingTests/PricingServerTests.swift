// SPDX-License-Identifier: Apache-2.0

import Foundation
import Logging
import Ravioli
import RavioliSchema
import Showroom
import ShowroomContracts
import Synchronization
import Testing

@testable import ShowroomPricing

/// Pricing behind its RPC interface, with a catalog that answers what the test tells it to.
private final class ServedPricing: Sendable {
    let catalog = CatalogFake()
    let client: PricingClient
    private let temporary: TemporaryStore
    private let time = SetTime()

    init() throws {
        temporary = try TemporaryStore()
        let time = time
        let server = PricingServer(
            store: temporary.store, catalog: catalog.client, clock: { time.now }, makeID: { time.nextID() },
            logger: .silent)
        client = PricingClient(InProcessChannel(server))
    }

    /// Lets time pass.
    func wait(_ seconds: TimeInterval) { time.wait(seconds) }

    /// Catalog has this vehicle, and these to compare it with.
    func stock(_ vehicle: Vehicle, among others: [Vehicle] = []) {
        catalog.onGetVehicle { request, _ in
            guard request.vin == vehicle.vin else { throw RPCError(.notFound, "no vehicle has this VIN") }
            return vehicle
        }
        catalog.onSearchVehicles { _, _ in SearchVehiclesResponse(vehicles: [vehicle] + others) }
    }
}

/// A clock that stands at noon until it is set, and quote ids that count.
private final class SetTime: Sendable {
    private let state = Mutex((now: noon, ids: 0))

    var now: Date { state.withLock(\.now) }

    func wait(_ seconds: TimeInterval) { state.withLock { $0.now += seconds } }

    func nextID() -> String {
        state.withLock {
            $0.ids += 1
            return "quote-\($0.ids)"
        }
    }
}

private func vehicle(_ vin: String = "subject", dollars: Int64 = 10_000, version: Int64 = 4) -> Vehicle {
    Vehicle(
        vin: vin, make: "Volvo", model: "850", modelYear: 1995, mileage: 50_000,
        price: Money(minorUnits: dollars * 100, currency: "USD"), version: version)
}

struct ValueVehicleTests {
    private let others = (1...15).map { vehicle("other-\($0)", dollars: 9_000 + Int64($0) * 100) }

    @Test func valuesAVehicleInStockFromOthers() async throws {
        let served = try ServedPricing()
        served.stock(vehicle(dollars: 99_000), among: others)
        let valuation = try await served.client.valueVehicle(ValueVehicleRequest(subject: .vin("subject")))
        #expect(valuation.median == Money(minorUnits: 9_800_00, currency: "USD"))
        #expect(valuation.low == Money(minorUnits: 9_450_00, currency: "USD"))
        #expect(valuation.high == Money(minorUnits: 10_150_00, currency: "USD"))
        #expect(valuation.confidence == .high)
        #expect(valuation.comparableCount == 15 && valuation.comparables.count == 10)
        #expect(valuation.comparables.allSatisfy { $0.vin != "subject" && $0.adjustedPrice == $0.price })

        let search = try #require(served.catalog.searchVehiclesCalls.first)
        #expect(search.make == "Volvo" && search.model == "850")
        #expect(search.minModelYear == 1994 && search.maxModelYear == 1996)
        #expect(served.catalog.searchVehiclesCalls.count == 1)
    }

    @Test func valuesACarThatIsNotInStock() async throws {
        let served = try ServedPricing()
        served.stock(vehicle(), among: Array(others.prefix(4)))
        let facts = VehicleFacts(make: "Volvo", model: "850", modelYear: 1996, mileage: 50_000)
        let valuation = try await served.client.valueVehicle(ValueVehicleRequest(subject: .facts(facts)))
        #expect(valuation.comparableCount == 5 && valuation.confidence == .medium)
        // One year younger than all of them.
        #expect(valuation.median?.minorUnits == Int64((9_300_00 / 0.86).rounded()))
        #expect(served.catalog.getVehicleCalls.isEmpty)
        #expect(served.catalog.searchVehiclesCalls.map(\.minModelYear) == [1995, 1993])
    }

    @Test func leavesOutPricesThatCannotBeCompared() async throws {
        let served = try ServedPricing()
        var foreign = vehicle("foreign")
        foreign.price?.currency = "EUR"
        var unpriced = vehicle("unpriced")
        unpriced.price = nil
        served.stock(vehicle(), among: others.prefix(3) + [foreign, unpriced])
        let valuation = try await served.client.valueVehicle(ValueVehicleRequest(subject: .vin("subject")))
        #expect(valuation.comparableCount == 3 && valuation.confidence == .low)
    }

    @Test func tellsWhenThereAreTooFew() async throws {
        let served = try ServedPricing()
        served.stock(vehicle(), among: Array(others.prefix(2)))
        let error = await #expect(throws: RPCError.self) {
            try await served.client.valueVehicle(ValueVehicleRequest(subject: .vin("subject")))
        }
        #expect(error?.code == .failedPrecondition)
        #expect(
            try error?.details.first?.message(as: TooFewComparables.self)
                == TooFewComparables(found: 2, needed: 3))
    }

    @Test func refusesWrongFieldsByName() async throws {
        let served = try ServedPricing()
        let facts = VehicleFacts(make: "", model: "850", modelYear: 1880, mileage: -1)
        for (request, fields) in [
            (ValueVehicleRequest(), ["subject"]),
            (
                ValueVehicleRequest(subject: .facts(facts)),
                ["facts.make", "facts.model_year", "facts.mileage"]
            ),
        ] {
            let error = await #expect(throws: RPCError.self) { try await served.client.valueVehicle(request) }
            #expect(error?.code == .invalidArgument)
            let violations = try error?.details.first?.message(as: InvalidFields.self)?.violations
            #expect(violations?.map(\.field) == fields)
        }
    }

    @Test func passesOnWhatCatalogSays() async throws {
        let served = try ServedPricing()
        served.catalog.onGetVehicle { _, _ in throw RPCError(.unavailable, "catalog is being restarted") }
        let error = await #expect(throws: RPCError.self) {
            try await served.client.valueVehicle(ValueVehicleRequest(subject: .vin("subject")))
        }
        #expect(error?.code == .unavailable && error?.message == "catalog is being restarted")
    }
}

struct QuoteTests {
    private func request(_ id: String = "r1", vin: String = "subject") -> CreateQuoteRequest {
        CreateQuoteRequest(
            requestId: id, vin: vin, customer: "ann", validity: Google_Protobuf_Duration(seconds: 3_600))
    }

    @Test func promisesTodaysPrice() async throws {
        let served = try ServedPricing()
        served.stock(vehicle())
        let quote = try await served.client.createQuote(request())
        #expect(
            quote
                == Quote(
                    quoteId: "quote-1", vin: "subject", customer: "ann",
                    price: Money(minorUnits: 10_000_00, currency: "USD"), vehicleVersion: 4,
                    createdAt: Google_Protobuf_Timestamp(noon),
                    expiresAt: Google_Protobuf_Timestamp(noon + 3_600), expired: false))

        served.stock(vehicle(dollars: 20_000, version: 5))
        #expect(try await served.client.getQuote(GetQuoteRequest(quoteId: "quote-1")) == quote)
        served.wait(3_600)
        #expect(try await served.client.getQuote(GetQuoteRequest(quoteId: "quote-1")).expired)
    }

    @Test func theSameRequestIDMakesOneQuoteAndAsksCatalogOnce() async throws {
        let served = try ServedPricing()
        served.stock(vehicle())
        let first = try await served.client.createQuote(request())
        served.catalog.onGetVehicle { _, _ in throw RPCError(.unavailable, "catalog is down") }
        #expect(try await served.client.createQuote(request()) == first)
        #expect(served.catalog.getVehicleCalls.count == 1)

        let error = await #expect(throws: RPCError.self) {
            try await served.client.createQuote(request(vin: "another"))
        }
        #expect(error?.code == .alreadyExists)
    }

    @Test func keepsNothingWhenCatalogCannotTellThePrice() async throws {
        let served = try ServedPricing()
        served.stock(vehicle())
        let missing = await #expect(throws: RPCError.self) {
            try await served.client.createQuote(request(vin: "another"))
        }
        #expect(missing?.code == .notFound)
        var unpriced = vehicle()
        unpriced.price = nil
        served.stock(unpriced)
        let error = await #expect(throws: RPCError.self) { try await served.client.createQuote(request()) }
        #expect(error?.code == .internal)
        let list = try await served.client.listQuotes(
            ListQuotesRequest(customer: "ann", includeExpired: true))
        #expect(list.quotes.isEmpty)
    }

    @Test func listsByPages() async throws {
        let served = try ServedPricing()
        served.stock(vehicle())
        for number in 1...3 { _ = try await served.client.createQuote(request("r\(number)")) }
        var page = ListQuotesRequest(customer: "ann", pageSize: 2)
        let first = try await served.client.listQuotes(page)
        #expect(first.quotes.map(\.quoteId) == ["quote-3", "quote-2"])
        page.pageToken = first.nextPageToken
        let second = try await served.client.listQuotes(page)
        #expect(second.quotes.map(\.quoteId) == ["quote-1"] && second.nextPageToken.isEmpty)
        served.wait(3_600)
        #expect(try await served.client.listQuotes(ListQuotesRequest(customer: "ann")).quotes.isEmpty)
    }

    @Test func refusesWrongFieldsByName() async throws {
        let served = try ServedPricing()
        let error = await #expect(throws: RPCError.self) {
            try await served.client.createQuote(CreateQuoteRequest())
        }
        let violations = try error?.details.first?.message(as: InvalidFields.self)?.violations
        #expect(violations?.map(\.field) == ["request_id", "vin", "customer"])
        let missing = await #expect(throws: RPCError.self) {
            try await served.client.getQuote(GetQuoteRequest(quoteId: "quote-9"))
        }
        #expect(missing?.code == .notFound)
        let long = await #expect(throws: RPCError.self) {
            try await served.client.getQuote(
                GetQuoteRequest(quoteId: String(repeating: "q", count: 1_000_000)))
        }
        #expect(long?.code == .invalidArgument)
    }
}
