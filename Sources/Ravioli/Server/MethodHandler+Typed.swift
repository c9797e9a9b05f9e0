// SPDX-License-Identifier: Apache-2.0

public import RavioliSchema

extension MethodHandler {
    /// A handler of a unary method.
    ///
    /// The request is decoded on the connection's loop and the response encoded where the handler ended, on the loop
    /// straight into the connection's output.
    ///
    /// - Parameter body: Answers the response, or throws an ``RPCError``; any other error reaches the caller as
    ///   `internal` without its text.
    public static func unary<Request: Message, Result: Message>(
        _ method: Method<Request, Result>,
        _ body: @escaping @Sendable (_ request: Request, _ context: CallContext) async throws -> Result
    ) -> MethodHandler {
        MethodHandler(method.name) { bytes, call in
            let request: Request
            do throws(SchemaError) {
                request = try Request(decoding: bytes)
            } catch {
                call.fail(refusal(of: error, method.name))
                return nil
            }
            return call.run { context in
                let response = try await body(request, context)
                try response.withEncodedBytes { call.reply(with: $0) }
            }
        }
    }

    /// The answer for a method this server cannot run: `unimplemented`, naming it.
    public static func unimplemented<Request: Message, Result: Message>(
        _ method: Method<Request, Result>
    ) -> MethodHandler {
        unimplemented(method.name)
    }

    private static func refusal(of error: SchemaError, _ method: MethodName) -> RPCError {
        let code: StatusCode = error.code == .limitExceeded ? .resourceExhausted : .invalidArgument
        return RPCError(code, "the request of \(method) cannot be decoded: \(error)", executed: .no)
    }
}
