// SPDX-License-Identifier: Apache-2.0
//
// Reads the requests of one connection of HTTP/1.1 (RFC 9112), and accepts less than it might: what two readers of the
// same bytes could understand differently is refused. A line ends with CR LF and nothing else, no field is folded, a
// body has one length or is chunked, and no number has a sign or a blank. Every line and every sum of lines is bounded,
// also while it is incomplete, and each byte of a head is looked at once, in however small pieces it arrives.

import HTTPTypes
import NIOCore

/// Requests of HTTP/1.1 out of bytes. Pure.
struct HTTP1Parser {
    enum Event {
        /// Nothing without more bytes.
        case none
        case head(HTTP1Head)
        case body(ByteBuffer)
        case end
    }

    /// Why nothing that follows can be trusted.
    enum Fault: Error {
        case malformed, targetTooLong, headTooLarge
    }

    private enum Stage {
        case requestLine, fields, body, chunkSize, chunk, chunkEnd, trailers
    }

    /// What a line of a chunk's size may have, extensions included, in bytes.
    private static let chunkLineBytesMax = 256
    /// Empty lines that are passed over before a request: some clients send one behind a body.
    private static let emptyLinesMax = 4

    private let limits: EdgeLimits
    private var bytes = ByteBuffer()
    private var stage = Stage.requestLine
    private var head = HTTP1Head()
    /// What of the body, or of the chunk, has not come yet.
    private var bodyBytes = 0
    /// How many of the bytes are known to be of a line whose end has not come.
    private var scanned = 0
    private var emptyLines = 0
    private var fieldsCount = 0
    private var fieldsBytes = 0

    init(limits: EdgeLimits) { self.limits = limits }

    /// Bytes that have come and are not read yet.
    var unreadBytes: Int { bytes.readableBytes }

    /// More bytes have come.
    mutating func append(_ more: ByteBuffer) {
        if bytes.readableBytes == 0 {
            bytes = more
        } else {
            bytes.discardReadBytes()
            bytes.writeImmutableBuffer(more)
        }
    }

    /// The next part of a request. What follows a fault is not read.
    mutating func next() throws(Fault) -> Event {
        while true {
            switch stage {
            case .requestLine: guard try readRequestLine() else { return .none }
            case .fields:
                guard let isLast = try readField() else { return .none }
                if isLast { return .head(try endHead()) }
            case .body:
                if bodyBytes == 0 { return endRequest() }
                return readBody()
            case .chunkSize: guard try readChunkSize() else { return .none }
            case .chunk:
                if bodyBytes > 0 { return readBody() }
                stage = .chunkEnd
            case .chunkEnd:
                guard let count = try line(max: 0, .malformed) else { return .none }
                endLine(count)
                stage = .chunkSize
            case .trailers:
                guard let isLast = try readField() else { return .none }
                if isLast { return endRequest() }
            }
        }
    }

    // MARK: Lines

    /// The length of the line that begins here, without its end; nil if that has not come.
    private mutating func line(max: Int, _ overflow: Fault) throws(Fault) -> Int? {
        let (bytes, scanned) = (bytes, scanned)
        let span = bytes.readableBytesUInt8Span
        let end = min(span.count, max + 2)
        var index = scanned
        while index < end {
            let byte = span[index]
            if byte < 0x20 || byte == 0x7F, byte != 0x09 {
                guard byte == 0x0D else { throw .malformed }
                guard index <= max else { throw overflow }
                guard index + 1 < span.count else { break }
                guard span[index + 1] == 0x0A else { throw .malformed }
                return index
            }
            index += 1
        }
        guard index <= max else { throw overflow }
        self.scanned = index
        return nil
    }

    private mutating func endLine(_ count: Int) {
        bytes.moveReaderIndex(forwardBy: count + 2)
        scanned = 0
    }

    // MARK: Heads

    private mutating func readRequestLine() throws(Fault) -> Bool {
        guard let count = try line(max: limits.headerListBytesMax, .targetTooLong) else { return false }
        let bytes = bytes
        if count == 0 {
            emptyLines += 1
            guard emptyLines <= Self.emptyLinesMax else { throw .malformed }
        } else {
            let line = bytes.readableBytesUInt8Span.extracting(..<count)
            guard let head = HTTP1Head(requestLine: line) else { throw .malformed }
            self.head = head
            (fieldsCount, fieldsBytes) = (0, 0)
            stage = .fields
        }
        endLine(count)
        return true
    }

    /// Reads a field, of a head or of trailers; whether it was the empty line behind the last, nil if it has not come.
    private mutating func readField() throws(Fault) -> Bool? {
        // Blanks around the value may exceed the limit a little.
        guard let count = try line(max: limits.headerFieldBytesMax + 16, .headTooLarge) else { return nil }
        let bytes = bytes
        if count > 0 {
            let line = bytes.readableBytesUInt8Span.extracting(..<count)
            guard let (name, value) = HTTP1Head.parts(ofField: line) else { throw .malformed }
            fieldsCount += 1
            fieldsBytes += name.count + value.count
            guard name.count + value.count <= limits.headerFieldBytesMax,
                fieldsBytes <= limits.headerListBytesMax, fieldsCount <= limits.headersMax
            else { throw .headTooLarge }
            let isRead =
                stage == .fields
                ? head.add(line.extracting(name), line.extracting(value))
                // Nobody wants trailers.
                : HTTP1FieldName.of(line.extracting(name)) != nil
            guard isRead else { throw .malformed }
        }
        endLine(count)
        return count == 0
    }

    private mutating func endHead() throws(Fault) -> HTTP1Head {
        guard head.isUnambiguous else { throw .malformed }
        if head.isChunked {
            stage = .chunkSize
        } else {
            stage = .body
            bodyBytes = head.contentLength ?? 0
        }
        (fieldsCount, fieldsBytes) = (0, 0)
        defer { head = HTTP1Head() }
        return head
    }

    // MARK: Bodies

    private mutating func readBody() -> Event {
        let count = min(bodyBytes, bytes.readableBytes)
        guard count > 0, let part = bytes.readSlice(length: count) else { return .none }
        bodyBytes -= count
        // What is read is not held any longer.
        if bytes.readableBytes == 0 { bytes = ByteBuffer() }
        return .body(part)
    }

    private mutating func readChunkSize() throws(Fault) -> Bool {
        guard let count = try line(max: Self.chunkLineBytesMax, .malformed) else { return false }
        let bytes = bytes
        let line = bytes.readableBytesUInt8Span.extracting(..<count)
        var size = 0
        var digits = 0
        while digits < line.count, let digit = hexadecimal(line[digits]) {
            guard digits < 15 else { throw .malformed }
            size = size << 4 | digit
            digits += 1
        }
        guard digits > 0, digits == line.count || line[digits] == UInt8(ascii: ";") else { throw .malformed }
        endLine(count)
        bodyBytes = size
        stage = size == 0 ? .trailers : .chunk
        return true
    }

    private func hexadecimal(_ byte: UInt8) -> Int? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): Int(byte - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): Int(byte - UInt8(ascii: "a")) + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): Int(byte - UInt8(ascii: "A")) + 10
        default: nil
        }
    }

    private mutating func endRequest() -> Event {
        stage = .requestLine
        emptyLines = 0
        if bytes.readableBytes == 0 { bytes = ByteBuffer() }
        return .end
    }
}
