// SPDX-License-Identifier: Apache-2.0

public import RavioliSchema

extension MethodHandler {
    /// A handler of a method with one request and a stream of responses.
    ///
    /// - Parameter body: sends the responses; the call ends when it returns and everything has been sent.
    public static func serverStreaming<Request: Message, Result: Message>(
        _ method: Method<Request, Result>,
        _ body:
            @escaping @Sendable (
                _ request: Request, _ responses: MessageWriter<Result>, _ context: CallContext
            ) async throws -> Void
    ) -> MethodHandler {
        stream(method.name) { stream, context in
            let request = try await onlyRequest(of: stream, Request.self)
            try await body(request, MessageWriter(sink: stream), context)
        }
    }

    /// A handler of a method with a stream of requests and one response.
    ///
    /// - Parameter body: may answer before it has read every request; the caller then sends no more.
    public static func clientStreaming<Request: Message, Result: Message>(
        _ method: Method<Request, Result>,
        _ body:
            @escaping @Sendable (
                _ requests: MessageStream<Request>, _ context: CallContext
            ) async throws -> Result
    ) -> MethodHandler {
        let begin: @Sendable (ServerStream, ServerCall) -> Task<Void, Never>? = { stream, call in
            call.run { context in
                let response = try await body(MessageStream(source: stream), context)
                try response.withEncodedBytes { call.reply(with: $0) }
            }
        }
        return MethodHandler(method.name, body: .stream(begin))
    }

    /// A handler of a method with streams both ways.
    ///
    /// - Parameter body: reads requests and sends responses in any order; the call ends when it returns and everything
    ///   has been sent.
    public static func bidirectionalStreaming<Request: Message, Result: Message>(
        _ method: Method<Request, Result>,
        _ body:
            @escaping @Sendable (
                _ requests: MessageStream<Request>, _ responses: MessageWriter<Result>, _ context: CallContext
            ) async throws -> Void
    ) -> MethodHandler {
        stream(method.name) { stream, context in
            try await body(MessageStream(source: stream), MessageWriter(sink: stream), context)
        }
    }

    private static func stream(
        _ name: MethodName, _ body: @escaping @Sendable (ServerStream, CallContext) async throws -> Void
    ) -> MethodHandler {
        let begin: @Sendable (ServerStream, ServerCall) -> Task<Void, Never>? = { stream, call in
            call.run(stream) { context in try await body(stream, context) }
        }
        return MethodHandler(name, body: .stream(begin))
    }

    private static func onlyRequest<Request: Message>(
        of stream: ServerStream, _: Request.Type
    ) async throws(RPCError) -> Request {
        guard let bytes = try await stream.next(), try await stream.next() == nil else {
            throw RPCError(.invalidArgument, "the method takes exactly one request", executed: .no)
        }
        return try Request(request: bytes)
    }
}
