// SPDX-License-Identifier: Apache-2.0

public import RavioliSchema
import Synchronization

/// One method of a generated fake with a stream on either side: what runs it, and what it was asked.
public final class FakeStream<Request: Message, Body: Sendable>: Sendable {
    private struct State: Sendable {
        var body: Body?
        var calls: [RecordedRequests] = []
    }

    private let name: String
    private let state = Mutex(State())

    /// A method that answers `unimplemented`, with `name` in the text, until it is told what to do.
    public init(_ name: String) { self.name = name }

    /// Sets what it does from now on.
    public func respond(_ body: Body) { state.withLock { $0.body = body } }

    /// The requests of each call, in order, as far as they were read.
    public var calls: [[Request]] {
        state.withLock { $0.calls }.map { call in call.messages.compactMap { try? Request(decoding: $0) } }
    }

    /// Records a call with one request.
    ///
    /// - Throws: `unimplemented` while nothing is set.
    public func begin(_ request: Request) throws -> Body {
        let recorded = RecordedRequests(nil)
        if let bytes = try? request.encoded() { recorded.note(bytes) }
        return try begin(recorded)
    }

    /// Records a call; its requests are recorded as they are read from the stream that is returned.
    ///
    /// - Throws: `unimplemented` while nothing is set.
    public func begin(
        _ requests: MessageStream<Request>
    ) throws -> (body: Body, requests: MessageStream<Request>) {
        let recorded = RecordedRequests(requests.source)
        return (try begin(recorded), MessageStream(source: recorded))
    }

    private func begin(_ recorded: RecordedRequests) throws -> Body {
        let body = state.withLock { state in
            state.calls.append(recorded)
            return state.body
        }
        guard let body else { throw RPCError(.unimplemented, "\(name) is not set", executed: .no) }
        return body
    }
}

/// Passes requests on and keeps a copy of each.
private final class RecordedRequests: MessageSource {
    private let source: (any MessageSource)?
    private let recorded = Mutex<[[UInt8]]>([])

    init(_ source: (any MessageSource)?) { self.source = source }

    var messages: [[UInt8]] { recorded.withLock { $0 } }

    func note(_ message: [UInt8]) { recorded.withLock { $0.append(message) } }

    func next() async throws(RPCError) -> [UInt8]? {
        let message = try await source?.next()
        if let message { note(message) }
        return message
    }

    func tryNext(_ body: (UnsafeRawBufferPointer) -> Void) -> Bool { false }
}
