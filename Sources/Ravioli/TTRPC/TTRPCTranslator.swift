// SPDX-License-Identifier: Apache-2.0

// Handlers, limits, deadlines, policy and draining know one kind of connection, `ServerConnection`. A ttrpc client is
// put in front of it: this machine plays a Ravioli client whose frames follow from what the ttrpc client sends, and
// turns what the server answers into ttrpc. It gives the server credit without end, since ttrpc cannot take any back:
// what bounds the output is that nothing is written while the socket takes nothing.
//
// Input frames are handed over as values, not as bytes, and answers are written with a frame limit of ttrpc's own. So
// neither a request nor an answer is ever cut in chunks; the messages of a client's stream are, where credit asks for it.

import NIOCore
import RavioliWire

/// Between a ttrpc client's bytes and a server's connection. Pure: no socket, clock or task.
struct TTRPCTranslator {
    /// What the client's bytes ask of the connection.
    enum Input: Hashable {
        /// Let the state machine judge this frame.
        case frame(Frame)
        /// End this stream, of which the state machine never hears.
        case refuse(streamID: UInt32, StatusCode, String)
    }

    private struct Call {
        /// Whether the caller expects one response, and cannot take data.
        let isUnary: Bool
        /// Counted since credit was last given back.
        var bytesSent = 0
        /// Ends the call whatever the server says: the caller broke the protocol, or cannot be given the answer.
        var failure: TTRPCResponse?
    }

    /// A call without a timeout gets this, as one of our clients gives it; nanoseconds.
    private static let timeoutDefault = CallOptions.timeoutDefault.clampedNanoseconds
    /// What is sent before credit is given back: half of what can be counted.
    private static let creditDue = 1 << 30

    private var pending = ByteBuffer()
    private var ownsPending = true
    private var injected = CircularBuffer<Frame>()
    private var streams: TTRPCRequestStreams
    private var calls: [UInt32: Call] = [:]
    private var lastStreamID: UInt32 = 0
    private var bytesSent = 0
    private var oversizedStream: UInt32?
    /// Messages read so far, wrapping: whether one was completed.
    private(set) var messagesRead = 0

    init(limits: WireLimits) {
        streams = TTRPCRequestStreams(limits: limits)
        injected.append(Self.hello(limits))
    }

    /// What a ttrpc client would say of itself if it could.
    private static func hello(_ limits: WireLimits) -> Frame {
        var hello = Hello(limits: limits)
        hello.frameBytesMax = UInt32(TTRPC.frameBytesMax)
        hello.messageBytesMax = UInt32(TTRPC.messageBytesMax - TTRPC.answerOverhead)
        hello.callsRunningMax = 0
        // It is not passed on; a limit of the client's would turn an answer with metadata into an error.
        hello.metadataBytesMax = UInt32(UInt16.max)
        hello.streamCreditBytes = UInt32(Int32.max)
        hello.connectionCreditBytes = UInt32(Int32.max)
        var bytes = ByteBuffer()
        hello.write(into: &bytes)
        bytes.moveReaderIndex(forwardBy: FrameHeader.bytes)
        return Frame(streamID: 0, kind: .hello, payload: bytes)
    }

    // MARK: From the client

    /// Bytes held of a message that is not complete.
    var bytesIncomplete: Int { holdsTooMuch ? 0 : pending.readableBytes }

    /// Whether so much waits for credit that no more should be read.
    var holdsTooMuch: Bool { streams.bytesHeld > TTRPCRequestStreams.bytesHeldMax }

    /// Whether ``next()`` has something to say that came from ``translated(_:)``.
    var hasInjected: Bool { !injected.isEmpty }

    /// Takes the bytes of one read. Call ``next()`` until it answers nil before the next append.
    mutating func append(_ bytes: ByteBuffer) {
        if pending.readableBytes == 0 {
            pending = bytes
            ownsPending = false
        } else {
            pending.writeImmutableBuffer(bytes)
        }
    }

    /// The server gives the client credit.
    mutating func granted(_ grants: [FlowControl.Grant]) {
        for grant in grants { streams.granted(grant) }
    }

    /// What to do next; nil when more bytes or credit are needed.
    ///
    /// - Throws: `frameTooLarge`, before anything is allocated for it.
    mutating func next() throws(WireError) -> Input? {
        while true {
            if let frame = injected.popFirst() ?? streams.next() { return .frame(frame) }
            guard !holdsTooMuch, let message = try nextMessage() else {
                keepTail()
                return nil
            }
            if let input = received(message) { return input }
        }
    }

    private mutating func nextMessage() throws(WireError) -> Frame? {
        guard let header = FrameHeader(peeking: pending) else { return nil }
        guard header.payloadBytes <= TTRPC.messageBytesMax else {
            oversizedStream = header.streamID
            throw WireError(
                .frameTooLarge,
                "a ttrpc message of \(header.payloadBytes) bytes is over \(TTRPC.messageBytesMax)")
        }
        guard pending.readableBytes >= FrameHeader.bytes + Int(header.payloadBytes) else { return nil }
        pending.moveReaderIndex(forwardBy: FrameHeader.bytes)
        guard let payload = pending.readSlice(length: Int(header.payloadBytes)) else { return nil }
        messagesRead &+= 1
        return Frame(header: header, payload: payload)
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

    private mutating func received(_ message: Frame) -> Input? {
        guard message.header.streamID & 1 == 1 else {
            return refuse(message, .invalidArgument, "a client's stream ids are odd")
        }
        switch message.header.kind {
        case TTRPC.Kind.request: return requestReceived(message)
        case TTRPC.Kind.data: return dataReceived(message)
        default:
            chargeSkipped()
            return nil
        }
    }

    private mutating func requestReceived(_ message: Frame) -> Input? {
        let (id, flags) = (message.header.streamID, message.header.flags)
        guard id > lastStreamID else {
            return refuse(message, .invalidArgument, "stream ids must grow, and are never used again")
        }
        lastStreamID = id
        let isOpen = flags.contains(TTRPC.Flags.remoteOpen)
        guard !isOpen || !flags.contains(TTRPC.Flags.remoteClosed) else {
            return refuse(message, .invalidArgument, "a request that is both remote open and remote closed")
        }
        do throws(BlockError) {
            let request = try TTRPCRequest(message.payload)
            let isUnary = !isOpen && !flags.contains(TTRPC.Flags.remoteClosed)
            calls[id] = Call(isUnary: isUnary)
            guard isOpen else { return .frame(call(id, request, isUnary: isUnary)) }
            streams.open(id)
            // Go's client sends no request with a stream of requests. One that came would be the first.
            if request.payload.readableBytes > 0 { streams.append(request.payload, to: id) }
            return .frame(head(id, request))
        } catch {
            let code: StatusCode = error.reason == .overLimit ? .resourceExhausted : .invalidArgument
            return refuse(message, code, "a ttrpc request that cannot be read: \(error.text)")
        }
    }

    private func call(_ id: UInt32, _ request: TTRPCRequest, isUnary: Bool) -> Frame {
        let remaining = remaining(request, default: isUnary ? Self.timeoutDefault : nil)
        var frame = frame(id, request, remaining, flags: [.last, .message])
        frame.payload.writeImmutableBuffer(request.payload)
        frame.header.payloadBytes = UInt32(clamping: frame.payload.readableBytes)
        return frame
    }

    private func head(_ id: UInt32, _ request: TTRPCRequest) -> Frame {
        frame(id, request, remaining(request, default: nil), flags: [])
    }

    private func frame(
        _ id: UInt32, _ request: TTRPCRequest, _ remaining: RemainingTime, flags: FrameFlags
    ) -> Frame {
        let head = CallFrame(
            remaining: remaining, method: MethodBinding.unbound, name: request.name,
            metadata: request.metadata)
        var payload = ByteBuffer()
        head.write(into: &payload)
        return Frame(streamID: id, kind: .call, flags: flags.union(head.flags), payload: payload)
    }

    private func remaining(_ request: TTRPCRequest, default nanoseconds: Int64?) -> RemainingTime {
        guard request.timeout == 0 else { return RemainingTime(nanoseconds: request.timeout) }
        return nanoseconds.map { RemainingTime(nanoseconds: $0) } ?? .unlimited
    }

    private mutating func dataReceived(_ message: Frame) -> Input? {
        let (id, flags) = (message.header.streamID, message.header.flags)
        guard let call = calls[id] else {
            // Of a call that has ended: the client could not know. It costs nothing but reading it.
            if id <= lastStreamID { return nil }
            return refuse(message, .invalidArgument, "data on a stream that was never opened")
        }
        guard call.failure == nil else { return nil }
        guard streams.isOpen(id) else {
            fail(id, .invalidArgument, "data on a stream that is closed for data")
            return nil
        }
        if !flags.contains(TTRPC.Flags.noData) { streams.append(message.payload, to: id) }
        if flags.contains(TTRPC.Flags.remoteClosed) { streams.close(id) }
        return nil
    }

    private mutating func refuse(_ message: Frame, _ code: StatusCode, _ text: String) -> Input {
        chargeSkipped()
        return .refuse(streamID: message.header.streamID, code, text)
    }

    /// What no correct client sends costs the connection as much as a frame that is skipped, of which there are few.
    private mutating func chargeSkipped() {
        injected.append(Frame(streamID: 0, kind: FrameKind(rawValue: 0x80), payload: ByteBuffer()))
    }

    /// Ends a call in this way, as soon as the server has ended it.
    private mutating func fail(_ id: UInt32, _ code: StatusCode, _ text: String) {
        guard calls[id] != nil, calls[id]?.failure == nil else { return }
        calls[id]?.failure = TTRPCResponse(code: code.rawValue, text: text)
        streams.drop(id)
        injected.append(Frame(streamID: id, kind: .cancel, payload: ByteBuffer(bytes: [1])))
    }

    // MARK: To the client

    /// Turns whole frames of the server into messages of ttrpc.
    mutating func translated(_ frames: ByteBuffer) -> ByteBuffer {
        var rest = frames
        var out = ByteBuffer()
        while let header = FrameHeader(peeking: rest) {
            rest.moveReaderIndex(forwardBy: FrameHeader.bytes)
            guard let payload = rest.readSlice(length: Int(header.payloadBytes)) else { break }
            translate(Frame(header: header, payload: payload), into: &out)
        }
        return out
    }

    private mutating func translate(_ frame: Frame, into out: inout ByteBuffer) {
        switch frame.header.kind {
        case .data: translateData(frame, into: &out)
        case .end: translateEnd(frame, into: &out)
        case .ping: answerPing(frame)
        case .goaway: translateGoaway(frame, into: &out)
        // A hello says what the limits said, and credit is given by value.
        default: break
        }
    }

    private mutating func translateData(_ frame: Frame, into out: inout ByteBuffer) {
        let (id, flags) = (frame.header.streamID, frame.header.flags)
        // Metadata has no place in ttrpc.
        guard flags.contains(.counted), let part = try? MessagePart(rest: frame.payload, flags: flags) else {
            return
        }
        giveBack(part.cost, streamID: id)
        guard let call = calls[id], call.failure == nil else { return }
        guard !call.isUnary else { return fail(id, .unimplemented, Self.answersWithStream) }
        guard case .whole(let message) = part, message.readableBytes <= TTRPC.messageBytesMax else {
            return fail(id, .resourceExhausted, "a response is over ttrpc's \(TTRPC.messageBytesMax) bytes")
        }
        FrameHeader(
            payloadBytes: UInt32(clamping: message.readableBytes), streamID: id, kind: TTRPC.Kind.data
        )
        .write(into: &out)
        out.writeImmutableBuffer(message)
    }

    private static let answersWithStream =
        "the method answers with a stream; the caller asked for one response"

    private mutating func giveBack(_ cost: Int, streamID: UInt32) {
        bytesSent += cost
        if bytesSent >= Self.creditDue {
            injectCredit(bytesSent, streamID: 0)
            bytesSent = 0
        }
        guard let sent = calls[streamID].map({ $0.bytesSent + cost }) else { return }
        let isDue = sent >= Self.creditDue
        calls[streamID]?.bytesSent = isDue ? 0 : sent
        if isDue { injectCredit(sent, streamID: streamID) }
    }

    private mutating func injectCredit(_ bytes: Int, streamID: UInt32) {
        var payload = ByteBuffer()
        payload.writeInteger(UInt32(clamping: bytes))
        injected.append(Frame(streamID: streamID, kind: .credit, payload: payload))
    }

    private mutating func translateEnd(_ frame: Frame, into out: inout ByteBuffer) {
        let (id, flags) = (frame.header.streamID, frame.header.flags)
        let call = calls.removeValue(forKey: id)
        streams.drop(id)
        var payload = frame.payload
        guard let end = try? EndFrame(from: &payload, flags: flags) else { return }
        if let failure = call?.failure { return failure.write(streamID: id, into: &out) }
        if end.code == 0, !flags.contains(.message) { return translateStreamEnd(id, call, into: &out) }
        let answer = end.code == 0 ? payload : nil
        TTRPCResponse(code: end.code, status: end.status, payload: answer).write(streamID: id, into: &out)
    }

    /// The stream of responses has ended well.
    private func translateStreamEnd(_ id: UInt32, _ call: Call?, into out: inout ByteBuffer) {
        guard call?.isUnary == false else {
            return TTRPCResponse(code: StatusCode.unimplemented.rawValue, text: Self.answersWithStream)
                .write(streamID: id, into: &out)
        }
        FrameHeader(
            payloadBytes: 0, streamID: id, kind: TTRPC.Kind.data,
            flags: [TTRPC.Flags.remoteClosed, TTRPC.Flags.noData]
        ).write(into: &out)
    }

    /// ttrpc has no pings: that the connection stands must do as an answer.
    private mutating func answerPing(_ frame: Frame) {
        guard let ping = try? PingFrame(payload: frame.payload, flags: frame.header.flags), !ping.isAnswer
        else { return }
        injected.append(Frame(streamID: 0, kind: .ping, flags: .ack, payload: frame.payload))
    }

    /// ttrpc has no goaway. Who sent too long a message is told so before the connection closes.
    private func translateGoaway(_ frame: Frame, into out: inout ByteBuffer) {
        guard let id = oversizedStream,
            let goaway = try? GoawayFrame(payload: frame.payload, textBytesMax: 1024),
            goaway.code != .none
        else { return }
        TTRPCResponse(code: StatusCode.resourceExhausted.rawValue, text: goaway.reason)
            .write(streamID: id, into: &out)
    }
}
