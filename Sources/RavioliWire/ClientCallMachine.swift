// SPDX-License-Identifier: Apache-2.0

// A caller may give up before the server has ended the call. The call then stays, without its caller, until its end
// arrives, because only that says that the place on the server is free again.

import NIOCore

/// One call as the client sees it.
package struct ClientCallMachine: Sendable, Hashable {
    package enum Answer: Sendable, Hashable {
        case nothing
        case assembling(MessageAssembly)
        case whole(ReceivedMessage)
    }

    /// Whether the whole request has been handed to the connection.
    package private(set) var isSent = false
    /// Whether the caller has gone.
    package private(set) var isAbandoned = false
    private var answer = Answer.nothing
    /// The responses of a call that may answer with a stream.
    package var responses: StreamReceiver?
    /// What we may send on the stream.
    package var sendCredit: SendCredit

    package init(responses: StreamReceiver? = nil, sendCredit: SendCredit = SendCredit(0)) {
        self.responses = responses
        self.sendCredit = sendCredit
    }

    /// The last byte of the request went out.
    package mutating func requestSent() { isSent = true }

    /// What a caller that gives up asks for.
    package enum Abandonment: Sendable, Hashable {
        /// Send a cancel; drop what is left of the request.
        case sendCancel
        case nothing
    }

    /// The caller was cancelled.
    package mutating func callerCancelled() -> Abandonment {
        guard !isAbandoned else { return .nothing }
        abandon()
        return .sendCancel
    }

    /// The call's time is up. The server knows that by itself once it has the whole request.
    package mutating func deadlinePassed() -> Abandonment {
        guard !isAbandoned else { return .nothing }
        let isSent = isSent
        abandon()
        return isSent ? .nothing : .sendCancel
    }

    private mutating func abandon() {
        isAbandoned = true
        answer = .nothing
    }

    /// What may have happened to the call if the connection is lost now.
    package var executedIfLost: ExecutedMark { isSent ? .maybe : .no }

    /// Whole messages of the stream arrived.
    mutating func runReceived(
        _ frames: UnsafeRawBufferPointer, streamID: UInt32, flow: inout FlowControl, limits: WireLimits
    ) -> MessageRun? {
        isAbandoned ? nil : responses?.runReceived(frames, streamID: streamID, flow: &flow, limits: limits)
    }

    /// A part of the answer arrived before the end.
    package mutating func partReceived(_ part: MessagePart) throws(WireError) {
        if isAbandoned { return }
        switch (part, answer) {
        case (.whole(let message), .nothing):
            answer = .whole(.whole(ByteBuffer(bytes: message.readableBytesView)))
        case (.first(let first, let total), .nothing):
            answer = .assembling(MessageAssembly(first: first, total: total))
        case (.chunk(let chunk), .assembling(var assembly)):
            answer = .nothing
            if let whole = try assembly.append(chunk) {
                answer = .whole(.blocks(whole))
            } else {
                answer = .assembling(assembly)
            }
        case (.chunk, _):
            throw WireError(.outOfOrder, "a chunk that continues no message")
        default:
            throw WireError(.outOfOrder, "a second answer to a unary call")
        }
    }

    /// The end arrived; returns the answer, from data frames or from the end itself.
    package mutating func endReceived(_ part: MessagePart) throws(WireError) -> ReceivedMessage? {
        if isAbandoned { return nil }
        switch (part, answer) {
        case (.none, .whole(let message)): return message
        case (.none, .nothing): return nil
        case (.none, .assembling): return nil
        case (.whole(let message), .nothing): return .whole(message)
        default: throw WireError(.outOfOrder, "an end with a second or incomplete message")
        }
    }
}
