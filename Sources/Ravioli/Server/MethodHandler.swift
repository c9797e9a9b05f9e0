// SPDX-License-Identifier: Apache-2.0

/// Where a handler runs.
public enum Execution: Sendable, Hashable {
    /// On its connection's event loop: the fastest, for handlers that compute little between suspensions.
    case onLoop
    /// On Swift's global pool: for handlers that block or compute for long.
    case offloaded
}

/// What a server runs for one method.
///
/// Generated code makes these; they can be made by hand for methods without generated code.
public struct MethodHandler: Sendable {
    /// Which method.
    public let name: MethodName
    /// Where it runs. Default `.onLoop`.
    public var execution: Execution = .onLoop
    /// Decodes the request and runs the call; called on the loop, returns the task unless the call has ended already.
    let begin: @Sendable (UnsafeRawBufferPointer, ServerCall) -> Task<Void, Never>?

    init(
        _ name: MethodName,
        begin: @escaping @Sendable (UnsafeRawBufferPointer, ServerCall) -> Task<Void, Never>?
    ) {
        self.name = name
        self.begin = begin
    }

    /// A handler on encoded messages, for proxies and dynamic messages.
    ///
    /// - Parameter body: Gets the encoded request, answers the encoded response, or throws an ``RPCError``.
    public static func unaryBytes(
        _ name: MethodName,
        _ body: @escaping @Sendable (_ request: [UInt8], _ context: CallContext) async throws -> [UInt8]
    ) -> MethodHandler {
        MethodHandler(name) { bytes, call in
            let request = [UInt8](bytes)
            return call.run { context in
                let response = try await body(request, context)
                response.withUnsafeBytes { call.reply(with: $0) }
            }
        }
    }

    /// The answer for a method this server cannot run: `unimplemented`, naming it.
    public static func unimplemented(_ name: MethodName) -> MethodHandler {
        MethodHandler(name) { _, call in
            call.fail(RPCError(.unimplemented, "\(name) is not implemented by this server", executed: .no))
            return nil
        }
    }

    /// The same handler, run elsewhere.
    public func execution(_ execution: Execution) -> MethodHandler {
        var handler = self
        handler.execution = execution
        return handler
    }
}
