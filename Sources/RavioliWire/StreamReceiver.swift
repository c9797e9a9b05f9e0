// SPDX-License-Identifier: Apache-2.0

// One direction of a stream as its receiver sees it: puts messages together, charges the stream's credit, and says what
// each message holds until it is read. A message in several frames gives the connection's credit back as it arrives,
// because it is counted against the budget for such messages instead: two streams could otherwise each wait for the
// credit that the other one's half of a message holds.

import NIOCore

/// The receiving side of one stream.
package struct StreamReceiver: Sendable, Hashable {
    package enum Event: Sendable, Hashable {
        /// Nothing to pass on.
        case none
        /// A message, and what it holds until ``read(_:)``.
        case message(ReceivedMessage, MessageCost)
        /// The sender's side is closed; it may have come with the message before.
        case end
        /// The message is over a limit of ours: end the call with RESOURCE_EXHAUSTED and this text.
        case refused(String)
    }

    private var credit: ReceiveCredit
    private let messageBytesMax: Int
    private var assembly: MessageAssembly?
    private var assemblyCost = MessageCost()
    /// Whether the message under assembly began in the call frame and costs no credit.
    private var assemblyIsFree = false
    /// Whether the sender begins no further message.
    package private(set) var isLastBegun = false
    /// Whether a message or metadata has come: metadata is legal once, ahead of all messages.
    private var hasBegun = false
    /// What is held by messages that have not been read, the one under assembly included.
    package private(set) var held = MessageCost()

    package init(limits: WireLimits) {
        credit = ReceiveCredit(limits.streamCreditBytes, windowMax: limits.streamCreditBytesMax)
        messageBytesMax = limits.messageBytesMax
    }

    /// Whether a message has begun and is not complete.
    package var isWithinMessage: Bool { assembly != nil }

    /// Whether the sender has closed its side: no further frame is legal.
    package var isEnded: Bool { isLastBegun && assembly == nil }

    /// The message in the call frame, which costs no credit.
    package mutating func callReceived(_ part: MessagePart, isLast: Bool) -> Event {
        isLastBegun = isLast
        switch part {
        case .whole(let message): return .message(.whole(message), MessageCost())
        case .first(let first, let total):
            begin(MessageAssembly(first: first, total: total), MessageCost(assembly: total), isFree: true)
            return .none
        case .none, .chunk: return isLast ? .end : .none
        }
    }

    /// A data frame arrived, already charged to the connection when it is counted.
    ///
    /// - Parameters:
    ///   - assemblyBytesLeft: what is left of the connection's budget for messages in several frames.
    ///   - grant: credit to give the stream right away, for a message longer than its window or a window that has grown.
    package mutating func dataReceived(
        _ part: MessagePart, flags: FrameFlags, assemblyBytesLeft: Int, grant: inout UInt32?
    ) throws(WireError) -> Event {
        let (isLast, isCounted) = (flags.contains(.last), flags.contains(.counted))
        if isCounted { grant = try credit.received(part.cost, hasWaited: flags.contains(.waited)) }
        if case .chunk(let chunk) = part { return try chunkReceived(chunk, isLast, isCounted) }
        guard assembly == nil, !isLastBegun else {
            throw WireError(.outOfOrder, "a message after the last one, or inside another")
        }
        isLastBegun = isLast
        hasBegun = true
        if part == .none {
            guard isLast, !isCounted else { throw WireError(.malformedFrame, "an empty data frame") }
            return .end
        }
        guard isCounted else { throw WireError(.outOfOrder, "a stream's message that is not counted") }
        let total = part.declaredBytes
        let isLong = if case .first = part { true } else { false }
        guard total <= messageBytesMax else {
            return .refused("a message of \(total) bytes is over messageBytesMax = \(messageBytesMax)")
        }
        if isLong, total > assemblyBytesLeft {
            return .refused("a message of \(total) bytes is over what is left of assemblyBytesMax")
        }
        return messageBegan(part, total: total, grant: &grant)
    }

    /// Takes the run of whole messages that `frames` begin with, charged to the connection as well.
    mutating func runReceived(
        _ frames: UnsafeRawBufferPointer, streamID: UInt32, flow: inout FlowControl, limits: WireLimits
    ) -> MessageRun? {
        guard assembly == nil, !isLastBegun else { return nil }
        let run = MessageRun(
            frames, streamID: streamID,
            within: MessageRun.Bounds(
                costMax: min(credit.outstanding, flow.outstanding),
                payloadBytesMax: min(limits.frameBytesMax, limits.messageBytesMax)))
        guard run.count > 0 else { return nil }
        hasBegun = true
        credit.receivedRun(run.cost)
        flow.runReceived(run)
        held = held + MessageCost(stream: run.cost, connection: run.cost)
        return run
    }

    private mutating func messageBegan(_ part: MessagePart, total: Int, grant: inout UInt32?) -> Event {
        let whole = StreamCost.of(bytes: total, beginsMessage: true)
        var cost = MessageCost(stream: min(whole, credit.window))
        guard case .first(let first, _) = part else {
            guard case .whole(let message) = part else { return .none }
            cost.connection = whole
            held = held + cost
            return .message(.whole(message), cost)
        }
        if let more = credit.messageBegan(whole) { grant = (grant ?? 0) + more }
        cost.assembly = total
        begin(MessageAssembly(first: first, total: total), cost, isFree: false)
        return .none
    }

    private mutating func begin(_ assembly: MessageAssembly, _ cost: MessageCost, isFree: Bool) {
        self.assembly = assembly
        assemblyCost = cost
        assemblyIsFree = isFree
        held = held + cost
    }

    private mutating func chunkReceived(
        _ chunk: ByteBuffer, _ isLast: Bool, _ isCounted: Bool
    ) throws(WireError) -> Event {
        guard !isLast, var open = assembly else {
            throw WireError(.outOfOrder, "a chunk that continues no message")
        }
        guard isCounted != assemblyIsFree else {
            throw WireError(.outOfOrder, "a chunk that is counted unlike its message")
        }
        // Given up while the chunk is appended, so that the buffer has one owner and is not copied.
        assembly = nil
        if let message = try open.append(chunk) { return .message(.blocks(message), assemblyCost) }
        assembly = open
        return .none
    }

    /// Metadata arrived; returns whether it may come now.
    package mutating func metadataReceived() -> Bool {
        defer { hasBegun = true }
        return !hasBegun
    }

    /// Messages were read that held so much; returns the credit to give the stream now.
    package mutating func read(_ cost: MessageCost) -> UInt32? {
        held = held - cost
        // Where nobody sends any more, credit would be of no use.
        return isEnded || cost.stream == 0
            ? nil : credit.returned(cost.stream, isUrgent: assembly != nil)
    }
}

extension MessagePart {
    /// What the frame with this part costs if it is counted.
    package var cost: Int {
        switch self {
        case .none: 0
        case .whole(let message): StreamCost.of(bytes: message.readableBytes, beginsMessage: true)
        case .first(let first, _): StreamCost.of(bytes: first.readableBytes, beginsMessage: true)
        case .chunk(let chunk): StreamCost.of(bytes: chunk.readableBytes, beginsMessage: false)
        }
    }
}
