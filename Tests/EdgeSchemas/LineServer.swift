// SPDX-License-Identifier: Apache-2.0

package import Ravioli
import RavioliSchema

/// Calls of every kind behind the edge in its tests.
package final class LineServer: LineService {
    /// One element for each `Hang` that began, and one for each call that was cancelled.
    package enum Sight: Sendable { case began, cancelled }
    package let sights: AsyncStream<Sight>
    private let sight: AsyncStream<Sight>.Continuation

    package init() { (sights, sight) = AsyncStream.makeStream() }

    private func response(_ request: LineRequest, _ number: Int, _ context: CallContext) -> LineResponse {
        let seen = context.metadata.map { "\($0.name): \($0.text ?? Base64.encode($0.value))" }
        let padding = [UInt8](repeating: UInt8(ascii: "x"), count: Int(request.padding))
        return LineResponse(
            text: request.text, number: Int32(number), padding: padding, metadata: number == 0 ? seen : [],
            remainingMilliseconds: Int64(clamping: Int64(context.remainingTime / .milliseconds(1))))
    }

    private func setMetadata(_ context: CallContext, trailers: Bool = true) {
        var metadata = Metadata()
        metadata.add("x-ahead", "1")
        metadata.add("x-ahead", "2")
        metadata.add("x-ahead-bin", bytes: [0xff, 0])
        if trailers { metadata.add("trailer-x-behind", "3") }
        context.setResponseMetadata(metadata)
    }

    private func fail(_ request: LineRequest) throws {
        guard let code = StatusCode(rawValue: UInt8(clamping: request.code)), code != .ok else { return }
        throw RPCError(
            code, request.text, details: [try StatusDetail(Reason(field: "text"))], executed: .yes,
            metadata: ["x-behind": "with the error"])
    }

    package func unary(_ request: LineRequest, context: CallContext) async throws -> LineResponse {
        setMetadata(context)
        try fail(request)
        return response(request, 0, context)
    }

    package func get(_ request: LineRequest, context: CallContext) async throws -> LineResponse {
        try await unary(request, context: context)
    }

    package func down(
        _ request: LineRequest, responses: MessageWriter<LineResponse>, context: CallContext
    ) async throws {
        setMetadata(context, trailers: false)
        do {
            for number in 0..<Int(request.count) {
                try await responses.send(response(request, number, context))
            }
        } catch {
            sight.yield(.cancelled)
            throw error
        }
        try fail(request)
    }

    package func up(
        _ requests: MessageStream<LineRequest>, context: CallContext
    ) async throws -> LineResponse {
        setMetadata(context, trailers: false)
        var texts: [String] = []
        for try await request in requests {
            try fail(request)
            texts.append(request.text)
        }
        return response(LineRequest(text: texts.joined(separator: " ")), 0, context)
    }

    package func both(
        _ requests: MessageStream<LineRequest>, responses: MessageWriter<LineResponse>, context: CallContext
    ) async throws {
        setMetadata(context, trailers: false)
        var number = 0
        for try await request in requests {
            try fail(request)
            try await responses.send(response(request, number, context))
            number += 1
        }
    }

    package func hang(
        _ requests: MessageStream<LineRequest>, responses: MessageWriter<LineResponse>, context: CallContext
    ) async throws {
        try await responses.send(LineResponse(text: "hanging"))
        sight.yield(.began)
        // Ends by cancellation only; the bound is for a test that went wrong.
        try? await Task.sleep(for: .seconds(60))
        sight.yield(.cancelled)
        throw CancellationError()
    }
}
