// SPDX-License-Identifier: Apache-2.0

import BlockingTests
import EdgeSchemas
import Foundation
import HTTPTypes
import NIOCore
import Ravioli
import Testing

@testable import RavioliEdge

/// An edge in front of the library, which tells its schema, rules and comments by reflection.
private func libraryEdge(_ change: (inout EdgeOptions) -> Void = { _ in }) throws -> TestEdge {
    try TestEdge(services: [LibraryServer()], change)
}

@Suite struct RESTServingTests {
    private func get(
        _ path: String, _ method: HTTPRequest.Method = .get, accept: String? = nil, type: String? = nil,
        body: String = "", more: HTTPFields = [:], edge: TestEdge? = nil
    ) async throws -> TestResponse {
        var headers = more
        headers[.accept] = accept
        headers[.contentType] = type
        return try await (edge ?? libraryEdge()).answer(path, method: method, headers: headers, body: body)
    }

    // MARK: One message

    @Test func pathsReachTheirMethods() async throws {
        let volume = try await get("/v1/shelves/1/volumes/2?edition=3")
        #expect(volume.status == .ok)
        #expect(volume.headers[.contentType] == "application/json")
        #expect(volume.text == #"{"name":"shelves/1/volumes/2","pages":3}"#)
        let titles = try await get("/v1/shelves/s/titles")
        #expect(titles.text == #"["s","Other"]"#)
        let gone = try await get("/v1/shelves/1/volumes/2", .delete)
        #expect(gone.text == "{}")
        let report = try #require(HTTPRequest.Method("REPORT"))
        #expect(try await get("/v1/shelves/s", report).status == .ok)
    }

    @Test func bodiesReachTheirMethods() async throws {
        let made = try await get(
            "/v1/shelves/s/volumes", .post, type: "application/json", body: #"{"title":"T"}"#)
        #expect(made.text == #"{"title":"T"}"#)
        let changed = try await get(
            "/v1/shelves/1/volumes/2", .patch, type: "application/json", body: #"{"pages":0}"#)
        #expect(changed.text == #"{"name":"shelves/1/volumes/2","tags":["pages"]}"#)
        let lent = try await get("/v1/shelves/1/volumes/2:lend", .post)
        #expect(lent.text == "{}")
    }

    @Test func connectStaysOnEveryMethod() async throws {
        let answer = try await get(
            "/ravioli.test.v1.Library/GetVolume", .post, type: "application/json", body: #"{"name":"a"}"#)
        #expect(answer.text == #"{"name":"a"}"#)
    }

    @Test func httpBodyGoesOutAsItIs() async throws {
        let file = try await get("/v1/files/a/b.csv", accept: "text/*")
        #expect(file.headers[.contentType] == "text/csv")
        #expect(file.headers[.xContentTypeOptions] == "nosniff")
        #expect(file.text == "a/b.csv,1\n")
        let kept = try await get("/v1/files/a", .put, type: "image/png", body: "\u{1}")
        #expect(kept.text == "{}")
    }

    @Test func headIsGetWithoutBody() async throws {
        let answer = try await get("/v1/volumes/a", .head)
        #expect(answer.status == .ok)
        #expect(answer.headers[.contentLength] == "12")
        #expect(answer.bytes.isEmpty)
    }

    @Test func longAnswersAreCompressedForThoseWhoAccept() async throws {
        let short = try await get("/v1/volumes/a", more: [.acceptEncoding: "gzip"])
        #expect(short.headers[.contentEncoding] == nil)
        let path = "/v1/shelves/s/volumes?pageSize=200"
        let long = try await get(path, more: [.acceptEncoding: "gzip, br"])
        #expect(long.headers[.contentEncoding] == "gzip")
        #expect(long.headers[.vary] == "Accept, Accept-Encoding, Origin, Authorization")
        #expect(try Gzip.inflate(long.body, upTo: 1 << 20) == (try await get(path)).body)
    }

    // MARK: Refusals

    @Test func refusalsHaveTheirStatusAndForm() async throws {
        let method = try await get("/v1/volumes/a", .delete)
        #expect(method.status == .methodNotAllowed)
        #expect(method.headers[.allow] == "GET, HEAD")
        #expect(method.text.hasPrefix(#"{"code":12,"message":"the path is for GET, HEAD","details":[{"#))
        let nowhere = try await get("/v1/nowhere")
        #expect(nowhere.status == .notFound)
        #expect(nowhere.text.hasPrefix(#"{"code":5,"message":"there is no such path","details":["#))
        let broken = try await get("/v1/volumes/a%", accept: "application/problem+json")
        #expect(broken.status == .badRequest)
        #expect(broken.headers[.contentType] == "application/problem+json")
        #expect(try await get("/v1/volumes/a", accept: "image/png").status == .notAcceptable)
        let body = try await get("/v1/shelves/s/volumes", .post, type: "text/plain", body: "x")
        #expect(body.status == .unsupportedMediaType)
        let options = try await get("/v1/volumes/a", .options)
        #expect(options.status == .noContent)
        #expect(options.headers[.allow] == "GET, HEAD")
    }

    @Test(arguments: [
        ("/v1/nowhere", nil), ("/v1/nowhere", "application/json"), ("/v1/a.csv", "text/csv"),
        ("/nowhere", "image/png"), ("/v1/shelves.old/1/2", "application/json"),
    ])
    func whatIsPostedToNoPathIsRefusedLikeREST(path: String, type: String?) async throws {
        let answer = try await get(path, .post, type: type, body: "{}")
        #expect(answer.status == .notFound)
        #expect(answer.headers[.contentType] == "application/json")
        #expect(answer.text.hasPrefix(#"{"code":5,"message":"there is no such path""#))
        let problem = try await get(path, .post, accept: "application/problem+json", type: type)
        #expect(problem.headers[.contentType] == "application/problem+json")
    }

    @Test(arguments: [
        ("/library.v1.Library/Nothing", "application/json"), ("/v1/nowhere", "application/proto"),
        ("/api/library.v1.Library/Nothing", nil), ("/v1/nowhere", "application/connect+json"),
    ])
    func callsOfWhatThereIsNotAreRefusedLikeCalls(path: String, type: String?) async throws {
        let answer = try await get(path, .post, type: type, body: "{}")
        #expect(answer.status == .notFound)
        #expect(answer.headers[.contentType] == "text/plain; charset=utf-8")
        let grpc = try await get(path, .post, type: "application/grpc-web")
        #expect(grpc.status == .ok && grpc.text.contains("grpc-status: 12"))
    }

    @Test func errorsAreStatusOrProblemAndNameTheRequest() async throws {
        let id: HTTPFields = [HTTPField.Name("X-Request-Id")!: "r-1"]
        let status = try await get("/v1/volumes/volumes%2Fnone", more: id)
        #expect(status.status == .notFound)
        #expect(status.headers[.contentType] == "application/json")
        #expect(status.text.hasPrefix(#"{"code":5,"message":"no such volume","details":["#))
        #expect(status.text.contains(#""requestId":"r-1""#))
        let problem = try await get(
            "/v1/every?int32Field=x", accept: "application/json, application/problem+json", more: id)
        #expect(problem.status == .badRequest)
        #expect(problem.headers[.contentType] == "application/problem+json")
        #expect(problem.text.contains(#""detail":"int32Field: must be a 32-bit integer""#))
        #expect(problem.headers[HTTPField.Name("X-Request-Id")!] == "r-1")
    }

    @Test func bodyOverTheLimitIs413AlsoOnceInflated() async throws {
        let edge = try libraryEdge { $0.limits.messageBytesMax = 2048 }
        let large = #"{"title":"\#(String(repeating: "x", count: 4096))"}"#
        let plain = try await get(
            "/v1/shelves/s/volumes", .post, type: "application/json", body: large, edge: edge)
        #expect(plain.status == .contentTooLarge)
        let packed = Gzip.deflate(ByteBuffer(string: large))
        #expect(packed.readableBytes < 2048)
        let bomb = try await edge.answer(
            "/v1/shelves/s/volumes", method: .post,
            headers: [.contentType: "application/json", .contentEncoding: "gzip"],
            bytes: Array(packed.readableBytesView))
        #expect(bomb.status == .contentTooLarge)
        let other = try await get(
            "/v1/shelves/s/volumes", .post, type: "application/json", body: "{}",
            more: [.contentEncoding: "br"], edge: edge)
        #expect(other.status == .unsupportedMediaType)
    }

    @Test(arguments: ["x", "0", "-1", "1e400", "nan"])
    func brokenTimeoutIs400(time: String) async throws {
        let answer = try await get("/v1/volumes/a", more: [HTTPField.Name("X-Server-Timeout")!: time])
        #expect(answer.status == .badRequest)
    }

    // MARK: Streams

    @Test(arguments: [
        (nil, "application/json", "[{\"added\":{\"title\":\"A\"}},\n{\"removed\":\"B\"}]\n"),
        (
            "application/x-ndjson", "application/x-ndjson",
            "{\"result\":{\"added\":{\"title\":\"A\"}}}\n{\"result\":{\"removed\":\"B\"}}\n"
        ),
        (
            "text/event-stream", "text/event-stream",
            "data: {\"added\":{\"title\":\"A\"}}\n\ndata: {\"removed\":\"B\"}\n\nevent: end\ndata: {}\n\n"
        ),
    ])
    func streamsComeInTheFormThatIsAccepted(accept: String?, type: String, body: String) async throws {
        let answer = try await get("/v1/shelves/s:watch", accept: accept)
        #expect(answer.headers[.contentType] == type)
        #expect(answer.text == body)
        #expect(answer.isComplete)
    }

    @Test(arguments: [
        ("application/json", true), ("application/x-ndjson", true), ("text/event-stream", false),
    ])
    func streamsAreCompressedWhereThatMakesSense(accept: String, isCompressed: Bool) async throws {
        for shelf in ["s", "broken"] {
            let plain = try await get("/v1/shelves/\(shelf):watch", accept: accept, more: [.requestID: "r"])
            let fields: HTTPFields = [.acceptEncoding: "gzip", .requestID: "r"]
            let packed = try await get("/v1/shelves/\(shelf):watch", accept: accept, more: fields)
            #expect(packed.headers[.contentEncoding] == (isCompressed ? "gzip" : nil))
            #expect(packed.isComplete == plain.isComplete)
            if !packed.isComplete || !isCompressed { continue }
            #expect(try Gzip.inflate(packed.body, upTo: 1 << 20) == plain.body)
        }
        let off = try libraryEdge { $0.compressesResponses = false }
        let plain = try await get(
            "/v1/shelves/s:watch", accept: accept, more: [.acceptEncoding: "gzip"], edge: off)
        #expect(plain.headers[.contentEncoding] == nil)
    }

    @Test func eachPieceOfACompressedStreamCanBeReadAtOnce() throws {
        let stream = try #require(GzipStream())
        var bytes = ByteBuffer()
        for number in 0..<100 {
            let text = String(repeating: "message \(number) ", count: number * 20)
            bytes.writeImmutableBuffer(stream.deflate(Array(text.utf8), isLast: false))
            // A flush ends with an empty block: nothing of the piece is held back.
            #expect(Array(bytes.readableBytesView.suffix(4)) == [0, 0, 0xFF, 0xFF])
        }
        bytes.writeImmutableBuffer(stream.deflate([], isLast: true))
        let whole = (0..<100).map { String(repeating: "message \($0) ", count: $0 * 20) }.joined()
        #expect(try Gzip.inflate(bytes, upTo: 8 << 20) == ByteBuffer(string: whole))
    }

    @Test func earlyErrorHasAStatusOfItsOwn() async throws {
        let answer = try await get("/v1/shelves/closed:watch", accept: "text/event-stream")
        #expect(answer.status == .forbidden)
        #expect(answer.headers[.contentType] == "application/json")
        #expect(answer.text.contains("the shelf is closed"))
    }

    @Test func lateErrorIsTheLastThingSaidOrTheStreamIsCutOff() async throws {
        let events = try await get("/v1/shelves/broken:watch", accept: "text/event-stream")
        #expect(events.text.contains("\n\nevent: error\ndata: {\"code\":15,\"message\":\"the shelf broke\""))
        #expect(events.isComplete)
        let lines = try await get("/v1/shelves/broken:watch", accept: "application/x-ndjson")
        #expect(lines.text.contains("\n{\"error\":{\"code\":15,"))
        let array = try await get("/v1/shelves/broken:watch")
        #expect(!array.text.contains("]"))
        #expect(!array.isComplete)
    }

    @Test(.timeLimit(.minutes(1))) func silentStreamsHaveAHeartbeat() async throws {
        let edge = try libraryEdge { $0.rest.heartbeatInterval = .milliseconds(5) }
        await edge.server.edge.refresh(paced: true)
        let head = HTTPRequest(
            method: .get, scheme: "http", authority: "test", path: "/v1/shelves/slow:watch",
            headerFields: [.accept: "text/event-stream"])
        let sink = PartSink()
        let exchange = Exchange(
            head, requestID: "r", connection: .init(isHTTP2: false, peer: nil),
            body: RequestBody(whole: ByteBuffer()), sink: sink)
        let serving = Task { await edge.server.edge.serve(exchange) }
        var beats = 0
        for await text in sink.texts where text == ":\n\n" {
            beats += 1
            if beats == 2 { break }
        }
        // The client has gone, so the call ends too.
        serving.cancel()
        await serving.value
        #expect(beats == 2)
    }

    // MARK: Document and page

    @Test func documentAndPageAreServed() async throws {
        let document = try await get("/openapi.json")
        #expect(document.headers[.contentType] == "application/json")
        // The comments came by reflection.
        #expect(document.text.contains("Answers one volume by its name."))
        let page = try await get("/")
        #expect(page.headers[.contentType] == "text/html; charset=utf-8")
        #expect(page.headers[.contentSecurityPolicy] == APIPage.securityPolicy)
        #expect(page.bytes == APIPage.html)
        #expect(try await get("/", .post).status == .methodNotAllowed)
        let without = try libraryEdge { $0.rest.servesDocument = false }
        #expect(try await get("/openapi.json", edge: without).status == .notFound)
    }

    // MARK: Rules

    @Test func fileThatCannotBeReadKeepsTheEdgeFromStarting() {
        #expect(throws: RuntimeError.self) { try libraryEdge { $0.rest.rules = "http: [" } }
    }

    @Test func conflictKeepsTheEdgeFromStarting() async throws {
        let edge = try libraryEdge {
            $0.rest.rules = """
                http:
                  rules:
                    - selector: ravioli.test.v1.Library.ListTitles
                      get: /v1/volumes/{shelf}
                """
        }
        let error = await #expect(throws: RuntimeError.self) { try await edge.server.run() }
        let text = try #require(error).description
        #expect(
            text.contains(
                "GET /v1/volumes/{shelf} of ravioli.test.v1.Library.ListTitles (rules.yaml, line 3)"))
        #expect(text.contains("GET /v1/volumes/{name} of ravioli.test.v1.Library.GetVolume"))
    }
}

/// Tells what is sent, as it is sent.
private final class PartSink: ResponseSink {
    let texts: AsyncStream<String>
    private let text: AsyncStream<String>.Continuation

    init() { (texts, text) = AsyncStream.makeStream() }

    func send(_ part: ResponsePart) async throws(BodyFailure) {
        if let body = part.body { text.yield(String(buffer: body)) }
    }

    func limitBody(to time: Duration?) {}
}

/// The page in a browser; runs where Chromium and Python are installed.
@Suite(.blocking) struct APIPageBrowserTests {
    private static let isPossible = ["chromium", "python3"].allSatisfy { name in
        (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").contains {
            FileManager.default.isExecutableFile(atPath: "\($0)/\(name)")
        }
    }

    @Test(.enabled(if: isPossible), .timeLimit(.minutes(2)))
    func methodsCanBeReadAndTried() async throws {
        let script = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Interop/page_check.py")
        let plans = """
            plans:
              VolumePage:
                description: What the page of one volume shows.
                get: /v1/pages/{name}
                parameters: { name: { description: Which volume. }, edition: { type: int32, default: 4 } }
                steps:
                  volume:
                    call: ravioli.test.v1.Library/GetVolume
                    request: { name: $name, edition: $edition }
            """
        try await libraryEdge({ $0.plans.files = [.init(name: "pages.yaml", yaml: plans)] }).serving { port in
            let (status, text) = try await Task.detached {
                let process = Process()
                let output = Pipe()
                process.executableURL = URL(filePath: "/usr/bin/env")
                process.arguments = ["python3", script.path(), "http://127.0.0.1:\(port)/"]
                process.standardOutput = output
                process.standardError = output
                try process.run()
                let bytes = output.fileHandleForReading.readDataToEndOfFile()
                process.waitUntilExit()
                return (process.terminationStatus, String(decoding: bytes, as: UTF8.self))
            }.value
            #expect(status == 0, "\(text)")
        }
    }
}
