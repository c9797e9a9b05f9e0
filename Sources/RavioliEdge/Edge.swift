// SPDX-License-Identifier: Apache-2.0

package import HTTPTypes
package import Logging
package import NIOCore
package import Ravioli
import RavioliSchema
import Synchronization

/// The edge without its HTTP server: heads and bodies in, answers out.
package final class Edge: Sendable {
    /// Reads a request's body; throws `NIOTooManyBytesError` above so many bytes.
    package typealias BodyReader = @Sendable (_ bytesMax: Int) async throws -> ByteBuffer

    package let options: EdgeOptions
    let logger: Logger
    private let prefix: [String]
    let followers: [SchemaFollower]
    private let table: Mutex<RouteTable>

    /// - Throws: `invalidConfiguration`.
    package init(_ upstreams: [Upstream], options: EdgeOptions, logger: Logger) throws(RuntimeError) {
        try options.limits.check()
        self.options = options
        self.logger = logger
        prefix = EdgePath.prefix(options.prefix)
        followers = upstreams.map { SchemaFollower($0, limits: options.limits, logger: logger) }
        table = Mutex(RouteTable(followers.map(\.pool)))
    }

    // MARK: Schemas

    /// Asks every upstream for its schema.
    ///
    /// - Parameter paced: Whether to leave out those that were asked a moment ago.
    package func refresh(paced: Bool = false) async {
        await withDiscardingTaskGroup { group in
            for follower in followers { group.addTask { await follower.refresh(paced: paced) } }
        }
        rebuild()
    }

    private func rebuild() {
        let new = RouteTable(followers.map(\.pool))
        for (service, upstream) in new.duplicates {
            let name = followers[upstream].upstream.name
            logger.debug(
                "service left out: an earlier upstream has it",
                metadata: ["service": "\(service)", "upstream": "\(name)"])
        }
        table.withLock { $0 = new }
    }

    // MARK: Answering

    /// Answers one request. Never throws: whatever happens becomes an answer.
    package func answer(_ head: HTTPRequest, requestID: String, body: BodyReader) async -> EdgeAnswer {
        let start = Deadline.nowNanoseconds
        var answer: EdgeAnswer
        if head.path?.prefix(while: { $0 != "?" }) == "/healthz" {
            answer = await health(head)
        } else {
            answer = await callAnswer(head, requestID: requestID, body: body)
        }
        answer.headers[.requestID] = requestID
        log(head, answer, requestID: requestID, nanoseconds: Deadline.nowNanoseconds - start)
        return answer
    }

    private func log(_ head: HTTPRequest, _ answer: EdgeAnswer, requestID: String, nanoseconds: Int64) {
        // Whoever asks for health keeps asking; the log says once which upstream is not well.
        let isQuiet = answer.status.code < 500 || head.path == "/healthz"
        let level: Logger.Level = isQuiet ? .debug : .info
        logger.log(
            level: level, "answered",
            metadata: [
                "request": "\(requestID)", "status": "\(answer.status.code)",
                "microseconds": "\(nanoseconds / 1000)",
                "path": "\(SchemaError.excerpt(head.path ?? "", limit: 128))",
            ])
    }

    private func callAnswer(_ head: HTTPRequest, requestID: String, body: BodyReader) async -> EdgeAnswer {
        var types = DescriptorPool()
        do throws(EdgeRefusal) {
            let route = try await route(head)
            types = route.types
            guard head.method == .post else {
                throw .http(.methodNotAllowed, "A call is a POST.", [.allow: "POST"])
            }
            let request = try ConnectRequest(head.headerFields, options: options, requestID: requestID)
            do throws(RPCError) {
                return try await run(route, request, start: .after(request.timeout), body: body)
            } catch {
                throw .connect(error)
            }
        } catch {
            switch error {
            case .http(let status, let text, let fields): return .refusal(status, text, fields)
            case .connect(let error):
                if error.isFromCall || error.cause != nil {
                    logger.info(
                        "call failed",
                        metadata: [
                            "request": "\(requestID)", "error": "\(error)",
                            "cause": "\(error.cause.map { "\($0)" } ?? "")",
                        ])
                }
                return .failure(error.forTheWorld, types: types, rules: options.responseHeaders)
            }
        }
    }

    /// The method that a request is for.
    private func route(_ head: HTTPRequest) async throws(EdgeRefusal) -> Route {
        guard let path = EdgePath(head.path ?? "") else {
            throw .http(.badRequest, "The path is malformed.", [:])
        }
        guard let (service, method) = path.method(behind: prefix) else { throw Self.notFound }
        if let route = table.withLock({ $0.route(service: service, method: method) }) { return route }
        await refresh(paced: true)
        let (route, isComplete) = table.withLock {
            ($0.route(service: service, method: method), $0.isComplete)
        }
        if let route { return route }
        if isComplete { throw Self.notFound }
        throw .connect(RPCError(.unavailable, "not every service has been found yet", executed: .no))
    }

    private static let notFound = EdgeRefusal.http(.notFound, "There is no such method.", [:])

    // MARK: Calling

    private func run(
        _ route: Route, _ request: ConnectRequest, start deadline: Deadline, body: BodyReader
    ) async throws(RPCError) -> EdgeAnswer {
        guard !route.method.clientStreaming, !route.method.serverStreaming else {
            throw RPCError(
                .unimplemented, "\(route.name) is a stream; this edge serves unary calls", executed: .no)
        }
        let body = try await read(body)
        let follower = followers[route.upstream]
        if follower.isDoubtful { await refresh(paced: true) }
        var route = current(route)
        var call = UnaryRequest(route.name, message: [])
        do throws(RPCError) {
            call.message = try encoded(body, request.codec, route)
        } catch {
            // The client may know a newer schema than the edge.
            await refresh(paced: true)
            let newer = current(route)
            guard newer.method !== route.method else { throw error }
            route = newer
            call.message = try encoded(body, request.codec, route)
        }
        call.deadline = deadline
        call.metadata = request.metadata
        let response = try await send(call, to: follower)
        return try answer(response, request.codec, route)
    }

    /// The same method in the newest schema.
    private func current(_ route: Route) -> Route {
        table.withLock { $0.route(service: route.name.service, method: route.name.method) } ?? route
    }

    private func read(_ body: BodyReader) async throws(RPCError) -> ByteBuffer {
        let bytesMax = options.limits.messageBytesMax
        do {
            return try await body(bytesMax)
        } catch is NIOTooManyBytesError {
            throw RPCError(
                .resourceExhausted, "the message is over messageBytesMax = \(bytesMax)", executed: .no)
        } catch {
            throw RPCError(.cancelled, "the request did not arrive whole", executed: .no)
        }
    }

    private func encoded(
        _ body: ByteBuffer, _ codec: ConnectRequest.Codec, _ route: Route
    ) throws(RPCError) -> [UInt8] {
        guard codec == .json else { return Array(body.readableBytesView) }
        var decoding = options.jsonDecoding
        decoding.types = route.types
        do throws(SchemaError) {
            return try body.withReadableBytes { bytes throws(SchemaError) in
                try JSONTranscoder.encoded(
                    fromJSON: bytes, as: route.method.input, options: decoding, limits: schemaLimits)
            }
        } catch {
            let code: StatusCode = error.code == .limitExceeded ? .resourceExhausted : .invalidArgument
            throw RPCError(code, "\(error)", executed: .no)
        }
    }

    private func send(
        _ call: UnaryRequest, to follower: SchemaFollower
    ) async throws(RPCError) -> UnaryResponse {
        do throws(RPCError) {
            let response = try await follower.upstream.channel.unary(call)
            let bytesMax = options.limits.messageBytesMax
            guard response.message.count <= bytesMax else {
                throw RPCError(.resourceExhausted, "the answer is over messageBytesMax = \(bytesMax)")
            }
            return response
        } catch {
            if error.code == .unavailable || error.code == .unimplemented { follower.doubt() }
            throw error
        }
    }

    private func answer(
        _ response: UnaryResponse, _ codec: ConnectRequest.Codec, _ route: Route
    ) throws(RPCError) -> EdgeAnswer {
        var body = ByteBuffer()
        if codec == .proto {
            body = ByteBuffer(bytes: response.message)
        } else {
            var encoding = options.jsonEncoding
            encoding.types = route.types
            do throws(SchemaError) {
                body = try response.message.withReadableBytes { bytes throws(SchemaError) in
                    try JSONTranscoder.withJSON(
                        fromEncoded: bytes, as: route.method.output, options: encoding, limits: schemaLimits
                    ) { ByteBuffer(bytes: $0) }
                }
            } catch {
                throw RPCError(.internal, "the service's answer has no JSON form", cause: error)
            }
        }
        return .success(body, codec: codec, metadata: response.metadata, rules: options.responseHeaders)
    }

    /// JSON is longer than the message it stands for; it may be so four times.
    private var schemaLimits: SchemaLimits {
        var limits = SchemaLimits.defaults
        limits.jsonBytesMax = options.limits.messageBytesMax.multipliedReportingOverflow(by: 4).partialValue
        return limits
    }
}

extension ByteBuffer {
    fileprivate func withReadableBytes<Result>(
        _ body: (UnsafeRawBufferPointer) throws(SchemaError) -> Result
    ) throws(SchemaError) -> Result {
        let result = withUnsafeReadableBytes { bytes -> Swift.Result<Result, SchemaError> in
            do throws(SchemaError) { return .success(try body(bytes)) } catch { return .failure(error) }
        }
        return try result.get()
    }
}

extension [UInt8] {
    fileprivate func withReadableBytes<Result>(
        _ body: (UnsafeRawBufferPointer) throws(SchemaError) -> Result
    ) throws(SchemaError) -> Result {
        try span.bytes.withUnsafeBytes { bytes throws(SchemaError) in try body(bytes) }
    }
}

extension RPCError {
    /// The error as strangers may see it: what this end inferred about its own connections names addresses and limits
    /// that are nobody's business.
    var forTheWorld: RPCError {
        guard isFromCall, origin == .local else { return self }
        let text: String
        switch code {
        case .invalidArgument, .resourceExhausted: text = message
        case .deadlineExceeded: text = "the deadline passed"
        case .cancelled: text = "the call was cancelled"
        case .unavailable: text = "the service cannot be reached"
        default: text = "the call failed on its way"
        }
        return RPCError(code, text, executed: executed)
    }
}
