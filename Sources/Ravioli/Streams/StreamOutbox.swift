// SPDX-License-Identifier: Apache-2.0

// Where the messages of a stream wait for credit and for their turn. A writer goes on while little is gathered here, and
// waits while much is: what a peer does not read makes its writer wait, and nothing else. Short messages are packed into
// one buffer, each behind room for its frame's header, so that they go out together.

import NIOCore
import RavioliWire
import Synchronization

/// The messages of one stream that have not been sent.
final class StreamOutbox: Sendable {
    /// Why a wait is over.
    private enum Wake: Sendable { case look, cancelled }
    private typealias Waiter = UnsafeContinuation<Wake, Never>

    private struct State: Sendable {
        var batch = MessageBatch<[UInt8]>()
        /// What the messages will cost.
        var bytes = 0
        /// Above this a writer waits. Little at first, and twice as much each time that the loop has taken what was here: the
        /// first messages are with their reader while the next ones are written.
        var bytesMax = StreamOutbox.bytesAtFirst
        /// Whether the loop has been told, and has not looked yet.
        var isAnnounced = false
        /// Whether the loop has taken messages that it has not sent yet.
        var isSending = false
        var isFinished = false
        var failure: RPCError?
        var waiters: [(id: Int, waiter: Waiter)] = []
        var waitersMade = 0
    }

    /// Above this a writer waits, in what messages cost; see ``State/bytesMax``.
    private static let bytesMost = 64 * 1024
    private static let bytesAtFirst = 16 * 1024
    /// Messages up to this length are packed: to copy them is cheaper than to keep an array of each.
    private static let packedBytesMax = 4 * 1024

    private let state = Mutex(State())

    // MARK: The writer's side

    /// Adds a message if it is short and its writer need not wait afterwards; returns whether it did.
    func trySend(_ message: UnsafeRawBufferPointer, _ loop: some StreamLoopSide) -> Bool {
        let cost = StreamCost.of(bytes: message.count, beginsMessage: true)
        guard message.count <= Self.packedBytesMax else { return false }
        let mustAnnounce = state.withLock { state -> Bool? in
            guard state.bytes + cost <= state.bytesMax, state.failure == nil, !state.isFinished else {
                return nil
            }
            if state.batch.isFresh { state.batch.use(loop.spareMemory.take(for: state.bytesMax)) }
            state.batch.append(message)
            state.bytes += cost
            defer { state.isAnnounced = true }
            return !state.isAnnounced
        }
        guard let mustAnnounce else { return false }
        if mustAnnounce { loop.wantsOutput() }
        return true
    }

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
            if message.count <= Self.packedBytesMax {
                message.withUnsafeBytes { state.batch.append($0) }
            } else {
                state.batch.append(long: message)
            }
            state.bytes += StreamCost.of(bytes: message.count, beginsMessage: true)
            defer { state.isAnnounced = true }
            return .success((!state.isAnnounced, state.bytes > state.bytesMax))
        }
        let (mustAnnounce, mustWait) = try outcome.get()
        if mustAnnounce { loop.wantsOutput() }
        if mustWait { try await wait { $0.bytes <= $0.bytesMax } }
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
        try await wait { $0.batch.isEmpty && !$0.isSending }
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

    /// Takes everything that waits into an empty batch; writers go on. Called when all that was taken before has been sent.
    ///
    /// - Returns: Whether no message follows.
    func take(into batch: inout MessageBatch<[UInt8]>) -> Bool {
        let (isFinished, waiters) = state.withLock { state in
            swap(&state.batch, &batch)
            defer {
                state.isSending = !batch.isEmpty
                state.bytes = 0
                if state.isSending { state.bytesMax = min(2 * state.bytesMax, Self.bytesMost) }
                state.isAnnounced = false
                if !state.waiters.isEmpty { state.waiters = [] }
            }
            return (state.isFinished, state.waiters)
        }
        for entry in waiters { entry.waiter.resume(returning: .look) }
        return isFinished
    }

    /// The stream has ended: nothing is sent any more.
    func close(_ error: RPCError) {
        let waiters = state.withLock { state in
            guard state.failure == nil else { return [] as [(id: Int, waiter: Waiter)] }
            state.failure = error
            state.batch = MessageBatch()
            state.bytes = 0
            defer { state.waiters = [] }
            return state.waiters
        }
        for entry in waiters { entry.waiter.resume(returning: .look) }
    }
}
