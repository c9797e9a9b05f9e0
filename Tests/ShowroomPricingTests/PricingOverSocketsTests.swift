// SPDX-License-Identifier: Apache-2.0

import Foundation
import GRDB
import Logging
import Ravioli
import Showroom
import ShowroomContracts
import Synchronization
import Testing

@testable import ShowroomPricing

/// The two transports on which services listen.
enum Transport: CaseIterable {
    case tcp, unix

    /// A free address; `name` tells the sockets of one test apart.
    func address(_ name: String, in directory: URL) -> Address {
        switch self {
        case .tcp: .tcp(host: "127.0.0.1", port: 0)
        case .unix: .unix(path: directory.appending(path: "\(name).sock").path)
        }
    }
}

/// Catalog's fake and pricing, each behind a server of its own, for the time of `body`.
private func withPricing(
    over transport: Transport, catalog: CatalogFake,
    _ body: (PricingClient, QuotationStore) async throws -> Void
) async throws {
    let temporary = try TemporaryStore()
    try await withServer([catalog], on: transport.address("catalog", in: temporary.directory)) { _, address in
        try await withPricing(askingAt: address, temporary, over: transport, body)
    }
}

/// Pricing behind a server, with a catalog at this address, for the time of `body`.
private func withPricing(
    askingAt catalog: Address, _ temporary: TemporaryStore, over transport: Transport,
    _ body: (PricingClient, QuotationStore) async throws -> Void
) async throws {
    try await withClient(catalog) { client in
        let pricing = PricingServer(
            store: temporary.store, catalog: CatalogClient(client), clock: { noon }, logger: .silent)
        try await withServer([pricing], on: transport.address("pricing", in: temporary.directory)) { _, own in
            try await withClient(own) { try await body(PricingClient($0), temporary.store) }
        }
    }
}

/// What a handler knew about its call.
private struct Inherited: Sendable {
    var remaining: Duration
    var requestID: String?
    var note: String?
}

private let volvo = Vehicle(
    vin: "subject", make: "Volvo", model: "850", modelYear: 1995, mileage: 50_000,
    price: Money(minorUnits: 10_000_00, currency: "USD"), version: 4)

private let order = CreateQuoteRequest(requestId: "r1", vin: "subject", customer: "ann")

@Suite(.timeLimit(.minutes(1)))
struct PricingOverSocketsTests {
    @Test(arguments: Transport.allCases)
    func catalogInheritsDeadlineAndRequestID(over transport: Transport) async throws {
        let catalog = CatalogFake()
        let seen = Mutex<[Inherited]>([])
        catalog.onGetVehicle { _, context in
            let metadata = context.metadata
            seen.withLock {
                $0.append(
                    Inherited(
                        remaining: context.remainingTime, requestID: metadata["x-request-id"],
                        note: metadata["x-note"]))
            }
            return volvo
        }
        try await withPricing(over: transport, catalog: catalog) { pricing, _ in
            var options = CallOptions.timeout(.seconds(40))
            options.metadata = ["x-request-id": "call-7", "x-note": "for pricing only"]
            let started = ContinuousClock.now
            let quote = try await pricing.createQuote(order, options: options)
            #expect(quote.price == volvo.price && quote.vehicleVersion == 4)
            let calls = seen.withLock(\.self)
            let inherited = try #require(calls.first)
            // Longer than the default of a call that inherits nothing, and no longer than what was left.
            #expect(inherited.remaining > CallOptions.timeoutDefault && inherited.remaining <= .seconds(40))
            #expect(inherited.remaining >= .seconds(40) - (ContinuousClock.now - started))
            #expect(inherited.requestID == "call-7" && inherited.note == nil)
        }
    }

    @Test func aSlowCatalogEndsWithTheCallersDeadline() async throws {
        let catalog = CatalogFake()
        let (cancelled, cancelling) = AsyncStream.makeStream(of: Bool.self)
        catalog.onGetVehicle { _, context in
            // Nothing ever comes out of it: only the end of the task ends the wait.
            for await _ in AsyncStream<Never>.makeStream().stream {}
            cancelling.yield(context.isCancelled)
            throw CancellationError()
        }
        try await withPricing(over: .tcp, catalog: catalog) { pricing, store in
            let started = ContinuousClock.now
            let error = await #expect(throws: RPCError.self) {
                try await pricing.createQuote(order, options: .timeout(.seconds(2)))
            }
            let elapsed = ContinuousClock.now - started
            #expect(error?.code == .deadlineExceeded)
            #expect(elapsed >= .milliseconds(1_900) && elapsed < .seconds(20))
            // The deadline went along: catalog stopped working too.
            let wasCancelled = await cancelled.first { _ in true }
            #expect(wasCancelled == true)
            let kept = try await store.quotation(madeFor: Quotation.Order(order))
            #expect(kept == nil)
        }
    }

    @Test(arguments: [RPCError.Executed.no, .maybe, .yes])
    func whatCatalogSaysOfItselfIsNotSaidOfPricing(executed: RPCError.Executed) async throws {
        let catalog = CatalogFake()
        catalog.onGetVehicle { _, _ in
            throw RPCError(.resourceExhausted, "catalog is busy", executed: executed)
        }
        try await withPricing(over: .tcp, catalog: catalog) { pricing, _ in
            let error = await #expect(throws: RPCError.self) { try await pricing.createQuote(order) }
            #expect(error?.code == .resourceExhausted && error?.message == "catalog is busy")
            #expect(error?.executed == .yes && error?.origin == .peer)
        }
    }

    @Test func anAbsentCatalogIsNamedAsWhatIsMissing() async throws {
        let temporary = try TemporaryStore()
        let absent = Address.unix(path: temporary.directory.appending(path: "nobody.sock").path)
        try await withPricing(askingAt: absent, temporary, over: .tcp) { pricing, _ in
            let error = await #expect(throws: RPCError.self) { try await pricing.createQuote(order) }
            #expect(error?.code == .unavailable && error?.executed == .yes)
            #expect(error?.message.hasPrefix("no answer from catalog: ") == true)
        }
    }

    @Test func answersOthersWhileTheDatabaseWaits() async throws {
        let catalog = CatalogFake()
        catalog.onGetVehicle { _, _ in volvo }
        try await withPricing(over: .tcp, catalog: catalog) { pricing, store in
            let (holds, held) = AsyncStream.makeStream(of: Void.self)
            let mayEnd = DispatchSemaphore(value: 0)
            defer { mayEnd.signal() }
            // The one connection that writes is busy until this test lets it go.
            async let holding: Void = store.database.write { _ in
                held.yield()
                mayEnd.wait()
            }
            _ = await holds.first { _ in true }
            async let quote = pricing.createQuote(order)
            // On the same connection, hence the same loop, as the call that waits.
            for _ in 0..<10 {
                #expect(try await pricing.listQuotes(ListQuotesRequest(customer: "ann")).quotes.isEmpty)
            }
            mayEnd.signal()
            try await holding
            #expect(try await quote.customer == "ann")
        }
    }
}
