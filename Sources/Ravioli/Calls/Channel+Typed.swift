// SPDX-License-Identifier: Apache-2.0

public import RavioliSchema

/// A response with what the handler sent beside it.
public struct Response<Message: Sendable>: Sendable {
    /// The response message.
    public var message: Message
    /// The response's metadata.
    public var metadata: Metadata

    /// A response from its parts.
    public init(_ message: Message, metadata: Metadata = Metadata()) {
        self.message = message
        self.metadata = metadata
    }
}

extension Channel {
    /// Calls a method.
    ///
    /// - Throws: The status the call ended with; `invalid_argument` when the request cannot be encoded, `internal`
    ///   when the response cannot be decoded.
    public func call<Request: Message, Result: Message>(
        _ method: Method<Request, Result>, _ request: Request, options: CallOptions = .defaults
    ) async throws(RPCError) -> Result {
        let response = try await unary(UnaryRequest(method, request, options: options))
        return try response.decoded()
    }

    /// Calls a method and returns the response's metadata with its message. Throws as ``call(_:_:options:)`` does.
    public func response<Request: Message, Result: Message>(
        _ method: Method<Request, Result>, _ request: Request, options: CallOptions = .defaults
    ) async throws(RPCError) -> Response<Result> {
        let response = try await unary(UnaryRequest(method, request, options: options))
        return Response(try response.decoded(), metadata: response.metadata)
    }
}

extension UnaryRequest {
    /// A call of a method with its message.
    ///
    /// - Throws: `invalid_argument` when the message cannot be encoded.
    public init<Request: Message, Result: Message>(
        _ method: Method<Request, Result>, _ request: Request, options: CallOptions = .defaults
    ) throws(RPCError) {
        do throws(SchemaError) {
            self.init(method.name, message: try request.encoded(), options: options)
        } catch {
            throw RPCError(
                call: .invalidArgument, "the request of \(method.name) cannot be encoded: \(error)",
                executed: .no,
                cause: error)
        }
    }
}

extension UnaryResponse {
    fileprivate func decoded<Result: Message>() throws(RPCError) -> Result {
        do throws(SchemaError) {
            return try Result(decoding: message)
        } catch {
            throw RPCError(
                call: .internal, "the response cannot be decoded: \(error)", executed: .yes, cause: error)
        }
    }
}
