// SPDX-License-Identifier: Apache-2.0

public import Ravioli

/// A service behind the edge, by its addresses.
public struct UpstreamConfiguration: Sendable, Hashable {
    /// Its name, for logs and errors, and for its line in a discovery file.
    public var name: String
    /// Where its replicas are.
    public var source: EndpointSource
    /// Its descriptor set (`protoc --include_imports --descriptor_set_out`); nil to ask it by reflection. Default nil.
    public var schemaFile: String?
    /// Whom the edge trusts there and who it is; nil for no encryption. Default nil.
    public var tls: ClientTLSOptions?
    /// Time for one attempt to connect. Default 5 s: the services are near, and calls wait.
    public var connectTimeout: Duration = .seconds(5)

    /// A service by its replicas.
    public init(name: String, source: EndpointSource) {
        self.name = name
        self.source = source
    }

    /// The client's options: once a service is back, nobody should be told for long that it is down.
    var clientOptions: ClientOptions {
        var options = ClientOptions.defaults
        options.name = "ravioli-edge"
        options.backoff = .init(initial: .milliseconds(100), max: .seconds(2))
        options.connectTimeout = connectTimeout
        options.tls = tls
        return options
    }
}
