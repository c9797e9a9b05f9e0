// SPDX-License-Identifier: Apache-2.0

package import HTTPTypes
package import NIOCore
import Synchronization

/// Where a response goes: a connection, a stream of HTTP/2, or a test.
package protocol ResponseSink: Sendable {
    /// Sends a part; waits while the client does not take what was sent before.
    ///
    /// - Throws: `gone` when nobody will read it.
    func send(_ part: ResponsePart) async throws(BodyFailure)
    /// Allows the request's body to take so long from now on; nil for as long as it likes.
    func limitBody(to time: Duration?)
}

/// A piece of a response: what is set is sent, in this order.
package struct ResponsePart: Sendable {
    package var head: HTTPResponse?
    package var body: ByteBuffer?
    /// Whether nothing follows.
    package var isLast = false
    package var trailers: HTTPFields?

    package init(
        head: HTTPResponse? = nil, body: ByteBuffer? = nil, isLast: Bool = false, trailers: HTTPFields? = nil
    ) {
        self.head = head
        self.body = body
        self.isLast = isLast
        self.trailers = trailers
    }
}

/// One request and its response, whichever version of HTTP carries them: what stands between the server and the
/// protocols. It is served by one task, which is cancelled when the client has gone.
package final class Exchange: Sendable {
    /// Who asks, and how.
    package struct Connection: Sendable {
        /// Whether full duplex and trailers can be counted on.
        package var isHTTP2: Bool
        /// The client's address, for logs and limits; nil for a socket file.
        package var peer: String?
        /// Whose certificate the client has shown, if it has: verified.
        package var identity: String?

        package init(isHTTP2: Bool, peer: String?, identity: String? = nil) {
            self.isHTTP2 = isHTTP2
            self.peer = peer
            self.identity = identity
        }
    }

    package let head: HTTPRequest
    package let requestID: String
    package let connection: Connection
    package let body: RequestBody
    private let sink: any ResponseSink
    private let state = Mutex(State())

    private struct State {
        var extraFields = HTTPFields()
        var status: Int?
        var isComplete = false
    }

    package init(
        _ head: HTTPRequest, requestID: String, connection: Connection, body: RequestBody,
        sink: any ResponseSink
    ) {
        self.head = head
        self.requestID = requestID
        self.connection = connection
        self.body = body
        self.sink = sink
    }

    // MARK: The response

    /// Adds fields to the response's head, whoever will answer.
    package func addResponseFields(_ fields: HTTPFields) {
        guard !fields.isEmpty else { return }
        state.withLock { state in for field in fields { state.extraFields.append(field) } }
    }

    /// The status that was sent; nil before.
    package var status: Int? { state.withLock { $0.status } }

    /// Whether the response has its end.
    package var isComplete: Bool { state.withLock { $0.isComplete } }

    /// Sends a part of the response; the first one has the head.
    package func send(_ part: ResponsePart) async throws(BodyFailure) {
        var part = part
        state.withLock { state in
            if var head = part.head {
                head.headerFields.append(HTTPField(name: .requestID, value: requestID))
                for field in state.extraFields { head.headerFields.append(field) }
                state.status = head.status.code
                part.head = head
            }
            if part.isLast { state.isComplete = true }
        }
        try await sink.send(part)
    }

    /// Sends a whole response. Nobody is told when the client has gone.
    package func answer(_ answer: EdgeAnswer) async {
        var head = HTTPResponse(status: answer.status, headerFields: answer.headers)
        if ![.noContent, .notModified].contains(answer.status) {
            head.headerFields.append(HTTPField(name: .contentLength, value: "\(answer.body.readableBytes)"))
        }
        let isHead = self.head.method == .head
        try? await send(ResponsePart(head: head, body: isHead ? nil : answer.body, isLast: true))
    }

    /// Allows the request's body to take so long from now on; nil for as long as it likes.
    package func limitBody(to time: Duration?) {
        if !body.isWhole { sink.limitBody(to: time) }
    }
}
