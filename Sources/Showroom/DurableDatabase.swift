// SPDX-License-Identifier: Apache-2.0

// How a Showroom service keeps its data: one SQLite file of its own, in WAL mode, so that readers never wait
// for the writer, and with `synchronous = FULL`, so that a commit returns only when the log has been flushed
// to the disk. An answer is sent after the commit, so whatever a caller was told happened survives a power
// cut. The price is one flush per write; reads cost none.

package import GRDB

/// Opens the SQLite files of Showroom's services.
package enum DurableDatabase {
    /// Opens the file at `path`, creating it if it does not exist, and brings its tables up to date.
    ///
    /// - Parameter readersMax: How many reads run at the same time.
    /// - Throws: `DatabaseError` when the file cannot be opened, is no SQLite database, or a migration fails.
    package static func open(
        path: String, migrator: DatabaseMigrator, readersMax: Int = 4
    ) throws -> DatabasePool {
        var configuration = Configuration()
        configuration.foreignKeysEnabled = true
        configuration.maximumReaderCount = readersMax
        // Another process, a backup for instance, may hold the file for a moment.
        configuration.busyMode = .timeout(5)
        let pool = try DatabasePool(path: path, configuration: configuration)
        // GRDB sets NORMAL when it turns the WAL on, after the configuration's own hook has run; hence here,
        // on the one connection that writes.
        try pool.writeWithoutTransaction { db in
            try db.execute(sql: "PRAGMA synchronous = FULL")
            // On Darwin a plain flush may end in the drive's own cache; elsewhere this does nothing.
            try db.execute(sql: "PRAGMA fullfsync = TRUE; PRAGMA checkpoint_fullfsync = TRUE")
        }
        try migrator.migrate(pool)
        return pool
    }
}
