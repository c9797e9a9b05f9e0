// SPDX-License-Identifier: Apache-2.0

import BlockingTests
import Foundation

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The package's root folder.
let packageRoot = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

/// Where the build puts executables: beside the test bundle.
let buildFolder: URL = {
    var folder = URL(filePath: CommandLine.arguments[0]).standardizedFileURL
    repeat {
        folder.deleteLastPathComponent()
    } while folder.path != "/" && !FileManager.default.fileExists(atPath: folder.path + "/showroom-catalog")
    return folder
}()

/// A running program, whose output and errors are read as they come, and which `timeout` ends after two minutes.
final class Program {
    private let process: Process
    private let pipe: Pipe
    private(set) var text = ""

    /// - Parameter path: Relative to the package's root, or found in `PATH`.
    init(_ path: String, _ arguments: [String]) throws {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["timeout", "--kill-after=20", "120", path] + arguments
        process.currentDirectoryURL = packageRoot
        process.standardInput = FileHandle.nullDevice
        self.process = process
        pipe = try Spawning.alone {
            let pipe = Pipe()
            process.standardOutput = pipe
            process.standardError = pipe
            try process.run()
            // The program alone holds the other end, so that its end is the end of what can be read.
            try pipe.fileHandleForWriting.close()
            return pipe
        }
    }

    /// Reads until the output contains a text; false if the program ends without it.
    func says(_ expected: String) -> Bool {
        while !text.contains(expected) {
            let data = pipe.fileHandleForReading.availableData
            if data.isEmpty { return false }
            text += String(decoding: data, as: UTF8.self)
        }
        return true
    }

    /// What Ctrl-C does.
    func interrupt() { kill(process.processIdentifier, SIGINT) }

    /// Reads to the program's end and returns its status.
    func end() -> Int32 {
        text += String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return process.terminationStatus
    }
}

/// Runs a program to its end.
func run(_ path: String, _ arguments: [String]) throws -> (status: Int32, text: String) {
    let program = try Program(path, arguments)
    return (program.end(), program.text)
}
