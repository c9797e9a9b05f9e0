// SPDX-License-Identifier: Apache-2.0

import RavioliWire

/// The streams of a call as its handler and the loop share them.
final class ServerStream: StreamLoopSide {
    let inbox: StreamInbox
    let outbox = StreamOutbox()
    private let call: ServerCall

    init(_ call: ServerCall, window: Int) {
        self.call = call
        inbox = StreamInbox(window: window)
    }

    func wantsOutput() { call.outputWanted() }
    func hasRead(_ cost: MessageCost) { call.requestsRead(cost) }
    var spareMemory: SpareMemory { call.spareMemory }

    /// The next request; nil after the last one.
    func next() async throws(RPCError) -> [UInt8]? { try await inbox.next(self) }

    func tryNext(_ body: (UnsafeRawBufferPointer) -> Void) -> Bool { inbox.tryNext(self, body) }

    func trySend(_ message: UnsafeRawBufferPointer) -> Bool {
        call.sendInitialMetadata()
        return outbox.trySend(message, self)
    }

    /// Sends a response. The metadata set so far goes ahead of the first one.
    func send(_ message: [UInt8]) async throws(RPCError) {
        call.sendInitialMetadata()
        try await outbox.send(message, self)
    }

    /// The call is over for its handler: whatever it waits for ends with this error.
    func end(_ error: RPCError) {
        inbox.end(.failure(error), dropsUnread: true)
        outbox.close(error)
    }
}

/// The encoded requests of a call, one after another as they come.
public struct RequestBytes: AsyncSequence, Sendable {
    /// An encoded request.
    public typealias Element = [UInt8]
    /// What the call ended with.
    public typealias Failure = RPCError
    let stream: ServerStream

    /// Reads the requests. One task reads; what it has read does not come again.
    public struct AsyncIterator: AsyncIteratorProtocol {
        let stream: ServerStream

        /// The next request; nil after the last one.
        ///
        /// - Throws: why the call ended before its last request came: cancelled, out of time, a limit.
        public nonisolated(nonsending) func next(
            isolation actor: (any Actor)?
        ) async throws(RPCError) -> [UInt8]? {
            try await stream.next()
        }

        /// The next request; nil after the last one.
        public func next() async throws(RPCError) -> [UInt8]? { try await stream.next() }
    }

    /// Begins to read.
    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(stream: stream) }
}

/// The way of encoded responses to the caller.
public struct ResponseBytes: Sendable {
    let stream: ServerStream

    /// Sends a response; waits while the caller does not take what was sent before.
    ///
    /// - Throws: why the call has ended: cancelled, out of time.
    public func send(_ message: [UInt8]) async throws(RPCError) { try await stream.send(message) }
}
