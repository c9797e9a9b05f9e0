// SPDX-License-Identifier: Apache-2.0

package import Ravioli
import RavioliSchema

/// The service behind the edge and the command line in their tests.
package final class DeskServer: DeskService {
    /// One element for each `Wait` that began, and one for each that was cancelled.
    package enum Sight: Sendable { case waitBegan, waitCancelled }
    package let sights: AsyncStream<Sight>
    private let sight: AsyncStream<Sight>.Continuation

    package init() { (sights, sight) = AsyncStream.makeStream() }

    package func echo(_ request: EchoRequest, context: CallContext) async throws -> EchoResponse {
        var metadata = Metadata()
        metadata.add("x-reply", "one")
        metadata.add("x-reply", "two")
        metadata.add("x-reply-bin", bytes: [0xff, 0, 1])
        metadata.add("internal-note", "secret")
        context.setResponseMetadata(metadata)
        let seen = context.metadata.map { "\($0.name): \($0.text ?? Base64.encode($0.value))" }
        let remaining = Int64(context.remainingTime / .milliseconds(1))
        return EchoResponse(request: request, metadata: seen, remainingMilliseconds: remaining)
    }

    package func fail(_ request: FailRequest, context: CallContext) async throws -> FailResponse {
        let code = StatusCode(rawValue: UInt8(clamping: request.code)) ?? .unknown
        var metadata = Metadata()
        metadata.add("x-reply", "with the error")
        throw RPCError(
            code, request.message,
            details: [
                try StatusDetail(Reason(field: "code")),
                StatusDetail(typeURL: "type.googleapis.com/elsewhere.v1.Unknown", value: [8, 1]),
            ],
            executed: .no, metadata: metadata)
    }

    package func wait(_ request: WaitRequest, context: CallContext) async throws -> WaitResponse {
        sight.yield(.waitBegan)
        // Ends by cancellation only; the bound is for a test that went wrong.
        try? await Task.sleep(for: .seconds(60))
        sight.yield(.waitCancelled)
        throw CancellationError()
    }

    package func watch(
        _ request: EchoRequest, responses: MessageWriter<EchoResponse>, context: CallContext
    ) async throws {
        try await responses.send(try await echo(request, context: context))
    }
}
