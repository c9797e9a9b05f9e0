// SPDX-License-Identifier: Apache-2.0

/// How one call failed.
///
/// A handler throws it to give the caller a code, a text and details; a caller catches it from every call.
/// It is one word wide, so typed throws cost nothing on the way.
public struct RPCError: Error, Sendable, CustomStringConvertible {
    /// Whether the call's handler ran. Decide repeats by it, not by the code.
    public enum Executed: Sendable, Hashable {
        /// Surely not: repeating is always safe.
        case no
        /// Unknown: repeating is safe for idempotent methods only.
        case maybe
        /// It ran to its end.
        case yes
    }

    /// Who says so.
    public enum Origin: Sendable, Hashable {
        /// The server ended the call like this.
        case peer
        /// This end inferred it: deadline, cancellation, lost connection, a limit.
        case local
    }

    private final class Storage: Sendable {
        let code: StatusCode
        let message: String
        let details: [StatusDetail]
        let executed: Executed
        let origin: Origin
        let metadata: Metadata
        let cause: (any Error)?
        let isFromCall: Bool

        init(
            _ code: StatusCode, _ message: String, _ details: [StatusDetail], _ executed: Executed,
            _ origin: Origin,
            _ metadata: Metadata, _ cause: (any Error)?, isFromCall: Bool
        ) {
            self.code = code
            self.message = message
            self.details = details
            self.executed = executed
            self.origin = origin
            self.metadata = metadata
            self.cause = cause
            self.isFromCall = isFromCall
        }
    }

    private let storage: Storage

    /// An error for a handler to throw.
    ///
    /// - Parameters:
    ///   - code: The reaction the caller should have. `.ok` becomes `.unknown`: an error is no success.
    ///   - message: For a developer, in English; the caller sees it. At most 1,024 bytes travel.
    ///   - details: Typed facts for the caller's program. At most 8 KiB together with the message travel.
    ///   - executed: `.no` only when the handler had no effect at all and the caller may repeat the call.
    ///   - metadata: Response metadata sent with the error.
    ///   - cause: What lies behind it, for the log. Never travels.
    public init(
        _ code: StatusCode, _ message: String, details: [StatusDetail] = [], executed: Executed = .yes,
        metadata: Metadata = Metadata(), cause: (any Error)? = nil
    ) {
        storage = Storage(
            code == .ok ? .unknown : code, message, details, executed, .local, metadata, cause,
            isFromCall: false)
    }

    /// An error a call ended with, as its caller sees it.
    package init(
        call code: StatusCode, _ message: String, details: [StatusDetail] = [], executed: Executed,
        origin: Origin = .local, metadata: Metadata = Metadata(), cause: (any Error)? = nil
    ) {
        storage = Storage(
            code == .ok ? .unknown : code, message, details, executed, origin, metadata, cause,
            isFromCall: true)
    }

    /// The reaction the caller should have.
    public var code: StatusCode { storage.code }
    /// For a developer.
    public var message: String { storage.message }
    /// Typed facts from the handler.
    public var details: [StatusDetail] { storage.details }
    /// Whether the handler ran.
    public var executed: Executed { storage.executed }
    /// Whether the server said so or this end inferred it.
    public var origin: Origin { storage.origin }
    /// The response's metadata.
    public var metadata: Metadata { storage.metadata }
    /// What lies behind it on this end.
    public var cause: (any Error)? { storage.cause }

    /// Whether a call made on this end failed with it; such an error, thrown on by a handler, says nothing about
    /// whether that handler ran.
    package var isFromCall: Bool { storage.isFromCall }

    /// For instance `unavailable: connection refused (local, executed: no)`.
    public var description: String { "\(code): \(message) (\(origin), executed: \(executed))" }
}
