// SPDX-License-Identifier: Apache-2.0

// A call on the server ends twice: for the peer when its end frame is sent, for us when its handler has returned. The
// two are apart when a call is cancelled or runs out of time: the peer is answered at once, but the handler, which
// may take its time to notice, keeps its place until it returns. Counting so is what makes rapid reset pointless.

package import NIOCore

/// One call as the server sees it.
package struct ServerCallMachine: Sendable, Hashable {
    package enum State: Sendable, Hashable {
        /// Chunks of the request are still to come.
        case assembling(MessageAssembly)
        /// The request is whole and waits for a place.
        case queued(ReceivedMessage)
        /// The handler runs and the peer waits.
        case running
        /// The peer has its end; the handler has not returned yet.
        case lingering
    }

    package private(set) var state: State
    /// The requests of a call that was opened as a stream.
    package var requests: StreamReceiver?
    /// What we may send on the stream.
    package var sendCredit: SendCredit

    package init(state: State, requests: StreamReceiver? = nil, sendCredit: SendCredit = SendCredit(0)) {
        self.state = state
        self.requests = requests
        self.sendCredit = sendCredit
    }

    /// Whole messages of the stream arrived.
    mutating func runReceived(
        _ frames: UnsafeRawBufferPointer, streamID: UInt32, flow: inout FlowControl, limits: WireLimits
    ) -> MessageRun? {
        requests?.runReceived(frames, streamID: streamID, flow: &flow, limits: limits)
    }

    /// What an early end (cancel, deadline) asks for.
    package enum EarlyEnd: Sendable, Hashable {
        /// Send an end marked not executed and free the call.
        case sendEndAndFree
        /// Cancel the handler and send an end marked maybe executed; the place is freed when the handler returns.
        case cancelHandlerAndSendEnd
        /// The end was sent before.
        case nothing
    }

    package enum ChunkResult: Sendable, Hashable {
        case incomplete
        case complete(MessageBlocks)
    }

    /// A chunk arrived.
    package mutating func chunkReceived(_ chunk: ByteBuffer) throws(WireError) -> ChunkResult {
        guard case .assembling(var assembly) = state else {
            throw WireError(.outOfOrder, "a chunk after the whole request")
        }
        // Given up while the chunk is appended, so that the buffer has one owner and is not copied.
        state = .running
        let whole = try assembly.append(chunk)
        if let whole { return .complete(whole) }
        state = .assembling(assembly)
        return .incomplete
    }

    /// The request waits for a place.
    package mutating func queued(_ message: ReceivedMessage) { state = .queued(message) }

    /// A place became free; returns the request.
    package mutating func started() -> ReceivedMessage? {
        guard case .queued(let message) = state else { return nil }
        state = .running
        return message
    }

    /// The peer cancelled, or the deadline passed.
    package mutating func endedEarly() -> EarlyEnd {
        switch state {
        case .assembling, .queued:
            return .sendEndAndFree
        case .running:
            state = .lingering
            return .cancelHandlerAndSendEnd
        case .lingering:
            return .nothing
        }
    }

    /// Bytes this call holds of the assembly budget.
    package var assemblyBytes: Int {
        switch state {
        case .assembling(let assembly): assembly.total
        case .queued(let message): message.bytes
        case .running, .lingering: 0
        }
    }
}
