// SPDX-License-Identifier: Apache-2.0

import Ravioli

extension TestServer {
    func watch(
        _ request: StreamRequest, responses: MessageWriter<EchoResponse>, context: CallContext
    ) async throws {
        _ = try await answer(request, responses, context)
    }

    func collect(
        _ requests: MessageStream<StreamRequest>, context: CallContext
    ) async throws -> CollectResponse {
        var response = CollectResponse()
        for try await request in requests {
            response.requests += 1
            response.bytes += Int64(request.payload.count)
            if try await end(request, context) { break }
        }
        if !context.metadata.isEmpty { context.setResponseMetadata(context.metadata) }
        return response
    }

    func converse(
        _ requests: MessageStream<StreamRequest>, responses: MessageWriter<EchoResponse>, context: CallContext
    ) async throws {
        for try await request in requests {
            if try await answer(request, responses, context) { break }
        }
    }

    /// Answers as the request says; returns whether the call ends with it. Metadata is sent back both ways: `…-initial`
    /// ahead of the answers, the rest with the end.
    private func answer(
        _ request: StreamRequest, _ responses: MessageWriter<EchoResponse>, _ context: CallContext
    ) async throws -> Bool {
        context.setResponseMetadata(context.metadata.filter { $0.name.hasSuffix("-initial") })
        if !request.payload.isEmpty { try await responses.send(EchoResponse(payload: request.payload)) }
        for size in request.answerBytes {
            try await responses.send(EchoResponse(payload: [UInt8](repeating: 0, count: Int(size))))
        }
        context.setResponseMetadata(context.metadata.filter { !$0.name.hasSuffix("-initial") })
        return try await end(request, context)
    }

    private func end(_ request: StreamRequest, _ context: CallContext) async throws -> Bool {
        if request.hangs { _ = try await hang(HangRequest(), context: context) }
        if request.code > 0 {
            throw RPCError(
                StatusCode(rawValue: UInt8(request.code)) ?? .unknown, request.message,
                metadata: ["failed-by": "test"])
        }
        return request.ends
    }
}

extension Metadata {
    func filter(_ isIncluded: (Pair) -> Bool) -> Metadata {
        Metadata(pairs: Array(self).filter(isIncluded))
    }
}
