// SPDX-License-Identifier: Apache-2.0

// Bytes in, frames out. A read that ends on a frame boundary is never copied: its frames are slices of it. Only the
// tail of a read, a frame that is not complete yet, is copied into a buffer that grows with the bytes that arrive,
// never with the length the peer announces. The next read gives it what it lacks, and no more: the frames behind it are
// slices of that read again.

package import NIOCore

/// Cuts a connection's bytes into frames.
package struct FrameDecoder: Sendable {
    private let frameBytesMax: Int
    private let helloBytesMax: Int
    private var pending = ByteBuffer()
    private var ownsPending = true
    /// What was read behind `pending`, which is to be complete first.
    private var rest = ByteBuffer()
    private var begun = false

    /// A decoder that refuses payloads above the limits; the first frame must be a hello.
    package init(limits: WireLimits) {
        self.frameBytesMax = limits.frameBytesMax
        self.helloBytesMax = limits.helloBytesMax
    }

    /// Bytes held of a frame that is not complete.
    package var bytesHeld: Int { pending.readableBytes + rest.readableBytes }

    /// Takes the bytes of one read. Call ``next()`` until it answers nil before the next append.
    package mutating func append(_ bytes: ByteBuffer) {
        if pending.readableBytes == 0 {
            pending = bytes
            ownsPending = false
        } else if begun, rest.readableBytes == 0 {
            rest = bytes
        } else if begun {
            rest.writeImmutableBuffer(bytes)
        } else {
            pending.writeImmutableBuffer(bytes)
        }
    }

    /// Shows the bytes whose frames have not been cut, as far as they lie in one piece; it may take whole frames from
    /// their beginning by saying how many bytes these are.
    @inline(__always)
    package mutating func takeFrames<Taken>(
        _ body: (UnsafeRawBufferPointer) -> (taken: Taken, bytes: Int)?
    ) -> Taken? {
        guard begun, let (taken, bytes) = pending.withUnsafeReadableBytes(body) else { return nil }
        pending.moveReaderIndex(forwardBy: bytes)
        return taken
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
        var peeked = FrameHeader(peeking: pending)
        if peeked == nil, complete(to: FrameHeader.bytes) { peeked = FrameHeader(peeking: pending) }
        guard let header = peeked else {
            keepTail()
            return nil
        }
        try checkLength(header)
        let end = FrameHeader.bytes &+ Int(header.payloadBytes)
        guard pending.readableBytes >= end || complete(to: end) else {
            keepTail()
            return nil
        }
        pending.moveReaderIndex(forwardBy: FrameHeader.bytes)
        guard let payload = pending.readSlice(length: Int(header.payloadBytes)) else { return nil }
        begun = true
        return Frame(header: header, payload: payload)
    }

    /// Gives what is pending as much of the read behind it as makes it so long; returns whether that was enough.
    private mutating func complete(to bytes: Int) -> Bool {
        guard rest.readableBytes > 0 else { return false }
        if pending.readableBytes == 0 {
            pending = rest
            ownsPending = false
            rest = ByteBuffer()
            return pending.readableBytes >= bytes
        }
        let lacking = min(bytes - pending.readableBytes, rest.readableBytes)
        keepTail()
        if let part = rest.readSlice(length: lacking) { pending.writeImmutableBuffer(part) }
        if rest.readableBytes == 0 { rest = ByteBuffer() }
        return pending.readableBytes >= bytes
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
