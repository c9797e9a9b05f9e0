// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import NIOCore
import Ravioli

/// Calls of one message each way that have a key.
extension CallResponder {
    /// Does something of the desk's; its refusals are told in the protocol of the call.
    func keyed<Result>(
        _ body: () async throws(IdempotencyRefusal) -> Result
    ) async throws(EdgeRefusal) -> Result {
        do throws(IdempotencyRefusal) { return try await body() } catch {
            exchange.addResponseFields(error.fields)
            throw .call(error.error)
        }
    }

    /// Answers with what the call ends, or ended, with.
    func once(
        _ desk: IdempotencyDesk, _ call: KeyedCall, _ bridge: CallBridge, _ head: CallHead
    ) async throws(EdgeRefusal) {
        let (bytes, route) = try await request(bridge, head)
        let call = call.with(form: head.contentType.name, bytes)
        let (answer, isReplay) = try await keyed { () async throws(IdempotencyRefusal) in
            try await desk.once(call, deadline: bridge.deadline) { [self] in
                await end(bridge, bytes, route, head)
            }
        }
        if isReplay { exchange.addResponseFields([.idempotencyReplayed: "true"]) }
        if head.rpc == .connectUnary {
            var plain = answer.edgeAnswer
            if answer.status == 200 { plain.compress(head.responseCoding) }
            await exchange.answer(plain)
        } else {
            let response = EnvelopedResponse(head.contentType, coding: head.responseCoding)
            await EnvelopedOutput(exchange, response, rules: options.responseHeaders).send(answer)
        }
    }

    /// The request on the wire. What is wrong with it is told before anything is noted.
    private func request(
        _ bridge: CallBridge, _ head: CallHead
    ) async throws(EdgeRefusal) -> ([UInt8], Route) {
        if head.rpc == .connectUnary {
            let message = try await unaryMessage(bridge, head)
            do throws(RPCError) { return try await bridge.encoded(message) } catch { throw .call(error) }
        }
        limitBody(bridge)
        var reader = MessageReader(exchange.body, head, bytesMax: options.limits.messageBytesMax)
        do throws(RPCError) { return try await bridge.encoded(try await reader.only()) } catch {
            throw .call(error)
        }
    }

    private func end(
        _ bridge: CallBridge, _ bytes: [UInt8], _ route: Route, _ head: CallHead
    ) async -> KeyedEnd {
        do throws(RPCError) {
            let (message, metadata) = try await bridge.unary(bytes, route)
            return KeyedEnd(answer: success(message, metadata, head))
        } catch {
            note(error)
            return KeyedEnd(answer: failure(error, head), error: error)
        }
    }

    private func success(
        _ message: ByteBuffer, _ metadata: ResponseMetadata, _ head: CallHead
    ) -> StoredAnswer {
        if head.rpc == .connectUnary { return StoredAnswer(.plain(message, head, metadata)) }
        var fields = HTTPFields()
        for (name, value) in metadata.leading { fields.append(HTTPField(name: name, value: value)) }
        return StoredAnswer(
            status: 200, fields: fields, body: message,
            trailers: EnvelopedResponse.trailers(nil, metadata.trailing))
    }

    private func failure(_ error: RPCError, _ head: CallHead) -> StoredAnswer {
        let told = error.forTheWorld
        if head.rpc == .connectUnary {
            return StoredAnswer(.failure(told, types: types, rules: options.responseHeaders))
        }
        let metadata = ResponseMetadata(end: error.metadata, isFirst: false, rules: options.responseHeaders)
        return StoredAnswer(
            status: 200, fields: [:], body: ByteBuffer(),
            trailers: EnvelopedResponse.trailers(told, metadata.trailing))
    }
}
