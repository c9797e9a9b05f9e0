// SPDX-License-Identifier: Apache-2.0

import BlockingTests
import Foundation
import Testing

/// That every file is formatted as `.swift-format` says.
@Suite(.blocking) struct FormatTests {
    @Test func everyFileIsFormatted() throws {
        let (status, text) = try run("Scripts/format", ["--check"])
        #expect(status == 0, "run Scripts/format:\n\(text)")
    }

    @Test func seesAFileThatIsNotFormatted() throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "\(UUID().uuidString).swift")
        try "let  a=1\n".write(to: file, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(at: file) }
        let configuration = Repository.root.appending(path: ".swift-format").path
        let swift = try run(
            "/usr/bin/env",
            ["swift", "format", "lint", "--strict", "--configuration", configuration, file.path])
        #expect(swift.status != 0 && swift.text.contains("[Spacing]"), "\(swift.text)")
    }

    /// Runs a program in the repository; its status and all it wrote.
    private func run(_ program: String, _ arguments: [String]) throws -> (status: Int32, text: String) {
        let process = Process()
        process.currentDirectoryURL = Repository.root
        process.executableURL = URL(filePath: program, relativeTo: Repository.root)
        process.arguments = arguments
        let output = try Spawning.alone {
            let output = Pipe()
            process.standardOutput = output
            process.standardError = output
            process.standardInput = FileHandle.nullDevice
            try process.run()
            try output.fileHandleForWriting.close()
            return output.fileHandleForReading
        }
        let text = String(decoding: try output.readToEnd() ?? Data(), as: UTF8.self)
        process.waitUntilExit()
        return (process.terminationStatus, text)
    }
}
