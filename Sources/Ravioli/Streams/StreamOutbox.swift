// SPDX-License-Identifier: Apache-2.0

// Where the messages of a stream wait for credit and for their turn. A writer goes on while little is gathered here, and
// waits while much is: what a peer does not read makes its writer wait, and nothing else.

import Synchronization

/// The messages of one stream that have not been sent.
final class StreamOutbox: Sendable {
    /// Why a wait is over.
    private enum Wake: Sendable { case look, cancelled }
    private typealias Waiter = UnsafeContinuation<Wake, Never>

    private struct State: Sendable {
        var messages: [[UInt8]] = []
        var bytes = 0
        /// Whether the loop has been told, and has not looked yet.
        var isAnnounced = false
        /// Whether the loop has taken messages that it has not sent yet.
        var isSending = false
        var isFinished = false
        var failure: RPCError?
        var waiters: [(id: Int, waiter: Waiter)] = []
        var waitersMade = 0
    }

    /// Above this a writer waits, in bytes of messages.
    private static let bytesMax = 64 * 1024

    private let state = Mutex(State())

    // MARK: The writer's side

    /// Adds a message; waits while much is waiting to be sent.
    ///
    /// - Throws: what ended the stream; `cancelled` when the task is cancelled while it waits, with the message added.
    func send(_ message: [UInt8], _ loop: some StreamLoopSide) async throws(RPCError) {
        let outcome = state.withLock { state -> Result<(mustAnnounce: Bool, mustWait: Bool), RPCError> in
            if let failure = state.failure { return .failure(failure) }
            guard !state.isFinished else {
                return .failure(
                    RPCError(.failedPrecondition, "a message after the last one", executed: .maybe))
            }
            state.messages.append(message)
            state.bytes += message.count
            defer { state.isAnnounced = true }
            return .success((!state.isAnnounced, state.bytes > Self.bytesMax))
        }
        let (mustAnnounce, mustWait) = try outcome.get()
        if mustAnnounce { loop.wantsOutput() }
        if mustWait { try await wait { $0.bytes <= Self.bytesMax } }
    }

    /// No message follows.
    func finish(_ loop: some StreamLoopSide) {
        let mustAnnounce = state.withLock { state in
            guard !state.isFinished, state.failure == nil else { return false }
            state.isFinished = true
            defer { state.isAnnounced = true }
            return !state.isAnnounced
        }
        if mustAnnounce { loop.wantsOutput() }
    }

    /// Waits until every message has been handed to the connection.
    ///
    /// - Throws: what ended the stream before.
    func drained() async throws(RPCError) {
        try await wait { $0.messages.isEmpty && !$0.isSending }
    }

    private func wait(for isDone: @Sendable (borrowing State) -> Bool) async throws(RPCError) {
        while true {
            let outcome = state.withLock { state -> Result<Bool, RPCError> in
                if let failure = state.failure { return .failure(failure) }
                return .success(isDone(state))
            }
            if try outcome.get() { return }
            guard await wake(isDone) == .look else {
                throw RPCError(call: .cancelled, "the writer was cancelled", executed: .maybe)
            }
        }
    }

    private func wake(_ isDone: @Sendable (borrowing State) -> Bool) async -> Wake {
        let id = state.withLock { state in
            state.waitersMade += 1
            return state.waitersMade
        }
        return await withTaskCancellationHandler {
            await withUnsafeContinuation { waiter in
                let wake = state.withLock { state -> Wake? in
                    if state.failure != nil || isDone(state) { return .look }
                    if Task.isCancelled { return .cancelled }
                    state.waiters.append((id, waiter))
                    return nil
                }
                if let wake { waiter.resume(returning: wake) }
            }
        } onCancel: {
            state.withLock { state -> Waiter? in
                guard let index = state.waiters.firstIndex(where: { $0.id == id }) else { return nil }
                return state.waiters.remove(at: index).waiter
            }?.resume(returning: .cancelled)
        }
    }

    // MARK: The loop's side

    /// Takes everything that waits; writers go on. Called when all that was taken before has been sent.
    func take() -> (messages: [[UInt8]], isFinished: Bool) {
        let (messages, isFinished, waiters) = state.withLock { state in
            defer {
                state.isSending = !state.messages.isEmpty
                state.messages = []
                state.bytes = 0
                state.isAnnounced = false
                state.waiters = []
            }
            return (state.messages, state.isFinished, state.waiters)
        }
        for entry in waiters { entry.waiter.resume(returning: .look) }
        return (messages, isFinished)
    }

    /// The stream has ended: nothing is sent any more.
    func close(_ error: RPCError) {
        let waiters = state.withLock { state in
            guard state.failure == nil else { return [] as [(id: Int, waiter: Waiter)] }
            state.failure = error
            state.messages = []
            state.bytes = 0
            defer { state.waiters = [] }
            return state.waiters
        }
        for entry in waiters { entry.waiter.resume(returning: .look) }
    }
}
