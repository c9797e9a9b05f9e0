// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import NIOCore
import Testing

@testable import RavioliEdge

/// Requests of HTTP/1.1 out of bytes, however they are cut.
struct HTTP1ParserTests {
    private struct Request: Equatable {
        var head: HTTPRequest
        var keepsAlive: Bool
        var body = ""
        var isWhole = false
    }

    /// What is read of a text that arrives in pieces of `size` bytes, and the fault that ended it.
    private func parse(
        _ text: String, size: Int = .max, limits: EdgeLimits = .defaults
    ) -> ([Request], HTTP1Parser.Fault?) {
        var parser = HTTP1Parser(limits: limits)
        var requests: [Request] = []
        var bytes = ByteBuffer(string: text)
        while let piece = bytes.readSlice(length: min(size, bytes.readableBytes)), piece.readableBytes > 0 {
            parser.append(piece)
            do throws(HTTP1Parser.Fault) {
                events: while true {
                    switch try parser.next() {
                    case .none: break events
                    case .head(let head):
                        requests.append(
                            Request(head: head.request(isSecure: false), keepsAlive: head.keepsAlive))
                    case .body(let part): requests[requests.count - 1].body += String(buffer: part)
                    case .end: requests[requests.count - 1].isWhole = true
                    }
                }
            } catch {
                return (requests, error)
            }
        }
        return (requests, nil)
    }

    private static let many =
        "POST /a HTTP/1.1\r\nHost: h\r\nX-A:  b \t\r\nContent-Length: 5\r\n\r\nhello"
        + "\r\nGET /b?c=d HTTP/1.1\r\nhost: i:1\r\nConnection: keep-alive, Close\r\n\r\n"
        + "PUT /c HTTP/1.1\r\nHOST: h\r\nTransfer-Encoding: Chunked\r\n\r\n"
        + "5\r\nhello\r\n1;name=value\r\n,\r\n00A\r\n0123456789\r\n0\r\nX-Trailer: t\r\n\r\n"
        + "OPTIONS * HTTP/1.1\r\nHost: h\r\nUpgrade: h2c\r\n\r\nGET / HTTP/1.0\r\nExpect: nothing\r\n\r\n"

    @Test(arguments: [Int.max, 1, 2, 3, 7, 64]) func readsRequestsInPieces(size: Int) throws {
        let (requests, fault) = parse(Self.many, size: size)
        #expect(fault == nil)
        try #require(requests.count == 5)
        #expect(requests.map(\.isWhole) == Array(repeating: true, count: 5))
        #expect(requests.map(\.head.path) == ["/a", "/b?c=d", "/c", "*", "/"])
        #expect(requests.map(\.head.method) == [.post, .get, .put, .options, .get])
        #expect(requests.map(\.head.authority) == ["h", "i:1", "h", "h", nil])
        #expect(requests.map(\.body) == ["hello", "", "hello,0123456789", "", ""])
        #expect(requests.map(\.keepsAlive) == [true, false, true, false, false])
        #expect(requests[0].head.headerFields[.init("x-a")!] == "b")
    }

    @Test(arguments: [
        "GET / HTTP/1.1\nHost: h\r\n\r\n", "GET / HTTP/1.1\r\nHost: h\n\r\n", "GET / HTTP/1.1\rHost: h\r\n",
        "GET  / HTTP/1.1\r\n", "GET / HTTP/1.1 \r\n", " GET / HTTP/1.1\r\n", "GET /\r\n", "GET\r\n",
        "GET / http/1.1\r\n", "GET / HTTP/2.0\r\n", "GET / HTTP/1.10\r\n", "GET /a b HTTP/1.1\r\n",
        "GET a HTTP/1.1\r\n", "GET h:443 HTTP/1.1\r\n", "GET ** HTTP/1.1\r\n", "GET /é HTTP/1.1\r\n",
        "GET /\t HTTP/1.1\r\n", "G(T / HTTP/1.1\r\n", "\r\n\r\n\r\n\r\n\r\n", "\u{16}\u{3}\u{1}",
        "GET / HTTP/1.1\r\nHost: h\r\n: a\r\n", "GET / HTTP/1.1\r\nHost: h\r\na\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\n a: b\r\n", "GET / HTTP/1.1\r\nHost: h\r\na : b\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\na: \u{0}\r\n", "GET / HTTP/1.1\r\nHost: h\r\na: \u{7F}\r\n",
        "GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n",
    ])
    func refusesWhatIsNoHead(text: String) {
        for size in [Int.max, 1] {
            let (requests, fault) = parse(text, size: size)
            #expect(requests.isEmpty)
            #expect(fault == .malformed)
        }
    }

    @Test(arguments: [
        "Content-Length: -1", "Content-Length: 1 1", "Content-Length:", "Content-Length: 1,1",
        "Content-Length: 1234567890123456789", "Content-Length: 1\r\nContent-Length: 1",
        "Content-Length: 1\r\nTransfer-Encoding: chunked", "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", "Transfer-Encoding:",
    ])
    func refusesBodiesOfDoubtfulLength(fields: String) {
        let (requests, fault) = parse("POST / HTTP/1.1\r\nHost: h\r\n\(fields)\r\n\r\n1")
        #expect(requests.isEmpty)
        #expect(fault == .malformed)
    }

    @Test(arguments: [
        "\r\n", "g\r\n", "-1\r\n", "0x1\r\n", "1 \r\n", " 1\r\n", "1\n", "1\r\nab", "1\r\na\n",
        "1000000000000000\r\n", "1;\(String(repeating: "e", count: 300))", "0\r\n a: b\r\n", "0\r\na\r\n",
    ])
    func refusesChunksThatAreNone(chunks: String) {
        for size in [Int.max, 1] {
            let head = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
            let (requests, fault) = parse(head + chunks, size: size)
            #expect(requests.map(\.isWhole) == [false])
            #expect(fault == .malformed)
        }
    }

    @Test func boundsHeadsAlsoWhileTheyAreIncomplete() {
        var limits = EdgeLimits.defaults
        (limits.headerFieldBytesMax, limits.headerListBytesMax, limits.headersMax) = (300, 600, 8)
        let long = String(repeating: "a", count: 700)
        for size in [Int.max, 1] {
            #expect(parse("GET /\(long)", size: size, limits: limits).1 == .targetTooLong)
            let head = "GET / HTTP/1.1\r\nHost: h\r\n"
            #expect(parse(head + "a: \(long)", size: size, limits: limits).1 == .headTooLarge)
            let list = String(repeating: "a: \(long.prefix(250))\r\n", count: 3)
            #expect(parse(head + list, size: size, limits: limits).1 == .headTooLarge)
            let many = String(repeating: "a: b\r\n", count: 8)
            #expect(parse(head + many, size: size, limits: limits).1 == .headTooLarge)
            let trailers = head + "Transfer-Encoding: chunked\r\n\r\n0\r\n" + list
            #expect(parse(trailers, size: size, limits: limits).1 == .headTooLarge)
        }
        // Just inside of them.
        let fits = "GET / HTTP/1.1\r\nHost: h\r\na: \(long.prefix(299))\r\n\r\n"
        #expect(parse(fits, limits: limits).0.map(\.isWhole) == [true])
    }

    /// Whatever bytes come, in whatever pieces: the same is read.
    @Test func anyCutReadsTheSame() {
        var random = SplitMix(seed: 7)
        for _ in 0..<300 {
            var bytes = Array(Self.many.utf8)
            for _ in 0..<Int.random(in: 0...2, using: &random) {
                let index = Int.random(in: bytes.indices, using: &random)
                bytes[index] = [0x0D, 0x0A, 0x20, 0x3A, 0x00, 0x30, 0x2C, 0x41].randomElement(using: &random)!
            }
            let text = String(decoding: bytes, as: UTF8.self)
            let whole = parse(text)
            let cut = parse(text, size: Int.random(in: 1...40, using: &random))
            #expect(whole.0 == cut.0 && whole.1 == cut.1, "\(text)")
        }
    }
}

private struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}
