// SPDX-License-Identifier: Apache-2.0

import EdgeSchemas
import Foundation
import Ravioli
import Testing

@Suite(.timeLimit(.minutes(2)))
struct EdgeCommandTests {
    /// Starts the edge, gives `body` its URL, and stops it by a signal; returns the exit status.
    private func withEdge(
        _ arguments: [String], signal: Int32, _ body: (String) async throws -> Void
    ) async throws -> Int32 {
        let isTold = arguments.contains("--config")
        return try await EdgeProcess.running(
            arguments + (isTold ? [] : ["--listen", "127.0.0.1:0"]), signal: signal
        ) { try await body($0.url) }
    }

    /// A folder with some files, for as long as `body` runs.
    private func withFiles(_ files: [String: String], _ body: (URL) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(
            path: "edge-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        for (name, text) in files { try Data(text.utf8).write(to: folder.appending(path: name)) }
        try await body(folder)
    }

    private func curl(_ arguments: [String]) async throws -> String {
        try await Command.run(["curl", "-s"] + arguments, program: URL(filePath: "/usr/bin/env")).output
    }

    @Test(arguments: [SIGTERM, SIGINT]) func servesUntilASignal(signal: Int32) async throws {
        try await withServer([DeskServer()]) { _, address in
            let status = try await withEdge(["--upstream", "\(address)", "--prefix", "/api"], signal: signal)
            { url in
                let health = try await curl([url + "/healthz"])
                #expect(health.contains("\"serving\""))
                let answer = try await curl([
                    "-H", "Content-Type: application/json", "-d", #"{"text": "hello"}"#,
                    url + "/api/ravioli.test.v1.Desk/Echo",
                ])
                #expect(answer.contains(#"{"text":"hello"}"#))
            }
            #expect(status == 0)
        }
    }

    @Test func startsWhileItsUpstreamIsDown() async throws {
        let status = try await withEdge(["--upstream", "127.0.0.1:1"], signal: SIGTERM) { url in
            let health = try await curl([url + "/healthz"])
            #expect(health.contains("\"not_serving\""))
        }
        #expect(status == 0)
    }

    @Test func aFileTellsItEverything() async throws {
        try await withServer([DeskServer()]) { _, address in
            let files = [
                "edge.yaml": """
                listen: 127.0.0.1:0
                prefix: /api
                upstreams:
                  - name: desk
                    discovery: services.txt
                rest: { rules: rest.yaml, title: The desk }
                """,
                "services.txt": "desk \(address)\n",
                "rest.yaml": """
                http:
                  rules:
                    - selector: ravioli.test.v1.Desk.Echo
                      get: /echo/{text}
                """,
            ]
            try await withFiles(files) { folder in
                let file = folder.appending(path: "edge.yaml").path
                let checked = try await Command.run(["edge", "--config", file, "--check"])
                #expect(checked.status == 0, "\(checked.errors)")
                #expect(checked.output.hasPrefix("nothing is wrong"))
                let status = try await withEdge(["--config", file], signal: SIGTERM) { url in
                    #expect(try await curl([url + "/echo/hello"]).contains(#""text":"hello""#))
                    #expect(try await curl([url + "/openapi.json"]).contains("The desk"))
                    let answer = try await curl([
                        "-H", "Content-Type: application/json", "-d", #"{"text": "hi"}"#,
                        url + "/api/ravioli.test.v1.Desk/Echo",
                    ])
                    #expect(answer.contains(#"{"text":"hi"}"#))
                }
                #expect(status == 0)
            }
        }
    }

    @Test func aFileThatIsWrongIsNamedWithItsLine() async throws {
        try await withFiles(["edge.yaml": "upstreams:\n  - name: a\n    address: nowhere"]) { folder in
            let file = folder.appending(path: "edge.yaml").path
            for options in [["--check"], []] {
                let outcome = try await Command.run(["edge", "--config", file] + options)
                #expect(outcome.status == 64)
                #expect(
                    outcome.errors.contains("\(file), line 3: \"nowhere\" is neither HOST:PORT nor unix:PATH")
                )
            }
            let missing = try await Command.run(["edge", "--config", file + "x"])
            #expect(missing.status == 64 && missing.errors.contains("No such file"))
        }
    }

    @Test func needsAnUpstream() async throws {
        let outcome = try await Command.run(["edge"])
        #expect(outcome.status == 64)
        #expect(outcome.errors.contains("--upstream"))
    }
}
