// SPDX-License-Identifier: Apache-2.0

/// One unary call, ready to run: an encoded message and everything decided about it.
///
/// Options and inheritance are resolved when it is made, so decorators that run it more than once share one deadline.
public struct UnaryRequest: Sendable {
    /// What to call.
    public var method: MethodName
    /// The encoded request message.
    public var message: [UInt8]
    /// When the call must have ended.
    public var deadline: Deadline
    /// The caller's metadata and what it inherited.
    public var metadata: Metadata
    /// How important it is.
    public var criticality: Criticality
    /// Whether to wait for a connection.
    public var waitForReady: Bool
    /// How many tries went before.
    public var attempt: UInt8
    /// The call whose handler makes this one, which is told of it.
    var parent: ServerCall?

    /// A call from the current task, which inherits from the call this task serves, if any.
    public init(_ method: MethodName, message: [UInt8], options: CallOptions = .defaults) {
        self.init(method, message: message, options: options, timeoutDefault: CallOptions.timeoutDefault)
    }

    /// - Parameter timeoutDefault: for a call that has no deadline and inherits none; nil leaves it without.
    init(_ method: MethodName, message: [UInt8], options: CallOptions, timeoutDefault: Duration?) {
        self.method = method
        self.message = message
        waitForReady = options.waitForReady
        attempt = options.attempt
        if let parent = CallContext.current {
            self.parent = parent.call
            let own = options.timeout.map(Deadline.after)
            deadline = own.map { min($0, parent.deadline) } ?? parent.deadline
            criticality = options.criticality ?? parent.criticality
            metadata = parent.inheritedMetadata
            metadata.add(contentsOf: options.metadata)
        } else {
            deadline = (options.timeout ?? timeoutDefault).map(Deadline.after) ?? .never
            criticality = options.criticality ?? .critical
            metadata = options.metadata
        }
    }
}

/// The answer to a unary call.
public struct UnaryResponse: Sendable {
    /// The encoded response message.
    public var message: [UInt8]
    /// What the handler sent beside it.
    public var metadata: Metadata

    /// An answer from its parts.
    public init(message: [UInt8], metadata: Metadata = Metadata()) {
        self.message = message
        self.metadata = metadata
    }
}
