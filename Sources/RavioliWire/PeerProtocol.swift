// SPDX-License-Identifier: Apache-2.0

// A Ravioli connection opens with a hello: a length below 64 KiB, stream 0, kind 1, and the magic "RAVI" at byte 10.
// No other protocol in use here begins so: HTTP begins with letters, TLS with 0x16 or 0x15, an HTTP/2 server with a
// SETTINGS frame, ttrpc with a header of the same shape but a stream id that is never 0.

package import NIOCore

/// A protocol told by its first bytes, that is not ours.
package enum PeerProtocol: Sendable, Hashable {
    case http1
    case http2
    case tls
    /// containerd's ttrpc, with the stream id of its first request.
    case ttrpc(streamID: UInt32)
    case unknown

    /// What the first bytes of a connection say.
    package enum Detection: Sendable, Hashable {
        case undecided
        case ravioli
        case other(PeerProtocol)
    }

    /// The name for logs and error texts.
    package var name: String {
        switch self {
        case .http1: "HTTP/1"
        case .http2: "HTTP/2"
        case .tls: "TLS"
        case .ttrpc: "ttrpc"
        case .unknown: "an unknown protocol"
        }
    }

    /// Judges the first bytes; `undecided` only while they are a prefix of something known.
    package static func detect(_ buffer: ByteBuffer) -> Detection {
        guard let first = buffer.getInteger(at: buffer.readerIndex, as: UInt8.self) else { return .undecided }
        switch first {
        case 0x00: return detectHeader(buffer)
        case 0x15, 0x16: return detectTLS(buffer)
        default: return detectText(buffer)
        }
    }

    private static func detectTLS(_ buffer: ByteBuffer) -> Detection {
        guard let version = buffer.getInteger(at: buffer.readerIndex + 1, as: UInt8.self) else {
            return .undecided
        }
        return .other(version == 0x03 ? .tls : .unknown)
    }

    private static func detectHeader(_ buffer: ByteBuffer) -> Detection {
        guard let header = FrameHeader(peeking: buffer) else { return .undecided }
        if header.streamID != 0 {
            let isTTRPC = header.streamID & 1 == 1 && (1...3).contains(header.kind.rawValue)
            return .other(isTTRPC ? .ttrpc(streamID: header.streamID) : .unknown)
        }
        guard header.kind == .hello else {
            // An HTTP/2 server opens with SETTINGS: type 4 in byte 3, flags and stream 0 after it.
            let isSettings = header.payloadBytes & 0xFF == 4 && header.kind.rawValue == 0
            return .other(isSettings ? .http2 : .unknown)
        }
        guard let magic = buffer.getInteger(at: buffer.readerIndex + FrameHeader.bytes, as: UInt32.self)
        else {
            return .undecided
        }
        return magic == Hello.magic ? .ravioli : .other(.unknown)
    }

    private static let texts: [(StaticString, PeerProtocol)] = [
        ("PRI * HTTP/2", .http2), ("HTTP/", .http1), ("GET ", .http1), ("POST ", .http1), ("PUT ", .http1),
        ("HEAD ", .http1), ("DELETE ", .http1), ("OPTIONS ", .http1), ("PATCH ", .http1),
        ("CONNECT ", .http1),
        ("TRACE ", .http1),
    ]

    private static func detectText(_ buffer: ByteBuffer) -> Detection {
        let start = buffer.readableBytesView.prefix(16)
        var couldBe = false
        for (text, found) in texts {
            let matches = text.withUTF8Buffer { known in
                zip(known, start).allSatisfy { $0 == $1 }
                    ? (start.count >= known.count, true) : (false, false)
            }
            if matches.0 { return .other(found) }
            couldBe = couldBe || matches.1
        }
        return couldBe ? .undecided : .other(.unknown)
    }
}

extension PeerProtocol {
    /// What the peer is told in its own protocol, so that its user sees the cause. Empty when nothing fits.
    package func answer() -> ByteBuffer {
        let text = "This port speaks Ravioli's binary RPC protocol (ravioli/1), not \(name)."
        switch self {
        case .http1: return Self.httpAnswer(text)
        case .http2: return Self.http2Answer(text)
        case .tls:
            // A fatal alert: handshake_failure (40).
            return ByteBuffer(bytes: [0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x28])
        case .ttrpc(let streamID): return Self.ttrpcAnswer(text, streamID: streamID)
        case .unknown: return ByteBuffer()
        }
    }

    private static func httpAnswer(_ text: String) -> ByteBuffer {
        let body = text + " For HTTP and JSON, ask the edge.\n"
        return ByteBuffer(
            string: "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n"
                + "Content-Length: \(body.utf8.count)\r\nConnection: close\r\n\r\n" + body)
    }

    /// An empty SETTINGS, then GOAWAY with PROTOCOL_ERROR and the text as debug data (RFC 9113, 6.5 and 6.8).
    private static func http2Answer(_ text: String) -> ByteBuffer {
        var buffer = ByteBuffer(bytes: [0, 0, 0, 4, 0, 0, 0, 0, 0])
        let length = UInt32(8 + text.utf8.count)
        buffer.writeInteger(length << 8 | 7)
        buffer.writeBytes([0, 0, 0, 0, 0])
        buffer.writeMultipleIntegers(UInt32(0), UInt32(1))
        buffer.writeString(text)
        return buffer
    }

    /// A ttrpc response: `Response { status = 1 { code = 1: UNIMPLEMENTED, message = 2 } }`.
    private static func ttrpcAnswer(_ text: String, streamID: UInt32) -> ByteBuffer {
        var status = ByteBuffer(bytes: [0x08, 12, 0x12, UInt8(clamping: text.utf8.count)])
        status.writeString(text)
        var buffer = ByteBuffer()
        FrameHeader(
            payloadBytes: UInt32(status.readableBytes + 2), streamID: streamID, kind: FrameKind(rawValue: 2)
        ).write(into: &buffer)
        buffer.writeBytes([0x0A, UInt8(clamping: status.readableBytes)])
        buffer.writeImmutableBuffer(status)
        return buffer
    }
}
