// SPDX-License-Identifier: Apache-2.0

import Logging
import NIOCore
import RavioliWire
import Synchronization

/// The way from any task to a client's loop and back. Callers on the loop go straight through; all others hand over
/// through the loop's inbox, with one wake-up for all that was handed over since its last turn.
final class ClientHandle: Sendable {
    let context: LoopContext
    let core: NIOLoopBoundBox<ClientCore>
    /// The credit that streams start with.
    let streamWindow: Int
    private let isClosing = Atomic<Bool>(false)

    init(_ context: LoopContext, options: ClientOptions, connector: any Connector, logger: Logger) {
        self.context = context
        streamWindow = options.limits.streamCreditBytes
        core = NIOLoopBoundBox.makeBoxSendingValue(
            ClientCore(context, options: options, connector: connector, logger: logger),
            eventLoop: context.eventLoop)
    }

    /// Runs a call; the task's cancellation cancels it.
    func run(_ request: UnaryRequest) async throws(RPCError) -> UnaryResponse {
        let call = ClientCall(request)
        request.parent?.downstreamBegan(request.method)
        defer { request.parent?.downstreamEnded() }
        let result = await withTaskCancellationHandler {
            await withUnsafeContinuation { continuation in
                submit(call, continuation)
            }
        } onCancel: {
            // Marked first: the cancel may overtake the call on the way to the loop.
            call.markCancelled()
            cancel(call)
        }
        SanitizedHandover.taken(call)
        let answer = try result.get()
        return UnaryResponse(message: answer.message.joined(), metadata: answer.metadata)
    }

    /// The caller of a call gives it up; it is marked already.
    func cancel(_ call: ClientCall) { context.post(Cancellation(handle: self, call: call)) }

    private func submit(_ call: ClientCall, _ continuation: UnsafeContinuation<CallResult, Never>) {
        if context.eventLoop.inEventLoop {
            core.value.submit(call, continuation)
        } else {
            context.post(Submission(handle: self, call: call, continuation: continuation))
        }
    }

    /// Closes the client; returns at once. Posts nothing when it was closed before: its loop may be gone.
    func close() {
        guard !isClosing.exchange(true, ordering: .relaxed) else { return }
        context.post(Closing(core: core))
    }

    /// Closes the client; returns when every call has been ended.
    func closed() async {
        guard !isClosing.exchange(true, ordering: .relaxed) else { return }
        await withUnsafeContinuation { context.post(Closing(core: core, done: $0)) }
    }

    // Three words each, so that they travel without being boxed.

    private struct Submission: LoopContext.RemoteWork {
        let handle: ClientHandle
        let call: ClientCall
        let continuation: UnsafeContinuation<CallResult, Never>
        func run() { handle.core.value.submit(call, continuation) }
    }

    private struct Cancellation: LoopContext.RemoteWork {
        let handle: ClientHandle
        let call: ClientCall
        func run() { handle.core.value.cancel(call) }
    }

    private struct Closing: LoopContext.RemoteWork {
        let core: NIOLoopBoundBox<ClientCore>
        var done: UnsafeContinuation<Void, Never>?
        func run() {
            core.value.close()
            done?.resume()
        }
    }
}
