// SPDX-License-Identifier: Apache-2.0

// How a message lies in frames. Alone in its frame it is simply the rest of the payload (flag `message`). A longer
// one is announced with its whole length (`message` and `chunked`) and continues in data frames without either flag,
// each at least one byte; the announced length tells where it ends, so no frame marks the end.

package import NIOCore

/// The message part of a call, data or end frame.
package enum MessagePart: Sendable, Hashable {
    /// Nothing of a message.
    case none
    /// A whole message, possibly of zero bytes.
    case whole(ByteBuffer)
    /// The first chunk of a message of `total` bytes.
    case first(ByteBuffer, total: Int)
    /// A further chunk.
    case chunk(ByteBuffer)

    /// Reads what is left of a payload after the frame's head.
    package init(rest: ByteBuffer, flags: FrameFlags) throws(WireError) {
        guard !flags.contains(.compressed) else {
            throw WireError(.malformedFrame, "a compressed message, which was not negotiated")
        }
        guard flags.contains(.message) else {
            guard !flags.contains(.chunked) else {
                throw WireError(.malformedFrame, "the flag chunked without message")
            }
            self = rest.readableBytes == 0 ? .none : .chunk(rest)
            return
        }
        guard flags.contains(.chunked) else {
            self = .whole(rest)
            return
        }
        var rest = rest
        guard let total = rest.readInteger(as: UInt32.self), total > rest.readableBytes,
            rest.readableBytes > 0
        else { throw WireError(.malformedFrame, "a chunked message that is not longer than its first chunk") }
        self = .first(rest, total: Int(total))
    }
}

/// A message on its way in chunks: grows with the bytes received, ends at the announced length.
package struct MessageAssembly: Sendable, Hashable {
    package let total: Int
    private var blocks = MessageBlocks()

    package init(first: ByteBuffer, total: Int) {
        self.total = total
        blocks.append(first, left: total)
    }

    /// Takes a chunk; returns the message when it is whole.
    package mutating func append(_ chunk: ByteBuffer) throws(WireError) -> MessageBlocks? {
        let left = total - blocks.bytes
        guard chunk.readableBytes > 0, chunk.readableBytes <= left else {
            throw WireError(.malformedFrame, "a chunk past the end of its message of \(total) bytes")
        }
        blocks.append(chunk, left: left)
        return blocks.bytes == total ? blocks : nil
    }
}

/// A message on its way out, handed out in chunks that fit the peer's frames.
package struct OutgoingMessage: Sendable, Hashable {
    private var bytes: [UInt8]
    private var offset: Int
    package let streamID: UInt32

    /// What is left of `bytes` after the first `offset` went out with the frame that announced the message.
    package init(bytes: [UInt8], from offset: Int, streamID: UInt32) {
        self.bytes = bytes
        self.offset = offset
        self.streamID = streamID
    }

    package var bytesLeft: Int { bytes.count - offset }

    /// Lets `body` dispose of the message's memory when all of it has been sent.
    package mutating func dispose(_ body: (inout [UInt8]) -> Void) {
        body(&bytes)
        bytes = []
        offset = 0
    }

    /// Appends one data frame of at most `frameBytesMax`; returns whether it was the last.
    package mutating func writeChunk(frameBytesMax: Int, into buffer: inout ByteBuffer) -> Bool {
        let length = min(bytesLeft, frameBytesMax)
        FrameHeader(payloadBytes: UInt32(clamping: length), streamID: streamID, kind: .data)
            .write(into: &buffer)
        buffer.writeBytes(bytes[offset..<(offset + length)])
        offset += length
        return bytesLeft == 0
    }
}
