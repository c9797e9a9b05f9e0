// SPDX-License-Identifier: Apache-2.0

import EdgeSchemas
import Foundation
import GRDB
import Ravioli
import Testing

/// What calls with a key are promised when the edge's process dies, and when two of them share a file.
@Suite(.timeLimit(.minutes(2)))
struct EdgeCrashTests {
    private static let wait = "/ravioli.test.v1.Desk/Wait"
    private static let line = "/ravioli.test.v1.Line/Unary"

    private struct Answer: Equatable {
        var status: String
        /// The fields that speak of keys, by name in lower case.
        var fields: [String: String]
        var body: String

        var isReplay: Bool { fields["idempotency-replayed"] == "true" }
    }

    /// A desk and a line, and a file that puts an edge before them which remembers keys.
    private func withDesk(
        _ body: (_ desk: DeskServer, _ arguments: [String], _ keys: String) async throws -> Void
    ) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(
            path: "edge-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let desk = DeskServer()
        try await withServer([desk, LineServer()]) { _, address in
            let file = folder.appending(path: "edge.yaml").path
            let text = """
                listen: 127.0.0.1:0
                upstreams:
                  - { name: both, address: "\(address)" }
                idempotency: { file: keys.sqlite }
                """
            try Data(text.utf8).write(to: URL(filePath: file))
            try await body(desk, ["--config", file], folder.appending(path: "keys.sqlite").path)
        }
    }

    /// Sends a request with a key; nil if no answer comes.
    private func send(_ edge: EdgeProcess, _ key: String, _ path: String) async throws -> Answer? {
        let outcome = try await Command.run(
            [
                "curl", "-s", "-i", "-H", "Content-Type: application/json", "-H", "Idempotency-Key: \(key)",
                "-d", "{}", edge.url + path,
            ], program: URL(filePath: "/usr/bin/env"))
        guard outcome.status == 0 else { return nil }
        let parts = outcome.output.split(separator: "\r\n\r\n", maxSplits: 1)
        let lines = parts[0].split(separator: "\r\n")
        var fields: [String: String] = [:]
        for line in lines.dropFirst() {
            let sides = line.split(separator: ":", maxSplits: 1).map {
                $0.trimmingCharacters(in: .whitespaces)
            }
            let name = sides[0].lowercased()
            if ["idempotency-replayed", "retry-after", "content-type", "content-length"].contains(name) {
                fields[name] = sides[1]
            }
        }
        return Answer(
            status: lines[0].split(separator: " ").dropFirst().first.map(String.init) ?? "", fields: fields,
            body: parts.count > 1 ? String(parts[1]) : "")
    }

    @Test func whatAKilledEdgeHadPromisedHolds() async throws {
        try await withDesk { desk, arguments, keys in
            var sights = desk.sights.makeAsyncIterator()
            let first = try await EdgeProcess.start(arguments)
            let answered = try #require(try await send(first, "answered", Self.line))
            #expect(answered.status == "200" && !answered.isReplay)
            // Killed while the call runs: its client hears nothing.
            async let lost = send(first, "lost", Self.wait)
            #expect(await sights.next() == .waitBegan)
            #expect(await first.end(by: SIGKILL) == SIGKILL)
            #expect(try await lost == nil)
            #expect(await sights.next() == .waitCancelled)

            let edge = try await EdgeProcess.start(arguments)
            // An answer that was given is given again, byte for byte; it holds what differs from call to call.
            var replayed = try #require(try await send(edge, "answered", Self.line))
            #expect(replayed.isReplay)
            replayed.fields["idempotency-replayed"] = nil
            #expect(replayed == answered)
            // For all that the edge knows the call still runs, perhaps made by another process.
            let early = try #require(try await send(edge, "lost", Self.wait))
            #expect(early.status == "409" && early.body.contains("\"aborted\""))
            #expect(early.fields["retry-after"] == "1")
            // Once its time is over, that nobody knows how it ended.
            try await DatabaseQueue(path: keys).write { try $0.execute(sql: "UPDATE call SET overdue = 1") }
            let late = try #require(try await send(edge, "lost", Self.wait))
            #expect(late.status == "409" && late.body.contains("\"aborted\""))
            #expect(late.fields["retry-after"] == nil && late.body != early.body)
            // Another key makes the call: the first sight since is its.
            async let other = send(edge, "other", Self.wait)
            #expect(await sights.next() == .waitBegan)
            #expect(await edge.end(by: SIGKILL) == SIGKILL)
            #expect(try await other == nil)
        }
    }

    @Test func twoEdgesOnOneFileMakeACallOnce() async throws {
        try await withDesk { desk, arguments, _ in
            var sights = desk.sights.makeAsyncIterator()
            let (first, second) = (
                try await EdgeProcess.start(arguments), try await EdgeProcess.start(arguments)
            )
            // A call that runs in one runs for the other.
            async let running = send(first, "running", Self.wait)
            #expect(await sights.next() == .waitBegan)
            let refused = try #require(try await send(second, "running", Self.wait))
            #expect(refused.status == "409" && refused.fields["retry-after"] == "1")
            // Of many requests at once, through both, one makes the call; each other hears its answer, or that it runs.
            let answers = try await withThrowingTaskGroup(of: Answer?.self) { group in
                for number in 0..<12 {
                    group.addTask { try await send(number % 2 == 0 ? first : second, "once", Self.line) }
                }
                return try await group.reduce(into: [Answer?]()) { $0.append($1) }
            }
            #expect(answers.filter { $0?.status == "200" && $0?.isReplay == false }.count == 1)
            let statuses = Set(answers.map { $0?.status ?? "none" })
            #expect(statuses == ["200"] || statuses == ["200", "409"])
            let bodies = Set(answers.filter { $0?.status == "200" }.map { $0?.body ?? "" })
            #expect(bodies.count == 1)
            // What one was answered the other repeats.
            for edge in [first, second] {
                let replay = try #require(try await send(edge, "once", Self.line))
                #expect(replay.isReplay && bodies.contains(replay.body))
            }
            #expect(await first.end(by: SIGKILL) == SIGKILL)
            #expect(try await running == nil)
            // The file is whole, and the other goes on with it.
            #expect(try await send(second, "once", Self.line)?.isReplay == true)
            #expect(try await send(second, "after", Self.line)?.status == "200")
            #expect(await second.end(by: SIGTERM) == 0)
        }
    }
}
