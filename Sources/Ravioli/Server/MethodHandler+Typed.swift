// SPDX-License-Identifier: Apache-2.0

public import RavioliSchema
import RavioliWire

extension MethodHandler {
    /// A handler of a unary method.
    ///
    /// The request is decoded on the connection's loop, unless it came in several frames, and the response encoded where the handler ended, on the loop
    /// straight into the connection's output.
    ///
    /// - Parameter body: Answers the response, or throws an ``RPCError``; any other error reaches the caller as
    ///   `internal` without its text.
    public static func unary<Request: Message, Result: Message>(
        _ method: Method<Request, Result>,
        _ body: @escaping @Sendable (_ request: Request, _ context: CallContext) async throws -> Result
    ) -> MethodHandler {
        MethodHandler(method.name) { bytes, call in
            do throws(RPCError) {
                let request: Request = try decode(bytes, method.name)
                return call.run(request, body)
            } catch {
                call.fail(error)
                return nil
            }
        } long: { blocks, call in
            call.runOffloaded { context in
                let request: Request = try blocks.joined().withUnsafeBytes { bytes throws(RPCError) in
                    try decode(bytes, method.name)
                }
                try await body(request, context).withEncodedBytes { call.reply(with: $0) }
            }
        }
    }

    /// The answer for a method this server cannot run: `unimplemented`, naming it.
    public static func unimplemented<Request: Message, Result: Message>(
        _ method: Method<Request, Result>
    ) -> MethodHandler {
        unimplemented(method.name)
    }

    private static func decode<Request: Message>(
        _ bytes: UnsafeRawBufferPointer, _ method: MethodName
    ) throws(RPCError) -> Request {
        do throws(SchemaError) {
            return try Request(decoding: bytes)
        } catch {
            let code: StatusCode = error.code == .limitExceeded ? .resourceExhausted : .invalidArgument
            throw RPCError(code, "the request of \(method) cannot be decoded: \(error)", executed: .no)
        }
    }
}
