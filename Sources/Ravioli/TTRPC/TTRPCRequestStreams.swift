// SPDX-License-Identifier: Apache-2.0

// ttrpc has no flow control and a Ravioli server insists on it. So credit is kept here, on behalf of the client: a
// message waits until the server gives credit for it, and when too much waits, the socket is not read. One stream that
// its handler does not read then holds up the others of its connection, as it does with every server of ttrpc.

import NIOCore
import RavioliWire

/// The messages that ttrpc clients send on streams, on their way to the server.
struct TTRPCRequestStreams {
    private struct Stream {
        var credit: SendCredit
        var messages = CircularBuffer<ByteBuffer>()
        /// Whether the first message lies in memory of its own, not in that of the read it came in.
        var isFirstOwned = false
        /// How much of the first message has been sent; nil when nothing has.
        var offset: Int?
        var isClosing = false
        /// Whether it stands in `ready`, and whether in `blocked`.
        var isReady = false
        var isBlocked = false
    }

    /// What a waiting message costs in memory beside its bytes.
    private static let messageOverhead = 128
    /// What may wait before the socket is no longer read.
    static let bytesHeldMax = 1024 * 1024

    private let frameBytesMax: Int
    private let streamCredit: UInt32
    private let window: Int
    private var connection: SendCredit
    private var streams: [UInt32: Stream] = [:]
    private var ready = CircularBuffer<UInt32>()
    private var blocked: [UInt32] = []
    /// Messages that wait, in bytes of memory.
    private(set) var bytesHeld = 0

    init(limits: WireLimits) {
        frameBytesMax = limits.frameBytesMax
        streamCredit = UInt32(clamping: limits.streamCreditBytes)
        window = min(limits.streamCreditBytes, limits.connectionCreditBytes)
        connection = SendCredit(UInt32(clamping: limits.connectionCreditBytes))
    }

    /// Whether the client may send more on the stream.
    func isOpen(_ id: UInt32) -> Bool { streams[id].map { !$0.isClosing } ?? false }

    mutating func open(_ id: UInt32) { streams[id] = Stream(credit: SendCredit(streamCredit)) }

    /// The client sent a message on an open stream.
    mutating func append(_ message: ByteBuffer, to id: UInt32) {
        guard let isFirst = streams[id]?.messages.isEmpty else { return }
        streams[id]?.messages.append(isFirst ? message : message.owned)
        if isFirst { streams[id]?.isFirstOwned = false }
        bytesHeld += message.readableBytes + Self.messageOverhead
        makeReady(id)
    }

    /// The client sends no more.
    mutating func close(_ id: UInt32) {
        streams[id]?.isClosing = true
        makeReady(id)
    }

    /// The call has ended: nobody wants what waits.
    mutating func drop(_ id: UInt32) {
        guard let stream = streams.removeValue(forKey: id) else { return }
        for message in stream.messages { bytesHeld -= message.readableBytes + Self.messageOverhead }
    }

    /// The server gives credit, to a stream or to the connection.
    mutating func granted(_ grant: FlowControl.Grant) {
        // The server cannot give more than it was sent: its books cannot run over.
        if grant.streamID == 0 {
            try? connection.granted(grant.bytes)
            let waiting = blocked
            blocked = []
            for id in waiting {
                streams[id]?.isBlocked = false
                makeReady(id)
            }
        } else {
            try? streams[grant.streamID]?.credit.granted(grant.bytes)
            makeReady(grant.streamID)
        }
    }

    private mutating func makeReady(_ id: UInt32) {
        guard streams[id]?.isReady == false else { return }
        streams[id]?.isReady = true
        ready.append(id)
    }

    /// The next frame there is credit for; streams take turns.
    mutating func next() -> Frame? {
        while let id = ready.popFirst() {
            streams[id]?.isReady = false
            guard let frame = nextFrame(of: id) else { continue }
            makeReady(id)
            return frame
        }
        return nil
    }

    private mutating func nextFrame(of id: UInt32) -> Frame? {
        guard let message = streams[id]?.messages.first else {
            return streams[id]?.isClosing == true ? end(id) : nil
        }
        // No copy of the stream: with one about, its messages would be copied when the first is taken.
        let begins = streams[id]?.offset == nil
        let offset = streams[id]?.offset ?? 0
        let left = message.readableBytes - offset
        let available = min(streams[id]?.credit.available ?? 0, connection.available)
        guard
            let count = StreamCost.bytesToSend(
                left: left, begins: begins, available: available, frameBytesMax: frameBytesMax,
                window: window),
            let part = message.getSlice(at: message.readerIndex + offset, length: count)
        else {
            block(id)
            return nil
        }
        let cost = StreamCost.of(bytes: count, beginsMessage: begins)
        streams[id]?.credit.spend(cost)
        connection.spend(cost)
        if count == left { removeFirst(of: id) } else { streams[id]?.offset = offset + count }
        return frame(id, part, total: message.readableBytes, begins: begins)
    }

    private func frame(_ id: UInt32, _ part: ByteBuffer, total: Int, begins: Bool) -> Frame {
        var flags: FrameFlags = begins ? [.counted, .message] : .counted
        var payload = part
        if begins, part.readableBytes < total {
            flags.insert(.chunked)
            payload = ByteBuffer()
            payload.writeInteger(UInt32(clamping: total))
            payload.writeImmutableBuffer(part)
        }
        return Frame(streamID: id, kind: .data, flags: flags, payload: payload)
    }

    private mutating func end(_ id: UInt32) -> Frame {
        streams[id] = nil
        return Frame(streamID: id, kind: .data, flags: .last, payload: ByteBuffer())
    }

    private mutating func removeFirst(of id: UInt32) {
        streams[id]?.offset = nil
        // Those behind it were given memory of their own.
        streams[id]?.isFirstOwned = true
        guard let message = streams[id]?.messages.popFirst() else { return }
        bytesHeld -= message.readableBytes + Self.messageOverhead
    }

    private mutating func block(_ id: UInt32) {
        if streams[id]?.isFirstOwned == false, let message = streams[id]?.messages.first {
            streams[id]?.messages[offset: 0] = message.owned
            streams[id]?.isFirstOwned = true
        }
        guard streams[id]?.isBlocked == false else { return }
        streams[id]?.isBlocked = true
        blocked.append(id)
    }
}

extension ByteBuffer {
    /// The same bytes in memory of their own: a message that waits must not hold the whole read it came in.
    fileprivate var owned: ByteBuffer { ByteBuffer(bytes: readableBytesView) }
}

extension Frame {
    /// A frame that is not read from bytes.
    init(streamID: UInt32, kind: FrameKind, flags: FrameFlags = [], payload: ByteBuffer) {
        self.init(
            header: FrameHeader(
                payloadBytes: UInt32(clamping: payload.readableBytes), streamID: streamID, kind: kind,
                flags: flags),
            payload: payload)
    }
}
