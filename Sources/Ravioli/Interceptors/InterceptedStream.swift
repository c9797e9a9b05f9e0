// SPDX-License-Identifier: Apache-2.0

// A call with streams inside interceptors. The interceptors run in a task of their own, which opens the call when they
// let it pass and waits for its end; the caller's reads and writes wait until then, and the end of the call reaches the
// caller when the interceptors have seen it.

import Synchronization

/// A call with streams inside interceptors, as its caller holds it.
final class InterceptedStream: StreamCall {
    let state = InterceptedStreamState()

    deinit { state.cancel() }

    func send(_ message: [UInt8]) async throws(RPCError) { try await state.call().send(message) }

    func trySend(_ message: UnsafeRawBufferPointer) -> Bool { state.passed?.trySend(message) ?? false }

    func tryNext(_ body: (UnsafeRawBufferPointer) -> Void) -> Bool { state.passed?.tryNext(body) ?? false }

    func finish() { state.whenOpen { $0.finish() } }

    func next() async throws(RPCError) -> [UInt8]? {
        let call = try await state.call()
        do throws(RPCError) {
            if let message = try await call.next() { return message }
            state.ended(.success(call.trailers))
        } catch {
            state.ended(.failure(error))
        }
        try await state.outcome()
        return nil
    }

    func metadata() async -> Metadata { await (try? state.call())?.metadata() ?? Metadata() }

    var trailers: Metadata { state.openCall?.trailers ?? Metadata() }

    var hasEnded: Bool { state.hasEnded }

    func cancel() { state.cancel() }
}

/// What the caller and the interceptors' task share.
final class InterceptedStreamState: Sendable {
    private struct State: Sendable {
        var call: (any StreamCall)?
        var isCancelled = false
        var waiting: [@Sendable (any StreamCall) -> Void] = []
    }

    private let state = Mutex(State())
    /// The call that the interceptors let pass, for those who ask for it once a message: written once, before `passage`
    /// is open. An interceptor that calls again closes it.
    @exclusivity(unchecked) private nonisolated(unsafe) var passedFirst: (any StreamCall)?
    private let passage = Atomic<Passage.RawValue>(Passage.none.rawValue)
    private enum Passage: UInt8 { case none, open, closed }
    private let opened = FirstValue<Result<Void, RPCError>>()
    private let end = FirstValue<Result<Metadata, RPCError>>()
    private let finished = FirstValue<Result<Void, RPCError>>()

    // MARK: The interceptors' side

    /// The interceptors let the call pass: waits for its end.
    func run(_ call: any StreamCall) async throws(RPCError) -> Metadata {
        let (isCancelled, waiting) = state.withLock { state in
            state.call = call
            if passedFirst == nil {
                passedFirst = call
            } else {
                passage.store(Passage.closed.rawValue, ordering: .releasing)
            }
            defer { state.waiting = [] }
            return (state.isCancelled, state.waiting)
        }
        if isCancelled { call.cancel() }
        for action in waiting { action(call) }
        _ = passage.compareExchange(
            expected: Passage.none.rawValue, desired: Passage.open.rawValue, ordering: .acquiringAndReleasing)
        opened.set(.success(()))
        return try await end.value().get()
    }

    /// The interceptors are done with the call.
    func finish(_ result: Result<Void, RPCError>) {
        finished.set(result)
        opened.set(result)
    }

    // MARK: The caller's side

    var passed: (any StreamCall)? {
        passage.load(ordering: .acquiring) == Passage.open.rawValue ? passedFirst : nil
    }
    var openCall: (any StreamCall)? { state.withLock { $0.call } }
    var hasEnded: Bool { finished.isSet || openCall?.hasEnded == true }

    /// The call, once it is open.
    func call() async throws(RPCError) -> any StreamCall {
        try await opened.value().get()
        guard let call = openCall else {
            throw RPCError(call: .internal, "an interceptor answered without calling", executed: .no)
        }
        return call
    }

    func whenOpen(_ action: @escaping @Sendable (any StreamCall) -> Void) {
        let call = state.withLock { state in
            if state.call == nil { state.waiting.append(action) }
            return state.call
        }
        if let call { action(call) }
    }

    /// The call ended for its reader.
    func ended(_ result: Result<Metadata, RPCError>) { end.set(result) }

    /// How the call ended in the interceptors' eyes.
    func outcome() async throws(RPCError) { try await finished.value().get() }

    func cancel() {
        let call = state.withLock { state in
            state.isCancelled = true
            return state.call
        }
        call?.cancel()
        end.set(.failure(RPCError(call: .cancelled, "the caller cancelled", executed: .maybe)))
    }
}
