// SPDX-License-Identifier: Apache-2.0

// Ten bytes precede every frame, all numbers big-endian:
//
//      0       4       8   9  10
//      +-------+-------+---+---+----------
//      | bytes | id    | k | f | payload…
//      +-------+-------+---+---+----------
//
// `bytes` counts the payload alone. Stream 0 is the connection itself. With the 8 fixed bytes of a call and the 2 of
// an end, a unary call without metadata costs 30 bytes in both directions together.

package import NIOCore

/// What a frame is for. Kinds of 128 and above may be skipped by who does not know them.
package struct FrameKind: RawRepresentable, Sendable, Hashable {
    package let rawValue: UInt8
    package init(rawValue: UInt8) { self.rawValue = rawValue }

    package static let hello = FrameKind(rawValue: 1)
    package static let call = FrameKind(rawValue: 2)
    package static let data = FrameKind(rawValue: 3)
    package static let end = FrameKind(rawValue: 4)
    package static let cancel = FrameKind(rawValue: 5)
    package static let credit = FrameKind(rawValue: 6)
    package static let ping = FrameKind(rawValue: 7)
    package static let goaway = FrameKind(rawValue: 8)

    /// Whether an end that does not know this kind skips it; otherwise it is a connection error.
    package var isIgnorable: Bool { rawValue & 0x80 != 0 }
}

/// What a frame carries besides its fixed part. Which flags a kind allows is in the specification's table.
package struct FrameFlags: OptionSet, Sendable, Hashable {
    package let rawValue: UInt8
    package init(rawValue: UInt8) { self.rawValue = rawValue }

    /// call, data: the sender sends nothing more on this stream.
    package static let last = FrameFlags(rawValue: 0x01)
    /// call, data, end: the rest of the payload is a message, or its first chunk.
    package static let message = FrameFlags(rawValue: 0x02)
    /// call, data, with `message`: the message's whole length (4 bytes) precedes its first chunk.
    package static let chunked = FrameFlags(rawValue: 0x04)
    /// call, data, end, with `message`: reserved for negotiated compression.
    package static let compressed = FrameFlags(rawValue: 0x08)
    /// call, end: a metadata block with a 2-byte length.
    package static let metadata = FrameFlags(rawValue: 0x10)
    /// call: the method's name with a 1-byte length.
    package static let name = FrameFlags(rawValue: 0x20)
    /// end: a status block with a 2-byte length.
    package static let status = FrameFlags(rawValue: 0x40)
    /// data: the frame costs credit; set in every data frame of a stream's messages.
    package static let counted = FrameFlags(rawValue: 0x80)
    /// data, with `counted`: the sender waited for credit before this frame.
    package static let waited = FrameFlags(rawValue: 0x20)
    /// ping: the answer to one.
    package static let ack = FrameFlags(rawValue: 0x01)
}

/// The ten bytes in front of every frame.
package struct FrameHeader: Sendable, Hashable {
    /// Encoded size of a header.
    package static let bytes = 10

    /// Length of the payload.
    package var payloadBytes: UInt32
    /// The call's stream; 0 for the connection itself.
    package var streamID: UInt32
    package var kind: FrameKind
    package var flags: FrameFlags

    package init(payloadBytes: UInt32, streamID: UInt32, kind: FrameKind, flags: FrameFlags = []) {
        self.payloadBytes = payloadBytes
        self.streamID = streamID
        self.kind = kind
        self.flags = flags
    }

    /// Reads a header without consuming it; nil while fewer than ten bytes are there.
    package init?(peeking buffer: ByteBuffer) {
        let at = buffer.readerIndex
        guard buffer.readableBytes >= Self.bytes,
            let payloadBytes = buffer.getInteger(at: at, as: UInt32.self),
            let streamID = buffer.getInteger(at: at + 4, as: UInt32.self),
            let tail = buffer.getInteger(at: at + 8, as: UInt16.self)
        else { return nil }
        self.payloadBytes = payloadBytes
        self.streamID = streamID
        self.kind = FrameKind(rawValue: UInt8(truncatingIfNeeded: tail >> 8))
        self.flags = FrameFlags(rawValue: UInt8(truncatingIfNeeded: tail))
    }

    /// Appends the ten bytes.
    package func write(into buffer: inout ByteBuffer) {
        let tail = UInt16(kind.rawValue) << 8 | UInt16(flags.rawValue)
        buffer.writeMultipleIntegers(payloadBytes, streamID, tail)
    }
}

/// One frame: its header and exactly its payload.
package struct Frame: Sendable, Hashable {
    package var header: FrameHeader
    package var payload: ByteBuffer

    package init(header: FrameHeader, payload: ByteBuffer) {
        self.header = header
        self.payload = payload
    }
}

extension Frame {
    /// Checks that this frame of the connection came on stream 0.
    func requireConnectionStream() throws(WireError) {
        guard header.streamID == 0 else {
            throw WireError(.malformedFrame, "a connection frame on stream \(header.streamID)")
        }
    }

    /// Checks a frame whose kind has no flags.
    func requireNoFlags() throws(WireError) {
        guard header.flags.isEmpty else {
            throw WireError(.malformedFrame, "a frame of kind \(header.kind.rawValue) with flags")
        }
    }
}
