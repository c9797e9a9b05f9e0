// SPDX-License-Identifier: Apache-2.0

public import RavioliSchema

/// Where encoded messages come from.
@usableFromInline
protocol MessageSource: AnyObject, Sendable {
    func next() async throws(RPCError) -> [UInt8]?
    /// Lends the next message, if it is there.
    func tryNext(_ body: (UnsafeRawBufferPointer) -> Void) -> Bool
}

/// Where encoded messages go.
@usableFromInline
protocol MessageSink: Sendable {
    func send(_ message: [UInt8]) async throws(RPCError)
    /// Sends a message, if there is room for it.
    func trySend(_ message: UnsafeRawBufferPointer) -> Bool
}

extension ServerStream: MessageSource, MessageSink {}

/// The requests of a call, one after another as they come.
///
/// What is not read makes the caller wait: a stream holds at most its credit, by default 256 KiB, and one message more.
/// One task reads, once; what it has read does not come again.
public struct MessageStream<Element: Message>: AsyncSequence, Sendable {
    /// What the call ended with.
    public typealias Failure = RPCError
    @usableFromInline let source: any MessageSource

    init(source: any MessageSource) { self.source = source }

    /// Reads a stream.
    public struct AsyncIterator: AsyncIteratorProtocol {
        @usableFromInline let source: any MessageSource

        @usableFromInline init(source: any MessageSource) { self.source = source }

        /// The next message; nil after the last one.
        ///
        /// - Throws: why the call ended before its last message came; `invalid_argument` for a message that cannot be
        ///   decoded.
        // Not isolated to the parameter: a loop would switch executors there and back for each message. It runs where its
        // caller does all the same.
        @inlinable
        public nonisolated(nonsending) func next(
            isolation actor: (any Actor)?
        ) async throws(RPCError) -> Element? {
            if let element = try ready() { return element }
            return try await next()
        }

        /// The next message; nil after the last one.
        public func next() async throws(RPCError) -> Element? {
            if let element = try ready() { return element }
            guard let bytes = try await source.next() else { return nil }
            return try Element(request: bytes)
        }

        /// The next message, if it is there: decoded where it lies, and without a suspension.
        @inlinable
        func ready() throws(RPCError) -> Element? {
            var result: Result<Element, RPCError>?
            let isReady = source.tryNext { bytes in
                result = Result { () throws(RPCError) in
                    try Element(request: bytes)
                }
            }
            guard isReady, let result else { return nil }
            return try result.get()
        }
    }

    /// Begins to read.
    @inlinable
    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(source: source) }
}

/// The way of one side's messages to the other.
public struct MessageWriter<Element: Message>: Sendable {
    @usableFromInline let sink: any MessageSink

    @usableFromInline init(sink: any MessageSink) { self.sink = sink }

    /// Sends a message; waits while the other side does not take what was sent before.
    ///
    /// - Throws: why the call has ended; `invalid_argument` for a message that cannot be encoded.
    @inlinable
    public func send(_ message: Element) async throws(RPCError) {
        if let left = try sendNow(message) { try await sink.send(left) }
    }

    /// Encodes a message and sends it if that needs no suspension; returns what is left to be sent.
    @inlinable
    func sendNow(_ message: Element) throws(RPCError) -> [UInt8]? {
        do throws(SchemaError) {
            return try message.withEncodedBytes { bytes in sink.trySend(bytes) ? nil : [UInt8](bytes) }
        } catch {
            throw unencodable(error)
        }
    }

    @usableFromInline
    func unencodable(_ error: SchemaError) -> RPCError {
        RPCError(
            .invalidArgument,
            "a message of type \(Element.descriptor.fullName) cannot be encoded: \(error)", executed: .maybe)
    }

    /// Sends every message of a sequence.
    public func send<Messages: AsyncSequence>(contentsOf messages: Messages) async throws
    where Messages.Element == Element {
        for try await message in messages { try await send(message) }
    }
}

extension Message {
    /// Decodes a request; what cannot be decoded is the caller's fault.
    @inlinable
    init(request bytes: UnsafeRawBufferPointer) throws(RPCError) {
        do throws(SchemaError) {
            self = try Self(decoding: bytes)
        } catch {
            throw Self.undecodable(error)
        }
    }

    init(request bytes: [UInt8]) throws(RPCError) {
        self = try bytes.span.bytes.withUnsafeBytes { bytes throws(RPCError) in try Self(request: bytes) }
    }

    @usableFromInline
    static func undecodable(_ error: SchemaError) -> RPCError {
        let code: StatusCode = error.code == .limitExceeded ? .resourceExhausted : .invalidArgument
        return RPCError(
            code, "a request of type \(descriptor.fullName) cannot be decoded: \(error)", executed: .maybe)
    }
}
