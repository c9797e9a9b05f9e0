// SPDX-License-Identifier: Apache-2.0

public import RavioliSchema

/// Where encoded messages come from.
protocol MessageSource: AnyObject, Sendable {
    func next() async throws(RPCError) -> [UInt8]?
}

/// Where encoded messages go.
protocol MessageSink: Sendable {
    func send(_ message: [UInt8]) async throws(RPCError)
}

extension ServerStream: MessageSource, MessageSink {}

/// The requests of a call, one after another as they come.
///
/// What is not read makes the caller wait: a stream holds at most its credit, by default 256 KiB, and one message more.
/// One task reads, once; what it has read does not come again.
public struct MessageStream<Element: Message>: AsyncSequence, Sendable {
    /// What the call ended with.
    public typealias Failure = RPCError
    let source: any MessageSource

    /// Reads a stream.
    public struct AsyncIterator: AsyncIteratorProtocol {
        let source: any MessageSource

        /// The next message; nil after the last one.
        ///
        /// - Throws: why the call ended before its last message came; `invalid_argument` for a message that cannot be
        ///   decoded.
        public func next(isolation actor: isolated (any Actor)?) async throws(RPCError) -> Element? {
            try await next()
        }

        /// The next message; nil after the last one.
        public func next() async throws(RPCError) -> Element? {
            guard let bytes = try await source.next() else { return nil }
            return try Element(request: bytes)
        }
    }

    /// Begins to read.
    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(source: source) }
}

/// The way of one side's messages to the other.
public struct MessageWriter<Element: Message>: Sendable {
    let sink: any MessageSink

    /// Sends a message; waits while the other side does not take what was sent before.
    ///
    /// - Throws: why the call has ended; `invalid_argument` for a message that cannot be encoded.
    public func send(_ message: Element) async throws(RPCError) {
        let bytes: [UInt8]
        do throws(SchemaError) {
            bytes = try message.encoded()
        } catch {
            throw RPCError(
                .invalidArgument,
                "a message of type \(Element.descriptor.fullName) cannot be encoded: \(error)",
                executed: .maybe)
        }
        try await sink.send(bytes)
    }

    /// Sends every message of a sequence.
    public func send<Messages: AsyncSequence>(contentsOf messages: Messages) async throws
    where Messages.Element == Element {
        for try await message in messages { try await send(message) }
    }
}

extension Message {
    /// Decodes a request; what cannot be decoded is the caller's fault.
    init(request bytes: [UInt8]) throws(RPCError) {
        do throws(SchemaError) {
            self = try Self(decoding: bytes)
        } catch {
            let code: StatusCode = error.code == .limitExceeded ? .resourceExhausted : .invalidArgument
            let type = Self.descriptor.fullName
            throw RPCError(code, "a request of type \(type) cannot be decoded: \(error)", executed: .maybe)
        }
    }
}
