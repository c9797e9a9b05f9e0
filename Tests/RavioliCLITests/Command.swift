// SPDX-License-Identifier: Apache-2.0

import BlockingTests
import EdgeSchemas
import Foundation
import Ravioli

/// The built command, run as a process.
enum Command {
    /// What it has written before it ended.
    struct Outcome: Sendable {
        var status: Int32
        var output: String
        var errors: String
    }

    /// Beside the test bundle, where the build puts it.
    static let url: URL = {
        var folder = URL(filePath: CommandLine.arguments[0]).standardizedFileURL
        repeat {
            folder.deleteLastPathComponent()
        } while folder.path != "/" && !FileManager.default.isExecutableFile(atPath: folder.path + "/ravioli")
        return folder.appending(path: "ravioli")
    }()

    /// Runs it, or another program, to its end.
    static func run(_ arguments: [String], input: String = "", program: URL = url) async throws -> Outcome {
        let scratch = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try FileManager.default.createDirectory(at: scratch, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: scratch) }
        // Files, since pipes would have to be emptied while the program runs.
        let files = ["in", "out", "err"].map { scratch.appending(path: $0) }
        try Data(input.utf8).write(to: files[0])
        for file in files.dropFirst() { try Data().write(to: file) }
        let process = Process()
        process.executableURL = program
        process.arguments = arguments
        process.standardInput = try FileHandle(forReadingFrom: files[0])
        process.standardOutput = try FileHandle(forWritingTo: files[1])
        process.standardError = try FileHandle(forWritingTo: files[2])
        let status = try await end(of: process)
        let text = try files.dropFirst().map { String(decoding: try Data(contentsOf: $0), as: UTF8.self) }
        return Outcome(status: status, output: text[0], errors: text[1])
    }

    private static func end(of process: Process) async throws -> Int32 {
        try await withCheckedThrowingContinuation { continuation in
            process.terminationHandler = { continuation.resume(returning: $0.terminationStatus) }
            do { try Spawning.alone { try process.run() } } catch { continuation.resume(throwing: error) }
        }
    }

    /// Runs it to its end against a desk on a loopback socket, whose address takes the place of `@`.
    static func run(atDesk arguments: [String], input: String = "") async throws -> Outcome {
        try await withServer([DeskServer()]) { _, address in
            try await run(arguments.map { $0 == "@" ? "\(address)" : $0 }, input: input)
        }
    }
}
