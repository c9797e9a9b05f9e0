// SPDX-License-Identifier: Apache-2.0

public import RavioliSchema

/// The responses of a call, one after another as they come.
///
/// What is not read makes the server wait: a stream holds at most its credit, by default 256 KiB, and one message more.
/// One task reads, once. A stream that is let go before its end cancels the call, and so does cancelling the task that
/// reads.
public struct ResponseStream<Element: Message>: AsyncSequence, Sendable {
    /// What the call ended with.
    public typealias Failure = RPCError
    @usableFromInline let call: any StreamCall

    /// The responses of an open call.
    public init(_ call: any StreamCall) { self.call = call }

    /// Reads the responses.
    public struct AsyncIterator: AsyncIteratorProtocol {
        @usableFromInline let call: any StreamCall

        @usableFromInline init(call: any StreamCall) { self.call = call }

        /// The next response; nil after the last one of a call that ended well.
        ///
        /// - Throws: what the call ended with; `internal` for a response that cannot be decoded.
        // Not isolated to the parameter: a loop would switch executors there and back for each message. It runs where its
        // caller does all the same.
        @inlinable
        public nonisolated(nonsending) func next(
            isolation actor: (any Actor)?
        ) async throws(RPCError) -> Element? {
            if let element = try ready() { return element }
            return try await next()
        }

        /// The next response; nil after the last one of a call that ended well.
        public func next() async throws(RPCError) -> Element? {
            if let element = try ready() { return element }
            guard let bytes = try await call.next() else { return nil }
            do throws(SchemaError) {
                return try Element(decoding: bytes)
            } catch {
                throw undecodable(error)
            }
        }

        /// The next response, if it is there: decoded where it lies, and without a suspension.
        @inlinable
        func ready() throws(RPCError) -> Element? {
            var result: Result<Element, SchemaError>?
            let isReady = call.tryNext { bytes in
                result = Result { () throws(SchemaError) in try Element(decoding: bytes) }
            }
            guard isReady, let result else { return nil }
            do throws(SchemaError) { return try result.get() } catch { throw undecodable(error) }
        }

        @usableFromInline
        func undecodable(_ error: SchemaError) -> RPCError {
            call.cancel()
            return RPCError(
                call: .internal, "a response cannot be decoded: \(error)", executed: .maybe, cause: error)
        }
    }

    /// Begins to read.
    @inlinable
    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(call: call) }

    /// The metadata that came ahead of the first response; waits for that, or for the end.
    public var metadata: Metadata { get async { await call.metadata() } }

    /// The metadata that came with the end of a call that ended well; empty before.
    public var trailers: Metadata { call.trailers }

    /// Ends the call with `cancelled`. Without effect when it has ended.
    public func cancel() { call.cancel() }
}

/// A call with streams both ways.
public struct BidirectionalCall<Request: Message, Response: Message>: Sendable {
    /// The responses.
    public let responses: ResponseStream<Response>
    @usableFromInline let call: any StreamCall

    /// The streams of an open call.
    public init(_ call: any StreamCall) {
        self.call = call
        responses = ResponseStream(call)
    }

    /// Sends a request; waits while the server does not take what was sent before.
    ///
    /// - Throws: what the call has ended with; `invalid_argument` for a request that cannot be encoded.
    @inlinable
    public func send(_ request: Request) async throws(RPCError) {
        try await MessageWriter<Request>(sink: CallSink(call: call)).send(request)
    }

    /// No request follows.
    public func finish() { call.finish() }

    /// Ends the call with `cancelled`. Without effect when it has ended.
    public func cancel() { call.cancel() }
}

/// The requests' way into a call.
@usableFromInline
struct CallSink: MessageSink {
    let call: any StreamCall
    @usableFromInline init(call: any StreamCall) { self.call = call }
    @usableFromInline
    func send(_ message: [UInt8]) async throws(RPCError) { try await call.send(message) }
    @usableFromInline
    func trySend(_ message: UnsafeRawBufferPointer) -> Bool { call.trySend(message) }
}
