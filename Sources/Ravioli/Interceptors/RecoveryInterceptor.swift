// SPDX-License-Identifier: Apache-2.0

public import Logging

/// Turns an error that is no ``RPCError`` into `internal` with an id; the error's text goes to the log under the same id
/// and nowhere else, since it may hold anything.
public struct RecoveryInterceptor: Interceptor {
    private let logger: Logger

    /// Logs what callers are not told to `logger`.
    public init(_ logger: Logger) { self.logger = logger }

    /// Runs the call; what it throws is an ``RPCError`` or a cancellation.
    public func intercept(
        _ request: InterceptedRequest, context: InterceptorContext,
        next: @Sendable (InterceptedRequest) async throws -> InterceptedResponse
    ) async throws -> InterceptedResponse {
        do {
            return try await next(request)
        } catch let error as RPCError {
            throw error
        } catch let error as CancellationError {
            throw error
        } catch {
            let id = String(UInt64.random(in: 1...UInt64.max), radix: 36)
            logger.error(
                "a call failed",
                metadata: ["id": "\(id)", "method": "\(context.method)", "error": "\(error)"])
            throw RPCError(.internal, "the handler of \(context.method) failed (id \(id))", cause: error)
        }
    }
}
