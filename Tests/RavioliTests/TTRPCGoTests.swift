// SPDX-License-Identifier: Apache-2.0

import BlockingTests
import Foundation
import Ravioli
import Testing

/// containerd's own client against a server of ours, where Go and the client's package are installed
/// (`golang-go` and `golang-github-containerd-ttrpc-dev`). The packaged version 1.1 makes unary calls only.
@Suite(.timeLimit(.minutes(5)), .blocking)
struct TTRPCGoTests {
    private static let sources = "/usr/share/gocode"
    private static let go = ["/usr/bin/go", "/usr/local/go/bin/go"].first {
        FileManager.default.isExecutableFile(atPath: $0)
    }
    static let isInstalled =
        go != nil
        && FileManager.default.fileExists(atPath: sources + "/src/github.com/containerd/ttrpc/client.go")

    private static let expected = """
        echo 0: true <nil>
        echo 5: true <nil>
        echo 200000: true <nil>
        echo 4000000: true <nil>
        echoes: true
        fail: NotFound: no such car type.googleapis.com/ravioli.trial.v1.FailRequest
        method: Unimplemented: the service ravioli.trial.v1.Trial has no method 'Nothing'
        large: ResourceExhausted: a response of 5000005 bytes is over the caller's messageBytesMax = 4194288
        stream: Unimplemented: the method answers with a stream; the caller asked for one response
        describe: [car=Beetle] true <nil>
        default: true <nil>
        metadata: InvalidArgument: a metadata name is empty or has characters other than a-z 0-9 - _ .
        timeout: DeadlineExceeded: the deadline passed in the handler of ravioli.trial.v1.Trial/Hang on the server type.googleapis.com/ravioli.status.v1.DeadlineDetail

        """

    @Test(.enabled(if: isInstalled, "Go or golang-github-containerd-ttrpc-dev is not installed"))
    func containerdsClient() async throws {
        let scratch = FileManager.default.temporaryDirectory.appending(
            path: "ravioli-go-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: scratch, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: scratch) }
        let program = scratch.appending(path: "client").path
        let source = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "TTRPCGo/main.go")
        let built = try Self.run(
            try #require(Self.go), ["build", "-o", program, source.path], in: scratch,
            // Nothing is fetched: what is missing is an error.
            ["GO111MODULE": "off", "GOPATH": Self.sources, "GOCACHE": scratch.path + "/cache", "GOFLAGS": ""])
        try #require(built.status == 0, "\(built.output)")
        try await withServer([TestServer()], options: .withTTRPC) { _, address in
            guard case .tcp(let host, let port) = address else { return }
            let called = try Self.run(program, ["\(host):\(port)"], in: scratch)
            #expect(called.output == Self.expected)
            #expect(called.status == 0)
        }
    }

    /// Runs a program to its end; its output goes to a file, since a pipe would have to be emptied meanwhile.
    private static func run(
        _ program: String, _ arguments: [String], in folder: URL, _ environment: [String: String] = [:]
    ) throws -> (status: Int32, output: String) {
        let file = folder.appending(path: UUID().uuidString)
        try Data().write(to: file)
        let process = Process()
        process.executableURL = URL(filePath: program)
        process.arguments = arguments
        process.currentDirectoryURL = folder
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = try FileHandle(forWritingTo: file)
        process.standardError = process.standardOutput
        try Spawning.alone { try process.run() }
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: try Data(contentsOf: file), as: UTF8.self))
    }
}
