// SPDX-License-Identifier: Apache-2.0

/// A call with a stream on either side, ready to be opened.
public struct StreamRequest: Sendable {
    /// What is called, and everything decided about it. Its message is the only request unless requests are a stream.
    public var call: UnaryRequest
    /// Whether requests are a stream; then ``call`` carries none.
    public var streamsRequests: Bool
    /// Time it may go without a message in either direction; nil for ever.
    public var messageTimeout: Duration?

    /// A call with one request and a stream of responses.
    public init(_ method: MethodName, request: [UInt8], options: CallOptions = .defaults) {
        call = UnaryRequest(method, message: request, options: options, timeoutDefault: nil)
        streamsRequests = false
        messageTimeout = options.messageTimeout
    }

    /// A call with a stream of requests.
    public init(_ method: MethodName, options: CallOptions = .defaults) {
        call = UnaryRequest(method, message: [], options: options, timeoutDefault: nil)
        streamsRequests = true
        messageTimeout = options.messageTimeout
    }
}

/// An open call with streams of encoded messages.
///
/// One task sends and one task reads, the same or two. A call that nobody holds any more is cancelled.
public protocol StreamCall: AnyObject, Sendable {
    /// Sends a request; waits while the server does not take what was sent before.
    ///
    /// - Throws: what the call ended with, when it has ended; `failed_precondition` after ``finish()``.
    func send(_ message: [UInt8]) async throws(RPCError)

    /// Sends a request at once, if there is room for it; returns whether it did. If not, ``send(_:)`` waits for room, or
    /// says why there will be none. A call that cannot tell answers false; so does one that implements nothing.
    ///
    /// - Parameter message: valid only during the call; it is copied.
    func trySend(_ message: UnsafeRawBufferPointer) -> Bool

    /// No request follows. Without effect when it was called before.
    func finish()

    /// The next response; nil after the last one when the call ended well.
    ///
    /// - Throws: what the call ended with. ``RPCError/metadata`` has the metadata of the end.
    func next() async throws(RPCError) -> [UInt8]?

    /// Lends the next response to `body`, if it is there; returns whether it was. If not, ``next()`` waits for it, or says
    /// that there is none. A call that cannot tell answers false; so does one that implements nothing.
    ///
    /// - Parameter body: runs once or not at all, before this returns; the bytes are valid only meanwhile.
    func tryNext(_ body: (UnsafeRawBufferPointer) -> Void) -> Bool

    /// The metadata that came ahead of the first response; empty without any. Waits for the first response or the end.
    func metadata() async -> Metadata

    /// The metadata that came with the end of a call that ended well; empty before.
    var trailers: Metadata { get }

    /// Whether the call has ended, for whatever reason. Responses may still wait to be read.
    var hasEnded: Bool { get }

    /// Ends the call with `cancelled`. Without effect when it has ended.
    func cancel()
}

extension StreamCall {
    /// Nothing is sent without waiting.
    public func trySend(_ message: UnsafeRawBufferPointer) -> Bool { false }
    /// Nothing is there without waiting.
    public func tryNext(_ body: (UnsafeRawBufferPointer) -> Void) -> Bool { false }
}
