// SPDX-License-Identifier: Apache-2.0
//
// What is remembered of calls with keys: one SQLite file in WAL mode with `synchronous = FULL`, so that a commit returns
// once it is on the disk. A row is there before its call begins, and the unique scope decides who of several, in
// this process or another, makes the call. All access goes over one queue on a thread of its own; what waits there
// together is committed together, so that a flush of the disk serves many.
//
// A row that runs names the run that made it, and until when that can still be at work. Later nobody will ever say what
// became of it: its process has ended.

import Foundation
import GRDB
import Ravioli
import Synchronization

/// Rows of calls with keys, on disk.
final class IdempotencyStore: Sendable {
    /// What a request with a key finds.
    enum Finding: Sendable, Hashable {
        /// Nobody has made this call: whoever hears so makes it, and ends the run.
        case new(run: Int64)
        case answered(StoredAnswer)
        case refused(IdempotencyRefusal)
    }

    /// How long after its deadline a call may still be ending.
    static let grace: Duration = .seconds(10)

    private enum State: Int { case running = 0, answered = 1, notKept = 2 }

    private let options: IdempotencyOptions
    private let writer: BatchWriter
    private let now: @Sendable () -> Int64

    /// Opens the file, or makes it.
    ///
    /// - Parameter now: Milliseconds since 1970; what is remembered outlives the process.
    /// - Throws: `invalidConfiguration` when it cannot be used.
    init(
        _ options: IdempotencyOptions,
        now: @escaping @Sendable () -> Int64 = { Int64(Date().timeIntervalSince1970 * 1000) }
    ) throws(RuntimeError) {
        self.options = options
        self.now = now
        do {
            writer = BatchWriter(try IdempotencySchema.open(options.file))
        } catch {
            throw RuntimeError(
                .invalidConfiguration, "idempotency: the file \(options.file) cannot be used", cause: error)
        }
    }

    // MARK: Calls

    /// Looks a call up; notes that it begins if there is nothing.
    ///
    /// - Parameter remaining: The call's time.
    func begin(_ call: KeyedCall, remaining: Duration) async throws -> Finding {
        let (options, time) = (options, now())
        let overdue = time.adding(remaining).adding(Self.grace)
        return try await writer.write { db in
            try Self.sweep(db, before: time, max: 16)
            guard let row = try Self.row(db, call.scope, at: time) else {
                if try Self.isFull(db, options) { return .refused(.full) }
                let run = Int64.random(in: .min ... .max)
                try db.execute(
                    sql: """
                        INSERT INTO call (scope, fingerprint, state, run, overdue, expires)
                        VALUES (?, ?, 0, ?, ?, ?)
                        """,
                    arguments: [
                        Data(call.scope), Data(call.fingerprint), run, overdue, time.adding(options.lifetime),
                    ])
                return .new(run: run)
            }
            return try Self.finding(row, call, db, time, overdue: overdue)
        }
    }

    private static func row(_ db: Database, _ scope: [UInt8], at time: Int64) throws -> Row? {
        try db.execute(
            sql: "DELETE FROM call WHERE scope = ? AND expires <= ?", arguments: [Data(scope), time])
        return try Row.fetchOne(
            db, sql: "SELECT fingerprint, state, overdue, answer FROM call WHERE scope = ?",
            arguments: [Data(scope)])
    }

    private static func finding(
        _ row: Row, _ call: KeyedCall, _ db: Database, _ time: Int64, overdue: Int64
    ) throws -> Finding {
        guard row["fingerprint"] == Data(call.fingerprint) else { return .refused(.mismatch) }
        switch State(rawValue: row["state"]) {
        case .answered?:
            let bytes: Data? = row["answer"]
            return bytes.flatMap { StoredAnswer(encoded: Array($0)) }.map { .answered($0) }
                ?? .refused(.notKept)
        case .running?:
            if row["overdue"] > time { return .refused(.running) }
            guard call.isIdempotent else { return .refused(.lost) }
            let run = Int64.random(in: .min ... .max)
            try db.execute(
                sql: "UPDATE call SET run = ?, overdue = ? WHERE scope = ?",
                arguments: [run, overdue, Data(call.scope)])
            return .new(run: run)
        case .notKept?, nil: return .refused(.notKept)
        }
    }

    /// Keeps the answer of a call that was made. One that is too long, or for which there is no room, is noted as made.
    func end(_ call: KeyedCall, run: Int64, _ answer: StoredAnswer) async throws {
        let bytes = answer.encoded
        let options = options
        try await writer.write { db in
            let held = try Self.totals(db).bytes
            let fits = bytes.count <= options.answerBytesMax && bytes.count <= options.bytesMax - held
            try db.execute(
                sql: "UPDATE call SET state = ?, answer = ?, bytes = ? WHERE scope = ? AND run = ?",
                arguments: [
                    fits ? State.answered.rawValue : State.notKept.rawValue, fits ? Data(bytes) : nil,
                    fits ? bytes.count : 0, Data(call.scope), run,
                ])
        }
    }

    /// Forgets a call that was not made after all.
    func forget(_ call: KeyedCall, run: Int64) async throws {
        try await writer.write { db in
            try db.execute(
                sql: "DELETE FROM call WHERE scope = ? AND run = ?", arguments: [Data(call.scope), run])
        }
    }

    // MARK: Size

    /// Deletes some of what has expired.
    func sweep() async throws {
        let time = now()
        try await writer.write { try Self.sweep($0, before: time, max: 1000) }
    }

    /// The number of rows, and the bytes of their answers.
    func totals() async throws -> (rows: Int, bytes: Int) {
        try await writer.write { try Self.totals($0) }
    }

    private static func sweep(_ db: Database, before time: Int64, max: Int) throws {
        try db.execute(
            sql: "DELETE FROM call WHERE id IN (SELECT id FROM call WHERE expires <= ? LIMIT ?)",
            arguments: [time, max])
    }

    private static func isFull(_ db: Database, _ options: IdempotencyOptions) throws -> Bool {
        let totals = try totals(db)
        return totals.rows >= options.rowsMax || totals.bytes >= options.bytesMax
    }

    private static func totals(_ db: Database) throws -> (rows: Int, bytes: Int) {
        guard let row = try Row.fetchOne(db, sql: "SELECT rows, bytes FROM total") else { return (0, 0) }
        return (row["rows"], row["bytes"])
    }
}

extension Int64 {
    /// Milliseconds later.
    fileprivate func adding(_ time: Duration) -> Int64 {
        let (seconds, attoseconds) = time.components
        let (milliseconds, isOver) = seconds.multipliedReportingOverflow(by: 1000)
        let (sum, isSumOver) = addingReportingOverflow(
            isOver ? .max : milliseconds + attoseconds / 1_000_000_000_000_000)
        return isSumOver ? .max : sum
    }
}
