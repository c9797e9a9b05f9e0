// SPDX-License-Identifier: Apache-2.0

package import GRDB
package import Showroom

package import struct Foundation.Date

/// A promise of a price, as pricing keeps it.
package struct Quotation: Sendable, Hashable {
    /// The row's number, which grows with every quotation; 0 before there is a row.
    package var id: Int64

    /// The name that the outside knows it by.
    package var quoteID: String

    /// What it was created with.
    package var order: Order

    /// The promised price.
    package var price: Amount

    /// The vehicle's version in catalog whose price this is.
    package var vehicleVersion: Int64

    package var createdAt: Date
    package var expiresAt: Date

    /// What a caller asks for when it wants a quotation. The same order again gets the same quotation.
    package struct Order: Sendable, Hashable {
        /// Different for each quotation that a customer wants.
        package var requestID: String
        package var vin: String
        package var customer: String

        /// How long the promise is good for.
        package var validity: Duration

        /// - Parameter validity: 2 days if `nil`.
        package init(requestID: String, vin: String, customer: String, validity: Duration? = nil) {
            self.requestID = requestID
            self.vin = vin
            self.customer = customer
            self.validity = validity ?? PricingLimits.validityDefault
        }
    }

    /// Whether the promise is over at this time. It ends at its expiry, not after it.
    package func isExpired(at now: Date) -> Bool {
        expiresAt <= now
    }
}

extension Quotation.Order {
    /// Checks every field.
    ///
    /// - Throws: `ValidationError` for each field that is wrong.
    package func validate() throws(ValidationError) {
        var validation = Validation()
        validation.require(length: PricingLimits.requestIDLengths, of: requestID, "request_id")
        validation.require(!vin.isEmpty, "vin", "must not be empty")
        validation.require(length: PartyLimits.nameLengths, of: customer, "customer")
        validation.require(
            PricingLimits.validities.contains(validity), "validity", "must be from 1 minute to 14 days")
        try validation.check()
    }
}

// MARK: Rows

extension Quotation: TableRecord, FetchableRecord, MutablePersistableRecord {
    package static let databaseTableName = "quotation"

    package init(row: Row) {
        id = row["id"]
        quoteID = row["quote_id"]
        order = Order(
            requestID: row["request_id"], vin: row["vin"], customer: row["customer"],
            validity: .milliseconds(row["validity_ms"] as Int64))
        price = Amount(minorUnits: row["price_minor"], currency: row["currency"])
        vehicleVersion = row["vehicle_version"]
        createdAt = Date(milliseconds: row["created_at_ms"])
        expiresAt = Date(milliseconds: row["expires_at_ms"])
    }

    package func encode(to container: inout PersistenceContainer) {
        container["id"] = id == 0 ? nil : id
        container["quote_id"] = quoteID
        container["request_id"] = order.requestID
        container["vin"] = order.vin
        container["customer"] = order.customer
        container["validity_ms"] = order.validity.wholeMilliseconds
        container["price_minor"] = price.minorUnits
        container["currency"] = price.currency
        container["vehicle_version"] = vehicleVersion
        container["created_at_ms"] = createdAt.milliseconds
        container["expires_at_ms"] = expiresAt.milliseconds
    }

    package mutating func didInsert(_ inserted: InsertionSuccess) {
        id = inserted.rowID
    }
}

extension Duration {
    /// Milliseconds, cut off below.
    fileprivate var wholeMilliseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds * 1000 + attoseconds / 1_000_000_000_000_000
    }
}
