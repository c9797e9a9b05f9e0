// SPDX-License-Identifier: Apache-2.0

package import GRDB
import Showroom

package import struct Foundation.Date

/// A vehicle in stock: its facts, and what catalog itself knows about it.
package struct StockedVehicle: Sendable, Hashable {
    /// The row's number, which grows with every vehicle taken into stock; 0 before it is.
    package var id: Int64

    package var facts: VehicleFacts

    /// Counts the changes, from 1.
    package var version: Int64

    /// The hold on it, which may be over already; `reservation(at:)` tells.
    package var hold: Reservation?

    package var addedAt: Date
    package var updatedAt: Date

    /// Somebody's hold on a vehicle.
    package struct Reservation: Sendable, Hashable {
        package var holder: String
        package var expiresAt: Date

        /// The version of the vehicle on which it was decided to take or to extend it: by this mark an attempt
        /// that is made twice is known again.
        package var decidedOnVersion: Int64

        package init(holder: String, expiresAt: Date, decidedOnVersion: Int64) {
            self.holder = holder
            self.expiresAt = expiresAt
            self.decidedOnVersion = decidedOnVersion
        }
    }

    /// A vehicle about to be taken into stock.
    init(new facts: VehicleFacts, at now: Date) {
        id = 0
        self.facts = facts
        version = 1
        addedAt = now.wholeMilliseconds
        updatedAt = addedAt
    }

    /// The hold that is in force at this time, if any. It ends at its expiry, not after it.
    package func reservation(at now: Date) -> Reservation? {
        hold.flatMap { $0.expiresAt > now ? $0 : nil }
    }
}

// MARK: Rows

extension StockedVehicle: TableRecord, FetchableRecord, MutablePersistableRecord {
    package static let databaseTableName = "vehicle"

    package init(row: Row) {
        id = row["id"]
        facts = VehicleFacts(row: row)
        version = row["version"]
        hold = (row["held_by"] as String?).map {
            Reservation(
                holder: $0, expiresAt: Date(milliseconds: row["held_until_ms"]),
                decidedOnVersion: row["held_on_version"])
        }
        addedAt = Date(milliseconds: row["added_at_ms"])
        updatedAt = Date(milliseconds: row["updated_at_ms"])
    }

    package func encode(to container: inout PersistenceContainer) {
        container["id"] = id == 0 ? nil : id
        facts.encode(to: &container)
        container["version"] = version
        container["held_by"] = hold?.holder
        container["held_until_ms"] = hold?.expiresAt.milliseconds
        container["held_on_version"] = hold?.decidedOnVersion
        container["added_at_ms"] = addedAt.milliseconds
        container["updated_at_ms"] = updatedAt.milliseconds
    }

    package mutating func didInsert(_ inserted: InsertionSuccess) {
        id = inserted.rowID
    }
}

extension VehicleFacts {
    init(row: Row) {
        self.init(
            vin: row["vin"], make: row["make"], model: row["model"], modelYear: row["model_year"],
            price: Amount(minorUnits: row["price_minor"], currency: row["currency"]))
        bodyClass = BodyClass(rawValue: row["body_class"]) ?? .unspecified
        fuel = Fuel(rawValue: row["fuel"]) ?? .unspecified
        transmission = Transmission(rawValue: row["transmission"]) ?? .unspecified
        driveTrain = DriveTrain(rawValue: row["drive_train"]) ?? .unspecified
        engine = Engine(
            displacementCC: row["displacement_cc"], cylinders: row["cylinders"], horsepower: row["horsepower"]
        )
        passengers = row["passengers"]
        colour = row["colour"]
        mileage = row["mileage"]
        location = Location(dealer: row["dealer"], city: row["city"], region: row["region"])
        photoURLs = (row["photo_urls"] as String).split(separator: "\n").map(String.init)
        description = row["description"]
    }

    func encode(to container: inout PersistenceContainer) {
        container["vin"] = vin
        container["make"] = make
        container["model"] = model
        container["model_year"] = modelYear
        container["price_minor"] = price.minorUnits
        container["currency"] = price.currency
        container["body_class"] = bodyClass.rawValue
        container["fuel"] = fuel.rawValue
        container["transmission"] = transmission.rawValue
        container["drive_train"] = driveTrain.rawValue
        container["displacement_cc"] = engine.displacementCC
        container["cylinders"] = engine.cylinders
        container["horsepower"] = engine.horsepower
        container["passengers"] = passengers
        container["colour"] = colour
        container["mileage"] = mileage
        container["dealer"] = location.dealer
        container["city"] = location.city
        container["region"] = location.region
        // An address has no line feed in it (`validate` sees to that), so one separates them.
        container["photo_urls"] = photoURLs.joined(separator: "\n")
        container["description"] = description
    }
}
