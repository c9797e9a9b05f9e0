// SPDX-License-Identifier: Apache-2.0
//
// The client in Examples/python-client is the protocol's second reader, written from the specification alone. What it
// prints shows that both read the same page.

import BlockingTests
import Dispatch
import Foundation
import NIOCore
import Ravioli
import RavioliWire
import Testing

// One after the other: an interpreter and protoc for each test would leave the tests beside it no processor.
/// `Examples/python-client` against our server, and against one that breaks the rules.
@Suite(.serialized, .timeLimit(.minutes(5)))
struct PythonClientTests {
    @Test func helpSaysWhatItDoes() async throws {
        let help = try await PythonClient.run(["--help"])
        #expect(help.status == 0)
        #expect(help.text.contains("package.Service/Method") && help.text.contains("--cancel-after"))
    }

    @Test func unaryCallsShareConnection() async throws {
        let lines = try await PythonClient.lines("Echo", ["{\"payload\": \"aGk=\"}", "{}"])
        #expect(
            lines == [
                "answer {\"payload\": \"aGk=\"}", "end OK executed=yes", "answer {}", "end OK executed=yes",
            ])
    }

    @Test func metadataComesBack() async throws {
        let options = ["--metadata", "x-id=7", "--metadata", "x-bin=00ff"]
        let lines = try await PythonClient.lines("Echo", ["{}"], options)
        #expect(lines == ["answer {}", "metadata x-id=7", "metadata x-bin=00ff", "end OK executed=yes"])
        let streamed = try await PythonClient.lines(
            "Watch", ["{\"payload\": \"aGk=\"}"], ["--metadata", "x-initial=1", "--metadata", "x-end=2"])
        #expect(
            streamed == [
                "initial-metadata x-initial=1", "answer {\"payload\": \"aGk=\"}", "metadata x-end=2",
                "end OK executed=yes",
            ])
    }

    @Test func deadlineIsTold() async throws {
        let lines = try await PythonClient.lines("Describe", ["{}"], ["--timeout", "3000"])
        let answer = try #require(lines.first)
        let micros = try #require(answer.firstMatch(of: /"remainingMicroseconds": "(\d+)"/)?.1)
        // Above 2^31 microseconds, so it travelled in milliseconds.
        #expect((2_900_000_000...3_000_000_000).contains(Int(micros) ?? 0))
    }

    @Test func deadlinePassesOnBothSides() async throws {
        // Long enough for a busy machine to have begun the call before: one that never began was not executed.
        let lines = try await PythonClient.lines("Hang", ["{}"], ["--timeout", "2"], status: 1)
        #expect(lines.count == 1 && lines[0].hasPrefix("end DEADLINE_EXCEEDED executed=maybe"))
        let endless = try await PythonClient.lines("Echo", ["{}"], ["--timeout", "0"], status: 1)
        #expect(endless == ["end INVALID_ARGUMENT executed=no: a unary call without a deadline"])
    }

    @Test func statusHasTextDetailsAndMetadata() async throws {
        let request = "{\"code\": 5, \"message\": \"no such thing\", \"withDetail\": true}"
        let lines = try await PythonClient.lines("Fail", [request], status: 1)
        #expect(
            lines == [
                "metadata failed-by=test", "end NOT_FOUND executed=yes: no such thing",
                "detail ravioli.trial.v1.FailRequest "
                    + "{\"code\": 5, \"message\": \"no such thing\", \"withDetail\": true}",
            ])
    }

    @Test func largeMessagesTravelInChunks() async throws {
        // Above the 65,536 bytes of a frame both ways, once of a unary call, once of a stream with 256 KiB of credit.
        let payload = Data(repeating: 7, count: 200_000).base64EncodedString()
        let lines = try await PythonClient.lines("Echo", ["{\"payload\": \"\(payload)\"}"])
        #expect(lines == ["answer {\"payload\": \"\(payload)\"}", "end OK executed=yes"])
        let sizes = "{\"answerBytes\": [300000, 5, 700000]}"
        let streamed = try await PythonClient.lines("Watch", [sizes])
        #expect(streamed.map { $0.utf8.count / 100_000 } == [4, 0, 9, 0])
    }

    @Test func creditComesBack() async throws {
        // 8 MB through the 1 MiB of the connection, small and large frames.
        let sizes = (0..<400).map { $0.isMultiple(of: 2) ? "40" : "40000" }.joined(separator: ",")
        let lines = try await PythonClient.lines("Watch", ["{\"answerBytes\": [\(sizes)]}"])
        #expect(lines.count == 401 && lines.last == "end OK executed=yes")
    }

    @Test func requestsWaitForCredit() async throws {
        let request = "{\"payload\": \"\(Data(repeating: 1, count: 90_000).base64EncodedString())\"}"
        let lines = try await PythonClient.lines("Collect", Array(repeating: request, count: 20))
        #expect(lines == ["answer {\"bytes\": \"1800000\", \"requests\": 20}", "end OK executed=yes"])
        let none = try await PythonClient.lines("Collect", [])
        #expect(none == ["answer {}", "end OK executed=yes"])
    }

    @Test func bothSidesStream() async throws {
        let lines = try await PythonClient.lines(
            "Converse", ["{\"payload\": \"AQ==\"}", "{\"payload\": \"Ag==\"}"])
        #expect(
            lines == [
                "answer {\"payload\": \"AQ==\"}", "answer {\"payload\": \"Ag==\"}", "end OK executed=yes",
            ])
    }

    @Test func cancelEndsCall() async throws {
        let lines = try await PythonClient.lines(
            "Watch", ["{\"answerBytes\": [1, 1], \"hangs\": true}"], ["--cancel-after", "2"], status: 1)
        #expect(lines.count == 3 && lines[2] == "end CANCELLED executed=maybe: cancelled by the caller")
        let hanging = try await PythonClient.lines("Hang", ["{}"], ["--cancel-after", "0"], status: 1)
        #expect(hanging == ["end CANCELLED executed=maybe: cancelled by the caller"])
    }

    @Test func unknownMethodIsUnimplemented() async throws {
        let served = try await withServer([any Service]()) { _, address in
            try await PythonClient.run([
                "--proto", PythonClient.schema, "\(address)", PythonClient.trial + "Echo",
            ])
        }
        #expect(served.status == 1 && served.text.hasPrefix("end UNIMPLEMENTED executed=no"))
    }

    // MARK: A server that breaks the rules

    /// What a server sends after its hello, and the error that the client answers with.
    struct Violation: Sendable, CustomTestStringConvertible {
        let name: String
        let error: WireError.Code
        let bytes: [UInt8]
        var testDescription: String { name }
    }

    static let violations = [
        Violation(
            name: "a frame above the limit", error: .frameTooLarge, bytes: Wire.header(65_537, 1, 4, 0)),
        Violation(name: "an unknown kind", error: .unknownKind, bytes: Wire.frame(9, 0, 0)),
        Violation(name: "a second hello", error: .outOfOrder, bytes: Wire.hello()),
        Violation(name: "a call from a server", error: .outOfOrder, bytes: Wire.call(1)),
        Violation(name: "an end of no call", error: .outOfOrder, bytes: Wire.frame(4, 9, 0, [0, 2])),
        Violation(name: "an end without a mark", error: .malformedFrame, bytes: Wire.frame(4, 1, 0, [0])),
        Violation(
            name: "an end with a strange mark", error: .malformedFrame, bytes: Wire.frame(4, 1, 0, [0, 3])),
        Violation(name: "a ping on a call's stream", error: .malformedFrame, bytes: Wire.ping(stream: 1)),
        Violation(name: "a credit of nothing", error: .malformedFrame, bytes: Wire.credit(0, 0)),
        Violation(
            name: "a credit above all", error: .creditExceeded, bytes: Wire.credit(0, UInt32(Int32.max))),
        Violation(name: "an empty data frame", error: .malformedFrame, bytes: Wire.data(1, 0)),
        Violation(name: "a chunk of no message", error: .outOfOrder, bytes: Wire.data(1, Wire.counted, [1])),
        Violation(
            name: "more than the stream's credit", error: .creditExceeded,
            bytes: Wire.data(
                1, Wire.message | Wire.counted | Wire.chunked, Wire.u32(262_144) + Wire.zeros(65_532))
                + Wire.times(4) { _ in Wire.data(1, Wire.counted, Wire.zeros(65_536)) }),
    ]

    @Test(arguments: violations) func refusesWhatIsIllegal(_ violation: Violation) async throws {
        let heard = Heard()
        let result = try await RawPeer.serve { peer in
            try await peer.send(ByteBuffer(bytes: Wire.hello() + violation.bytes))
            heard.tell(try await peer.readToEnd())
        } while: { address in
            let call = [PythonClient.trial + "Watch", "{}"]
            return try await PythonClient.run(["--proto", PythonClient.schema, "\(address)"] + call)
        }
        #expect(result.status == 3 && result.text.contains(violation.error.name), "\(result.text)")
        var answers = WireAnswers()
        answers.append(await heard.wait())
        #expect(answers.goaway == violation.error)
    }

    @Test func goawayEndsCallsAboveItsID() async throws {
        // Answers the first of two calls once both are there, and will not run the second.
        let result = try await RawPeer.serve { peer in
            try await peer.send(ByteBuffer(bytes: Wire.hello()))
            var seen = WireAnswers()
            for try await part in peer.inbound {
                seen.append(part)
                if seen.frames.count(where: { $0.kind == 2 }) == 2 { break }
            }
            let end = Wire.frame(4, 1, Wire.message, [0, 2])
            try await peer.send(ByteBuffer(bytes: Wire.frame(8, 0, 0, Wire.u32(1) + [0]) + end))
        } while: { address in
            let calls = [PythonClient.trial + "Echo", "{}", "{}"]
            return try await PythonClient.run(["--proto", PythonClient.schema, "\(address)"] + calls)
        }
        let lines = result.text.split(separator: "\n")
        #expect(lines.count == 3 && lines[0] == "answer {}" && lines[1] == "end OK executed=yes")
        #expect(lines.last?.hasPrefix("end UNAVAILABLE executed=no") == true, "\(result.text)")
    }

    @Test func pingIsAnswered() async throws {
        let result = try await RawPeer.serve { peer in
            try await peer.send(ByteBuffer(bytes: Wire.hello() + Wire.frame(200, 3, 0xFF, [1]) + Wire.ping()))
            var seen = WireAnswers()
            for try await part in peer.inbound {
                seen.append(part)
                if seen.hasPingAnswer(Array(1...8)), seen.frames.contains(where: { $0.kind == 2 }) { break }
            }
            try await peer.send(ByteBuffer(bytes: Wire.frame(4, 1, Wire.message, [0, 2])))
        } while: { address in
            try await PythonClient.run([
                "--proto", PythonClient.schema, "\(address)", PythonClient.trial + "Echo",
            ])
        }
        #expect(result.text == "answer {}\nend OK executed=yes\n")
    }
}

/// What a raw server read, for the test that waits for it.
private final class Heard: Sendable {
    private let stream = AsyncStream<ByteBuffer>.makeStream()
    func tell(_ bytes: ByteBuffer) { stream.continuation.yield(bytes) }
    func wait() async -> ByteBuffer { await stream.stream.first { _ in true } ?? ByteBuffer() }
}

/// Runs the client.
private enum PythonClient {
    static let schema = "ravioli/trial/v1/trial.proto"
    static let trial = "ravioli.trial.v1.Trial/"
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// The interpreter that has protobuf: that of the path, or the system's own, for which Scripts/test installs it.
    private static let interpreter = ["python3", "/usr/bin/python3"].first { candidate in
        (try? execute([candidate, "-c", "import google.protobuf"], input: []))?.status == 0
    }

    /// What a call of the trial service prints, line by line.
    static func lines(
        _ method: String, _ requests: [String], _ options: [String] = [], status: Int32 = 0,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> [String] {
        let server = TestServer()
        let result = try await withServer([server]) { _, address in
            defer { server.release.open() }
            return try await run(
                options + ["--proto", schema, "\(address)", trial + method, "-"], input: requests)
        }
        #expect(result.status == status, "\(result.text)", sourceLocation: sourceLocation)
        return result.text.split(separator: "\n").map(String.init)
    }

    /// Runs the client on a thread that may wait for it, and gives it `input` line by line.
    static func run(_ arguments: [String], input: [String] = []) async throws -> (status: Int32, text: String)
    {
        try await withCheckedThrowingContinuation { continuation in
            DispatchQueue(label: "ravioli.tests.python").async {
                continuation.resume(with: Result { try runHere(arguments, input: input) })
            }
        }
    }

    private static func runHere(
        _ arguments: [String], input: [String]
    ) throws -> (status: Int32, text: String) {
        let python = try #require(interpreter, "python3 with protobuf is missing; Scripts/test installs it")
        return try execute([python, "Examples/python-client/client.py"] + arguments, input: input)
    }

    private static func execute(_ command: [String], input: [String]) throws -> (status: Int32, text: String)
    {
        let folder = FileManager.default.temporaryDirectory.appending(path: "ravioli-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let (requests, output) = (folder.appending(path: "requests"), folder.appending(path: "output"))
        try Data(input.joined(separator: "\n").utf8).write(to: requests)
        try Data().write(to: output)
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        // Killed when it hangs.
        process.arguments = ["timeout", "120"] + command
        process.currentDirectoryURL = root
        // No compiled files among the sources.
        process.environment = ProcessInfo.processInfo.environment.merging(["PYTHONDONTWRITEBYTECODE": "1"]) {
            $1
        }
        process.standardInput = try FileHandle(forReadingFrom: requests)
        let handle = try FileHandle(forWritingTo: output)
        process.standardOutput = handle
        process.standardError = handle
        try Spawning.alone { try process.run() }
        process.waitUntilExit()
        try handle.close()
        let text = String(decoding: try Data(contentsOf: output), as: UTF8.self)
        return (process.terminationStatus, text)
    }
}
