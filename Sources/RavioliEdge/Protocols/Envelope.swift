// SPDX-License-Identifier: Apache-2.0
//
// Connect's streams, gRPC and gRPC-Web put each message into the same envelope: one byte of flags, a length of four
// bytes in network order, the message. They differ in the flag that marks what is no message.

package import NIOCore
package import Ravioli

/// Cuts a request's body into messages. Pure: bytes in, messages out, whatever pieces they come in.
package struct EnvelopeReader: Sendable {
    private enum Flag {
        static let compressed: UInt8 = 1
    }

    private static let headBytes = 5

    private let bytesMax: Int
    private let coding: ContentCoding
    private var buffer = ByteBuffer()

    /// - Parameters:
    ///   - bytesMax: The largest message, compressed and inflated.
    ///   - coding: What the compressed ones are compressed with.
    package init(bytesMax: Int, coding: ContentCoding) {
        self.bytesMax = bytesMax
        self.coding = coding
    }

    /// Bytes arrived.
    package mutating func append(_ bytes: ByteBuffer) {
        if buffer.readableBytes == 0 {
            buffer = bytes
        } else {
            buffer.discardReadBytes()
            buffer.writeImmutableBuffer(bytes)
        }
    }

    /// The next message, inflated; nil if more bytes are needed. A length over the limit is refused before its bytes are
    /// awaited.
    package mutating func next() throws(RPCError) -> ByteBuffer? {
        guard let flags: UInt8 = buffer.getInteger(at: buffer.readerIndex),
            let length: UInt32 = buffer.getInteger(at: buffer.readerIndex + 1)
        else { return nil }
        guard flags & ~Flag.compressed == 0 else {
            throw RPCError(
                .internal, "protocol error: the envelope has flags that mean nothing here", executed: .no)
        }
        guard length <= bytesMax else { throw RPCError(tooLarge: bytesMax) }
        guard buffer.readableBytes - Self.headBytes >= Int(length) else { return nil }
        buffer.moveReaderIndex(forwardBy: Self.headBytes)
        guard let message = buffer.readSlice(length: Int(length)) else { return nil }
        guard flags & Flag.compressed != 0 else { return message }
        guard coding != .identity else {
            throw RPCError(
                .internal, "protocol error: a compressed message, and no compression was announced",
                executed: .no)
        }
        return try coding.decoded(message, upTo: bytesMax)
    }

    /// Nothing follows.
    ///
    /// - Throws: `invalid_argument` in the middle of a message.
    package func end() throws(RPCError) {
        guard buffer.readableBytes == 0 else {
            throw RPCError(refused: "protocol error: the body ends within a message")
        }
    }
}

/// Puts messages into envelopes.
package struct EnvelopeWriter: Sendable {
    /// Below this a message is not worth compressing, in bytes.
    package static let compressedBytesMin = 1024

    package let coding: ContentCoding

    package init(coding: ContentCoding) { self.coding = coding }

    /// An envelope with a message, compressed if that is agreed on and worth it.
    package func envelope(_ message: ByteBuffer, flags: UInt8 = 0) -> ByteBuffer {
        guard coding == .gzip, message.readableBytes >= Self.compressedBytesMin else {
            return Self.envelope(message, flags: flags)
        }
        return Self.envelope(Gzip.deflate(message), flags: flags | 1)
    }

    private static func envelope(_ message: ByteBuffer, flags: UInt8) -> ByteBuffer {
        var bytes = ByteBuffer()
        bytes.reserveCapacity(message.readableBytes + 5)
        bytes.writeInteger(flags)
        bytes.writeInteger(UInt32(clamping: message.readableBytes))
        bytes.writeImmutableBuffer(message)
        return bytes
    }
}
