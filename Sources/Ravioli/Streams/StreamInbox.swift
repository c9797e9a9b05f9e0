// SPDX-License-Identifier: Apache-2.0

// Where the messages of a stream wait for the task that reads them. The loop puts them in, one task takes them out,
// and neither waits for the other's thread: a message that is there is taken under a lock held for a few instructions.
// What has been read is reported to the loop in portions, and at the latest when nothing is left.

import NIOCore
import RavioliWire
import Synchronization

/// The loop's side of a stream, as the tasks that read and write it see it.
protocol StreamLoopSide: Sendable {
    /// There is something to send.
    func wantsOutput()
    /// Messages were read that held so much.
    func hasRead(_ cost: MessageCost)
}

/// The received messages of one stream.
final class StreamInbox: Sendable {
    /// Why a wait is over.
    private enum Wake: Sendable { case look, cancelled, busy }
    private typealias Waiter = UnsafeContinuation<Wake, Never>

    private struct State: Sendable {
        var messages: [(message: OwnedMessage, cost: MessageCost)] = []
        var head = 0
        var unreported = MessageCost()
        var end: Result<Void, RPCError>?
        var waiter: Waiter?
    }

    private enum Step {
        case message(OwnedMessage, read: MessageCost?)
        case ended(Result<Void, RPCError>)
        case wait
    }

    private let state = Mutex(State())
    /// From when on what was read is reported while more is there.
    private let reportBytes: Int

    init(window: Int) { reportBytes = window / 4 }

    // MARK: The loop's side

    /// A message arrived.
    func deliver(_ message: ReceivedMessage, _ cost: MessageCost) {
        let received = OwnedMessage(message)
        state.withLock { state -> Waiter? in
            guard state.end == nil else { return nil }
            state.messages.append((received, cost))
            defer { state.waiter = nil }
            return state.waiter
        }?.resume(returning: .look)
    }

    /// No message comes any more.
    ///
    /// - Parameter dropsUnread: whether the end overtakes messages that have not been read, as one does that the reader
    ///   or its deadline brought about. The end that the other side sent comes after its messages.
    func end(_ result: Result<Void, RPCError>, dropsUnread: Bool = false) {
        state.withLock { state -> Waiter? in
            guard state.end == nil else { return nil }
            state.end = result
            if dropsUnread {
                state.messages = []
                state.head = 0
            }
            defer { state.waiter = nil }
            return state.waiter
        }?.resume(returning: .look)
    }

    // MARK: The reader's side

    /// The next message; nil at the end of the stream. Waits for it unless the task is cancelled.
    ///
    /// - Throws: what ended the stream, or `failed_precondition` when another task reads it.
    func next(_ loop: some StreamLoopSide) async throws(RPCError) -> [UInt8]? {
        while true {
            switch state.withLock({ take(from: &$0) }) {
            case .message(let received, let read):
                let bytes = received.joined()
                if let read { loop.hasRead(read) }
                return bytes
            case .ended(let result):
                try result.get()
                return nil
            case .wait: try await wait()
            }
        }
    }

    private func take(from state: inout State) -> Step {
        guard state.head < state.messages.count else { return state.end.map(Step.ended) ?? .wait }
        let (message, cost) = state.messages[state.head]
        state.messages[state.head].message = .bytes([])
        state.head += 1
        state.unreported = state.unreported + cost
        let isEmpty = state.head == state.messages.count
        if isEmpty {
            state.messages.removeAll(keepingCapacity: true)
            state.head = 0
        }
        guard isEmpty || state.unreported.stream >= reportBytes else { return .message(message, read: nil) }
        defer { state.unreported = MessageCost() }
        return .message(message, read: state.unreported == MessageCost() ? nil : state.unreported)
    }

    private func wait() async throws(RPCError) {
        let wake = await withTaskCancellationHandler {
            await withUnsafeContinuation { waiter in
                let wake = state.withLock { state in enter(waiter, &state) }
                if let wake { waiter.resume(returning: wake) }
            }
        } onCancel: {
            state.withLock { state in
                defer { state.waiter = nil }
                return state.waiter
            }?.resume(returning: .cancelled)
        }
        switch wake {
        case .look: break
        case .cancelled: throw RPCError(call: .cancelled, "the reader was cancelled", executed: .maybe)
        case .busy: throw RPCError(.failedPrecondition, "another task reads this stream", executed: .maybe)
        }
    }

    private func enter(_ waiter: Waiter, _ state: inout State) -> Wake? {
        if state.head < state.messages.count || state.end != nil { return .look }
        if state.waiter != nil { return .busy }
        if Task.isCancelled { return .cancelled }
        state.waiter = waiter
        return nil
    }
}
