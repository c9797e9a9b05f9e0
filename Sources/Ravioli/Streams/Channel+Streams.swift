// SPDX-License-Identifier: Apache-2.0

public import RavioliSchema

extension Channel {
    /// Calls a method with one request and a stream of responses. Returns at once; what goes wrong ends the stream.
    public func responses<Request: Message, Result: Message>(
        _ method: Method<Request, Result>, _ request: Request, options: CallOptions = .defaults
    ) -> ResponseStream<Result> {
        do throws(SchemaError) {
            let bytes = try request.encoded()
            return ResponseStream(stream(StreamRequest(method.name, request: bytes, options: options)))
        } catch {
            let text = "the request of \(method.name) cannot be encoded: \(error)"
            return ResponseStream(
                FailedCall(RPCError(call: .invalidArgument, text, executed: .no, cause: error)))
        }
    }

    /// Calls a method with a stream of requests and one response.
    ///
    /// - Parameter body: sends the requests; when it returns, no request follows. It is not asked for more once the
    ///   server has answered: sending then throws, and the answer counts.
    /// - Throws: what the call ended with, or what `body` threw, which cancels the call.
    public func call<Request: Message, Result: Message>(
        _ method: Method<Request, Result>, options: CallOptions = .defaults,
        requests body: (MessageWriter<Request>) async throws -> Void
    ) async throws -> Result {
        let call = stream(StreamRequest(method.name, options: options))
        do {
            try await body(MessageWriter(sink: CallSink(call: call)))
        } catch {
            guard call.hasEnded else {
                call.cancel()
                throw error
            }
        }
        call.finish()
        return try await onlyResponse(of: call)
    }

    /// Opens a call with streams both ways. Returns at once; what goes wrong ends the streams.
    public func bidirectional<Request: Message, Result: Message>(
        _ method: Method<Request, Result>, options: CallOptions = .defaults
    ) -> BidirectionalCall<Request, Result> {
        BidirectionalCall(stream(StreamRequest(method.name, options: options)))
    }

    private func onlyResponse<Result: Message>(of call: any StreamCall) async throws(RPCError) -> Result {
        let responses = ResponseStream<Result>(call).makeAsyncIterator()
        guard let response = try await responses.next() else {
            throw RPCError(
                call: .internal, "the server ended the call without an answer", executed: .yes)
        }
        guard try await call.next() == nil else {
            call.cancel()
            throw RPCError(call: .internal, "the server gave more than one answer", executed: .maybe)
        }
        return response
    }
}
