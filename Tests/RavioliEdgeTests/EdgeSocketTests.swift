// SPDX-License-Identifier: Apache-2.0

import BlockingTests
import EdgeSchemas
import Foundation
import HTTPTypes
import NIOCore
import NIOPosix
import Ravioli
import Testing

@testable import RavioliEdge

/// What only shows on a real connection.
@Suite(.timeLimit(.minutes(2)))
struct EdgeSocketTests {
    private static let path = "/ravioli.test.v1.Desk/Echo"

    private static func post(
        _ path: String = path, _ headers: String = "", body: String = "{}", length: Int? = nil
    ) -> String {
        "POST \(path) HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n\(headers)"
            + "Content-Length: \(length ?? body.utf8.count)\r\n\r\n\(body)"
    }

    private func exchange(
        _ request: String, _ change: (inout EdgeOptions) -> Void = { _ in }
    ) async throws -> String {
        try await TestEdge(change).serving { port in try await RawHTTP.exchange(port: port, request) }
    }

    @Test func curlGetsAnAnswer() async throws {
        let output = try await TestEdge().serving { port in
            let curl = Process()
            let file = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
            defer { try? FileManager.default.removeItem(at: file) }
            curl.executableURL = URL(fileURLWithPath: "/usr/bin/env")
            curl.arguments = [
                "curl", "-s", "-o", file.path, "-H", "Content-Type: application/json", "-d",
                #"{"text": "from curl"}"#,
                "http://127.0.0.1:\(port)\(Self.path)",
            ]
            let (ends, end) = AsyncStream<Int32>.makeStream()
            curl.terminationHandler = {
                end.yield($0.terminationStatus)
                end.finish()
            }
            try Spawning.alone { try curl.run() }
            for await status in ends { #expect(status == 0) }
            return String(decoding: try Data(contentsOf: file), as: UTF8.self)
        }
        #expect(output.contains(#""request":{"text":"from curl"}"#))
    }

    @Test func aConnectionServesOneRequestAfterAnother() async throws {
        let answer = try await exchange(
            Self.post() + Self.post("/nowhere") + Self.post(Self.path, "Connection: close\r\n"))
        #expect(answer.matches(of: #/HTTP\/1\.1 (\d+)/#).map { String($0.1) } == ["200", "404", "200"])
    }

    @Test func whatIsSentAheadIsAnsweredInOrder() async throws {
        // More than may wait, so that reading stops and goes on in between.
        let texts = (0..<400).map { "\($0) " + String(repeating: "a", count: 1000) }
        let requests = texts.map { Self.post(body: #"{"text":"\#($0)"}"#) }
        let answer = try await exchange(
            requests.joined() + Self.post("/nowhere", "Connection: close\r\n") + Self.post())
        let found = answer.matches(of: #/"text":"(\d+) a/#).map { String($0.1) }
        #expect(found == (0..<400).map(String.init))
        let statuses = answer.matches(of: #/HTTP\/1\.1 (\d+)/#).map { String($0.1) }
        #expect(statuses == texts.map { _ in "200" } + ["404"])
    }

    @Test func bodiesThatNobodyWantsAreSkippedBetweenRequests() async throws {
        let long = String(repeating: " ", count: 300_000)
        let chunked =
            "POST /nowhere HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
            + "493e0\r\n\(long)\r\n0\r\n\r\n"
        let answer = try await exchange(
            Self.post("/nowhere", body: long) + chunked + Self.post(Self.path, "Connection: close\r\n"))
        let statuses = answer.matches(of: #/HTTP\/1\.1 (\d+)/#).map { String($0.1) }
        #expect(statuses == ["404", "404", "200"])
    }

    @Test func aFaultBehindAnAnswerIsNoSecondAnswer() async throws {
        let head = "POST /nowhere HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n"
        let answer = try await TestEdge().serving { port in
            let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connect(host: "127.0.0.1", port: port) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                    }
                }
            return try await channel.executeThenClose { inbound, outbound in
                try await outbound.write(ByteBuffer(string: head))
                var answer = ByteBuffer()
                var parts = inbound.makeAsyncIterator()
                while !String(buffer: answer).contains("no such method"), var part = try await parts.next() {
                    answer.writeBuffer(&part)
                }
                try? await outbound.write(ByteBuffer(string: "aa\r\n"))
                do { while var part = try await parts.next() { answer.writeBuffer(&part) } } catch {
                    // A reset ends it as well as a close does.
                }
                return String(buffer: answer)
            }
        }
        #expect(answer.matches(of: #/HTTP\/1\.1 (\d+)/#).map { String($0.1) } == ["404"])
    }

    @Test func aLongAnswerArrivesWholeBeforeTheConnectionIsClosed() async throws {
        let answer = try await exchange(
            Self.post("/ravioli.test.v1.Line/Unary", "Connection: close\r\n", body: #"{"padding":3000000}"#))
        #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n"))
        #expect(answer.utf8.count > 4_000_000)
        #expect(answer.hasSuffix("}"))
    }

    @Test func httpOneZeroIsAnsweredAndClosed() async throws {
        let request = "GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
        let answer = try await exchange(request)
        #expect(answer.hasPrefix("HTTP/1.0 200 OK\r\n"))
        #expect(answer.lowercased().contains("connection: close"))
    }

    @Test func aClientThatHangsUpCancelsItsCall() async throws {
        let edge = try TestEdge()
        let desk = edge.desk
        try await edge.serving { port in
            let began = AsyncStream<Void>.makeStream()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    try await RawHTTP.hangUp(port: port, Self.post("/ravioli.test.v1.Desk/Wait")) {
                        for await _ in began.stream { return }
                    }
                }
                for await sight in desk.sights {
                    if case .waitCancelled = sight { break }
                    began.continuation.yield()
                }
                try await group.waitForAll()
            }
        }
    }

    @Test func aBodyThatDoesNotArriveEndsTheRequest() async throws {
        let answer = try await exchange(Self.post(body: "{", length: 100)) {
            $0.limits.bodyTimeout = .milliseconds(100)
        }
        #expect(answer.hasPrefix("HTTP/1.1 504 "))
        #expect(answer.contains(#"{"code":"deadline_exceeded""#))
    }

    @Test func aHeaderThatIsTooLargeIs431() async throws {
        let answer = try await exchange(
            Self.post(Self.path, "X-Large: \(String(repeating: "a", count: 9000))\r\n"))
        #expect(answer.hasPrefix("HTTP/1.1 431 "))
        #expect(answer.lowercased().contains("x-request-id: "))
    }

    @Test func tooManyHeadersAre431() async throws {
        let headers = (0..<200).map { "X-\($0): 1\r\n" }.joined()
        #expect(try await exchange(Self.post(Self.path, headers)).hasPrefix("HTTP/1.1 431 "))
    }

    @Test func aBodyOverTheLimitIsAnsweredAndNotReadToItsEnd() async throws {
        let body = String(repeating: " ", count: 200_000)
        let answer = try await exchange(Self.post(body: body, length: 1 << 40)) {
            $0.limits.messageBytesMax = 1024
            $0.limits.skippedBytesMax = 10_000
        }
        #expect(answer.hasPrefix("HTTP/1.1 429 "))
    }

    @Test func aClientThatAsksFirstIsToldToGoOn() async throws {
        let answer = try await exchange(Self.post(Self.path, "Expect: 100-continue\r\nConnection: close\r\n"))
        #expect(answer.hasPrefix("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"))
    }

    static let malformed: [(String, String)] = [
        (
            "two lengths",
            "POST \(path) HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}"
        ),
        (
            "length and chunks",
            "POST \(path) HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
        ),
        ("space before the colon", "POST \(path) HTTP/1.1\r\nHost : h\r\n\r\n"),
        ("no HTTP", "\u{16}\u{3}\u{1} hello\r\n\r\n"),
        ("folded header", "POST \(path) HTTP/1.1\r\nHost: h\r\nX-A: 1\r\n 2\r\n\r\n"),
    ]

    @Test(arguments: malformed) func malformedRequestsAreRefusedAndTheConnectionClosed(
        name: String, request: String
    ) async throws {
        let answer = try await exchange(request)
        #expect(answer.hasPrefix("HTTP/1.1 400 ") || answer.isEmpty, "\(name): \(answer)")
    }

    @Test func runServesUntilItIsCancelled() async throws {
        let listening = AsyncStream<Address>.makeStream()
        let server = try EdgeServer(
            [Upstream(name: "desk", channel: InProcessChannel(DeskServer()))],
            on: .tcp(host: "127.0.0.1", port: 0),
            logger: .quiet, onListening: { listening.continuation.yield($0) })
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try? await server.run() }
            var addresses = listening.stream.makeAsyncIterator()
            guard case .tcp(_, let port)? = await addresses.next() else { Issue.record("no address"); return }
            let answer = try await RawHTTP.exchange(port: port, Self.post(Self.path, "Connection: close\r\n"))
            #expect(answer.hasPrefix("HTTP/1.1 200 OK"))
            group.cancelAll()
        }
    }
}
