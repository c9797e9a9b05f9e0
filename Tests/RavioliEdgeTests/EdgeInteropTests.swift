// SPDX-License-Identifier: Apache-2.0

import BlockingTests
import EdgeSchemas
import Foundation
import RavioliSchema
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

    @Test func buf() async throws {
        let buf = try #require(InteropClient.program("buf"))
        let set = FileManager.default.temporaryDirectory.appending(path: "\(UUID().uuidString).binpb")
        let protos = InteropClient.repository.appending(path: "Protos").path
        let made = try await InteropClient.run(
            "protoc",
            [
                "-I", protos, "--include_imports", "--descriptor_set_out=\(set.path)",
                "ravioli/test/v1/line.proto",
            ])
        #expect(made.0 == 0, "\(made.1)")
        defer { try? FileManager.default.removeItem(at: set) }
        let (status, output) = try await TestEdge().serving { port in
            try await InteropClient.run(
                "bash", [InteropClient.script("buf_client.sh"), buf, "\(port)", set.path])
        }
        #expect(status == 0 && output.contains("passed get"), "\(output)")
    }

    /// Requests made up from the document, for rules, plans and Connect: the edge holds to what the document says.
    ///
    /// What is left out: whether all that fits the schema is accepted (services ask for more), and whether all that does not
    /// is refused (ProtoJSON reads more forms than it writes, such as enums by number); and whether `Allow` names what the
    /// document does, since with `/{name}` and `/{name}:lend` a GET of `/a:lend` is one of the name `a:lend`.
    @Test func schemathesis() async throws {
        let program = try #require(InteropClient.program("schemathesis"))
        let edge = try TestEdge(services: [LibraryServer(), GarageServer()]) {
            $0.plans.files = [.init(name: "pages.yaml", yaml: PlanServingTests.yaml)]
            // What is required in the document is required of answers too, and empty titles are left out by default.
            $0.jsonEncoding.emitsFieldsWithoutPresence = true
        }
        let (status, output) = try await edge.serving { port in
            try await InteropClient.run(
                program,
                [
                    "run", "http://127.0.0.1:\(port)/openapi.json", "--checks", "all", "--exclude-checks",
                    "positive_data_acceptance,negative_data_rejection,allow_header_conformance", "--phases",
                    "examples,coverage,fuzzing",
                    "--max-examples", "15", "--seed", "1", "--continue-on-failure", "--request-timeout", "20",
                    "--warnings", "off",
                    // How hard it is to make requests up, and how long it takes, is not what is tested.
                    "--suppress-health-check", "all",
                    // It takes the envelopes of Connect's streams for JSON, by the end of their type's name.
                    "--exclude-path-regex", "/(WatchCars|WatchShelf|Chat)$",
                    // A millisecond is too little for any call, and the answer is rightly 504.
                    "--header", "Connect-Timeout-Ms: 5000",
                ])
        }
        #expect(status == 0, "\(output)")
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

    /// A program that was installed beside it; nil if there is none.
    static func program(_ name: String) -> String? {
        guard let python else { return nil }
        let path = URL(fileURLWithPath: python).deletingLastPathComponent().appending(path: name).path
        return FileManager.default.isExecutableFile(atPath: path) ? path : nil
    }

    private static let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    static let repository = tests.deletingLastPathComponent().deletingLastPathComponent()

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
        // Where it may leave what it likes.
        let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        process.currentDirectoryURL = folder
        let file = folder.appending(path: UUID().uuidString)
        _ = FileManager.default.createFile(atPath: file.path, contents: nil)
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
