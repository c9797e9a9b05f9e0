// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import NIOCore
import Ravioli
import Synchronization

/// Writes a stream of responses in REST's form. The head waits for the first message, the end or the error, so that an
/// early error has a status of its own.
final class RESTOutput: CallOutput {
    private struct State {
        var stream: RESTStream
        var headers = HTTPFields()
        var hasBegun = false
        /// Whether something was sent since the last heartbeat.
        var isBusy = false
        var gzip: GzipStream?

        /// Bytes as they are sent.
        func packed(_ bytes: [UInt8], isLast: Bool = false) -> ByteBuffer {
            gzip?.deflate(bytes, isLast: isLast) ?? ByteBuffer(bytes: bytes)
        }
    }

    private let exchange: Exchange
    private let response: RESTResponse
    private let edge: Edge
    private let route: Route
    private let state: Mutex<State>

    init(_ exchange: Exchange, _ stream: RESTStream, _ response: RESTResponse, edge: Edge, route: Route) {
        (self.exchange, self.response, self.edge, self.route) = (exchange, response, edge, route)
        let accepted = ContentCoding(
            accepted: exchange.head.headerFields[values: .acceptEncoding], request: .identity)
        let isCompressed =
            accepted == .gzip && edge.options.compressesResponses && stream.form.isCompressible
        state = Mutex(State(stream: stream, gzip: isCompressed ? GzipStream() : nil))
    }

    /// Runs the call and writes all of its response.
    func run(_ bridge: CallBridge, _ request: ByteBuffer, heartbeat: Duration) async {
        let error = await withTaskGroup(of: RPCError?.self) { group -> RPCError? in
            group.addTask { await self.beat(every: heartbeat) }
            group.addTask {
                do throws(RPCError) {
                    _ = try await bridge.serverStream(request, into: self)
                    return nil
                } catch {
                    return error
                }
            }
            // The beating ends only when it is cancelled, so the first to end is the call.
            let error = await group.next() ?? nil
            group.cancelAll()
            await group.waitForAll()
            return error
        }
        if let error { await fail(error) } else { await end() }
    }

    func begin(_ metadata: Metadata) {
        let metadata = ResponseMetadata(metadata, rules: edge.options.responseHeaders)
        state.withLock { state in
            for (name, value) in metadata.leading {
                state.headers.append(HTTPField(name: name, value: value))
            }
        }
    }

    func send(_ message: ByteBuffer) async throws(RPCError) {
        let body: RESTResponse.Body
        do throws(RESTFailure) { body = try response.body(of: Array(message.readableBytesView)) } catch {
            throw error.error
        }
        let part = state.withLock { state in
            let head = Self.head(&state, first: body)
            state.isBusy = true
            return ResponsePart(head: head, body: state.packed(state.stream.message(body.bytes)))
        }
        do throws(BodyFailure) { try await exchange.send(part) } catch {
            throw RPCError(.cancelled, "the client has gone", executed: .maybe)
        }
    }

    // MARK: Ends

    private func end() async {
        let part = state.withLock { state in
            let head = Self.head(&state, first: nil)
            return ResponsePart(
                head: head, body: state.packed(state.stream.end(), isLast: true), isLast: true)
        }
        try? await exchange.send(part)
    }

    private func fail(_ error: RPCError) async {
        let failure = RESTFailure(error)
        guard state.withLock({ $0.hasBegun }) else {
            return await exchange.answer(edge.restFailure(failure, exchange, route: route))
        }
        let text = RESTErrorBody.json(
            failure, .status, requestID: exchange.requestID, types: route.types)
        let last = state.withLock { state -> ByteBuffer? in
            guard case .complete(let bytes) = state.stream.failure(text) else { return nil }
            return state.packed(bytes, isLast: true)
        }
        // An exchange that is left without its end is reset.
        if let last { try? await exchange.send(ResponsePart(body: last, isLast: true)) }
    }

    private func beat(every interval: Duration) async -> RPCError? {
        while (try? await Task.sleep(for: interval)) != nil {
            let bytes = state.withLock { state in
                defer { state.isBusy = false }
                guard state.hasBegun, !state.isBusy else { return nil as ByteBuffer? }
                return state.stream.heartbeat.map { state.packed($0) }
            }
            if let bytes { try? await exchange.send(ResponsePart(body: bytes)) }
        }
        return nil
    }

    /// The head, before the first part.
    private static func head(_ state: inout State, first: RESTResponse.Body?) -> HTTPResponse? {
        guard !state.hasBegun else { return nil }
        state.hasBegun = true
        var headers = EdgeAnswer.security
        for field in state.stream.headers(first: first) { headers[field.name] = field.value }
        if state.gzip != nil {
            headers[.contentEncoding] = ContentCoding.gzip.rawValue
            headers.append(HTTPField(name: .vary, value: "Accept-Encoding"))
        }
        for field in state.headers { headers.append(field) }
        return HTTPResponse(status: .ok, headerFields: headers)
    }
}
