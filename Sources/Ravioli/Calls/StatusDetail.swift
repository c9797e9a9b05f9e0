// SPDX-License-Identifier: Apache-2.0

/// A typed fact in a status: a message and the name of its type, shaped like `google.protobuf.Any`.
public struct StatusDetail: Sendable, Hashable {
    /// `type.googleapis.com/package.Type`.
    public var typeURL: String
    /// The encoded message. From a peer: decode it with the guard, as any payload.
    public var value: [UInt8]

    /// A detail from its two parts.
    public init(typeURL: String, value: [UInt8]) {
        self.typeURL = typeURL
        self.value = value
    }

    /// The type's full name: what follows the last slash.
    public var typeName: Substring {
        typeURL.lastIndex(of: "/").map { typeURL[typeURL.index(after: $0)...] } ?? typeURL[...]
    }
}
