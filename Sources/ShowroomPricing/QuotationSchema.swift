// SPDX-License-Identifier: Apache-2.0

package import GRDB

/// The tables of pricing's file, and how older files become like them.
package enum QuotationSchema {
    /// All migrations, in order. A migration that has shipped is never changed; changes are new migrations.
    package static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1 quotations", migrate: createQuotations)
        return migrator
    }

    private static func createQuotations(_ db: Database) throws {
        try db.execute(
            sql: """
                CREATE TABLE quotation (
                    id              INTEGER PRIMARY KEY AUTOINCREMENT,
                    quote_id        TEXT NOT NULL UNIQUE,
                    request_id      TEXT NOT NULL,
                    vin             TEXT NOT NULL,
                    customer        TEXT NOT NULL,
                    validity_ms     INTEGER NOT NULL CHECK (validity_ms > 0),
                    price_minor     INTEGER NOT NULL,
                    currency        TEXT NOT NULL,
                    vehicle_version INTEGER NOT NULL,
                    created_at_ms   INTEGER NOT NULL,
                    expires_at_ms   INTEGER NOT NULL,
                    UNIQUE (customer, request_id)
                ) STRICT;

                -- A customer's quotations, the latest first: the index ends with the row id.
                CREATE INDEX quotation_customer ON quotation (customer);
                """)
    }
}
