// SPDX-License-Identifier: Apache-2.0

/// What runs around calls, on the caller's side or the server's: logging, metrics, tracing, authorisation.
///
/// An interceptor sees every call of every kind once: it may refuse it, change its metadata, look at how it ended, and
/// turn one error into another. What it does before `next` happens before the call; what it does after, when the call has
/// ended: for a stream after its last message. Messages pass it by; to see those, decorate a ``Channel``.
public protocol Interceptor: Sendable {
    /// Runs a call, or refuses it by throwing.
    ///
    /// - Parameters:
    ///   - request: what goes along with the call.
    ///   - context: what is known of the call.
    ///   - next: the next interceptor, or the call itself. Call it at most once.
    /// - Returns: what `next` returned.
    /// - Throws: an ``RPCError``; any other error reaches the caller as `internal` without its text.
    func intercept(
        _ request: InterceptedRequest, context: InterceptorContext,
        next: @Sendable (InterceptedRequest) async throws -> InterceptedResponse
    ) async throws -> InterceptedResponse
}

/// What an interceptor may change of a call before it runs.
public struct InterceptedRequest: Sendable {
    /// The request's metadata. On a server, what the handler sees.
    public var metadata: Metadata
}

/// What an interceptor sees of a call that ended well.
public struct InterceptedResponse: Sendable {
    /// The metadata that came with the end. On a server it is on its way already.
    public var metadata: Metadata
}

/// What an interceptor knows about a call.
public struct InterceptorContext: Sendable {
    /// The end of the call that is intercepted.
    public enum Side: Sendable, Hashable {
        /// Where the call is made.
        case client
        /// Where it is served.
        case server
    }

    /// The call: one reference where it is served, since metrics make a context for each call.
    private enum Call: Sendable {
        case served(ServerCall)
        case made(MethodName, isStream: Bool, Deadline, Criticality, attempt: UInt8)
    }

    private let call: Call

    init(_ call: ServerCall) { self.call = .served(call) }

    init(_ request: UnaryRequest, isStream: Bool) {
        call = .made(
            request.method, isStream: isStream, request.deadline, request.criticality,
            attempt: request.attempt)
    }

    /// Which side runs the interceptor.
    public var side: Side {
        if case .served = call { .server } else { .client }
    }
    /// What is called.
    public var method: MethodName {
        switch call {
        case .served(let call): call.method
        case .made(let method, _, _, _, _): method
        }
    }
    /// Whether either side of the call is a stream.
    public var isStream: Bool {
        switch call {
        case .served(let call): call.isStream
        case .made(_, let isStream, _, _, _): isStream
        }
    }
    /// When the caller stops waiting.
    public var deadline: Deadline {
        switch call {
        case .served(let call): call.deadline
        case .made(_, _, let deadline, _, _): deadline
        }
    }
    /// How important the call is.
    public var criticality: Criticality {
        switch call {
        case .served(let call): call.criticality
        case .made(_, _, _, let criticality, _): criticality
        }
    }
    /// How many tries of the same call went before.
    public var attempt: UInt8 {
        switch call {
        case .served(let call): call.attempt
        case .made(_, _, _, _, let attempt): attempt
        }
    }
    /// Who called; nil on the caller's side.
    public var peer: Peer? {
        if case .served(let call) = call { call.peer } else { nil }
    }
}

extension [any Interceptor] {
    /// Runs `call` inside all of them, the first one outermost.
    func run(
        _ request: InterceptedRequest, _ context: InterceptorContext,
        call: @escaping @Sendable (InterceptedRequest) async throws -> InterceptedResponse
    ) async throws -> InterceptedResponse {
        try await run(from: 0, request, context, call)
    }

    private func run(
        from index: Int, _ request: InterceptedRequest, _ context: InterceptorContext,
        _ call: @escaping @Sendable (InterceptedRequest) async throws -> InterceptedResponse
    ) async throws -> InterceptedResponse {
        guard index < count else { return try await call(request) }
        return try await self[index].intercept(request, context: context) { request in
            try await run(from: index + 1, request, context, call)
        }
    }
}
