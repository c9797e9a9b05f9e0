// SPDX-License-Identifier: Apache-2.0

import GRDB
package import Logging
import Showroom

package import struct Foundation.Date

extension CatalogStore {
    /// Gives a new file its first stock, all of it or nothing, and remembers that it did: a file that was
    /// ever seeded, even with no vehicle, is left as it is.
    ///
    /// - Parameter vehicles: How many, at most `Inventory.vehiclesMax`; negative counts as none.
    /// - Returns: Whether the file was new.
    @discardableResult
    package func seed(
        vehicles: Int, inventory: Inventory = Inventory(), at now: Date, logger: Logger
    ) async throws -> Bool {
        let count = min(max(vehicles, 0), Inventory.vehiclesMax)
        let wasNew = try await database.write { db in
            guard try Bool.fetchOne(db, sql: "SELECT NOT EXISTS (SELECT * FROM seeding)") == true else {
                return false
            }
            for index in 0..<count {
                var vehicle = StockedVehicle(new: inventory.vehicle(at: index), at: now)
                try vehicle.insert(db)
                if (index + 1).isMultiple(of: 1_000) {
                    logger.info(
                        "seeding the stock", metadata: ["vehicles": "\(index + 1)", "of": "\(count)"])
                }
            }
            try db.execute(
                sql: "INSERT INTO seeding (only_row, vehicles, seeded_at_ms) VALUES (1, ?, ?)",
                arguments: [count, now.milliseconds])
            // Tells the planner how many vehicles share a make, a year and so on, to pick indexes by.
            try db.execute(sql: "ANALYZE")
            return true
        }
        if wasNew {
            logger.info("the stock is seeded", metadata: ["vehicles": "\(count)"])
        }
        return wasNew
    }
}
