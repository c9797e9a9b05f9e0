// SPDX-License-Identifier: Apache-2.0

import RavioliWire
import Synchronization

/// A call with streams as its caller holds it. Letting go of it cancels the call.
final class ClientStream: StreamCall {
    let state: ClientStreamState

    init(_ state: ClientStreamState) { self.state = state }

    deinit { state.cancel() }

    func send(_ message: [UInt8]) async throws(RPCError) { try await state.outbox.send(message, state) }

    func trySend(_ message: UnsafeRawBufferPointer) -> Bool { state.outbox.trySend(message, state) }

    func tryNext(_ body: (UnsafeRawBufferPointer) -> Void) -> Bool { state.inbox.tryNext(state, body) }

    func finish() { state.outbox.finish(state) }

    func next() async throws(RPCError) -> [UInt8]? {
        do throws(RPCError) {
            return try await state.inbox.next(state)
        } catch {
            // A reader whose task is cancelled has given the call up, as with a unary call.
            if Task.isCancelled { state.cancel() }
            throw error
        }
    }

    func metadata() async -> Metadata { await state.metadata.value() }

    var trailers: Metadata { state.trailers.withLock { $0 } }

    var hasEnded: Bool { state.hasEnded }

    func cancel() { state.cancel() }
}

/// What the caller and the loop share of a call with streams. The loop's side does not keep the caller's alive, so that
/// a call which is let go is noticed.
final class ClientStreamState: StreamLoopSide {
    let call: ClientCall
    let inbox: StreamInbox
    let outbox = StreamOutbox()
    let metadata = FirstValue<Metadata>()
    /// Whether `metadata` is set. Loop only; atomic so that the class is Sendable, at no cost.
    private let hasMetadata = Atomic<Bool>(false)
    let trailers = Mutex(Metadata())
    let messageTimeout: Duration?
    private let handle: ClientHandle
    private let isOver = Atomic<Bool>(false)

    /// - Parameter messageTimeout: see ``CallOptions/messageTimeout``.
    init(_ call: ClientCall, handle: ClientHandle, window: Int, messageTimeout: Duration?) {
        self.call = call
        self.handle = handle
        self.messageTimeout = messageTimeout
        call.request.parent?.downstreamBegan(call.request.method)
        inbox = StreamInbox(window: window)
    }

    var hasEnded: Bool { isOver.load(ordering: .acquiring) }

    /// A response arrived: what metadata came ahead of it has come.
    func responseReceived() {
        guard !hasMetadata.load(ordering: .relaxed) else { return }
        hasMetadata.store(true, ordering: .relaxed)
        metadata.set(Metadata())
    }

    /// The caller gives the call up.
    func cancel() {
        if isOver.load(ordering: .acquiring) { return }
        call.markCancelled()
        handle.cancel(call)
    }

    /// The call has ended; on the loop, once.
    func end(_ result: Result<Metadata, RPCError>) {
        isOver.store(true, ordering: .releasing)
        call.request.parent?.downstreamEnded()
        metadata.set(Metadata())
        switch result {
        case .success(let trailing):
            trailers.withLock { $0 = trailing }
            outbox.close(
                RPCError(call: .failedPrecondition, "the server has ended the call", executed: .yes))
            inbox.end(.success(()))
        case .failure(let error):
            outbox.close(error)
            inbox.end(.failure(error), dropsUnread: error.code == .cancelled || error.origin == .local)
        }
    }

    func wantsOutput() { handle.outputWanted(call) }

    func hasRead(_ cost: MessageCost) { handle.responsesRead(call, cost) }

    var spareMemory: SpareMemory { handle.context.spareMemory }
}
