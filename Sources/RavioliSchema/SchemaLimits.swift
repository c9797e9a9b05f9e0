// SPDX-License-Identifier: Apache-2.0

/// How much a message may cost. Each limit holds over the whole message, all nesting included, and is checked
/// before anything is allocated for the part that would exceed it.
public struct SchemaLimits: Sendable, Hashable {
    /// How deep submessages and groups, unknown groups included, may nest. Default 100, as in C++ and Java;
    /// at most 100, because protobuf-c recurses once (about 1 KB of stack) for each level.
    public var depthMax: Int {
        didSet { depthMax = min(max(depthMax, 1), Self.depthCeiling) }
    }
    /// How many fields, repeated elements (packed ones singly), map entries and unknown fields a message may have.
    /// Default 4,194,304: a packed list of one-byte numbers that fills a 4 MiB message still passes.
    public var elementsMax: Int
    /// How many bytes of memory the decoded message may need, by an estimate that is never too low. Default 64 MiB.
    public var decodedBytesMax: Int
    /// How many bytes of JSON text are accepted, or printed from an encoded message. Default 16 MiB.
    public var jsonBytesMax: Int

    /// The documented defaults.
    public static var defaults: SchemaLimits { SchemaLimits() }

    /// The largest depth that can be configured.
    public static let depthCeiling = 100
    /// The largest encoded message, in bytes (2 GiB − 1): protobuf's own limit.
    public static let encodedBytesCeiling = Int(Int32.max)

    /// Limits that differ from the defaults in what is named; a depth out of range becomes the nearest within.
    public init(
        depthMax: Int = 100, elementsMax: Int = 4_194_304, decodedBytesMax: Int = 64 << 20,
        jsonBytesMax: Int = 16 << 20
    ) {
        self.depthMax = min(max(depthMax, 1), Self.depthCeiling)
        self.elementsMax = elementsMax
        self.decodedBytesMax = decodedBytesMax
        self.jsonBytesMax = jsonBytesMax
    }
}
