// SPDX-License-Identifier: Apache-2.0

import EdgeSchemas
import NIOCore
import Ravioli
import RavioliSchema
import Testing

@testable import RavioliEdge

/// Bodies and REST paths that no honest client sends, on real connections.
@Suite(.timeLimit(.minutes(2)))
struct EdgeHostileBodyTests {
    private static let echo = "/ravioli.test.v1.Desk/Echo"
    private static let volumes = "/v1/shelves/s/volumes"

    /// What the edge answers, and that it answers somebody else right after.
    private func answer(
        _ path: String, _ body: [UInt8], method: String = "POST", type: String = "application/json",
        headers: String = "", _ change: (inout EdgeOptions) -> Void = { _ in }
    ) async throws -> (status: String, text: String) {
        var request = ByteBuffer(
            string: "\(method) \(path) HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\(headers)"
                + (method == "GET" ? "" : "Content-Type: \(type)\r\nContent-Length: \(body.count)\r\n")
                + "\r\n")
        request.writeBytes(body)
        let bytes = request
        let text = try await TestEdge(services: [DeskServer(), LibraryServer()], change).serving { port in
            let text = try await RawHTTP.exchange(port: port, bytes)
            let other = "GET /healthz HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
            #expect(try await RawHTTP.exchange(port: port, other).hasPrefix("HTTP/1.1 200 "))
            return text
        }
        return (text.split(separator: " ").dropFirst().first.map(String.init) ?? "", text)
    }

    // MARK: gzip

    /// 64 MiB of blanks in 64 KiB.
    private static let bomb = Array(
        Gzip.deflate(ByteBuffer(repeating: UInt8(ascii: " "), count: 64 << 20)).readableBytesView)

    @Test func aGzipBombIsNotInflated() async throws {
        #expect(Self.bomb.count < 512 << 10)
        let gzip = "Content-Encoding: gzip\r\n"
        let connect = try await answer(Self.echo, Self.bomb, headers: gzip)
        #expect(connect.status == "429" && connect.text.contains("resource_exhausted"))
        let rest = try await answer(Self.volumes, Self.bomb, headers: gzip)
        #expect(rest.status == "413" && rest.text.contains(#"{"code":8,"#))
    }

    @Test func aGzipBombInAnEnvelopeIsNotInflated() async throws {
        let count = UInt32(Self.bomb.count)
        let envelope =
            [1] + (0..<4).reversed().map { UInt8(truncatingIfNeeded: count >> (8 * $0)) } + Self.bomb
        let answer = try await answer(
            Self.echo, envelope, type: "application/grpc-web", headers: "Grpc-Encoding: gzip\r\n")
        #expect(answer.status == "200" && answer.text.contains("grpc-status: 8\r\n"))
    }

    @Test func aGzipBombInsideAGzipBombIsNotMessage() async throws {
        let twice = Array(Gzip.deflate(ByteBuffer(bytes: Self.bomb)).readableBytesView)
        let answer = try await answer(Self.volumes, twice, headers: "Content-Encoding: gzip\r\n")
        #expect(answer.status == "400")
        let list = try await self.answer(Self.volumes, twice, headers: "Content-Encoding: gzip, gzip\r\n")
        #expect(list.status == "415")
    }

    // MARK: JSON

    @Test func deepJSONIsRefused() async throws {
        let deep = String(repeating: #"{"inner":"#, count: 100_000)
        #expect(try await answer(Self.echo, Array(deep.utf8)).status == "429")
        let lists = #"{"title":"# + String(repeating: "[", count: 100_000)
        #expect(try await answer(Self.volumes, Array(lists.utf8)).status == "400")
        // What is skipped is read no deeper than what is kept.
        let unknown = #"{"nope":"# + String(repeating: #"[{"a":"#, count: 100_000)
        let skipped = try await answer(Self.echo, Array(unknown.utf8)) {
            $0.jsonDecoding.ignoresUnknown = true
        }
        #expect(skipped.status == "429" || skipped.status == "400")
    }

    @Test(arguments: [
        (#"{"text":"a","text":"b"}"#, #"{"title":"a","title":"b"}"#),
        (#"{"bigNumber":1,"big_number":2}"#, #"{"pages":1,"pages":1}"#),
        (#"{"text":"a","te\u0078t":"b"}"#, #"{"title":"a","t\u0069tle":"b"}"#),
    ])
    func aKeyGivenTwiceIsRefused(connect: String, rest: String) async throws {
        let first = try await answer(Self.echo, Array(connect.utf8))
        #expect(first.status == "400" && first.text.contains("\"invalid_argument\""))
        let second = try await answer(Self.volumes, Array(rest.utf8))
        #expect(second.status == "400" && second.text.contains("\"code\":3"))
    }

    @Test(arguments: [#"\ud800"#, #"\udc00"#, #"\ud800\ud800"#, #"\udc00\ud800"#, #"\ud83dx"#])
    func aLoneSurrogateIsRefused(escape: String) async throws {
        #expect(try await answer(Self.echo, Array(#"{"text":"\#(escape)"}"#.utf8)).status == "400")
        #expect(try await answer(Self.volumes, Array(#"{"title":"\#(escape)"}"#.utf8)).status == "400")
        #expect(try await answer(Self.volumes, Array(#"{"\#(escape)":1}"#.utf8)).status == "400")
    }

    @Test(arguments: [
        [0xC0, 0xAF], [0xED, 0xA0, 0x80], [0xF8, 0x88, 0x80, 0x80, 0x80], [0xFF], [0xE2, 0x82],
    ])
    func textThatIsNotUTF8IsRefused(bytes: [UInt8]) async throws {
        for (path, name) in [(Self.echo, "text"), (Self.volumes, "title")] {
            let body = Array(#"{"\#(name)":""#.utf8) + bytes + Array(#""}"#.utf8)
            #expect(try await answer(path, body).status == "400")
        }
    }

    // MARK: Slow bodies

    @Test(arguments: [echo, volumes]) func aBodyThatDripsIsGivenUp(path: String) async throws {
        let request =
            "POST \(path) HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"
            + "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n"
        let answer = try await TestEdge(services: [DeskServer(), LibraryServer()]) {
            $0.limits.bodyTimeout = .milliseconds(100)
        }.serving { port in try await RawHTTP.exchange(port: port, request) }
        #expect(answer.hasPrefix("HTTP/1.1 504 "))
    }

    // MARK: Paths of REST

    static let tricks: [(path: String, status: String)] = [
        // Not one of them reaches `/v1/volumes/{name}` by another way than its own.
        ("/v1/../v1/volumes/a", "404"), ("/v1/%2e%2e/v1/volumes/a", "404"), ("/v1/volumes/..", "404"),
        ("/v1/volumes/%2E%2e", "404"), ("/v1/./volumes/a", "404"), ("//v1/volumes/a", "404"),
        ("/v1//volumes/a", "404"), ("/v1/volumes/a/", "404"), ("/v1/volumes/", "404"),
        ("/v1%2Fvolumes%2Fa", "404"), ("/v1%252Fvolumes/a", "404"), ("/V1/volumes/a", "404"),
        ("/v1/volumes\\a", "404"), ("/v1/volumes/%C0%AE%C0%AE", "400"), ("/v1/volumes/a%C0%AFb", "400"),
        ("/v1/volumes/%ED%A0%80", "400"), ("/v1/volumes/%", "400"), ("/v1/volumes/%0", "400"),
        ("/v1/volumes/%u0061", "400"), ("/v1/volumes%00/a", "404"), ("/v1;x=1/volumes/a", "404"),
        ("http://h/v1/volumes/a", "400"), ("/v1/volumes/a?nope=1", "400"),
        ("/v1/volumes/a?edition=%FF", "400"),
    ]

    @Test(arguments: tricks)
    func tricksWithPathsReachNoRule(row: (path: String, status: String)) async throws {
        #expect(try await answer(row.path, [], method: "GET").status == row.status)
    }

    @Test(arguments: [
        ("a%2Fb", "a/b"), ("a%252Fb", "a%2Fb"), ("a%25252e", "a%252e"), ("..a", "..a"),
        ("%2E%2E%2Fb", "../b"),
        ("a%00b", #"a\u0000b"#), ("a%0D%0Ab", #"a\r\nb"#), ("a;b", "a;b"), ("%C3%A9", "é"),
    ])
    func aSegmentIsDecodedOnceAndArrivesWhole(raw: String, value: String) async throws {
        let answer = try await answer("/v1/volumes/\(raw)", [], method: "GET")
        #expect(answer.status == "200" && answer.text.hasSuffix(#"{"name":"\#(value)"}"#))
    }
}
