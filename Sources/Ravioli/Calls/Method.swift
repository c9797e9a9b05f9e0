// SPDX-License-Identifier: Apache-2.0

public import RavioliSchema

/// Which sides of a call are streams.
public enum CallKind: Sendable, Hashable {
    /// One message each way.
    case unary
    /// A stream of requests, one response.
    case clientStreaming
    /// One request, a stream of responses.
    case serverStreaming
    /// Streams both ways.
    case bidirectionalStreaming
}

/// A method with the types of its messages. Generated code declares one per `rpc`.
public struct Method<Request: Message, Response: Message>: Sendable {
    /// The full name, interned.
    public let name: MethodName
    /// The schema's view of it: options, idempotency, types.
    public let descriptor: MethodDescriptor

    /// The handle of a described method.
    ///
    /// - Precondition: `package.Service/Method` is at most 255 bytes long.
    public init(descriptor: MethodDescriptor) {
        guard let name = MethodName(descriptor.path) else {
            preconditionFailure("the method name \(descriptor.path) is longer than 255 bytes")
        }
        self.name = name
        self.descriptor = descriptor
    }

    /// Which sides are streams.
    public var kind: CallKind {
        switch (descriptor.clientStreaming, descriptor.serverStreaming) {
        case (false, false): .unary
        case (true, false): .clientStreaming
        case (false, true): .serverStreaming
        case (true, true): .bidirectionalStreaming
        }
    }
}
