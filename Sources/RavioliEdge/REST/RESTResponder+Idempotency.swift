// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import NIOCore
import Ravioli

/// REST calls that have a key.
extension RESTResponder {
    /// The request's call, if it has a key that counts.
    func keyedCall(_ verified: Metadata) throws(RESTFailure) -> (desk: IdempotencyDesk, call: KeyedCall)? {
        guard let desk = edge.idempotency else { return nil }
        do throws(IdempotencyRefusal) {
            return try desk.call(exchange.head, route, verified: verified).map { (desk, $0) }
        } catch {
            throw error.failure
        }
    }

    /// Answers with what the call ends, or ended, with.
    func once(
        _ desk: IdempotencyDesk, _ call: KeyedCall, _ bridge: CallBridge, _ request: ByteBuffer,
        _ response: RESTResponse
    ) async throws(RESTFailure) {
        let bytes: [UInt8]
        let route: Route
        do throws(RPCError) { (bytes, route) = try await bridge.encoded(request) } catch {
            throw RESTFailure(error)
        }
        let rule = match.binding.rule
        let call = call.with(form: "REST \(rule.httpMethod ?? "*") \(rule.path)", bytes)
        do throws(IdempotencyRefusal) {
            let (answer, isReplay) = try await desk.once(call, deadline: bridge.deadline) { [self] in
                await end(bridge, bytes, route, response)
            }
            if isReplay { exchange.addResponseFields([.idempotencyReplayed: "true"]) }
            await send(answer.edgeAnswer)
        } catch {
            throw error.failure
        }
    }

    private func end(
        _ bridge: CallBridge, _ bytes: [UInt8], _ route: Route, _ response: RESTResponse
    ) async -> KeyedEnd {
        do throws(RESTFailure) {
            let result: (ByteBuffer, ResponseMetadata)
            do throws(RPCError) { result = try await bridge.unary(bytes, route) } catch {
                throw RESTFailure(error)
            }
            let body = try response.body(of: Array(result.0.readableBytesView))
            return KeyedEnd(answer: StoredAnswer(plain(body, result.1)))
        } catch {
            note(error.error)
            let answer = edge.restFailure(error, exchange, route: route)
            return KeyedEnd(answer: StoredAnswer(answer), error: error.error)
        }
    }
}
