// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// One method of a generated fake: what it answers, and what it was asked.
public final class FakeMethod<Request: Sendable, Result: Sendable>: Sendable {
    private typealias Body = @Sendable (Request, CallContext) async throws -> Result

    private struct State: Sendable {
        var body: Body?
        var calls: [Request] = []
    }

    private let name: String
    private let state = Mutex(State())

    /// A method that answers `unimplemented`, with `name` in the text, until it is told what to answer.
    public init(_ name: String) { self.name = name }

    /// Sets what it answers from now on.
    public func respond(_ body: @escaping @Sendable (Request, CallContext) async throws -> Result) {
        state.withLock { $0.body = body }
    }

    /// The requests received, in order.
    public var calls: [Request] { state.withLock { $0.calls } }

    /// Records a request and answers it.
    public func call(_ request: Request, _ context: CallContext) async throws -> Result {
        let body = state.withLock { state in
            state.calls.append(request)
            return state.body
        }
        guard let body else { throw RPCError(.unimplemented, "\(name) is not set", executed: .no) }
        return try await body(request, context)
    }
}
