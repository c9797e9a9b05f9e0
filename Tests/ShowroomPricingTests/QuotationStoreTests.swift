// SPDX-License-Identifier: Apache-2.0

import Foundation
import GRDB
import Showroom
import Testing

@testable import ShowroomPricing

extension QuotationStore {
    fileprivate func keep(_ order: Quotation.Order, id: String, at now: Date = noon) async throws -> Quotation
    {
        try await keep(order, price: Amount(minorUnits: 12_995_00), vehicleVersion: 4, quoteID: id, at: now)
    }
}

private func order(
    _ requestID: String, customer: String = "ann", vin: String = "1M8GDM9AXKP042788"
)
    -> Quotation.Order
{
    Quotation.Order(requestID: requestID, vin: vin, customer: customer)
}

struct QuotationStoreTests {
    @Test func keepsWhatWasPromised() async throws {
        let temporary = try TemporaryStore()
        let kept = try await temporary.store.keep(order("r1"), id: "q1")
        #expect(kept.price == Amount(minorUnits: 12_995_00) && kept.vehicleVersion == 4)
        #expect(kept.createdAt == noon && kept.expiresAt == noon + 2 * 24 * 3600)
        #expect(try await temporary.store.quotation(id: "q1") == kept)
        #expect(try await temporary.store.quotation(madeFor: order("r1")) == kept)
        #expect(try await temporary.store.quotation(madeFor: order("r2")) == nil)
    }

    @Test func expiresAtItsTime() async throws {
        let temporary = try TemporaryStore()
        var short = order("r1")
        short.validity = .seconds(60)
        let kept = try await temporary.store.keep(short, id: "q1")
        #expect(!kept.isExpired(at: noon + 59) && kept.isExpired(at: noon + 60))
    }

    @Test func theSameOrderTwiceMakesOneQuotation() async throws {
        let temporary = try TemporaryStore()
        let first = try await temporary.store.keep(order("r1"), id: "q1")
        #expect(try await temporary.store.keep(order("r1"), id: "q2", at: noon + 999) == first)
        // Another customer's request ids are their own.
        let other = try await temporary.store.keep(order("r1", customer: "bob"), id: "q3")
        #expect(other.quoteID == "q3")
    }

    @Test func theSameOrderManyTimesAtOnceMakesOneQuotation() async throws {
        let temporary = try TemporaryStore()
        let ids = try await withThrowingTaskGroup(of: String.self) { group in
            for number in 1...20 {
                group.addTask { try await temporary.store.keep(order("r1"), id: "q\(number)").quoteID }
            }
            return try await group.reduce(into: Set<String>()) { $0.insert($1) }
        }
        #expect(ids.count == 1)
    }

    @Test func aRequestIDMakesNoSecondPromise() async throws {
        let temporary = try TemporaryStore()
        _ = try await temporary.store.keep(order("r1"), id: "q1")
        let other = order("r1", vin: "11111111111111111")
        await #expect(throws: QuotationError.requestIDTaken(requestID: "r1")) {
            try await temporary.store.keep(other, id: "q2")
        }
        await #expect(throws: QuotationError.requestIDTaken(requestID: "r1")) {
            try await temporary.store.quotation(madeFor: other)
        }
    }

    @Test func everythingIsThereAfterReopening() async throws {
        let temporary = try TemporaryStore()
        let kept = try await temporary.store.keep(order("r1"), id: "q1")
        try temporary.store.close()
        let reopened = try QuotationStore(path: temporary.path)
        #expect(try await reopened.quotation(id: "q1") == kept)
        #expect(try await reopened.keep(order("r1"), id: "q2") == kept)
        try reopened.close()
    }

    @Test func everyCommitIsFlushed() async throws {
        let temporary = try TemporaryStore()
        let synchronous = try await temporary.store.database.write {
            try Int.fetchOne($0, sql: "PRAGMA synchronous")
        }
        #expect(synchronous == 2)
    }

    @Test func anEmptyFileGetsAllTables() throws {
        let queue = try DatabaseQueue()
        try QuotationSchema.migrator.migrate(queue)
        #expect(try queue.read { try $0.tableExists("quotation") })
    }

    @Test func refusesWrongFieldsByName() async throws {
        let temporary = try TemporaryStore()
        let wrong = Quotation.Order(requestID: "", vin: "", customer: "", validity: .seconds(1))
        let error = await #expect(throws: ValidationError.self) {
            try await temporary.store.keep(wrong, id: "q1")
        }
        #expect(error?.violations.map(\.field) == ["request_id", "vin", "customer", "validity"])
        await #expect(throws: QuotationError.notFound(quoteID: "q1")) {
            try await temporary.store.quotation(id: "q1")
        }
        await #expect(throws: ValidationError("quote_id", "must not be empty")) {
            try await temporary.store.quotation(id: "")
        }
    }
}

struct QuotationListTests {
    @Test func listsACustomersOwnLatestFirst() async throws {
        let temporary = try TemporaryStore()
        for number in 1...25 {
            _ = try await temporary.store.keep(
                order("r\(number)"), id: "q\(number)", at: noon + Double(number))
        }
        _ = try await temporary.store.keep(order("r1", customer: "bob"), id: "bob")
        var ids: [String] = []
        var token = ""
        repeat {
            let page = try await temporary.store.quotations(
                customer: "ann", includesExpired: false, pageSize: 10, pageToken: token, at: noon)
            ids += page.quotations.map(\.quoteID)
            token = page.nextPageToken
        } while !token.isEmpty
        #expect(ids == (1...25).reversed().map { "q\($0)" })
    }

    @Test func listsExpiredOnesOnlyWhenAsked() async throws {
        let temporary = try TemporaryStore()
        var short = order("r1")
        short.validity = .seconds(60)
        _ = try await temporary.store.keep(short, id: "q1")
        _ = try await temporary.store.keep(order("r2"), id: "q2")
        func ids(expired: Bool) async throws -> [String] {
            try await temporary.store.quotations(customer: "ann", includesExpired: expired, at: noon + 60)
                .quotations.map(\.quoteID)
        }
        #expect(try await ids(expired: false) == ["q2"])
        #expect(try await ids(expired: true) == ["q2", "q1"])
    }

    @Test func refusesAnotherListsToken() async throws {
        let temporary = try TemporaryStore()
        for number in 1...3 { _ = try await temporary.store.keep(order("r\(number)"), id: "q\(number)") }
        let token = try await temporary.store.quotations(
            customer: "ann", includesExpired: false, pageSize: 1, at: noon
        ).nextPageToken
        for (customer, expired) in [("bob", false), ("ann", true)] {
            await #expect(throws: ValidationError.self) {
                try await temporary.store.quotations(
                    customer: customer, includesExpired: expired, pageToken: token, at: noon)
            }
        }
    }
}
