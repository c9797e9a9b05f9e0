// SPDX-License-Identifier: Apache-2.0

/// Who is at the other end of a connection.
public struct Peer: Sendable, Hashable {
    /// For logs: `127.0.0.1:51432`, `unix:/run/catalog.sock` or `in-process`.
    public var address: String
    /// The verified identity; nil without one.
    public var identity: String?

    /// A peer by address.
    public init(address: String, identity: String? = nil) {
        self.address = address
        self.identity = identity
    }
}

/// What a handler knows about the call it serves.
///
/// It is also the task's ``current`` context while the handler runs: calls made from the same task or its children
/// inherit its deadline, its criticality and the metadata on the server's allow-list.
public struct CallContext: Sendable {
    let call: ServerCall
    /// What interceptors made of the request's metadata, if there are any.
    private let intercepted: InterceptedMetadata?

    /// The request's metadata.
    public var metadata: Metadata { intercepted?.metadata ?? call.metadata }

    init(_ call: ServerCall) {
        self.call = call
        intercepted = nil
    }

    /// A context whose metadata an interceptor may have changed.
    init(_ call: ServerCall, metadata: Metadata) {
        self.call = call
        intercepted = InterceptedMetadata(metadata)
    }

    /// In memory of its own, because a context is copied often and most have none.
    private final class InterceptedMetadata: Sendable {
        let metadata: Metadata
        init(_ metadata: Metadata) { self.metadata = metadata }
    }

    /// The call this task serves; nil outside handlers and inside ``detached(_:)``.
    public static var current: CallContext? { Self.scope }

    @TaskLocal static var scope: CallContext?

    /// What was called.
    public var method: MethodName { call.method }
    /// When the caller stops waiting.
    public var deadline: Deadline { call.deadline }
    /// The time that is left; zero once the deadline has passed.
    public var remainingTime: Duration { call.deadline.remaining }
    /// How important the call is.
    public var criticality: Criticality { call.criticality }
    /// How many tries of the same call went before.
    public var attempt: UInt8 { call.attempt }
    /// Who called.
    public var peer: Peer { call.peer }
    /// Whether nobody waits any more: the caller cancelled, its connection is lost, or time is up. The handler's
    /// task is cancelled at the same moment.
    public var isCancelled: Bool { call.isCancelled }

    /// Sends metadata with the response or the error. Replaces what was set before.
    public func setResponseMetadata(_ metadata: Metadata) { call.setResponseMetadata(metadata) }

    /// The request metadata that child calls take along.
    var inheritedMetadata: Metadata { metadata.restricted(to: call.inheritedMetadataNames) }

    /// Runs `body` so that calls made in it inherit nothing: neither deadline nor criticality nor metadata.
    ///
    /// For work that must outlive the call that started it. Cancellation of the task is a matter of the task.
    public static func detached<Result>(_ body: () async throws -> Result) async rethrows -> Result {
        try await $scope.withValue(nil, operation: body)
    }
}
