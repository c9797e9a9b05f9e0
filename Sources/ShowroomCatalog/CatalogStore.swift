// SPDX-License-Identifier: Apache-2.0

// All changes run in one transaction each, on the one connection that writes, so between reading a vehicle's
// version and writing the next one nobody else can come. Reads run beside them on snapshots. Nothing here
// knows what time it is: callers pass it, and tests make it up.

import GRDB
import Showroom

package import struct Foundation.Date

/// The stock of vehicles, in a SQLite file of its own.
///
/// When a method that changes something returns, the change is on the disk; when it throws, nothing was
/// changed. Cancelling the task interrupts the method with a `CancellationError`.
package struct CatalogStore: Sendable {
    let database: DatabasePool

    /// Opens the file at `path`, creating it, without vehicles, if it does not exist.
    package init(path: String) throws {
        database = try DurableDatabase.open(path: path, migrator: CatalogSchema.migrator)
    }

    /// Closes the file. Calls after this fail.
    package func close() throws {
        try database.close()
    }
}

// MARK: Reading

extension CatalogStore {
    /// The vehicle with this VIN.
    ///
    /// - Throws: `ValidationError` if this is no VIN, `CatalogError.notFound` if it is not in stock.
    package func vehicle(vin: String) async throws -> StockedVehicle {
        try Self.validate(vin: vin)
        return try await database.read { try Self.find(vin, $0) }
    }

    /// The vehicles with these VINs, in this order, and the VINs that are not in stock. Each VIN counts once.
    ///
    /// - Throws: `ValidationError` if there are none or more than 100 VINs, or some are no VINs.
    package func vehicles(vins: [String]) async throws -> (found: [StockedVehicle], missing: [String]) {
        try Self.validate(vins: vins)
        var seen: Set<String> = []
        let unique = vins.filter { seen.insert($0).inserted }
        let vehicles = try await database.read {
            try StockedVehicle.filter(unique.contains(Column("vin"))).fetchAll($0)
        }
        let byVIN = Dictionary(uniqueKeysWithValues: vehicles.map { ($0.facts.vin, $0) })
        return (unique.compactMap { byVIN[$0] }, unique.filter { byVIN[$0] == nil })
    }

    /// One page of what a search finds.
    package struct Page: Sendable {
        package var vehicles: [StockedVehicle]

        /// Asks for the following page; empty after the last one.
        package var nextPageToken: String

        /// How many vehicles there are on all pages, if that was asked for.
        package var total: Int?
    }

    /// A page of the vehicles that `query` finds.
    ///
    /// - Parameters:
    ///   - pageSize: 0 for the default; more than `PageLimits.rowsMax` counts as that.
    ///   - pageToken: Where the page before ended; empty for the first page.
    ///   - countsAll: Whether to count the vehicles on all pages too.
    /// - Throws: `ValidationError` for each field that is wrong, the token among them.
    package func search(
        _ query: VehicleQuery, pageSize: Int = 0, pageToken: String = "", countsAll: Bool = false,
        at now: Date
    ) async throws -> Page {
        try query.validate()
        let fingerprint = query.fingerprint
        let size = try PageSize.effective(pageSize)
        let start = pageToken.isEmpty ? nil : try PageToken(pageToken, query: fingerprint)
        return try await database.read { db in
            // One more than the page holds tells whether another page follows.
            let request = query.page(after: start, limit: size + 1, at: now)
            let rows = try SQLRequest<StockedVehicle>(literal: request).fetchAll(db)
            let vehicles = Array(rows.prefix(size))
            let last = rows.count > size ? vehicles.last : nil
            return Page(
                vehicles: vehicles,
                nextPageToken: last.map { query.order.token(after: $0).text(query: fingerprint) } ?? "",
                total: countsAll ? try SQLRequest<Int>(literal: query.count(at: now)).fetchOne(db) : nil)
        }
    }

    private static func find(_ vin: String, _ db: Database) throws -> StockedVehicle {
        guard let vehicle = try StockedVehicle.filter(Column("vin") == vin).fetchOne(db) else {
            throw CatalogError.notFound(vin: vin)
        }
        return vehicle
    }
}

// MARK: Changing

extension CatalogStore {
    /// Takes a vehicle into stock. Adding the same facts again answers the vehicle that is there.
    ///
    /// - Throws: `ValidationError` for wrong facts, `CatalogError.alreadyExists`.
    package func add(_ facts: VehicleFacts, at now: Date) async throws -> StockedVehicle {
        try facts.validate()
        return try await database.write { db in
            if let present = try StockedVehicle.filter(Column("vin") == facts.vin).fetchOne(db) {
                guard present.facts == facts else { throw CatalogError.alreadyExists(vin: facts.vin) }
                return present
            }
            return try StockedVehicle(new: facts, at: now).inserted(db)
        }
    }

    /// Changes some facts of a vehicle. The same update again answers what the first one did.
    ///
    /// - Throws: `ValidationError` for facts that would be wrong, `CatalogError.notFound`,
    ///   `.versionConflict`.
    package func update(
        vin: String, _ update: VehicleUpdate, expectedVersion: Int64, at now: Date
    ) async throws -> StockedVehicle {
        try Self.validate(vin: vin, as: "vehicle.vin", expectedVersion: expectedVersion)
        return try await database.write { db in
            var vehicle = try Self.find(vin, db)
            let facts = update.applied(to: vehicle.facts)
            if vehicle.version - 1 == expectedVersion, facts == vehicle.facts {
                return vehicle
            }
            try vehicle.check(version: expectedVersion)
            try facts.validate()
            vehicle.facts = facts
            return try vehicle.changed(db, at: now)
        }
    }

    /// Holds a vehicle for somebody, or extends the hold that they have. The same reservation again answers
    /// what the first one did.
    ///
    /// - Parameter duration: From now; 30 minutes if `nil`.
    /// - Throws: `ValidationError`, `CatalogError.notFound`, `.held`, `.versionConflict`.
    package func reserve(
        vin: String, expectedVersion: Int64, holder: String, duration: Duration? = nil, at now: Date
    ) async throws -> StockedVehicle {
        let duration = duration ?? CatalogLimits.holdDefault
        try Self.validate(vin: vin, expectedVersion: expectedVersion, holder: holder, duration: duration)
        return try await database.write { db in
            var vehicle = try Self.find(vin, db)
            let held = try vehicle.check(holder: holder, at: now)
            if held, vehicle.hold?.decidedOnVersion == expectedVersion {
                return vehicle
            }
            try vehicle.check(version: expectedVersion)
            let expiresAt = now.addingTimeInterval(duration / .seconds(1)).wholeMilliseconds
            vehicle.hold = .init(
                holder: holder, expiresAt: expiresAt, decidedOnVersion: expectedVersion)
            return try vehicle.changed(db, at: now)
        }
    }

    /// Ends somebody's hold on a vehicle. A vehicle that nobody holds is answered as it is.
    ///
    /// - Throws: `ValidationError`, `CatalogError.notFound`, `.held`, `.versionConflict`.
    package func release(
        vin: String, expectedVersion: Int64, holder: String, at now: Date
    ) async throws -> StockedVehicle {
        try Self.validate(vin: vin, expectedVersion: expectedVersion, holder: holder)
        return try await database.write { db in
            var vehicle = try Self.find(vin, db)
            guard try vehicle.check(holder: holder, at: now) else { return vehicle }
            try vehicle.check(version: expectedVersion)
            vehicle.hold = nil
            return try vehicle.changed(db, at: now)
        }
    }
}

extension StockedVehicle {
    /// Refuses any version but the current one.
    fileprivate func check(version expected: Int64) throws(CatalogError) {
        guard version == expected else {
            throw .versionConflict(vin: facts.vin, expected: expected, actual: version)
        }
    }

    /// Whether `holder` holds the vehicle now; refuses if somebody else does.
    fileprivate func check(holder: String, at now: Date) throws(CatalogError) -> Bool {
        guard let reservation = reservation(at: now) else { return false }
        guard reservation.holder == holder else {
            throw .held(vin: facts.vin, until: reservation.expiresAt)
        }
        return true
    }

    /// Writes the vehicle as its next version.
    fileprivate mutating func changed(_ db: Database, at now: Date) throws -> StockedVehicle {
        version += 1
        updatedAt = now.wholeMilliseconds
        try update(db)
        return self
    }
}

// MARK: Validation

extension CatalogStore {
    private static func validate(
        vin: String, as field: String = "vin", expectedVersion: Int64? = nil, holder: String? = nil,
        duration: Duration? = nil
    ) throws(ValidationError) {
        var validation = Validation()
        Self.note(vin, as: field, in: &validation)
        if let expectedVersion {
            validation.require(
                expectedVersion >= 1, "expected_version", "must be the version that was read, 1 or more")
        }
        if let holder {
            validation.require(length: PartyLimits.nameLengths, of: holder, "holder")
        }
        if let duration {
            validation.require(
                CatalogLimits.holds.contains(duration), "duration", "must be from 1 second to 7 days")
        }
        try validation.check()
    }

    private static func validate(vins: [String]) throws(ValidationError) {
        var validation = Validation()
        let sizes = CatalogLimits.batchSizes
        validation.require(
            sizes ~= vins.count, "vins",
            "must be \(sizes.lowerBound) to \(sizes.upperBound), not \(vins.count)")
        for (index, vin) in vins.prefix(CatalogLimits.batchSizes.upperBound).enumerated() {
            note(vin, as: "vins[\(index)]", in: &validation)
        }
        try validation.check()
    }

    private static func note(_ vin: String, as field: String, in validation: inout Validation) {
        do {
            _ = try VIN(vin)
        } catch {
            validation.require(false, field, error.description)
        }
    }
}
