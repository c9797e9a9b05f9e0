// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Logging
import NIOCore
import Ravioli
import RavioliSchema

/// Answers one exchange that fits a REST rule.
struct RESTResponder {
    let edge: Edge
    let exchange: Exchange
    let match: RESTMatch
    let route: Route
    let options: RESTOptions

    init(_ edge: Edge, _ exchange: Exchange, _ match: RESTMatch, _ route: Route) {
        (self.edge, self.exchange, self.match, self.route) = (edge, exchange, match, route)
        var options = edge.options.rest
        options.jsonEncoding = edge.options.jsonEncoding
        options.jsonDecoding = edge.options.jsonDecoding
        let bytesMax = edge.options.limits.messageBytesMax
        options.limits.jsonBytesMax = bytesMax.multipliedReportingOverflow(by: 4).partialValue
        self.options = options
    }

    private var limits: EdgeLimits { edge.options.limits }
    var accepted: AcceptedTypes { AcceptedTypes(exchange.head.headerFields[values: .accept]) }

    /// Serves the request.
    func serve(verified: Metadata) async {
        if let plan = match.binding.plan.flatMap(edge.restDoor.plan) {
            return await serve(plan, verified: verified)
        }
        do throws(RESTFailure) {
            let isStream = match.binding.method.serverStreaming
            let response = RESTResponse(match.binding, options: options, types: route.types)
            let stream = isStream ? try RESTStream(match.binding, accepted) : nil
            if !isStream { try response.checkAccept(accepted) }
            let bridge = try bridge(verified)
            let keyed = isStream ? nil : try keyedCall(verified)
            let request = ByteBuffer(bytes: try await request(bridge))
            if let stream {
                let output = RESTOutput(exchange, stream, response, edge: edge, route: route)
                await output.run(bridge, request, heartbeat: options.heartbeatInterval)
            } else if let keyed {
                try await once(keyed.desk, keyed.call, bridge, request, response)
            } else {
                let result = try await call { () throws(RPCError) in try await bridge.unary(request) }
                let body = try response.body(of: Array(result.0.readableBytesView))
                await answer(body, result.1)
            }
        } catch {
            note(error.error)
            await exchange.answer(edge.restFailure(error, exchange, route: route))
        }
    }

    // MARK: Request

    func bridge(_ verified: Metadata) throws(RESTFailure) -> CallBridge {
        let fields = exchange.head.headerFields
        do throws(RPCError) {
            var metadata = try RequestMetadata.read(fields, rules: edge.options.requestHeaders)
            for name in Set(verified.map(\.name)) { metadata.remove(name) }
            metadata.add(contentsOf: verified)
            metadata.add("x-request-id", exchange.requestID)
            let isStream = match.binding.method.serverStreaming
            let longest = isStream ? limits.streamTimeoutMax : limits.timeoutMax
            let time = try RESTTimeout.read(fields) ?? (isStream ? longest : limits.timeoutDefault)
            return CallBridge(
                edge: edge, route: route, codec: .proto, metadata: metadata,
                deadline: .after(min(time, longest)))
        } catch {
            throw RESTFailure(error)
        }
    }

    func request(_ bridge: CallBridge) async throws(RESTFailure) -> [UInt8] {
        exchange.limitBody(to: min(bridge.deadline.remaining, limits.bodyTimeout))
        let fields = exchange.head.headerFields
        let bytesMax = limits.messageBytesMax
        let body: ByteBuffer
        do throws(RPCError) {
            let coding = try ContentCoding(requested: fields[values: .contentEncoding])
            let bytes = try await RPCError.reading(bytesMax: bytesMax) { () throws(BodyFailure) in
                try await exchange.body.collect(upTo: bytesMax)
            }
            body = try coding.decoded(bytes, upTo: bytesMax)
        } catch {
            if error.code == .resourceExhausted { throw .bodyTooLarge(bytesMax: bytesMax) }
            var failure = RESTFailure(error)
            if error.code == .unimplemented {
                failure.status = .unsupportedMediaType
                failure.headers[.acceptEncoding] = ContentCoding.supported
            }
            throw failure
        }
        let types = fields[values: .contentType]
        guard types.count <= 1 else { throw .unsupportedMediaType(match.binding.rule.httpMethod) }
        let request = RESTRequest(match, options: options, types: route.types)
        return try request.encoded(body: body, contentType: types.first)
    }

    private func call<Result>(
        _ body: () async throws(RPCError) -> Result
    ) async throws(RESTFailure) -> Result {
        do throws(RPCError) { return try await body() } catch { throw RESTFailure(error) }
    }

    // MARK: Answer

    /// Answers with a whole body.
    func answer(_ body: RESTResponse.Body, _ metadata: ResponseMetadata) async {
        await send(plain(body, metadata))
    }

    /// The answer with a whole body, not compressed yet.
    func plain(_ body: RESTResponse.Body, _ metadata: ResponseMetadata) -> EdgeAnswer {
        var answer = EdgeAnswer(.ok, body.contentType, ByteBuffer(bytes: body.bytes))
        for (name, value) in metadata.leading + metadata.trailing {
            answer.headers.append(HTTPField(name: name, value: value))
        }
        return answer
    }

    /// Sends an answer in the coding that the client accepts, or says that the client has it already.
    func send(_ answer: EdgeAnswer) async {
        var answer = answer
        if edge.options.compressesResponses, answer.status == .ok {
            let accepted = exchange.head.headerFields[values: .acceptEncoding]
            answer.compress(ContentCoding(accepted: accepted, request: .identity))
        }
        await exchange.answer(
            answer.conditional(exchange.head, isOn: edge.options.etags) {
                edge.restFailure(
                    RESTFailure(.preconditionFailed, .failedPrecondition, $0), exchange, route: route)
            })
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

/// The time that a client gives a REST call.
enum RESTTimeout {
    /// `X-Server-Timeout` in decimal seconds, `grpc-timeout`, or `Connect-Timeout-Ms`; nil if there is none.
    ///
    /// - Throws: `invalid_argument` for one that is malformed.
    static func read(_ fields: HTTPFields) throws(RPCError) -> Duration? {
        if let text = fields[.serverTimeout] {
            guard let seconds = Double(text), seconds > 0, seconds < 1e9 else {
                throw RPCError(refused: "x-server-timeout must be a positive number of seconds")
            }
            return .seconds(seconds)
        }
        if let text = fields[.grpcTimeout] {
            guard let time = CallTimeout.grpc(text) else {
                throw RPCError(refused: "grpc-timeout must be at most 8 digits and a unit")
            }
            return time
        }
        guard let text = fields[.connectTimeoutMs] else { return nil }
        guard let time = CallTimeout.connect(text) else {
            throw RPCError(refused: "connect-timeout-ms must be a positive integer of at most 10 digits")
        }
        return time
    }
}

extension HTTPField.Name {
    fileprivate static let serverTimeout = HTTPField.Name("X-Server-Timeout")!
}
