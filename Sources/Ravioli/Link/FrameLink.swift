// SPDX-License-Identifier: Apache-2.0

// The outgoing half of a connection. Small frames are written straight into one buffer, in place, and leave in one
// write at the end of the turn. A long message leaves chunk by chunk: one chunk of each waiting message in rotation,
// only while the transport takes them, so small frames that come meanwhile overtake them.

import NIOCore
import RavioliWire

/// What moves a connection's bytes: a socket's channel, or the other end in the same process. Loop only.
protocol Transport: AnyObject {
    /// Whether more output should be produced now.
    var isWritable: Bool { get }
    /// Sends the bytes.
    func write(_ bytes: ByteBuffer)
    /// Sends what was written, then closes.
    func close()
    /// Input that was left unread may be read: see ``ConnectionEndpoint/holdsInput``.
    func resumeReading()
}

extension Transport {
    /// For transports whose endpoints never hold input.
    func resumeReading() {}
}

/// Hears how a link's output goes. Loop only.
protocol FrameLinkOwner: AnyObject {
    /// Asked for more output before everything is sent.
    func outputWanted()
    /// The last chunk of a message was handed to the transport.
    func messageSent(_ streamID: UInt32)
    /// Everything was handed to the transport, which would take more.
    func outputFlushed()
    /// Whole frames in the peer's own protocol; asked only of links that translate.
    func translated(_ frames: ByteBuffer) -> ByteBuffer
}

extension FrameLinkOwner {
    func outputFlushed() {}
    /// For owners whose peers speak Ravioli.
    func translated(_ frames: ByteBuffer) -> ByteBuffer { frames }
}

/// One end of a connection, above the transport. Loop only.
protocol ConnectionEndpoint: FrameLinkOwner {
    /// Whether input waits while the peer does not take our output.
    static var readsOnlyWhileWritable: Bool { get }
    /// Whether input waits while what was read before is held.
    var holdsInput: Bool { get }
    var link: FrameLink { get }
    /// The connection stands; `peer` is its other end, for logs.
    func connected(peer: Peer)
    /// Bytes arrived.
    func received(_ bytes: ByteBuffer)
    /// The connection is gone.
    func disconnected(cause: (any Error)?)
}

extension ConnectionEndpoint {
    /// For ends whose peers keep to the credit they are given.
    var holdsInput: Bool { false }
}

/// The output of one connection. Loop only.
final class FrameLink: FlushTarget {
    let context: LoopContext
    /// Where frames are written.
    @exclusivity(unchecked) var out = ByteBuffer()
    /// The other end's limit; set by its hello.
    var frameBytesMax = 1024
    var transport: (any Transport)?
    /// The connection. Unowned, and taken back when it goes: a weak reference anywhere to an object makes every retain
    /// and release of it slow, and a connection is retained on each call.
    unowned var owner: (any FrameLinkOwner)?

    private struct Outgoing {
        var message: OutgoingMessage
        /// A frame that follows the last chunk.
        let trailer: ByteBuffer?
    }

    /// What takes turns at the connection.
    private enum Item {
        case message(Outgoing)
        case stream(StreamOutput)
    }

    /// Begins small: most connections only carry what fits in single frames.
    private var outgoing = CircularBuffer<Item>(initialCapacity: 1)
    /// Streams that have more to send than credit.
    private var blocked: [StreamOutput] = []
    /// What is left of the messages in `outgoing`.
    private var chunkBytes = 0
    /// Whether the peer speaks another protocol, into which the owner turns our frames.
    var translatesOutput = false
    private var isDirty = false
    /// Whether long messages and streams wait until the loop has looked at its sockets.
    private var isPausing = false
    private var closesAfterFlush = false

    /// Output gathered before a write, when there is much: keeps one write's memory and time bounded.
    private static let writeBytesMax = 128 * 1024

    init(_ context: LoopContext) { self.context = context }

    /// Output was added: it leaves at the end of the turn.
    func touched() {
        if isDirty { return }
        isDirty = true
        context.flushLater(self)
    }

    /// Adds a long message's remaining chunks, and a frame that follows them.
    func send(_ message: OutgoingMessage, trailer: ByteBuffer? = nil) {
        chunkBytes += message.bytesLeft
        outgoing.append(.message(Outgoing(message: message, trailer: trailer)))
        touched()
    }

    /// Lets a stream send: it has new messages or credit.
    func send(_ stream: StreamOutput) {
        if stream.isInTurn { return }
        stream.isInTurn = true
        outgoing.append(.stream(stream))
        touched()
    }

    /// The connection has credit again: every stream that waits may try.
    func sendBlocked() {
        let streams = blocked
        blocked = []
        for stream in streams {
            stream.isBlocked = false
            send(stream)
        }
    }

    /// Drops the chunks of a message nobody wants any more.
    func drop(streamID: UInt32) {
        if outgoing.isEmpty { return }
        outgoing.removeAll { item in
            guard case .message(let next) = item, next.message.streamID == streamID else { return false }
            chunkBytes -= next.message.bytesLeft
            return true
        }
    }

    /// Closes once everything written so far has been sent; chunks still waiting are dropped.
    func closeAfterFlush() {
        closesAfterFlush = true
        outgoing = []
        chunkBytes = 0
        blocked = []
        touched()
    }

    /// Whether chunks are waiting.
    var hasBacklog: Bool { !outgoing.isEmpty }

    /// Bytes of frames and messages that the transport has not been given yet; streams keep theirs themselves.
    var unsentBytes: Int { out.readableBytes + chunkBytes }

    func flushOutput() {
        owner?.outputWanted()
        isDirty = false
        guard let transport else { return }
        gatherChunks(transport)
        writeOut(transport)
        if closesAfterFlush {
            self.transport = nil
            transport.close()
        } else if transport.isWritable {
            if outgoing.isEmpty {
                owner?.outputFlushed()
            } else {
                // A transport that takes all it is given would have the loop for as long as a long message lasts.
                pause()
            }
        }
    }

    /// Writes what has gathered before the turn's end, so that the peer works on it while we go on.
    func flushEarly() {
        guard let transport, outgoing.isEmpty, !closesAfterFlush, transport.isWritable else { return }
        writeOut(transport)
    }

    private func pause() {
        if isPausing { return }
        isPausing = true
        context.notifyAfterReads(self)
    }

    func readsDone() {
        isPausing = false
        touched()
    }

    private func writeOut(_ transport: any Transport) {
        guard out.readableBytes > 0 else { return }
        if translatesOutput, let owner { out = owner.translated(out) }
        if out.readableBytes > 0 { transport.write(out) }
        // Frees or reuses the buffer: it is ours again if the transport has sent it already.
        if out.capacity > 2 * Self.writeBytesMax { out = ByteBuffer() } else { out.clear() }
    }

    private func gatherChunks(_ transport: any Transport) {
        if isPausing { return }
        while transport.isWritable, out.readableBytes < Self.writeBytesMax, let item = outgoing.popFirst() {
            switch item {
            case .message(var next):
                let left = next.message.bytesLeft
                defer { chunkBytes -= left - next.message.bytesLeft }
                if next.message.writeChunk(frameBytesMax: frameBytesMax, into: &out) {
                    next.message.dispose { LargeMemory.free(&$0) }
                    if let trailer = next.trailer { out.writeImmutableBuffer(trailer) }
                    owner?.messageSent(next.message.streamID)
                } else {
                    outgoing.append(.message(next))
                }
            case .stream(let stream): takeTurn(stream)
            }
        }
    }

    private func takeTurn(_ stream: StreamOutput) {
        stream.isInTurn = false
        switch stream.write(into: &out, frameBytesMax: frameBytesMax) {
        case .more: send(stream)
        case .blocked where !stream.isBlocked:
            stream.isBlocked = true
            blocked.append(stream)
        case .blocked, .idle: break
        }
    }
}

// MARK: Frames with messages

extension FrameLink {
    /// An encoded message to send.
    enum Message {
        /// Valid only during the call it is passed to.
        case borrowed(UnsafeRawBufferPointer)
        /// Kept, not copied, while it is sent.
        case owned([UInt8])

        var count: Int {
            switch self {
            case .borrowed(let bytes): bytes.count
            case .owned(let bytes): bytes.count
            }
        }
    }

    /// Writes a call frame with its message; what does not fit in one frame follows in chunks.
    ///
    /// - Returns: Whether the whole message went into the frame.
    func sendCall(_ head: CallFrame, streamID: UInt32, message: [UInt8]) -> Bool {
        defer { touched() }
        let flags = FrameFlags.last.union(.message).union(head.flags)
        let whole = head.headBytes + message.count
        if whole <= frameBytesMax {
            message.withUnsafeBytes {
                out.writeCall(head, streamID: streamID, flags: flags, message: $0)
            }
            return true
        }
        let first = frameBytesMax - head.headBytes - 4
        FrameHeader(
            payloadBytes: UInt32(clamping: frameBytesMax), streamID: streamID, kind: .call,
            flags: flags.union(.chunked)
        ).write(into: &out)
        head.write(into: &out)
        out.writeInteger(UInt32(clamping: message.count))
        out.writeBytes(message[..<first])
        send(OutgoingMessage(bytes: message, from: first, streamID: streamID))
        return false
    }

    /// Writes the call frame of a call whose requests follow.
    func sendHead(_ head: CallFrame, streamID: UInt32) {
        FrameHeader(
            payloadBytes: UInt32(clamping: head.headBytes), streamID: streamID, kind: .call, flags: head.flags
        ).write(into: &out)
        head.write(into: &out)
        touched()
    }

    /// Writes the data frame with the metadata of a stream.
    func sendMetadata(_ block: ByteBuffer, streamID: UInt32) {
        FrameHeader(
            payloadBytes: UInt32(clamping: 2 + block.readableBytes), streamID: streamID, kind: .data,
            flags: .metadata
        ).write(into: &out)
        out.writeInteger(UInt16(clamping: block.readableBytes))
        out.writeImmutableBuffer(block)
        touched()
    }

    /// Writes the credit frames that are due.
    func sendGrants(_ grants: [FlowControl.Grant]) {
        for grant in grants { CreditFrame(bytes: grant.bytes).write(streamID: grant.streamID, into: &out) }
        touched()
        // A reader that has much before it ends its turn late, and the peer would wait for it all that time. Outside of a
        // job the end of the turn is near, and what a write may bring about must not happen amid the frames of a read.
        if context.isRunningJobs, !translatesOutput, let transport, transport.isWritable {
            writeOut(transport)
        }
    }

    /// Writes an end frame with its message, if any; a message too long for it goes ahead in data frames.
    func sendEnd(_ end: EndFrame, streamID: UInt32, message: Message?) {
        switch message {
        case nil: sendEnd(end, streamID: streamID, bytes: nil)
        case .borrowed(let bytes)?: sendEnd(end, streamID: streamID, bytes: bytes)
        case .owned(let bytes)?:
            bytes.withUnsafeBytes { sendEnd(end, streamID: streamID, bytes: $0, owner: bytes) }
        }
    }

    private func sendEnd(
        _ end: EndFrame, streamID: UInt32, bytes message: UnsafeRawBufferPointer?, owner: [UInt8]? = nil
    ) {
        defer { touched() }
        guard let message else {
            writeEnd(end, streamID: streamID, flags: end.flags, bytes: end.headBytes, into: &out)
            return
        }
        let whole = end.headBytes + message.count
        if whole <= frameBytesMax {
            out.writeEnd(end, streamID: streamID, flags: end.flags.union(.message), message: message)
            return
        }
        if message.count <= frameBytesMax {
            FrameHeader(
                payloadBytes: UInt32(clamping: message.count), streamID: streamID, kind: .data,
                flags: .message
            ).write(into: &out)
            out.writeBytes(message)
            writeEnd(end, streamID: streamID, flags: end.flags, bytes: end.headBytes, into: &out)
        } else {
            sendLong(owner ?? [UInt8](message), end, streamID: streamID)
        }
    }

    private func sendLong(_ message: [UInt8], _ end: EndFrame, streamID: UInt32) {
        var trailer = ByteBuffer()
        writeEnd(end, streamID: streamID, flags: end.flags, bytes: end.headBytes, into: &trailer)
        let first = frameBytesMax - 4
        FrameHeader(
            payloadBytes: UInt32(clamping: frameBytesMax), streamID: streamID, kind: .data,
            flags: [.message, .chunked]
        ).write(into: &out)
        out.writeInteger(UInt32(clamping: message.count))
        out.writeBytes(message[..<first])
        send(OutgoingMessage(bytes: message, from: first, streamID: streamID), trailer: trailer)
    }

    private func writeEnd(
        _ end: EndFrame, streamID: UInt32, flags: FrameFlags, bytes: Int, into buffer: inout ByteBuffer
    ) {
        FrameHeader(payloadBytes: UInt32(clamping: bytes), streamID: streamID, kind: .end, flags: flags)
            .write(into: &buffer)
        end.write(into: &buffer)
    }
}
