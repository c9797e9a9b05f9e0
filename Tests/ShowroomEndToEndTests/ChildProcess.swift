// SPDX-License-Identifier: Apache-2.0

// Runs one of the package's executables as a process of its own. Whatever happens to a test, its processes end: the
// scope that starts them kills by process id what still runs when it is left, and waits until it is gone.

import BlockingTests
import Foundation
import Synchronization

/// Where the build puts executables: beside the test bundle.
let buildFolder: URL = {
    var folder = URL(filePath: CommandLine.arguments[0]).standardizedFileURL
    repeat {
        folder.deleteLastPathComponent()
    } while folder.path != "/" && !FileManager.default.fileExists(atPath: folder.path + "/showroom-catalog")
    return folder
}()

/// A process that a test has started.
final class ChildProcess: Sendable {
    /// How a process ended.
    enum End: Sendable, Equatable {
        case exited(status: Int32)
        case killed(signal: Int32)
    }

    /// What took longer than a test waits for it, or can no longer come.
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    private struct State: Sendable {
        var output = ""
        var errors = ""
        /// Its output and its log, while they may still say more.
        var openPipes = 2
        var end: End?
    }

    /// The longest that a test waits for anything a process does.
    static let patience: Duration = .seconds(30)

    let name: String
    private let process: Process
    private let state = Mutex(State())
    private let changes = Changes()

    /// Starts the executable `name` of this package.
    init(_ name: String, _ arguments: [String]) throws {
        self.name = name
        process = Process()
        process.executableURL = buildFolder.appending(path: name)
        process.arguments = arguments
        process.standardInput = FileHandle.nullDevice
        process.terminationHandler = { [weak self] process in
            let end: End =
                process.terminationReason == .exit
                ? .exited(status: process.terminationStatus) : .killed(signal: process.terminationStatus)
            self?.change { state in state.end = end }
        }
        let (output, errors) = try Spawning.alone {
            let (output, errors) = (Pipe(), Pipe())
            process.standardOutput = output
            process.standardError = errors
            try process.run()
            try output.fileHandleForWriting.close()
            try errors.fileHandleForWriting.close()
            return (output.fileHandleForReading, errors.fileHandleForReading)
        }
        read(output) { $0.output += $1 }
        read(errors) { $0.errors += $1 }
    }

    /// What it has written on standard output so far.
    var output: String { state.withLock(\.output) }

    /// What it has written on standard error so far.
    var errors: String { state.withLock(\.errors) }

    /// Sends a signal to this process, and to no other.
    func signal(_ number: Int32) {
        if process.isRunning { kill(process.processIdentifier, number) }
    }

    /// Waits for a whole line, of its output or of its log, that contains `mark`; answers the rest of the line.
    func line(after mark: String) async throws -> String {
        try await outcome("a line with \"\(mark)\"") { state in
            for text in [state.output, state.errors] {
                let lines = text.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
                for line in lines {
                    if let range = line.range(of: mark) { return String(line[range.upperBound...]) }
                }
            }
            if let end = state.end {
                throw Failure(description: "it ended before, \(end); its log:\n\(state.errors)")
            }
            return nil
        }
    }

    /// Waits until it has ended.
    func end() async throws -> End {
        try await outcome("its end") { $0.end }
    }

    /// Waits until it has ended and all that it wrote is here.
    func finished() async throws -> End {
        try await outcome("its end") { $0.openPipes == 0 ? $0.end : nil }
    }

    /// Ends it at once, as a power cut would, and waits until it is gone. Nothing happens if it has ended.
    func killed() async throws {
        signal(SIGKILL)
        _ = try await end()
    }

    /// Waits until its state shows something, at most ``patience``.
    private func outcome<Value: Sendable>(
        _ what: String, _ find: @escaping @Sendable (borrowing State) throws -> Value?
    ) async throws -> Value {
        try await within(Self.patience, "\(name): waiting for \(what)") { [self] in
            for await _ in changes.stream() {
                if let value = try state.withLock({ try find($0) }) { return value }
            }
            throw CancellationError()
        }
    }

    /// Reads to the end on a thread of its own: a readability handler that is taken away races with its source.
    private func read(_ handle: FileHandle, _ append: @escaping @Sendable (inout State, String) -> Void) {
        Thread.detachNewThread { [self] in
            while true {
                let data = handle.availableData
                change { state in
                    append(&state, String(decoding: data, as: UTF8.self))
                    if data.isEmpty { state.openPipes -= 1 }
                }
                if data.isEmpty { return }
            }
        }
    }

    private func change(_ body: (inout State) -> Void) {
        state.withLock { body(&$0) }
        changes.happened()
    }
}
