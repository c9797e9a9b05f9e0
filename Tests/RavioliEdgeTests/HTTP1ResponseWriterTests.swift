// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import NIOCore
import Testing

@testable import RavioliEdge

/// Responses of HTTP/1.1 as bytes.
struct HTTP1ResponseWriterTests {
    private func text(
        _ parts: [ResponsePart], isHTTP11: Bool = true, isHead: Bool = false, keepsAlive: Bool = true
    ) -> (text: String, keepsAlive: Bool) {
        var writer = HTTP1ResponseWriter(isHTTP11: isHTTP11, isHead: isHead)
        var keepsAlive = keepsAlive
        var all = ByteBuffer()
        for part in parts {
            writer.write(part, allocator: ByteBufferAllocator(), keepsAlive: &keepsAlive) {
                all.writeImmutableBuffer($0)
            }
        }
        return (String(buffer: all), keepsAlive)
    }

    private func head(_ status: HTTPResponse.Status, _ fields: HTTPFields = [:]) -> HTTPResponse {
        HTTPResponse(status: status, headerFields: fields)
    }

    @Test func aWholeResponseHasItsLength() {
        let whole = text([
            ResponsePart(head: head(.ok, [.contentType: "a/b"]), body: ByteBuffer(string: "hi"), isLast: true)
        ])
        #expect(
            whole.text == "HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nContent-Length: 2\r\n\r\nhi"
                && whole.keepsAlive)
        let named = text([
            ResponsePart(
                head: head(.notFound, [.contentLength: "2"]), body: ByteBuffer(string: "hi"), isLast: true)
        ])
        #expect(named.text == "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nhi")
    }

    @Test func oneWithoutLengthIsChunked() {
        let long = String(repeating: "a", count: 100_000)
        let parts = [
            ResponsePart(head: head(.ok)), ResponsePart(body: ByteBuffer(string: "hello")),
            ResponsePart(body: ByteBuffer()), ResponsePart(body: ByteBuffer(string: long)),
            ResponsePart(isLast: true, trailers: [.eTag: "x"]),
        ]
        #expect(
            text(parts).text
                == "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n186a0\r\n\(long)\r\n"
                + "0\r\nETag: x\r\n\r\n")
        let old = text(parts, isHTTP11: false)
        #expect(old.text == "HTTP/1.0 200 OK\r\nConnection: close\r\n\r\nhello\(long)")
        #expect(!old.keepsAlive)
    }

    @Test func someHaveNoBody() {
        let body = ByteBuffer(string: "hi")
        let parts = [ResponsePart(head: head(.noContent, [.contentLength: "2"]), body: body, isLast: true)]
        #expect(text(parts).text == "HTTP/1.1 204 No Content\r\n\r\n")
        let same = [ResponsePart(head: head(.notModified, [.eTag: "x"]), body: body, isLast: true)]
        #expect(text(same).text == "HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n")
        let asked = [ResponsePart(head: head(.ok, [.contentLength: "2"]), body: body, isLast: true)]
        #expect(text(asked, isHead: true).text == "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n")
        let stream = [ResponsePart(head: head(.ok)), ResponsePart(body: body), ResponsePart(isLast: true)]
        #expect(text(stream, isHead: true).text == "HTTP/1.1 200 OK\r\n\r\n")
    }

    @Test func theConnectionsOwnFieldsAreTheWritersAlone() {
        let fields: HTTPFields = [.connection: "Close", .transferEncoding: "gzip"]
        let closing = text([ResponsePart(head: head(.ok, fields), isLast: true)])
        #expect(closing.text == "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        #expect(!closing.keepsAlive)
        let other = text([ResponsePart(head: head(.ok, [.connection: "keep-alive"]), isLast: true)])
        #expect(other.text == "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" && other.keepsAlive)
        #expect(text([ResponsePart(head: head(.ok), isLast: true)], keepsAlive: false).text.contains("close"))
    }
}
