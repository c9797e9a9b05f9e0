// SPDX-License-Identifier: Apache-2.0

import Foundation
import GRDB
import HTTPTypes
import NIOCore
import Ravioli
import Synchronization
import Testing

@testable import RavioliEdge

/// A clock that stands until it is moved.
private final class Clock: Sendable {
    private let time = Atomic<Int64>(1_000_000_000)
    func advance(_ milliseconds: Int64) { time.add(milliseconds, ordering: .relaxed) }
    var now: @Sendable () -> Int64 { { self.time.load(ordering: .relaxed) } }
}

@Suite(.timeLimit(.minutes(2)))
struct IdempotencyStoreTests {
    private let file = TemporaryFile()
    private let clock = Clock()

    private func store(_ change: (inout IdempotencyOptions) -> Void = { _ in }) throws -> IdempotencyStore {
        var options = IdempotencyOptions(file: file.path)
        change(&options)
        return try IdempotencyStore(options, now: clock.now)
    }

    private func call(
        _ key: String, _ message: [UInt8] = [], isIdempotent: Bool = false
    ) throws -> KeyedCall {
        let name = try #require(MethodName("a.v1.B/C"))
        let key = try #require(IdempotencyKey([key], bytesMax: 255))
        return KeyedCall(key, method: name, caller: [], credential: "", isIdempotent: isIdempotent)
            .with(form: "application/json", message)
    }

    private func answer(_ bytes: Int = 10) -> StoredAnswer {
        StoredAnswer(
            status: 200, fields: [.contentType: "application/json", .vary: "a"],
            body: ByteBuffer(repeating: 7, count: bytes), trailers: [.grpcStatus: "0"])
    }

    private func run(_ finding: IdempotencyStore.Finding) throws -> Int64 {
        guard case .new(let run) = finding else {
            Issue.record("\(finding)")
            throw CancellationError()
        }
        return run
    }

    private func begin(_ store: IdempotencyStore, _ call: KeyedCall) async throws -> IdempotencyStore.Finding
    {
        try await store.begin(call, remaining: .seconds(15))
    }

    @Test func whatIsKeptOutlivesItsProcess() async throws {
        let call = try call("k")
        do {
            let store = try store()
            try await store.end(call, run: try run(begin(store, call)), answer())
        }
        #expect(try await begin(try store(), call) == .answered(answer()))
    }

    @Test func keysEndWithTheirLifetime() async throws {
        let (store, call) = (try store { $0.lifetime = .seconds(120) }, try call("k"))
        try await store.end(call, run: try run(begin(store, call)), answer())
        clock.advance(119_999)
        #expect(try await begin(store, call) == .answered(answer()))
        clock.advance(1)
        _ = try run(try await begin(store, call))
    }

    @Test func sweepsAreBoundedAndLeaveNothing() async throws {
        let store = try store { $0.lifetime = .seconds(120) }
        for number in 0..<50 { _ = try await begin(store, try call("k\(number)")) }
        #expect(try await store.totals().rows == 50)
        clock.advance(200_000)
        // Each new key takes some of the old ones along.
        _ = try await begin(store, try call("new"))
        #expect(try await store.totals().rows == 35)
        try await store.sweep()
        #expect(try await store.totals() == (1, 0))
    }

    @Test func totalsFollowTheAnswers() async throws {
        let store = try store {
            $0.answerBytesMax = 200; $0.bytesMax = 500
        }
        for number in 0..<3 {
            let call = try call("k\(number)")
            try await store.end(call, run: try run(begin(store, call)), answer(100))
        }
        let (rows, bytes) = try await store.totals()
        #expect(rows == 3 && (300...500).contains(bytes))
        // There is room for one more row, but none for its answer.
        let call = try call("k3")
        try await store.end(call, run: try run(begin(store, call)), answer(130))
        #expect(try await begin(store, call) == .refused(.notKept))
        let long = try self.call("k4")
        try await store.end(long, run: try run(begin(store, long)), answer(201))
        #expect(try await begin(store, long) == .refused(.notKept))
        #expect(try await store.totals() == (5, bytes))
    }

    @Test func aStoreWithoutRoomForBytesIsFull() async throws {
        let store = try store {
            $0.answerBytesMax = 300; $0.bytesMax = 300
        }
        let call = try call("k")
        let kept = answer(300 - answer(0).encoded.count)
        try await store.end(call, run: try run(begin(store, call)), kept)
        #expect(try await begin(store, try self.call("l")) == .refused(.full))
        #expect(try await begin(store, call) == .answered(kept))
    }

    @Test func aRunThatIsOverMayBeTakenOverIfThatDoesNoHarm() async throws {
        let (store, call) = (try store(), try call("k", isIdempotent: true))
        let first = try run(try await begin(store, call))
        #expect(try await begin(store, call) == .refused(.running))
        clock.advance(25_001)
        let second = try run(try await begin(store, call))
        // The first comes back from the dead: what it says counts no more.
        try await store.end(call, run: first, answer(1))
        try await store.forget(call, run: first)
        #expect(try await begin(store, call) == .refused(.running))
        try await store.end(call, run: second, answer(2))
        #expect(try await begin(store, call) == .answered(answer(2)))
    }

    @Test func anotherFingerprintIsRefusedWhateverBecameOfTheFirst() async throws {
        let (store, call, other) = (try store(), try call("k", [1]), try call("k", [2]))
        let run = try run(try await begin(store, call))
        #expect(try await begin(store, other) == .refused(.mismatch))
        try await store.end(call, run: run, answer())
        #expect(try await begin(store, other) == .refused(.mismatch))
    }

    @Test func manyAtOnceAreAllAnswered() async throws {
        let store = try store()
        let calls = try (0..<500).map { try call("k\($0 % 250)") }
        let findings = try await withThrowingTaskGroup(of: IdempotencyStore.Finding.self) { group in
            for call in calls { group.addTask { try await store.begin(call, remaining: .seconds(9)) } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(findings.filter { $0 == .refused(.running) }.count == 250)
        #expect(try await store.totals().rows == 250)
    }

    // MARK: Files

    @Test func theFileIsFlushedOnEachCommit() throws {
        let queue = try IdempotencySchema.open(file.path)
        #expect(try queue.read { try String.fetchOne($0, sql: "PRAGMA journal_mode") } == "wal")
        #expect(try queue.read { try Int.fetchOne($0, sql: "PRAGMA synchronous") } == 2)
    }

    @Test func theFilesAreTheirOwnersAlone() async throws {
        let store = try store()
        _ = try await begin(store, try call("k"))
        for suffix in ["", "-wal", "-shm"] {
            let mode = try FileManager.default.attributesOfItem(atPath: file.path + suffix)[.posixPermissions]
            #expect(mode as? Int == 0o600)
        }
    }

    @Test func anotherProgramsDatabaseIsLeftAlone() throws {
        try DatabaseQueue(path: file.path).write { try $0.execute(sql: "CREATE TABLE theirs (a)") }
        let error = #expect(throws: RuntimeError.self) { try store() }
        #expect(error?.code == .invalidConfiguration)
        let tables = try DatabaseQueue(path: file.path).read { db in
            try String.fetchAll(db, sql: "SELECT name FROM sqlite_schema")
        }
        #expect(tables == ["theirs"])
    }

    @Test func aFileThatCannotBeMadeIsRefused() {
        var options = EdgeOptions.defaults
        options.idempotency = IdempotencyOptions(file: "/nowhere/at/all.sqlite")
        #expect(throws: RuntimeError.self) { try Edge([], options: options, logger: .quiet) }
    }

    @Test func aStoreThatDoesNotWorkRefusesAndDoesNotCall() async throws {
        let edge = try await KeyedEdge(file)
        try await DatabaseQueue(path: file.path).write { try $0.execute(sql: "DROP TABLE call") }
        let answer = await edge.send("k")
        #expect(answer.status == .serviceUnavailable && answer.headers[.retryAfter] == "1")
        #expect(answer.text.contains("cannot be kept for now") && edge.channel.count == 0)
        #expect(await edge.send(nil).status == .ok)
    }

    @Test func whatWasDamagedOnDiskIsNotAnswered() async throws {
        let (store, call) = (try store(), try call("k"))
        try await store.end(call, run: try run(begin(store, call)), answer())
        for bytes in ["X''", "X'02'", "X'0100C8FFFF'", "X'0100C80001FFFFFFFF61'", "X'01FFFF00000000'"] {
            try await DatabaseQueue(path: file.path).write {
                try $0.execute(sql: "UPDATE call SET answer = \(bytes)")
            }
            #expect(try await begin(store, call) == .refused(.notKept))
        }
    }

    @Test func answersReadAsTheyWereWritten() {
        for answer in [answer(), answer(0), StoredAnswer(status: 599, fields: [:], body: ByteBuffer())] {
            #expect(StoredAnswer(encoded: answer.encoded) == answer)
            for count in 0..<min(answer.encoded.count, 40) {
                _ = StoredAnswer(encoded: Array(answer.encoded.prefix(count)))
            }
        }
    }

    // MARK: Options

    static let wrong: [@Sendable (inout IdempotencyOptions) -> Void] = [
        { $0.file = "" }, { $0.lifetime = .seconds(119) }, { $0.lifetime = .seconds(367 * 86400) },
        { $0.keyBytesMax = 15 }, { $0.answerBytesMax = 0 }, { $0.rowsMax = 0 }, { $0.bytesMax = 1 },
        { $0.methods = ["a.v1.B"] }, { $0.required = ["a.v1.B/"] }, { $0.methods = ["a b/*"] },
    ]

    @Test(arguments: wrong.indices) func optionsThatCannotBeMeantAreRefused(index: Int) throws {
        var options = EdgeOptions.defaults
        options.idempotency = IdempotencyOptions(file: file.path)
        try options.check()
        Self.wrong[index](&options.idempotency!)
        #expect(throws: RuntimeError.self) { try options.check() }
    }
}
