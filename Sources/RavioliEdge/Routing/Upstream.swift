// SPDX-License-Identifier: Apache-2.0

public import Ravioli
public import RavioliSchema

/// A server behind the edge.
public struct Upstream: Sendable {
    /// For logs, as `127.0.0.1:7001`; clients never see it.
    public var name: String
    /// How it is called.
    public var channel: any Channel
    /// Its schema; nil to ask it by reflection, at the start and again whenever it may have changed.
    public var schema: DescriptorPool?

    /// A file with its schema (`protoc --include_imports --descriptor_set_out`), read again when it changes; nil to ask
    /// it. Default nil.
    public var schemaFile: String?

    /// A server by the channel to it.
    public init(
        name: String, channel: any Channel, schema: DescriptorPool? = nil, schemaFile: String? = nil
    ) {
        self.name = name
        self.channel = channel
        self.schema = schema
        self.schemaFile = schemaFile
    }
}
