// SPDX-License-Identifier: Apache-2.0

package import GRDB

/// The tables of catalog's file, and how older files become like them.
package enum CatalogSchema {
    /// All migrations, in order. A migration that has shipped is never changed; changes are new migrations.
    package static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1 vehicles", migrate: createVehicles)
        migrator.registerMigration("2 free text", migrate: createText)
        migrator.registerMigration("3 seeding", migrate: createSeeding)
        return migrator
    }

    private static func createVehicles(_ db: Database) throws {
        try db.execute(
            sql: """
                CREATE TABLE vehicle (
                    id              INTEGER PRIMARY KEY AUTOINCREMENT,
                    vin             TEXT NOT NULL UNIQUE,
                    make            TEXT NOT NULL COLLATE NOCASE,
                    model           TEXT NOT NULL COLLATE NOCASE,
                    model_year      INTEGER NOT NULL,
                    price_minor     INTEGER NOT NULL CHECK (price_minor > 0),
                    currency        TEXT NOT NULL,
                    body_class      INTEGER NOT NULL,
                    fuel            INTEGER NOT NULL,
                    transmission    INTEGER NOT NULL,
                    drive_train     INTEGER NOT NULL,
                    displacement_cc INTEGER NOT NULL,
                    cylinders       INTEGER NOT NULL,
                    horsepower      INTEGER NOT NULL,
                    passengers      INTEGER NOT NULL,
                    colour          TEXT NOT NULL,
                    mileage         INTEGER NOT NULL CHECK (mileage >= 0),
                    dealer          TEXT NOT NULL,
                    city            TEXT NOT NULL,
                    region          TEXT NOT NULL,
                    photo_urls      TEXT NOT NULL,
                    description     TEXT NOT NULL,
                    version         INTEGER NOT NULL CHECK (version >= 1),
                    held_by         TEXT,
                    held_until_ms   INTEGER,
                    held_on_version INTEGER,
                    added_at_ms     INTEGER NOT NULL,
                    updated_at_ms   INTEGER NOT NULL,
                    CHECK ((held_by IS NULL) = (held_until_ms IS NULL)),
                    CHECK ((held_by IS NULL) = (held_on_version IS NULL))
                ) STRICT;

                -- Each order of a search, over the whole stock and within a make or model. SQLite ends every
                -- index with the row id, which is what equal keys are sorted by.
                CREATE INDEX vehicle_price         ON vehicle (price_minor);
                CREATE INDEX vehicle_year          ON vehicle (model_year);
                CREATE INDEX vehicle_mileage       ON vehicle (mileage);
                CREATE INDEX vehicle_make          ON vehicle (make);
                CREATE INDEX vehicle_make_price    ON vehicle (make, price_minor);
                CREATE INDEX vehicle_make_year     ON vehicle (make, model_year);
                CREATE INDEX vehicle_make_mileage  ON vehicle (make, mileage);
                CREATE INDEX vehicle_model         ON vehicle (model);
                CREATE INDEX vehicle_model_price   ON vehicle (model, price_minor);
                CREATE INDEX vehicle_model_year    ON vehicle (model, model_year);
                CREATE INDEX vehicle_model_mileage ON vehicle (model, mileage);
                """)
    }

    /// The full-text index keeps no copy of the text: it refers to the table's rows, and triggers keep it in
    /// step.
    private static func createText(_ db: Database) throws {
        try db.create(virtualTable: "vehicle_text", using: FTS5()) { table in
            table.synchronize(withTable: "vehicle")
            table.tokenizer = .unicode61(diacritics: .remove)
            table.prefixes = [2, 3]
            for column in ["make", "model", "colour", "city", "dealer", "description"] {
                table.column(column)
            }
        }
    }

    /// One row once the file has been given its first stock, even if that was nothing.
    private static func createSeeding(_ db: Database) throws {
        try db.execute(
            sql: """
                CREATE TABLE seeding (
                    only_row     INTEGER PRIMARY KEY CHECK (only_row = 1),
                    vehicles     INTEGER NOT NULL,
                    seeded_at_ms INTEGER NOT NULL
                ) STRICT;
                """)
    }
}
