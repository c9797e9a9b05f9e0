// SPDX-License-Identifier: Apache-2.0

import NIOCore
import RavioliWire

extension ClientHandle {
    /// Opens a call with streams.
    func open(_ request: StreamRequest) -> any StreamCall {
        let call = ClientCall(request.call, streamsRequests: request.streamsRequests)
        let stream = ClientStreamState(
            call, handle: self, window: streamWindow, messageTimeout: request.messageTimeout)
        if context.eventLoop.inEventLoop {
            core.value.submit(stream)
        } else {
            context.post(StreamSubmission(handle: self, stream: stream))
        }
        return ClientStream(stream)
    }

    /// A stream has messages to send.
    func outputWanted(_ call: ClientCall) {
        if context.eventLoop.inEventLoop {
            core.value.outputWanted(call)
        } else {
            context.post(OutputWanted(handle: self, call: call))
        }
    }

    /// Responses of a stream have been read.
    func responsesRead(_ call: ClientCall, _ cost: MessageCost) {
        if context.eventLoop.inEventLoop {
            core.value.responsesRead(call, cost)
        } else {
            context.post(ResponsesRead(handle: self, call: call, cost: cost))
        }
    }

    private struct StreamSubmission: LoopContext.RemoteWork {
        let handle: ClientHandle
        let stream: ClientStreamState
        func run() { handle.core.value.submit(stream) }
    }

    private struct OutputWanted: LoopContext.RemoteWork {
        let handle: ClientHandle
        let call: ClientCall
        func run() { handle.core.value.outputWanted(call) }
    }

    private struct ResponsesRead: LoopContext.RemoteWork {
        let handle: ClientHandle
        let call: ClientCall
        let cost: MessageCost
        func run() { handle.core.value.responsesRead(call, cost) }
    }
}
