// SPDX-License-Identifier: Apache-2.0
//
// The example is built as a user builds it: as a package of its own, with its plugin. It has a scratch folder of its
// own, too, since this package's is locked while its tests run; it is kept, so that only the first run takes minutes.

import BlockingTests
import Dispatch
import Foundation
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// `Examples/hello`: built, tested, started and called.
@Suite(.serialized, .blocking, .timeLimit(.minutes(30)))
struct HelloTests {
    /// The package's root folder.
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
    private static let scratch = root.appending(path: ".build/examples-hello")

    @Test func testsOfExamplePass() throws {
        let tests = try Self.swift("test", package: "Examples/hello")
        try #require(tests.status == 0, "\(tests.text)")
        #expect(tests.text.contains("Test run with 3 tests"))
    }

    @Test func clientIsGreetedByServer() throws {
        let build = try Self.swift("build", package: "Examples/hello", ["--build-tests"])
        try #require(build.status == 0, "\(build.text)")
        let server = Program("debug/hello-server", ["127.0.0.1:0"], secondsMax: 120)
        try server.start()
        defer { server.stop() }
        let address = try #require(
            try server.waits(for: /address=([0-9.:]+)/), "the server did not say where it serves")

        let client = Program("debug/hello-client", [address, "Ada", "", "Grace"], secondsMax: 60)
        try client.start()
        #expect(client.end() == 0)
        #expect(client.text == "Ciao, Ada! Ciao, Grace!\n")
    }

    @Test func commandPluginGeneratesIntoTarget() throws {
        // Two folders deep, so that the example's `../..` is this package there, too.
        let copy = Self.root.appending(path: ".build/hello-generated")
        try? FileManager.default.removeItem(at: copy)
        try FileManager.default.copyItem(at: Self.root.appending(path: "Examples/hello"), to: copy)
        defer { try? FileManager.default.removeItem(at: copy) }
        let manifest = copy.appending(path: "Package.swift")
        let text = try String(contentsOf: manifest, encoding: .utf8)
        let plugins = #"plugins: [.plugin(name: "RavioliPlugin", package: "ravioli")]"#
        try #require(text.contains(plugins))
        try text.replacing(plugins, with: #"exclude: ["hello.proto", "ravioli.json"]"#)
            .replacing(
                #"package: "ravioli")],"# + "\n            exclude", with: #"package: "ravioli")], exclude"#
            )
            .write(to: manifest, atomically: true, encoding: .utf8)

        let arguments = ["--allow-writing-to-package-directory", "generate"]
        let generated = "wrote \(copy.path)/Sources/Hello/Generated/hello.ravioli.swift"
        let first = try Self.swift("package", package: ".build/hello-generated", arguments)
        #expect(first.status == 0 && first.text.contains(generated), "\(first.text)")
        let second = try Self.swift("package", package: ".build/hello-generated", arguments)
        #expect(
            second.status == 0 && !second.text.contains("wrote") && second.text.contains("unchanged"),
            "\(second.text)")
        let help = try Self.swift("package", package: ".build/hello-generated", arguments + ["--help"])
        #expect(help.text.contains("USAGE: swift package generate"))
        let wrong = try Self.swift("package", package: ".build/hello-generated", arguments + ["--fast"])
        #expect(wrong.status != 0 && wrong.text.contains("--fast is no option"))
    }

    @Test func missingCompilerIsExplained() throws {
        let result = try Self.swift(
            "package", package: "Examples/hello", ["--allow-writing-to-package-directory", "generate"],
            environment: ["PROTOC_PATH": "/nowhere/protoc"])
        #expect(
            result.status != 0 && result.text.contains("PROTOC_PATH is /nowhere/protoc, where no program is"))
    }

    /// Runs a SwiftPM command to its end.
    private static func swift(
        _ command: String, package: String, _ arguments: [String] = [], environment: [String: String] = [:]
    ) throws -> (status: Int32, text: String) {
        let locations = ["--package-path", package, "--scratch-path", scratch.path, "--disable-sandbox"]
        let jobs = command == "package" ? [] : ["-j", "2"]
        let program = Program(
            "swift", [command] + locations + jobs + arguments, secondsMax: 1500, environment: environment)
        try program.start()
        return (program.end(), program.text)
    }

    /// A running program, whose output is read as it comes.
    private final class Program {
        private let process = Process()
        /// What it writes comes here, once it is started.
        private var pipe = Pipe()
        private let secondsMax: Int
        private var watchdog: DispatchWorkItem?
        private(set) var text = ""

        /// - Parameters:
        ///   - name: a program in `PATH`, or one inside the example's scratch folder.
        ///   - secondsMax: when it is killed at the latest, in seconds.
        init(_ name: String, _ arguments: [String], secondsMax: Int, environment: [String: String] = [:]) {
            self.secondsMax = secondsMax
            process.executableURL = URL(filePath: "/usr/bin/env")
            let path = name.contains("/") ? HelloTests.scratch.appending(path: name).path : name
            process.arguments = [path] + arguments
            process.currentDirectoryURL = HelloTests.root
            process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        }

        func start() throws {
            pipe = try Spawning.alone {
                let pipe = Pipe()
                process.standardOutput = pipe
                process.standardError = pipe
                try process.run()
                // The program alone holds the other end, so that its end is the end of what can be read.
                try pipe.fileHandleForWriting.close()
                return pipe
            }
            let id = process.processIdentifier
            let watchdog = DispatchWorkItem { kill(id, SIGKILL) }
            self.watchdog = watchdog
            DispatchQueue.global().asyncAfter(deadline: .now() + .seconds(secondsMax), execute: watchdog)
        }

        /// Reads until a line matches, and returns what its group holds; nothing if the program ends before.
        func waits(for pattern: Regex<(Substring, Substring)>) throws -> String? {
            while true {
                if let match = text.firstMatch(of: pattern) { return String(match.1) }
                let data = pipe.fileHandleForReading.availableData
                if data.isEmpty { return nil }
                text += String(decoding: data, as: UTF8.self)
            }
        }

        /// Reads to the program's end and returns its status.
        func end() -> Int32 {
            text += String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
            process.waitUntilExit()
            watchdog?.cancel()
            return process.terminationStatus
        }

        /// Kills it: test threads block other signals, and programs started by them inherit that.
        func stop() {
            kill(process.processIdentifier, SIGKILL)
            _ = end()
        }
    }
}
