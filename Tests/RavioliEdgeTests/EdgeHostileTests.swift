// SPDX-License-Identifier: Apache-2.0

import EdgeSchemas
import HTTPTypes
import NIOCore
import NIOPosix
import Ravioli
import Testing

@testable import RavioliEdge

/// What no honest client sends.
@Suite(.timeLimit(.minutes(2)))
struct EdgeHostileTests {
    private static let echo = "/ravioli.test.v1.Desk/Echo"
    private static let json = "Content-Type: application/json\r\n"

    private func exchange(
        _ request: String, _ change: (inout EdgeOptions) -> Void = { _ in }
    ) async throws -> String {
        try await TestEdge(change).serving { port in try await RawHTTP.exchange(port: port, request) }
    }

    private func statuses(_ answer: String) -> [String] {
        answer.matches(of: #/HTTP\/1\.1 (\d+)/#).map { String($0.1) }
    }

    // MARK: Smuggling

    /// Each could be read as one request by one reader and as two by another; `GET /smuggled` must never be answered.
    static let smuggling: [(name: String, head: String, body: String)] = [
        ("length and chunks", "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
        ("chunks and length", "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", "0\r\n\r\n"),
        ("two lengths", "Content-Length: 2\r\nContent-Length: 30\r\n", "{}"),
        ("two equal lengths", "Content-Length: 2\r\nContent-Length: 2\r\n", "{}"),
        ("a list of lengths", "Content-Length: 2, 2\r\n", "{}"),
        ("a signed length", "Content-Length: +2\r\n", "{}"),
        ("a hexadecimal length", "Content-Length: 0x2\r\n", "{}"),
        ("a length over 64 bits", "Content-Length: 18446744073709551618\r\n", "{}"),
        ("chunked twice", "Transfer-Encoding: chunked, chunked\r\n", "0\r\n\r\n"),
        (
            "chunked in two fields", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
            "0\r\n\r\n"
        ),
        ("chunked and identity", "Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n"),
        ("identity", "Transfer-Encoding: identity\r\n", ""),
        ("chunked misspelt", "Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"),
        ("space before the colon", "Transfer-Encoding : chunked\r\n", "0\r\n\r\n"),
        ("tab in the name", "Transfer-Encoding\t: chunked\r\n", "0\r\n\r\n"),
        ("folded", "X-A: 1\r\n Transfer-Encoding: chunked\r\n", "0\r\n\r\n"),
        ("line feed alone", "X-A: 1\nContent-Length: 2\r\n", "{}"),
        ("carriage return alone", "X-A: 1\rContent-Length: 2\r\n", "{}"),
        ("zero in a value", "X-A: 1\u{0}2\r\nContent-Length: 2\r\n", "{}"),
        ("bad chunk size", "Transfer-Encoding: chunked\r\n", "zz\r\n{}\r\n0\r\n\r\n"),
        ("signed chunk size", "Transfer-Encoding: chunked\r\n", "+2\r\n{}\r\n0\r\n\r\n"),
        ("chunk size over 64 bits", "Transfer-Encoding: chunked\r\n", "10000000000000002\r\n{}\r\n0\r\n\r\n"),
        ("chunk longer than said", "Transfer-Encoding: chunked\r\n", "1\r\n{}\r\n0\r\n\r\n"),
        ("no host", "\u{1}", ""), ("two hosts", "Host: other\r\nContent-Length: 2\r\n", "{}"),
    ]

    @Test(arguments: smuggling)
    func whatTwoReadersCouldReadDifferentlyIsRefused(
        row: (name: String, head: String, body: String)
    ) async throws {
        let host = row.name == "no host" ? "" : "Host: h\r\n"
        let fields = row.name == "no host" ? "" : row.head
        let smuggled = "GET /smuggled HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
        let answer = try await exchange(
            "POST \(Self.echo) HTTP/1.1\r\n\(host)\(Self.json)\(fields)\r\n\(row.body)\(smuggled)")
        let statuses = statuses(answer)
        #expect(statuses.count <= 1, "\(answer)")
        #expect(statuses.allSatisfy { $0 == "400" }, "\(answer)")
    }

    @Test func anUpgradeIsNotTaken() async throws {
        let answer = try await exchange(
            "POST \(Self.echo) HTTP/1.1\r\nHost: h\r\n\(Self.json)Connection: Upgrade, HTTP2-Settings\r\n"
                + "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\nContent-Length: 2\r\n\r\n{}")
        #expect(!answer.contains(" 101 "))
    }

    // MARK: Paths

    @Test(arguments: [
        "/ravioli.test.v1.Desk%2FEcho", "/ravioli.test.v1.Desk/%2e%2e/ravioli.test.v1.Desk/Echo",
        "/ravioli.test.v1.Desk/../ravioli.test.v1.Desk/Echo", "//ravioli.test.v1.Desk/Echo",
        "/ravioli.test.v1.Desk//Echo", "/ravioli.test.v1.Desk/Echo/", "/ravioli.test.v1.Desk/Ec%2568o",
        "/./ravioli.test.v1.Desk/Echo", "/ravioli.test.v1.Desk/Echo%00", "/ravioli.test.v1.Desk\\Echo",
        "/ravioli.test.v1.Desk/Echo;x=1", "/RAVIOLI.TEST.V1.DESK/ECHO",
        "/ravioli.reflection.v1.Reflection/GetSchema",
        "/healthz/../ravioli.test.v1.Desk/Echo", "/%2Fravioli.test.v1.Desk/Echo",
        "http://h/ravioli.test.v1.Desk/Echo",
    ])
    func tricksWithPathsReachNothing(path: String) async throws {
        let answer = try await exchange(
            "POST \(path) HTTP/1.1\r\nHost: h\r\n\(Self.json)Connection: close\r\nContent-Length: 2\r\n\r\n{}"
        )
        #expect(["400", "404"].contains(statuses(answer).first), "\(answer)")
    }

    // MARK: Sizes and times

    @Test func hugeHeadersAre431() async throws {
        let value = String(repeating: "a", count: 100_000)
        #expect(statuses(try await exchange("GET / HTTP/1.1\r\nHost: h\r\nX-A: \(value)\r\n\r\n")) == ["431"])
        let many = (0..<50).map { "X-\($0): \(String(repeating: "a", count: 1000))\r\n" }.joined()
        #expect(statuses(try await exchange("GET / HTTP/1.1\r\nHost: h\r\n\(many)\r\n")) == ["431"])
    }

    @Test func aHugePathIsRefused() async throws {
        let path = "/" + String(repeating: "a", count: 200_000)
        let answer = try await exchange("GET \(path) HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        #expect(statuses(answer).allSatisfy { ["400", "404", "414", "431"].contains($0) })
    }

    @Test func aHeadThatDripsIsGivenUp() async throws {
        let answer = try await exchange("POST \(Self.echo) HTTP/1.1\r\nHost: h\r\nX-A") {
            $0.limits.bodyTimeout = .milliseconds(100)
            $0.limits.idleTimeout = .milliseconds(200)
        }
        #expect(answer.isEmpty)
    }

    @Test func aConnectionThatSaysNothingIsGivenUp() async throws {
        let answer = try await exchange("") {
            $0.limits.bodyTimeout = .milliseconds(100)
            $0.limits.idleTimeout = .milliseconds(200)
        }
        #expect(answer.isEmpty)
    }

    @Test func aLengthOverTheLimitClosesTheConnection() async throws {
        let answer = try await exchange(
            "POST /nowhere HTTP/1.1\r\nHost: h\r\n\(Self.json)Content-Length: 1000000000000\r\n\r\n{}")
        #expect(statuses(answer) == ["404"])
        #expect(answer.lowercased().contains("connection: close"))
    }

    @Test func chunksInPiecesOfOneByteAreABody() async throws {
        let chunks = #"{"text":"a"}"#.map { "1\r\n\($0)\r\n" }.joined() + "0\r\n\r\n"
        let answer = try await exchange(
            "POST \(Self.echo) HTTP/1.1\r\nHost: h\r\n\(Self.json)Connection: close\r\n"
                + "Transfer-Encoding: chunked\r\n\r\n\(chunks)")
        #expect(statuses(answer) == ["200"])
    }

    @Test func aClientThatDoesNotReadIsGivenUp() async throws {
        let edge = try TestEdge { $0.limits.writeTimeout = .milliseconds(100) }
        let line = edge.line
        let request = #"{"count":100000,"padding":100000}"#
        try await edge.serving { port in
            let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .channelOption(.autoRead, value: false).connect(host: "127.0.0.1", port: port).get()
            var bytes = ByteBuffer(
                string: "POST /ravioli.test.v1.Line/Down HTTP/1.1\r\nHost: h\r\n"
                    + "Content-Type: application/connect+json\r\nContent-Length: \(request.utf8.count + 5)\r\n\r\n"
            )
            bytes.writeBytes([0, 0, 0, 0, UInt8(request.utf8.count)])
            bytes.writeString(request)
            try await channel.writeAndFlush(bytes)
            for await sight in line.sights { if case .cancelled = sight { break } }
            try? await channel.close()
        }
    }

    @Test func aConnectionTooManyIsClosed() async throws {
        let edge = try TestEdge { $0.limits.connectionsMax = 1 }
        try await edge.serving { port in
            let first = try await HTTP2Client.connect(port: port)
            defer { first.close() }
            _ = try await first.exchange("/healthz", [], method: "GET")
            #expect(
                try await RawHTTP.exchange(port: port, "GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n").isEmpty)
        }
    }

    // MARK: Responses that cannot be split

    @Test func metadataCannotSplitAResponse() {
        var metadata = Metadata()
        metadata.add("x-a", "1\r\nx-b: 2")
        let parted = ResponseMetadata(metadata, rules: HeaderRules(["*"]))
        for (name, value) in parted.leading {
            let field = HTTPField(name: name, value: value)
            #expect(!field.value.contains("\r") && !field.value.contains("\n"))
        }
    }
}
