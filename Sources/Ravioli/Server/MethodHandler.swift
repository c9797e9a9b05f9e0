// SPDX-License-Identifier: Apache-2.0

import RavioliWire

/// Where a handler runs.
public enum Execution: Sendable, Hashable {
    /// On its connection's event loop: the fastest, for handlers that compute little between suspensions. A unary request
    /// that came in several frames is handled as with `offloaded` all the same, because decoding it takes long.
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
    let body: Body

    /// What runs a call; called on the loop, returns the task unless the call has ended already.
    enum Body: Sendable {
        /// Decodes the request first, on the loop; one that came in several frames elsewhere, because that takes long.
        case unary(
            @Sendable (UnsafeRawBufferPointer, ServerCall) -> Task<Void, Never>?,
            long: @Sendable (MessageBlocks, ServerCall) -> Task<Void, Never>?)
        /// Gets the requests as they come.
        case stream(@Sendable (ServerStream, ServerCall) -> Task<Void, Never>?)
    }

    init(
        _ name: MethodName,
        begin: @escaping @Sendable (UnsafeRawBufferPointer, ServerCall) -> Task<Void, Never>?,
        long: @escaping @Sendable (MessageBlocks, ServerCall) -> Task<Void, Never>?
    ) {
        self.name = name
        body = .unary(begin, long: long)
    }

    init(_ name: MethodName, body: Body) {
        self.name = name
        self.body = body
    }

    /// Whether either side of the method's calls is a stream.
    var isStream: Bool {
        if case .stream = body { true } else { false }
    }

    /// A handler with streams of encoded messages, for proxies and dynamic messages.
    ///
    /// - Parameter body: Reads the requests and sends the responses. A method that answers once sends its response
    ///   alone; the call ends when the body returns and everything has been sent.
    public static func streamBytes(
        _ name: MethodName,
        _ body:
            @escaping @Sendable (
                _ requests: RequestBytes, _ responses: ResponseBytes, _ context: CallContext
            ) async throws -> Void
    ) -> MethodHandler {
        let begin: @Sendable (ServerStream, ServerCall) -> Task<Void, Never>? = { stream, call in
            call.run(stream) { context in
                try await body(RequestBytes(stream: stream), ResponseBytes(stream: stream), context)
            }
        }
        return MethodHandler(name, body: .stream(begin))
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
            return call.run { context in call.reply(with: try await body(request, context)) }
        } long: { blocks, call in
            call.runOffloaded { context in
                call.reply(with: try await body(blocks.joined(), context))
            }
        }
    }

    /// The answer for a method this server cannot run: `unimplemented`, naming it.
    public static func unimplemented(_ name: MethodName) -> MethodHandler {
        let refuse: @Sendable (ServerCall) -> Task<Void, Never>? = { call in
            call.fail(RPCError(.unimplemented, "\(name) is not implemented by this server", executed: .no))
            return nil
        }
        return MethodHandler(name) { _, call in
            refuse(call)
        } long: { _, call in
            refuse(call)
        }
    }

    /// The same handler, run elsewhere.
    public func execution(_ execution: Execution) -> MethodHandler {
        var handler = self
        handler.execution = execution
        return handler
    }
}
