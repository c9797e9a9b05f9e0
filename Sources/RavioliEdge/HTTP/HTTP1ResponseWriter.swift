// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import NIOCore

/// Writes one response of HTTP/1.1: the head, and the body with its end as its head says (RFC 9112, 6). Pure.
struct HTTP1ResponseWriter {
    private enum Framing {
        /// Neither body nor chunks, whatever the head says.
        case none
        /// As long as the head says, or until the connection ends.
        case plain
        case chunked
    }

    /// Bodies up to here are written behind their heads, so that they leave with them.
    private static let copiedBytesMax = 16 << 10

    private let isHTTP11: Bool
    private let isHead: Bool
    private var framing = Framing.plain

    /// - Parameters:
    ///   - isHTTP11: Whether the request is of HTTP/1.1.
    ///   - isHead: Whether the request's method is HEAD.
    init(isHTTP11: Bool, isHead: Bool) {
        self.isHTTP11 = isHTTP11
        self.isHead = isHead
    }

    /// Writes a part, with the end of the body behind the last one.
    ///
    /// - Parameters:
    ///   - keepsAlive: Whether another response may follow, as far as is known; it becomes false when only the
    ///     connection's end tells where the body ends.
    ///   - emit: Gets the bytes, mostly in one piece; a body that is long is one of its own.
    mutating func write(
        _ part: ResponsePart, allocator: ByteBufferAllocator, keepsAlive: inout Bool,
        to emit: (ByteBuffer) -> Void
    ) {
        let count = framing == .none ? 0 : part.body?.readableBytes ?? 0
        let copiedBytes = count <= Self.copiedBytesMax ? count : 0
        let fields = part.head?.headerFields ?? [:]
        let fieldsBytes = fields.reduce(0) { $0 + $1.name.rawName.utf8.count + $1.value.utf8.count + 4 }
        var bytes = allocator.buffer(capacity: fieldsBytes + copiedBytes + 128)
        if let head = part.head {
            write(head, wholeBytes: part.isLast ? count : nil, to: &bytes, &keepsAlive)
        }
        if let body = part.body, body.readableBytes > 0, framing != .none {
            if framing == .chunked { bytes.writeString(String(count, radix: 16) + "\r\n") }
            if copiedBytes > 0 {
                bytes.writeImmutableBuffer(body)
            } else {
                emit(bytes)
                emit(body)
                bytes = allocator.buffer(capacity: 64)
            }
            if framing == .chunked { bytes.writeStaticString("\r\n") }
        }
        if part.isLast { end(part.trailers, &bytes) }
        if bytes.readableBytes > 0 { emit(bytes) }
    }

    // MARK: Heads

    /// - Parameter wholeBytes: How long the body is, if all of it is known.
    private mutating func write(
        _ head: HTTPResponse, wholeBytes: Int?, to bytes: inout ByteBuffer, _ keepsAlive: inout Bool
    ) {
        let code = head.status.code
        let isEmpty = code < 200 || code == 204 || code == 304
        if isHTTP11, code == 200 {
            bytes.writeStaticString("HTTP/1.1 200 OK\r\n")
        } else {
            bytes.writeStaticString(isHTTP11 ? "HTTP/1.1 " : "HTTP/1.0 ")
            bytes.writeString("\(code) \(head.status.reasonPhrase)\r\n")
        }
        var hasLength = false
        for field in head.headerFields {
            switch field.name.canonicalName {
            case "connection":
                if field.value.lowercased() == "close" { keepsAlive = false }
                continue
            case "transfer-encoding": continue
            case "content-length":
                if code < 200 || code == 204 { continue }
                hasLength = true
            default: break
            }
            bytes.write(field)
        }
        if isEmpty || isHead {
            framing = .none
        } else if hasLength {
            framing = .plain
        } else if let wholeBytes {
            framing = .plain
            bytes.writeString("Content-Length: \(wholeBytes)\r\n")
        } else if isHTTP11 {
            framing = .chunked
            bytes.writeStaticString("Transfer-Encoding: chunked\r\n")
        } else {
            keepsAlive = false
        }
        if !keepsAlive { bytes.writeStaticString("Connection: close\r\n") }
        bytes.writeStaticString("\r\n")
    }

    private func end(_ trailers: HTTPFields?, _ bytes: inout ByteBuffer) {
        guard framing == .chunked else { return }
        bytes.writeStaticString("0\r\n")
        for field in trailers ?? [:] { bytes.write(field) }
        bytes.writeStaticString("\r\n")
    }
}

extension ByteBuffer {
    /// Writes a line, in one go. A field has no other bytes than those that may be sent.
    fileprivate mutating func write(_ field: HTTPField) {
        var (name, value) = (field.name.rawName, field.value)
        name.withUTF8 { name in
            value.withUTF8 { value in
                let count = name.count + value.count + 4
                writeWithUnsafeMutableBytes(minimumWritableBytes: count) { line in
                    line.copyBytes(from: name)
                    line[name.count] = UInt8(ascii: ":")
                    line[name.count + 1] = UInt8(ascii: " ")
                    UnsafeMutableRawBufferPointer(rebasing: line[(name.count + 2)...]).copyBytes(from: value)
                    line[count - 2] = UInt8(ascii: "\r")
                    line[count - 1] = UInt8(ascii: "\n")
                    return count
                }
            }
        }
    }
}
