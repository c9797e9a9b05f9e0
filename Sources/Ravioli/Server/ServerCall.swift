// SPDX-License-Identifier: Apache-2.0

// One call on the server, from its frame to its end: what its handler may know, and the way its answer takes. The
// handler may run on the loop or on another thread; the answer reaches the connection on the loop either way, straight
// when it is there already, through the loop's inbox when it is not.

import NIOCore
import RavioliSchema
import RavioliWire
import Synchronization

/// The call a handler serves.
final class ServerCall: Sendable {
    let served: ServedMethod
    let metadata: Metadata
    let deadline: Deadline
    let criticality: Criticality
    let attempt: UInt8
    let slot: CallSlot
    private let connection: ServerConnection.Handle
    /// When the call ended for its caller, in the loop's nanoseconds; 0 while it has not.
    private let cancellation = Atomic<Int64>(0)
    private let downstream = Mutex(Downstream())
    /// When its handler started, in the loop's nanoseconds. Loop only.
    private let start = Atomic<Int64>(0)
    /// Whether it ended because no message came or went. Loop only.
    private let idleness = Atomic<Bool>(false)
    private let responseMetadata = Mutex<Metadata?>(nil)
    /// Whether a stream's first response has been sent, with the metadata set until then.
    private let hasAnswered = Atomic<Bool>(false)

    init(
        _ served: ServedMethod, slot: CallSlot, head: CallFrame, deadline: Deadline, metadata: Metadata,
        connection: ServerConnection.Handle
    ) {
        self.served = served
        self.metadata = metadata
        self.deadline = deadline
        self.criticality = Criticality(rawValue: head.criticality)
        self.attempt = head.attempt
        self.slot = slot
        self.connection = connection
    }

    var method: MethodName { served.name }
    var isStream: Bool { served.isStream }
    private var executor: LoopExecutor { served.executor }
    var peer: Peer { connection.peer }
    var inheritedMetadataNames: [String] { connection.inheritedMetadataNames }
    var isCancelled: Bool { cancelledAt != 0 }
    var cancelledAt: Int64 { cancellation.load(ordering: .relaxed) }
    func markCancelled(at now: Int64) { cancellation.store(max(1, now), ordering: .relaxed) }
    var startedAt: Int64 { start.load(ordering: .relaxed) }
    func markStarted(at now: Int64) { start.store(now, ordering: .relaxed) }
    var isIdle: Bool { idleness.load(ordering: .relaxed) }
    func markIdle() { idleness.store(true, ordering: .relaxed) }

    // MARK: Calls it makes

    private struct Downstream: Sendable {
        var running = 0
        var last: MethodName?
    }

    /// The handler makes a call.
    func downstreamBegan(_ method: MethodName) {
        downstream.withLock { state in
            state.running += 1
            state.last = method
        }
    }

    /// A call that the handler made has ended.
    func downstreamEnded() { downstream.withLock { $0.running -= 1 } }

    /// What the handler waits for, if it waits for a call.
    var downstreamMethod: MethodName? { downstream.withLock { $0.running > 0 ? $0.last : nil } }

    func setResponseMetadata(_ metadata: Metadata) {
        responseMetadata.withLock { $0 = metadata }
    }

    /// The metadata set so far, for the end frame.
    var metadataToSend: Metadata { responseMetadata.withLock { $0 } ?? Metadata() }

    // MARK: Streams

    /// Sends the metadata set so far, once; what is set later goes with the end.
    func sendInitialMetadata() {
        guard !hasAnswered.load(ordering: .relaxed), !hasAnswered.exchange(true, ordering: .relaxed) else {
            return
        }
        let metadata = responseMetadata.withLock { metadata in
            defer { metadata = nil }
            return metadata
        }
        guard let metadata, !metadata.isEmpty else { return }
        onLoop { $0.sendMetadata(self, metadata) }
    }

    var spareMemory: SpareMemory { executor.context.spareMemory }
    func outputWanted() { onLoop { $0.outputWanted(self) } }
    func requestsRead(_ cost: MessageCost) { onLoop { $0.requestsRead(self, cost) } }

    private func onLoop(_ body: @escaping @Sendable (ServerConnection) -> Void) {
        if connection.isOnLoop {
            body(connection.onLoop)
        } else {
            connection.post(OnConnection(handle: connection, body: body))
        }
    }

    private struct OnConnection: LoopContext.RemoteWork {
        let handle: ServerConnection.Handle
        let body: @Sendable (ServerConnection) -> Void
        func run() { body(handle.onLoop) }
    }

    // MARK: Running

    /// Starts the handler of a call whose request takes long to decode.
    func runOffloaded(_ body: @escaping @Sendable (CallContext) async throws -> Void) -> Task<Void, Never> {
        executor.context.offloads
            ? Task.detached { await self.serve(body) }
            : Task.immediateDetached(executorPreference: executor) { await self.serve(body) }
    }

    /// Starts the handler. On the loop its first part runs before this returns.
    func run(_ body: @escaping @Sendable (CallContext) async throws -> Void) -> Task<Void, Never>? {
        launch { await self.serve(body) }
    }

    /// Starts the handler of a unary call and sends what it answers.
    ///
    /// It does what ``run(_:)`` does in one function, for every return from an asynchronous one looks for the executor to go
    /// on with.
    func run<Request: Sendable, Result: Message>(
        _ request: Request, _ body: @escaping @Sendable (Request, CallContext) async throws -> Result
    ) -> Task<Void, Never>? {
        guard connection.interceptors.isEmpty else {
            return run { try await body(request, $0).withEncodedBytes { self.reply(with: $0) } }
        }
        return launch {
            do {
                let context = CallContext(self)
                let response = try await CallContext.$scope.withValue(context) {
                    try await body(request, context)
                }
                try response.withEncodedBytes { self.reply(with: $0) }
            } catch {
                self.failed(error)
            }
        }
    }

    private func launch(_ operation: @escaping @concurrent @Sendable () async -> Void) -> Task<Void, Never> {
        switch served.handler.execution {
        case .onLoop: Task.immediateDetached(executorPreference: executor, operation: operation)
        case .offloaded: Task.detached(operation: operation)
        }
    }

    /// Starts the handler of a call with streams. The call ends when everything it has sent is on its way.
    func run(
        _ stream: ServerStream, _ body: @escaping @Sendable (CallContext) async throws -> Void
    ) -> Task<Void, Never>? {
        run { context in
            do {
                try await body(context)
            } catch {
                // What was sent comes first, also before an error.
                try await stream.outbox.drained()
                throw error
            }
            try await stream.outbox.drained()
            self.end()
        }
    }

    private func serve(_ body: @Sendable (CallContext) async throws -> Void) async {
        do {
            if connection.interceptors.isEmpty {
                try await serve(CallContext(self), body)
            } else {
                try await intercepted(body)
            }
        } catch {
            failed(error)
        }
    }

    private func failed(_ error: any Error) { fail(error as? RPCError ?? mapped(error)) }

    private func serve(
        _ context: CallContext, _ body: @Sendable (CallContext) async throws -> Void
    ) async throws {
        try await CallContext.$scope.withValue(context) { try await body(context) }
    }

    private func intercepted(_ body: @Sendable (CallContext) async throws -> Void) async throws {
        try await withoutActuallyEscaping(body) { body in
            _ = try await connection.interceptors.run(
                InterceptedRequest(metadata: metadata), InterceptorContext(self)
            ) { request in
                try await self.serve(CallContext(self, metadata: request.metadata), body)
                return InterceptedResponse(metadata: self.metadataToSend)
            }
        }
    }

    /// What a caller is told about an error that is no ``RPCError``: never its text, which may hold anything.
    private func mapped(_ error: any Error) -> RPCError {
        if error is CancellationError {
            return deadline.hasPassed
                ? .timeUp(
                    DeadlineReport(phase: .handler, hop: connection.hopName, method: method.fullName),
                    executed: .maybe)
                : RPCError(.cancelled, "the handler of \(method) was cancelled", executed: .maybe)
        }
        connection.log(error, from: method)
        return RPCError(.internal, "the handler of \(method) failed; the server's log says why", cause: error)
    }

    // MARK: Ending

    /// Ends the call with an encoded response.
    func reply(with bytes: UnsafeRawBufferPointer) {
        if connection.isOnLoop {
            connection.onLoop.handlerReturned(self, .response(bytes))
        } else {
            connection.post(Ended(call: self, end: .success([UInt8](bytes))))
        }
    }

    /// Ends the call with an encoded response in memory of its own.
    func reply(with bytes: [UInt8]) {
        if connection.isOnLoop {
            connection.onLoop.handlerReturned(self, .ownedResponse(bytes))
        } else {
            connection.post(Ended(call: self, end: .success(bytes)))
        }
    }

    /// Ends a call whose responses have been sent.
    private func end() { onLoop { $0.handlerReturned(self, .sent) } }

    /// Ends the call with an error.
    func fail(_ error: RPCError) {
        if connection.isOnLoop {
            connection.onLoop.handlerReturned(self, .error(error))
        } else {
            connection.post(Ended(call: self, end: .failure(error)))
        }
    }

    /// How a handler ended. The response's bytes are valid only while they are handed over.
    enum End {
        case response(UnsafeRawBufferPointer)
        case ownedResponse([UInt8])
        /// All responses went ahead.
        case sent
        case error(RPCError)
    }

    /// The end of a handler that ran elsewhere, on its way to the loop.
    private struct Ended: LoopContext.RemoteWork {
        let call: ServerCall
        let end: Result<[UInt8], RPCError>

        func run() {
            let connection = call.connection.onLoop
            switch end {
            case .success(let bytes): connection.handlerReturned(call, .ownedResponse(bytes))
            case .failure(let error): connection.handlerReturned(call, .error(error))
            }
        }
    }
}
