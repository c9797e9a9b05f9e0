// SPDX-License-Identifier: Apache-2.0

import EdgeSchemas
import HTTPTypes
import NIOCore
import Ravioli
import RavioliSchema
import Testing

@testable import RavioliEdge

/// Calls of every kind in every protocol, without a socket.
@Suite(.timeLimit(.minutes(2)))
struct EdgeStreamTests {
    private static let line = "/ravioli.test.v1.Line/"

    private func envelope(_ text: String, flags: UInt8 = 0) -> [UInt8] {
        [flags, 0, 0, 0, UInt8(text.utf8.count)] + Array(text.utf8)
    }

    private func answer(
        _ method: String, _ type: String, _ bytes: [UInt8], headers: HTTPFields = [:], isHTTP2: Bool = true,
        _ change: (inout EdgeOptions) -> Void = { _ in }
    ) async throws -> TestResponse {
        var headers = headers
        headers[.contentType] = type
        let edge = try TestEdge(change)
        return try await edge.answer(Self.line + method, headers: headers, bytes: bytes, isHTTP2: isHTTP2)
    }

    /// The envelopes of a body: flags and text.
    private func envelopes(_ response: TestResponse) -> [(flags: UInt8, text: String)] {
        var body = response.body
        var all: [(flags: UInt8, text: String)] = []
        while let flags: UInt8 = body.readInteger(), let length: UInt32 = body.readInteger(),
            let text = body.readString(length: Int(length))
        {
            all.append((flags, text))
        }
        #expect(body.readableBytes == 0)
        return all
    }

    // MARK: Kinds

    @Test func connectServerStream() async throws {
        let response = try await answer(
            "Down", "application/connect+json", envelope(#"{"text":"a","count":2}"#), isHTTP2: false)
        #expect(response.status == .ok && response.isComplete)
        #expect(response.headers[.contentType] == "application/connect+json")
        #expect(response.headers[values: HTTPField.Name("x-ahead")!] == ["1", "2"])
        let parts = envelopes(response)
        #expect(parts.map(\.flags) == [0, 0, 2])
        #expect(parts[0].text.contains(#""text":"a""#) && parts[1].text.contains(#""number":1"#))
        #expect(parts[2].text == "{}")
    }

    @Test func connectClientStream() async throws {
        let bytes = envelope(#"{"text":"a"}"#) + envelope(#"{"text":"b"}"#)
        let parts = envelopes(try await answer("Up", "application/connect+json", bytes, isHTTP2: false))
        #expect(parts.map(\.flags) == [0, 2])
        #expect(parts.first?.text.contains(#""text":"a b""#) == true)
    }

    @Test func connectDuplexNeedsHTTP2() async throws {
        let bytes = envelope(#"{"text":"a"}"#)
        let response = try await answer("Both", "application/connect+json", bytes, isHTTP2: false)
        #expect(response.status.code == 505)
        #expect(response.headers[.connection] == "close")
        let parts = envelopes(try await answer("Both", "application/connect+json", bytes))
        #expect(parts.map(\.flags) == [0, 2])
    }

    @Test func grpcNeedsHTTP2() async throws {
        let response = try await answer("Unary", "application/grpc+json", envelope("{}"), isHTTP2: false)
        #expect(response.status.code == 505)
    }

    @Test func grpcUnaryInJSON() async throws {
        let response = try await answer("Unary", "application/grpc+json", envelope(#"{"text":"a"}"#))
        #expect(response.headers[.contentType] == "application/grpc+json")
        #expect(response.trailers?[HTTPField.Name("grpc-status")!] == "0")
        #expect(response.trailers?[HTTPField.Name("x-behind")!] == "3")
        #expect(envelopes(response).count == 1)
    }

    @Test func grpcWebUnaryOnHTTP1() async throws {
        let response = try await answer(
            "Unary", "application/grpc-web+json", envelope(#"{"text":"a"}"#), isHTTP2: false)
        let parts = envelopes(response)
        #expect(parts.map(\.flags) == [0, 0x80])
        #expect(parts[1].text == "grpc-status: 0\r\nx-behind: 3\r\n")
    }

    @Test func grpcWebTextServerStream() async throws {
        let request = Array(Base64.encode(envelope(#"{"text":"a","count":3}"#)).utf8)
        let response = try await answer("Down", "application/grpc-web-text+json", request, isHTTP2: false)
        #expect(response.headers[.contentType] == "application/grpc-web-text+json")
        var base64 = Base64Stream()
        var decoded = response
        decoded.body = try base64.decode(response.body)
        #expect(envelopes(decoded).map(\.flags) == [0, 0, 0, 0x80])
    }

    // MARK: Errors

    @Test func anErrorAfterMessagesIsAtTheEnd() async throws {
        let request = envelope(#"{"text":"late","count":1,"code":9}"#)
        let parts = envelopes(try await answer("Down", "application/connect+json", request))
        #expect(parts.map(\.flags) == [0, 2])
        #expect(
            parts.last?.text
                == #"{"error":{"code":"failed_precondition","message":"late","details":["#
                + #"{"type":"ravioli.test.v1.Reason","value":"CgR0ZXh0","debug":{"field":"text"}}]},"#
                + #""metadata":{"x-behind":["with the error"]}}"#)
    }

    static let cardinality: [(String, Int)] = [("Unary", 0), ("Unary", 2), ("Down", 0), ("Down", 2)]

    @Test(arguments: cardinality) func oneMessageIsOne(method: String, count: Int) async throws {
        let bytes = (0..<count).flatMap { _ in envelope("{}") }
        let response = try await answer(method, "application/grpc+json", bytes)
        #expect(response.trailers?[HTTPField.Name("grpc-status")!] == "12")
    }

    static let broken: [([UInt8], code: String)] = [
        ([1, 0, 0, 0, 1, 0], "internal"), ([0, 0, 0, 0, 9, 1], "invalid_argument"),
        ([0, 0, 0, 0, 1, 0x7b], "invalid_argument"), ([2, 0, 0, 0, 2, 0x7b, 0x7d], "internal"),
        ([0, 0xff, 0xff, 0xff, 0xff], "resource_exhausted"),
    ]

    @Test(arguments: broken, ["Down", "Up", "Both"])
    func brokenEnvelopesEndTheCall(row: ([UInt8], code: String), method: String) async throws {
        let response = try await answer(method, "application/connect+json", row.0)
        #expect(response.status == .ok && response.isComplete)
        #expect(envelopes(response).last?.text.hasPrefix(#"{"error":{"code":"\#(row.code)""#) == true)
    }

    @Test(arguments: ["application/connect+json", "application/grpc-web+json"])
    func unknownCompressionIsUnimplemented(type: String) async throws {
        let name = type.contains("grpc") ? "grpc-encoding" : "connect-content-encoding"
        let response = try await answer(
            "Down", type, envelope("{}"), headers: [HTTPField.Name(name)!: "br"])
        #expect(response.status == .ok)
        let last = try #require(envelopes(response).last?.text)
        #expect(last.contains("gzip, identity"))
        #expect(last.contains(type.contains("grpc") ? "grpc-status: 12" : "unimplemented"))
    }

    @Test func grpcClientsHearOfUnknownMethodsInTheirProtocol() async throws {
        let response = try await answer("Nothing", "application/grpc", [])
        #expect(response.status == .ok)
        #expect(response.trailers?[HTTPField.Name("grpc-status")!] == "12")
        #expect(try await answer("Nothing", "application/connect+json", []).status == .notFound)
    }

    @Test(arguments: ["Hang", "Up", "Both"]) func timeoutsEndStreams(method: String) async throws {
        let edge = try TestEdge()
        let sink = TestSink()
        let head = HTTPRequest(
            method: .post, scheme: nil, authority: nil, path: Self.line + method,
            headerFields: [.contentType: "application/connect+json", .connectTimeoutMs: "100"])
        await edge.server.edge.refresh()
        // A body that never ends.
        let exchange = Exchange(
            head, requestID: "1", connection: .init(isHTTP2: true, peer: nil), body: RequestBody(), sink: sink
        )
        await edge.server.edge.serve(exchange)
        #expect(envelopes(sink.response).last?.text.contains(#""code":"deadline_exceeded""#) == true)
    }

    // MARK: gzip

    @Test func gzipBothWaysInConnect() async throws {
        let message = Gzip.deflate(ByteBuffer(string: #"{"text":"a","padding":5000}"#))
        let response = try await answer(
            "Unary", "application/json", Array(message.readableBytesView), headers: [.contentEncoding: "gzip"]
        )
        #expect(response.headers[.contentEncoding] == "gzip")
        let body = try Gzip.inflate(response.body, upTo: 1 << 20)
        #expect(String(buffer: body).contains(#""text":"a""#))
        let plain = try await answer(
            "Unary", "application/json", Array(message.readableBytesView),
            headers: [.contentEncoding: "gzip", .acceptEncoding: "identity"])
        #expect(plain.headers[.contentEncoding] == nil)
        #expect(plain.text.contains(#""text":"a""#))
    }

    @Test func aBombIsResourceExhausted() async throws {
        let bomb = Gzip.deflate(ByteBuffer(repeating: UInt8(ascii: " "), count: 8 << 20))
        let response = try await answer(
            "Unary", "application/json", Array(bomb.readableBytesView), headers: [.contentEncoding: "gzip"])
        #expect(response.status.code == 429)
        #expect(response.text.contains(#""code":"resource_exhausted""#))
    }

    @Test func compressionCanBeTurnedOff() async throws {
        let response = try await answer(
            "Unary", "application/json", Array(#"{"padding":5000}"#.utf8), headers: [.acceptEncoding: "gzip"]
        ) { $0.compressesResponses = false }
        #expect(response.headers[.contentEncoding] == nil)
    }

    // MARK: GET

    @Test func getsMethodsWithoutSideEffects() async throws {
        let edge = try TestEdge()
        let path = Self.line + "Get?connect=v1&encoding=json&message=%7B%22text%22%3A%22a%22%7D"
        let response = try await edge.answer(path, method: .get, headers: [:], bytes: [])
        #expect(response.status == .ok)
        #expect(response.headers[.contentType] == "application/json")
        #expect(response.headers[HTTPField.Name("trailer-x-behind")!] == "3")
        #expect(response.text.contains(#""text":"a""#))
        let proto = Base64.encode([0x0a, 1, 0x61])
        let binary = try await edge.answer(
            Self.line + "Get?encoding=proto&base64=1&message=\(proto)", method: .get, headers: [:], bytes: [])
        #expect(binary.headers[.contentType] == "application/proto")
        #expect(try LineResponse(decoding: binary.bytes).text == "a")
    }

    @Test func aGetHasNoBody() async throws {
        let response = try await TestEdge().answer(
            Self.line + "Get?encoding=json&message=%7B%7D", method: .get, headers: [:], bytes: [1])
        #expect(response.status == .unsupportedMediaType)
    }
}
