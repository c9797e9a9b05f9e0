// SPDX-License-Identifier: Apache-2.0

/// A call that could not be opened: everything asked of it answers with the error. For channels that refuse.
public final class FailedCall: StreamCall {
    private let error: RPCError

    /// A call that has ended with this error.
    public init(_ error: RPCError) { self.error = error }

    /// Throws the error.
    public func send(_ message: [UInt8]) async throws(RPCError) { throw error }
    /// Without effect.
    public func finish() {}
    /// Throws the error.
    public func next() async throws(RPCError) -> [UInt8]? { throw error }
    /// No metadata came.
    public func metadata() async -> Metadata { Metadata() }
    /// No metadata came.
    public var trailers: Metadata { Metadata() }
    /// Always.
    public var hasEnded: Bool { true }
    /// Without effect.
    public func cancel() {}
}
