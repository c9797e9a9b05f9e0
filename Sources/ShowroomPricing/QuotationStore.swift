// SPDX-License-Identifier: Apache-2.0

import GRDB
package import Showroom

package import struct Foundation.Date

/// The promises that were made, in a SQLite file of their own.
///
/// When `keep` returns, the quotation is on the disk. Cancelling the task interrupts a method with a
/// `CancellationError`.
package struct QuotationStore: Sendable {
    let database: DatabasePool

    /// Opens the file at `path`, creating it, without quotations, if it does not exist.
    package init(path: String) throws {
        database = try DurableDatabase.open(path: path, migrator: QuotationSchema.migrator)
    }

    /// Closes the file. Calls after this fail.
    package func close() throws {
        try database.close()
    }

    /// The quotation that this order made before, if any.
    ///
    /// - Throws: `QuotationError.requestIDTaken` if the customer's request id made a quotation that was
    ///   ordered differently.
    package func quotation(madeFor order: Quotation.Order) async throws -> Quotation? {
        try await database.read { try Self.find(order, $0) }
    }

    /// Keeps a promise and answers it; if the same order made one before, that one is answered instead.
    ///
    /// - Parameter quoteID: A name that no quotation has yet.
    /// - Throws: `ValidationError` for each field of the order that is wrong,
    ///   `QuotationError.requestIDTaken`.
    package func keep(
        _ order: Quotation.Order, price: Amount, vehicleVersion: Int64, quoteID: String, at now: Date
    ) async throws -> Quotation {
        try order.validate()
        return try await database.write { db in
            if let made = try Self.find(order, db) {
                return made
            }
            let quotation = Quotation(
                id: 0, quoteID: quoteID, order: order, price: price, vehicleVersion: vehicleVersion,
                createdAt: now.wholeMilliseconds,
                expiresAt: now.addingTimeInterval(order.validity / .seconds(1)).wholeMilliseconds)
            return try quotation.inserted(db)
        }
    }

    /// The quotation with this id, expired or not.
    ///
    /// - Throws: `ValidationError` if this can be no id, `QuotationError.notFound`.
    package func quotation(id quoteID: String) async throws -> Quotation {
        try Validation.check { $0.require(length: PricingLimits.quoteIDLengths, of: quoteID, "quote_id") }
        return try await database.read { db in
            guard let quotation = try Quotation.filter(Column("quote_id") == quoteID).fetchOne(db) else {
                throw QuotationError.notFound(quoteID: quoteID)
            }
            return quotation
        }
    }

    private static func find(_ order: Quotation.Order, _ db: Database) throws -> Quotation? {
        let made = try Quotation.all()
            .filter(Column("customer") == order.customer && Column("request_id") == order.requestID)
            .fetchOne(db)
        guard let made else { return nil }
        guard made.order == order else {
            throw QuotationError.requestIDTaken(requestID: order.requestID)
        }
        return made
    }
}

/// Why pricing refused something that was asked for properly. Malformed requests are a `ValidationError`.
package enum QuotationError: Error, Sendable, Hashable {
    /// No quotation has this id.
    case notFound(quoteID: String)

    /// The customer's request id made a quotation of another vehicle or validity before.
    case requestIDTaken(requestID: String)
}

// MARK: Listing

extension QuotationStore {
    /// One page of a customer's quotations.
    package struct Page: Sendable {
        package var quotations: [Quotation]

        /// Asks for the following page; empty after the last one.
        package var nextPageToken: String
    }

    /// A page of a customer's quotations, the latest first.
    ///
    /// - Parameters:
    ///   - includesExpired: Whether to list those too whose time is over.
    ///   - pageSize: 0 for the default; more than `PageLimits.rowsMax` counts as that.
    ///   - pageToken: Where the page before ended; empty for the first page.
    /// - Throws: `ValidationError` for each field that is wrong, the token among them.
    package func quotations(
        customer: String, includesExpired: Bool, pageSize: Int = 0, pageToken: String = "", at now: Date
    ) async throws -> Page {
        try Validation.check { $0.require(length: PartyLimits.nameLengths, of: customer, "customer") }
        var fingerprint = Fingerprint()
        fingerprint.add(customer)
        fingerprint.add(includesExpired ? 1 : 0 as Int64)
        let query = fingerprint
        let size = try PageSize.effective(pageSize)
        let start = pageToken.isEmpty ? nil : try PageToken(pageToken, query: query)
        return try await database.read { db in
            let request = Quotation.all()
                .filter(Column("customer") == customer)
                .filter(start.map { Column("id") < $0.rowID } ?? true.sqlExpression)
                .filter(includesExpired ? true.sqlExpression : Column("expires_at_ms") > now.milliseconds)
                .order(Column("id").desc)
            // One more than the page holds tells whether another page follows.
            let rows = try request.limit(size + 1).fetchAll(db)
            let last = rows.count > size ? rows[size - 1] : nil
            return Page(
                quotations: Array(rows.prefix(size)),
                nextPageToken: last.map { PageToken(key: 0, rowID: $0.id).text(query: query) } ?? "")
        }
    }
}
