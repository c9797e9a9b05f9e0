// SPDX-License-Identifier: Apache-2.0

import BlockingTests
import Foundation
import Testing

@testable import RavioliEdge

/// The edge and clients that nobody here wrote. `Scripts/test --interop` installs them and says where.
@Suite(.timeLimit(.minutes(5)), .enabled(if: InteropClient.python != nil))
struct EdgeInteropTests {
    private func serve(_ script: String, _ arguments: [String]) async throws {
        let edge = try TestEdge()
        let (status, output) = try await edge.serving { port in
            try await InteropClient.run(script, ["\(port)"], arguments)
        }
        #expect(status == 0, "\(script) \(arguments): \(output)")
        #expect(output.contains("passed"), "\(output)")
    }

    @Test func curl() async throws {
        let (status, output) = try await TestEdge().serving { port in
            try await InteropClient.run("bash", [InteropClient.script("curl_client.sh"), "\(port)"])
        }
        #expect(status == 0, "\(output)")
        #expect(output.contains("passed a body that makes curl ask first"), "\(output)")
    }

    @Test func grpcio() async throws { try await serve("grpc_client.py", []) }

    @Test(arguments: ["connect", "grpc", "grpc_web"], ["proto", "json"])
    func connectForPythonOnHTTP2(rpc: String, codec: String) async throws {
        try await serve("connect_client.py", [rpc, codec, "2"])
    }

    @Test(arguments: ["connect", "grpc_web"], ["proto", "json"])
    func connectForPythonOnHTTP1(rpc: String, codec: String) async throws {
        try await serve("connect_client.py", [rpc, codec, "1"])
    }
}

/// Runs the clients' scripts.
enum InteropClient {
    static let python = ProcessInfo.processInfo.environment["RAVIOLI_INTEROP_PYTHON"]

    private static let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    private static let repository = tests.deletingLastPathComponent().deletingLastPathComponent()

    static func script(_ name: String) -> String { tests.appending(path: "Interop/\(name)").path }

    /// Runs a script with the messages' Python beside it; returns its exit code and what it printed.
    static func run(_ script: String, _ first: [String], _ rest: [String]) async throws -> (Int32, String) {
        let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let protos = repository.appending(path: "Protos").path
        let (status, output) = try await run(
            "protoc",
            ["-I", protos, "--python_out", folder.path]
                + ["desk", "line"].map { "\(protos)/ravioli/test/v1/\($0).proto" })
        guard status == 0 else { return (status, output) }
        return try await run(python ?? "python3", [Self.script(script)] + first + [folder.path] + rest)
    }

    /// Runs a program to its end.
    static func run(_ program: String, _ arguments: [String]) async throws -> (Int32, String) {
        let process = Process()
        let file = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        _ = FileManager.default.createFile(atPath: file.path, contents: nil)
        defer { try? FileManager.default.removeItem(at: file) }
        let output = try FileHandle(forWritingTo: file)
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [program] + arguments
        process.standardOutput = output
        process.standardError = output
        let (ends, end) = AsyncStream<Int32>.makeStream()
        process.terminationHandler = {
            end.yield($0.terminationStatus)
            end.finish()
        }
        try Spawning.alone { try process.run() }
        var status: Int32 = -1
        for await code in ends { status = code }
        return (status, String(decoding: try Data(contentsOf: file), as: UTF8.self))
    }
}
