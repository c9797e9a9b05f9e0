// SPDX-License-Identifier: Apache-2.0

/// One call that has ended, for metrics.
public struct CallReport: Sendable {
    /// What is known of the call.
    public let context: InterceptorContext
    /// What it ended with.
    public let code: StatusCode
    /// Whether the handler ran; `yes` for a call that ended well.
    public let executed: RPCError.Executed
    /// From its start to its end.
    public let duration: Duration
}

/// Tells whoever counts when calls start and end. Names of methods come from the schema, so they are few.
public struct MetricsInterceptor: Interceptor {
    private let started: @Sendable (InterceptorContext) -> Void
    private let ended: @Sendable (CallReport) -> Void
    private let clock = ContinuousClock()

    /// Calls the hooks; they run on the call's own thread, often an event loop's, and must not block.
    public init(
        started: @escaping @Sendable (InterceptorContext) -> Void = { _ in },
        ended: @escaping @Sendable (CallReport) -> Void
    ) {
        self.started = started
        self.ended = ended
    }

    /// Runs the call and reports its start and end.
    public func intercept(
        _ request: InterceptedRequest, context: InterceptorContext,
        next: @Sendable (InterceptedRequest) async throws -> InterceptedResponse
    ) async throws -> InterceptedResponse {
        started(context)
        let start = clock.now
        func report(_ code: StatusCode, _ executed: RPCError.Executed) {
            let duration = start.duration(to: clock.now)
            ended(CallReport(context: context, code: code, executed: executed, duration: duration))
        }
        do {
            let response = try await next(request)
            report(.ok, .yes)
            return response
        } catch let error as RPCError {
            report(error.code, error.executed)
            throw error
        } catch {
            report(.internal, .maybe)
            throw error
        }
    }
}
