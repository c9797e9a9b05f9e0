// SPDX-License-Identifier: Apache-2.0

package import Foundation
package import Logging
package import Ravioli
import Showroom
package import ShowroomContracts

/// Serves valuations and quotes over RPC.
///
/// It asks catalog from within its calls, so what it asks inherits their deadline and metadata, and nobody
/// waits for catalog longer than for pricing.
package struct PricingServer: PricingService {
    private let store: QuotationStore
    private let stock: Stock
    private let answering: Answering
    private let makeID: @Sendable () -> String

    /// - Parameters:
    ///   - clock: Tells the time of day; tests make it up.
    ///   - makeID: Names a new quote, differently each time.
    ///   - logger: Is told what callers are not: why the database failed.
    package init(
        store: QuotationStore, catalog: CatalogClient,
        clock: @escaping @Sendable () -> Date = { Date() },
        makeID: @escaping @Sendable () -> String = { UUID().uuidString.lowercased() },
        logger: Logger
    ) {
        self.store = store
        stock = Stock(catalog: catalog)
        answering = Answering(clock: clock, logger: logger)
        self.makeID = makeID
    }

    package func valueVehicle(
        _ request: ValueVehicleRequest, context: CallContext
    ) async throws -> Valuation {
        try await answering { _ in
            let (facts, vin) = try await subject(of: request)
            let subject = Subject(modelYear: Int(facts.modelYear), mileage: Int(facts.mileage))
            let search = ComparableSearch(modelYear: subject.modelYear, subjectVIN: vin)
            let cars = try await search.comparables { years in
                try await stock.cars(make: facts.make, model: facts.model, modelYears: years)
            }
            return Valuation(try Appraisal(of: subject, from: cars))
        }
    }

    package func createQuote(_ request: CreateQuoteRequest, context: CallContext) async throws -> Quote {
        try await answering { now in
            let order = Quotation.Order(request)
            try order.validate()
            // A promise that was made stands, even when catalog cannot be asked.
            if let made = try await store.quotation(madeFor: order) {
                return Quote(made, at: now)
            }
            let (price, version) = try await stock.price(vin: order.vin)
            let kept = try await store.keep(
                order, price: price, vehicleVersion: version, quoteID: makeID(), at: now)
            return Quote(kept, at: now)
        }
    }

    package func getQuote(_ request: GetQuoteRequest, context: CallContext) async throws -> Quote {
        try await answering { now in
            Quote(try await store.quotation(id: request.quoteId), at: now)
        }
    }

    package func listQuotes(
        _ request: ListQuotesRequest, context: CallContext
    ) async throws -> ListQuotesResponse {
        try await answering { now in
            let page = try await store.quotations(
                customer: request.customer, includesExpired: request.includeExpired,
                pageSize: Int(request.pageSize), pageToken: request.pageToken, at: now)
            return ListQuotesResponse(
                quotes: page.quotations.map { Quote($0, at: now) }, nextPageToken: page.nextPageToken)
        }
    }

    /// The car to judge, and its VIN if it is in stock.
    private func subject(of request: ValueVehicleRequest) async throws -> (VehicleFacts, vin: String) {
        switch request.subject {
        case .vin(let vin):
            return (try await stock.facts(vin: vin), vin)
        case .facts(let facts):
            try facts.validate()
            return (facts, "")
        case nil:
            throw ValidationError("subject", "must be set: either a vin or facts")
        }
    }
}

extension QuotationError: RPCErrorConvertible {
    /// The status for it, as `pricing.proto` lists them.
    package var rpcError: RPCError {
        switch self {
        case .notFound(let quoteID):
            RPCError(.notFound, "no quote has the id \(quoteID)")
        case .requestIDTaken(let requestID):
            RPCError(.alreadyExists, "the request id \(requestID) made another quote before")
        }
    }
}

extension Appraisal.TooFewComparables: RPCErrorConvertible {
    /// The status for it, as `pricing.proto` lists them.
    package var rpcError: RPCError {
        RPCError(
            .failedPrecondition, "\(found) comparable vehicles are in stock, and \(needed) are needed",
            details: .of(TooFewComparables(found: Int32(clamping: found), needed: Int32(clamping: needed))))
    }
}
