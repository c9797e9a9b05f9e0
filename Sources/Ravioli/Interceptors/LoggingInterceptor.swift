// SPDX-License-Identifier: Apache-2.0

public import Logging

/// Logs how each call ended: method, code, duration, and who called. Never messages or metadata, which may hold secrets.
public struct LoggingInterceptor: Interceptor {
    private let logger: Logger
    private let level: Logger.Level
    private let clock = ContinuousClock()

    /// Logs to `logger`.
    ///
    /// - Parameter level: of calls that end well or with a code that is the caller's affair; others are warnings.
    public init(_ logger: Logger, level: Logger.Level = .info) {
        self.logger = logger
        self.level = level
    }

    /// Runs the call and logs its end.
    public func intercept(
        _ request: InterceptedRequest, context: InterceptorContext,
        next: @Sendable (InterceptedRequest) async throws -> InterceptedResponse
    ) async throws -> InterceptedResponse {
        let start = clock.now
        do {
            let response = try await next(request)
            log(.ok, context, since: start)
            return response
        } catch {
            log((error as? RPCError)?.code ?? .internal, context, since: start)
            throw error
        }
    }

    private func log(_ code: StatusCode, _ context: InterceptorContext, since start: ContinuousClock.Instant)
    {
        let isFault = [.internal, .unknown, .dataLoss, .unavailable].contains(code)
        var metadata: Logger.Metadata = [
            "method": "\(context.method)", "code": "\(code)", "duration": "\(start.duration(to: clock.now))",
            "side": "\(context.side)",
        ]
        if let peer = context.peer { metadata["peer"] = "\(peer.identity ?? peer.address)" }
        if context.attempt > 0 { metadata["attempt"] = "\(context.attempt)" }
        logger.log(level: isFault ? .warning : level, "call ended", metadata: metadata)
    }
}
