// SPDX-License-Identifier: Apache-2.0

/// Lets calls pass that a rule of the program allows. For rules in a file, by identity and method, see the server's
/// policy; this one can look at metadata as well, for instance at a token.
public struct AuthorizationInterceptor: Interceptor {
    /// What a rule says of a call.
    public enum Decision: Sendable, Hashable {
        /// The call may run.
        case allow
        /// Nobody is named who could be asked about; the caller may come again with credentials.
        case unauthenticated
        /// The caller is known and may not.
        case deny
    }

    private let decide: @Sendable (InterceptedRequest, InterceptorContext) async throws -> Decision

    /// Asks `decide` about each call. What it throws ends the call as well.
    public init(
        _ decide: @escaping @Sendable (InterceptedRequest, InterceptorContext) async throws -> Decision
    ) {
        self.decide = decide
    }

    /// Runs the call if it is allowed.
    ///
    /// - Throws: `unauthenticated` or `permission_denied`, not executed.
    public func intercept(
        _ request: InterceptedRequest, context: InterceptorContext,
        next: @Sendable (InterceptedRequest) async throws -> InterceptedResponse
    ) async throws -> InterceptedResponse {
        switch try await decide(request, context) {
        case .allow: return try await next(request)
        case .unauthenticated:
            throw RPCError(.unauthenticated, "\(context.method) asks for credentials", executed: .no)
        case .deny:
            throw RPCError(.permissionDenied, "the caller may not call \(context.method)", executed: .no)
        }
    }
}
