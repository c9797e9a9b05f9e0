// SPDX-License-Identifier: Apache-2.0

import GRDB
import Synchronization

/// Runs writes one after another on the database's own thread, and commits those together that came while it was at
/// work. Nobody hears of a write before it is on the disk.
final class BatchWriter: Sendable {
    /// Runs one write, in a transaction that is open unless it failed to; returns who hears whether it was committed.
    private typealias Job = @Sendable (Result<Database, any Error>) -> Ending
    private typealias Ending = @Sendable ((any Error)?) -> Void

    private struct State {
        var waiting: [Job] = []
        var isWorking = false
    }

    private static let batchMax = 256

    private let database: DatabaseQueue
    private let state = Mutex(State())

    init(_ database: DatabaseQueue) { self.database = database }

    /// Runs `body` in a transaction, perhaps together with others.
    func write<Value: Sendable>(
        _ body: @escaping @Sendable (Database) throws -> Value
    ) async throws -> Value {
        try await withUnsafeThrowingContinuation { continuation in
            submit { database in
                let result = Result { try body(database.get()) }
                return { fault in continuation.resume(with: fault.map { .failure($0) } ?? result) }
            }
        }
    }

    private func submit(_ job: @escaping Job) {
        let mustBegin = state.withLock { state in
            state.waiting.append(job)
            defer { state.isWorking = true }
            return !state.isWorking
        }
        if mustBegin { database.asyncWriteWithoutTransaction { self.work($0) } }
    }

    private func work(_ db: Database) {
        while true {
            let jobs = state.withLock { state in
                let jobs = Array(state.waiting.prefix(Self.batchMax))
                state.waiting.removeFirst(jobs.count)
                state.isWorking = !jobs.isEmpty
                return jobs
            }
            if jobs.isEmpty { return }
            commit(jobs, db)
        }
    }

    private func commit(_ jobs: [Job], _ db: Database) {
        var endings: [Ending] = []
        var fault: (any Error)?
        do {
            try db.inTransaction(.immediate) {
                for job in jobs { endings.append(job(.success(db))) }
                return .commit
            }
        } catch {
            fault = error
            for job in jobs.dropFirst(endings.count) { endings.append(job(.failure(error))) }
        }
        for ending in endings { ending(fault) }
    }
}
