// SPDX-License-Identifier: Apache-2.0

import BlockingTests
import Foundation
import Testing

/// The command `ravioli edge`, running as a process that listens.
final class EdgeProcess: Sendable {
    /// What its paths stand behind.
    let url: String
    private let processID: Int32
    private let ends: AsyncStream<Int32>

    private init(url: String, processID: Int32, ends: AsyncStream<Int32>) {
        self.url = url
        self.processID = processID
        self.ends = ends
    }

    /// Starts it, and waits until it listens.
    static func start(_ arguments: [String]) async throws -> EdgeProcess {
        let process = Process()
        process.executableURL = Command.url
        process.arguments = ["edge"] + arguments
        let (texts, text) = AsyncStream<String>.makeStream()
        let (ends, end) = AsyncStream<Int32>.makeStream()
        process.terminationHandler = {
            end.yield($0.terminationStatus)
            end.finish()
        }
        let reading = try Spawning.alone {
            let log = Pipe()
            process.standardError = log
            try process.run()
            try log.fileHandleForWriting.close()
            return log.fileHandleForReading
        }
        // A thread of its own, to the end of the process: a readability handler that is taken away races with its source.
        Thread.detachNewThread {
            while true {
                let data = reading.availableData
                if data.isEmpty { return text.finish() }
                text.yield(String(decoding: data, as: UTF8.self))
            }
        }
        var seen = ""
        for await part in texts {
            seen += part
            if seen.contains(#/listening on .*\n/#) { break }
        }
        let url = seen.firstMatch(of: #/listening on (.*)\n/#).map { String($0.1) }
        return EdgeProcess(
            url: try #require(url, "\(seen)"), processID: process.processIdentifier, ends: ends)
    }

    /// Sends it a signal and waits for its end; returns its exit status, or the signal that ended it.
    func end(by signal: Int32) async -> Int32 {
        kill(processID, signal)
        for await status in ends { return status }
        return -1
    }

    /// Runs `body` with one, and stops it by a signal; returns the exit status.
    static func running(
        _ arguments: [String], signal: Int32 = SIGTERM, _ body: (EdgeProcess) async throws -> Void
    ) async throws -> Int32 {
        let edge = try await start(arguments)
        do { try await body(edge) } catch {
            _ = await edge.end(by: SIGKILL)
            throw error
        }
        return await edge.end(by: signal)
    }
}
