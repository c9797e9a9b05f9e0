// SPDX-License-Identifier: Apache-2.0

import Foundation
import GRDB

/// The tables of calls with keys.
enum IdempotencySchema {
    /// "RvIK": tells our files from others.
    private static let applicationID: Int64 = 0x5276_494B
    private static let version: Int64 = 1

    /// What is wrong with a file.
    struct Fault: Error, CustomStringConvertible { let description: String }

    /// Opens a file, and makes the tables if it is new.
    static func open(_ path: String) throws -> DatabaseQueue {
        var configuration = Configuration()
        configuration.journalMode = .wal
        // Another edge on the same file commits in between.
        configuration.busyMode = .timeout(5)
        configuration.label = "idempotency"
        create(path)
        let queue = try DatabaseQueue(path: path, configuration: configuration)
        try queue.writeWithoutTransaction { db in
            // Here and not before: GRDB sets NORMAL when it turns the WAL on.
            try db.execute(sql: "PRAGMA synchronous = FULL")
            try db.execute(sql: "PRAGMA fullfsync = TRUE; PRAGMA checkpoint_fullfsync = TRUE")
            try db.inTransaction(.immediate) {
                try prepare(db)
                return .commit
            }
        }
        return queue
    }

    /// Makes the file, if there is none, for its owner alone: answers are in it. SQLite's other files follow its mode. Only
    /// a file that is new is opened here, because closing it would let go of the locks of one that is in use.
    private static func create(_ path: String) {
        let descriptor = Foundation.open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        if descriptor >= 0 { close(descriptor) }
    }

    private static func prepare(_ db: Database) throws {
        let id = try Int64.fetchOne(db, sql: "PRAGMA application_id") ?? 0
        let known = try Int64.fetchOne(db, sql: "PRAGMA user_version") ?? 0
        if id == applicationID {
            if known != version { throw Fault(description: "the file is of version \(known)") }
            return
        }
        guard id == 0, known == 0, try Int64.fetchOne(db, sql: "SELECT count(*) FROM sqlite_schema") == 0
        else {
            throw Fault(description: "the file is another program's database")
        }
        try db.execute(sql: tables)
        try db.execute(sql: "PRAGMA application_id = \(applicationID); PRAGMA user_version = \(version)")
    }

    /// Totals are kept by the rows themselves: counting a million of them on each call would be slow.
    private static let tables = """
        CREATE TABLE call (
            id INTEGER PRIMARY KEY,
            scope BLOB NOT NULL UNIQUE,
            fingerprint BLOB NOT NULL,
            state INTEGER NOT NULL,
            run INTEGER NOT NULL,
            overdue INTEGER NOT NULL,
            expires INTEGER NOT NULL,
            bytes INTEGER NOT NULL DEFAULT 0,
            answer BLOB
        );
        CREATE INDEX call_by_expiry ON call (expires);
        CREATE TABLE total (
            id INTEGER PRIMARY KEY CHECK (id = 1), rows INTEGER NOT NULL, bytes INTEGER NOT NULL
        );
        INSERT INTO total VALUES (1, 0, 0);
        CREATE TRIGGER call_added AFTER INSERT ON call BEGIN
            UPDATE total SET rows = rows + 1, bytes = bytes + new.bytes;
        END;
        CREATE TRIGGER call_deleted AFTER DELETE ON call BEGIN
            UPDATE total SET rows = rows - 1, bytes = bytes - old.bytes;
        END;
        CREATE TRIGGER call_changed AFTER UPDATE OF bytes ON call BEGIN
            UPDATE total SET bytes = bytes - old.bytes + new.bytes;
        END;
        """
}
