// SPDX-License-Identifier: Apache-2.0

// Bytes in, frames out. A read that ends on a frame boundary is never copied: its frames are slices of it. Only the
// tail of a read, a frame that is not complete yet, is copied into a buffer that grows with the bytes that arrive,
// never with the length the peer announces.

package import NIOCore

/// Cuts a connection's bytes into frames.
package struct FrameDecoder: Sendable {
    private let frameBytesMax: Int
    private let helloBytesMax: Int
    private var pending = ByteBuffer()
    private var ownsPending = true
    private var begun = false

    /// A decoder that refuses payloads above the limits; the first frame must be a hello.
    package init(limits: WireLimits) {
        self.frameBytesMax = limits.frameBytesMax
        self.helloBytesMax = limits.helloBytesMax
    }

    /// Bytes held of a frame that is not complete.
    package var bytesHeld: Int { pending.readableBytes }

    /// Takes the bytes of one read. Call ``next()`` until it answers nil before the next append.
    package mutating func append(_ bytes: ByteBuffer) {
        if pending.readableBytes == 0 {
            pending = bytes
            ownsPending = false
        } else {
            pending.writeImmutableBuffer(bytes)
        }
    }

    /// The next complete frame, or nil when more bytes are needed.
    ///
    /// - Throws: `frameTooLarge` before anything is allocated for it, `wrongProtocol` when the first bytes belong to
    ///   another protocol. The decoder must not be used after an error.
    package mutating func next() throws(WireError) -> Frame? {
        if !begun {
            guard try recognised() else {
                keepTail()
                return nil
            }
        }
        guard let header = FrameHeader(peeking: pending) else {
            keepTail()
            return nil
        }
        try checkLength(header)
        let end = FrameHeader.bytes &+ Int(header.payloadBytes)
        guard pending.readableBytes >= end else {
            keepTail()
            return nil
        }
        pending.moveReaderIndex(forwardBy: FrameHeader.bytes)
        guard let payload = pending.readSlice(length: Int(header.payloadBytes)) else { return nil }
        begun = true
        return Frame(header: header, payload: payload)
    }

    private func checkLength(_ header: FrameHeader) throws(WireError) {
        let limit = begun ? frameBytesMax : helloBytesMax
        guard header.payloadBytes <= limit else {
            let which = begun ? "frameBytesMax" : "helloBytesMax"
            throw WireError(
                .frameTooLarge, "a payload of \(header.payloadBytes) bytes is over \(which) = \(limit)")
        }
    }

    private func recognised() throws(WireError) -> Bool {
        switch PeerProtocol.detect(pending) {
        case .undecided: return false
        case .ravioli: return true
        case .other(let found):
            throw WireError(.wrongProtocol, "the peer speaks \(found.name), not ravioli/1")
        }
    }

    /// Detaches what is left from the read it came in, so that the read's memory can be used again.
    private mutating func keepTail() {
        if pending.readableBytes == 0 {
            pending = ByteBuffer()
        } else if !ownsPending || pending.readerIndex > 0 {
            pending = ByteBuffer(bytes: pending.readableBytesView)
        }
        ownsPending = true
    }

    /// Gives up the bytes held, to who understands them. The decoder must not be used afterwards.
    package mutating func takeBytesHeld() -> ByteBuffer {
        defer { pending = ByteBuffer() }
        return pending
    }

    /// The protocol the held bytes belong to, for the answer to a peer that speaks another.
    package var foreignProtocol: PeerProtocol? {
        if case .other(let found) = PeerProtocol.detect(pending) { return found }
        return nil
    }
}
