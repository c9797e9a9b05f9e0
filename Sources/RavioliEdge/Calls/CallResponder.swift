// SPDX-License-Identifier: Apache-2.0
//
// Between an exchange and a call: reads the head by the rules of the request's protocol, feeds the bridge, and writes what
// comes back in the same protocol. What goes wrong before the response has begun can still choose its form; later it
// is told at the response's end.

import HTTPTypes
import Logging
import NIOCore
import Ravioli
import RavioliSchema

/// Answers one exchange that is a call, or should be one.
struct CallResponder {
    let edge: Edge
    let exchange: Exchange
    let types: DescriptorPool
    /// The content type, as far as it is one of ours.
    private let contentType: RPCContentType?

    var options: EdgeOptions { edge.options }

    init(_ edge: Edge, _ exchange: Exchange, types: DescriptorPool) {
        self.edge = edge
        self.exchange = exchange
        self.types = types
        let named = exchange.head.headerFields[values: .contentType]
        contentType = named.count == 1 ? RPCContentType(named[0]) : nil
    }

    /// Serves a request for a method.
    func serve(_ route: Route, verified: Metadata) async {
        do throws(EdgeRefusal) {
            let head = try head(route)
            let metadata = try Self.call { () throws(RPCError) in try merge(head.metadata, verified) }
            let bridge = CallBridge(
                edge: edge, route: route, codec: head.codec, metadata: metadata,
                deadline: deadline(head, route))
            if let desk = edge.idempotency, !isStream(route.method),
                let call = try await keyed({ () throws(IdempotencyRefusal) in
                    try desk.call(exchange.head, route, verified: verified)
                })
            {
                try await once(desk, call, bridge, head)
            } else if head.rpc == .connectUnary {
                await exchange.answer(try await connectUnary(bridge, head))
            } else {
                await enveloped(bridge, head)
            }
        } catch {
            await refuse(error)
        }
    }

    // MARK: Head

    private func head(_ route: Route) throws(EdgeRefusal) -> CallHead {
        let method = route.method
        let isStream = isStream(method)
        let allowsGet = !isStream && method.idempotency == .noSideEffects
        if exchange.head.method == .get, allowsGet { return try getHead() }
        guard exchange.head.method == .post else {
            throw .http(.methodNotAllowed, "A call is a POST.", [.allow: allowsGet ? "GET, POST" : "POST"])
        }
        guard let contentType, contentType.rpc.isGRPC || (contentType.rpc == .connectStream) == isStream
        else {
            let accepted = RPCContentType.acceptPost(streams: isStream)
            throw .http(
                .unsupportedMediaType, "The content type must be one of: \(accepted).",
                [.acceptPost: accepted])
        }
        try checkVersion(contentType.rpc, method)
        return try Self.call { () throws(RPCError) in
            try CallHead(
                exchange.head.headerFields, contentType: contentType, options: options,
                requestID: exchange.requestID)
        }
    }

    private func isStream(_ method: MethodDescriptor) -> Bool {
        method.clientStreaming || method.serverStreaming
    }

    /// Full duplex and gRPC's trailers need HTTP/2.
    private func checkVersion(_ rpc: RPCProtocol, _ method: MethodDescriptor) throws(EdgeRefusal) {
        let isDuplex = method.clientStreaming && method.serverStreaming
        guard !exchange.connection.isHTTP2, rpc == .grpc || isDuplex else { return }
        let status = HTTPResponse.Status(code: 505, reasonPhrase: "HTTP Version Not Supported")
        throw .http(status, "This call needs HTTP/2.", [.connection: "close"])
    }

    private func getHead() throws(EdgeRefusal) -> CallHead {
        let query = try ConnectQuery(path: exchange.head.path ?? "")
        return try Self.call { () throws(RPCError) in
            try CallHead(
                get: query, exchange.head.headerFields, options: options, requestID: exchange.requestID)
        }
    }

    private static func call<Result>(
        _ body: () throws(RPCError) -> Result
    ) throws(EdgeRefusal) -> Result {
        do throws(RPCError) { return try body() } catch { throw .call(error) }
    }

    /// What guards have verified replaces what the client says under the same name.
    private func merge(_ metadata: Metadata, _ verified: Metadata) throws(RPCError) -> Metadata {
        if verified.isEmpty { return metadata }
        var metadata = metadata
        for name in Set(verified.map(\.name)) { metadata.remove(name) }
        metadata.add(contentsOf: verified)
        return metadata
    }

    private func deadline(_ head: CallHead, _ route: Route) -> Deadline {
        let limits = options.limits
        if isStream(route.method) {
            return .after(min(head.timeout ?? limits.streamTimeoutMax, limits.streamTimeoutMax))
        }
        return .after(min(head.timeout ?? limits.timeoutDefault, limits.timeoutMax))
    }

    // MARK: Connect, one message each way

    private func connectUnary(_ bridge: CallBridge, _ head: CallHead) async throws(EdgeRefusal) -> EdgeAnswer
    {
        let message = try await unaryMessage(bridge, head)
        do throws(RPCError) {
            let (response, metadata) = try await bridge.unary(message)
            return .success(response, head, metadata)
                .conditional(exchange.head, isOn: options.etags) {
                    .failure(
                        RPCError(.failedPrecondition, $0, executed: .yes), rules: options.responseHeaders)
                }
        } catch {
            throw .call(error)
        }
    }

    func unaryMessage(_ bridge: CallBridge, _ head: CallHead) async throws(EdgeRefusal) -> ByteBuffer {
        limitBody(bridge)
        let bytesMax = options.limits.messageBytesMax
        var message: ByteBuffer
        do throws(RPCError) {
            message = try await RPCError.reading(bytesMax: bytesMax) { () throws(BodyFailure) in
                try await exchange.body.collect(upTo: bytesMax)
            }
        } catch { throw .call(error) }
        if exchange.head.method == .get {
            guard message.readableBytes == 0 else {
                throw .http(.unsupportedMediaType, "A GET has no body.", [:])
            }
            message = try ConnectQuery(path: exchange.head.path ?? "").message
        }
        return try Self.call { () throws(RPCError) in try head.requestCoding.decoded(message, upTo: bytesMax)
        }
    }

    /// A body that takes longer than its call may is not waited for.
    func limitBody(_ bridge: CallBridge) {
        exchange.limitBody(to: min(bridge.deadline.remaining, options.limits.bodyTimeout))
    }

    // MARK: Enveloped messages

    private func enveloped(_ bridge: CallBridge, _ head: CallHead) async {
        let response = EnvelopedResponse(head.contentType, coding: head.responseCoding)
        let output = EnvelopedOutput(exchange, response, rules: options.responseHeaders)
        do throws(RPCError) {
            await output.end(try await run(bridge, head, output))
        } catch {
            note(error)
            await output.fail(error.forTheWorld, error.metadata, types: types)
        }
    }

    /// Runs the call; returns the fields of its end.
    private func run(
        _ bridge: CallBridge, _ head: CallHead, _ output: EnvelopedOutput
    ) async throws(RPCError) -> ResponseMetadata.Fields {
        let method = bridge.route.method
        var reader = MessageReader(exchange.body, head, bytesMax: options.limits.messageBytesMax)
        if method.clientStreaming {
            exchange.limitBody(to: nil)
            return output.trailing(try await bridge.requestStream(reader, into: output))
        }
        limitBody(bridge)
        let message = try await reader.only()
        if method.serverStreaming {
            return output.trailing(try await bridge.serverStream(message, into: output))
        }
        let (answer, metadata) = try await bridge.unary(message)
        output.begin(metadata)
        try await output.send(answer)
        return metadata.trailing
    }

    // MARK: Refusals

    /// Tells what is wrong in the form that the client understands.
    func refuse(_ refusal: EdgeRefusal) async {
        switch refusal {
        case .http(let status, let text, let fields):
            // A gRPC client asks for a method that there is not: it hears so in its own protocol.
            if status == .notFound, exchange.head.method == .post, let contentType, contentType.rpc.isGRPC {
                let error = RPCError(.unimplemented, "there is no such method", executed: .no)
                return await refuseEnveloped(error, contentType)
            }
            await exchange.answer(.refusal(status, text, fields))
        case .call(let error):
            note(error)
            if let contentType, contentType.rpc != .connectUnary, exchange.head.method == .post {
                await refuseEnveloped(error.forTheWorld, contentType)
            } else {
                var answer = EdgeAnswer.failure(
                    error.forTheWorld, types: types, rules: options.responseHeaders)
                if error.code == .unimplemented { answer.headers[.acceptEncoding] = ContentCoding.supported }
                await exchange.answer(answer)
            }
        }
    }

    private func refuseEnveloped(_ error: RPCError, _ contentType: RPCContentType) async {
        let response = EnvelopedResponse(contentType, coding: .identity)
        let output = EnvelopedOutput(exchange, response, rules: options.responseHeaders)
        await output.fail(error, error.metadata, types: types)
    }

    func note(_ error: RPCError) {
        guard error.isFromCall || error.cause != nil else { return }
        edge.logger.info(
            "call failed",
            metadata: [
                "request": "\(exchange.requestID)", "error": "\(error)",
                "cause": "\(error.cause.map { "\($0)" } ?? "")",
            ])
    }
}
