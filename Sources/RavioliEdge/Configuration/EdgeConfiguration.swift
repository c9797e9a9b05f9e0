// SPDX-License-Identifier: Apache-2.0

public import Logging
public import Ravioli
import RavioliSchema
public import ServiceLifecycle

/// Everything that an edge is told: where it listens, which services are behind it, and what it decides.
///
/// It is read from one YAML file (<doc:Configuration>), or put together by a program.
public struct EdgeConfiguration: Sendable {
    /// Where it listens. Default `127.0.0.1:8080`.
    public var listen = Address.tcp(host: "127.0.0.1", port: 8080)
    /// The services behind it. A service that two of them have belongs to the first.
    public var upstreams: [UpstreamConfiguration] = []
    /// What it decides.
    public var options = EdgeOptions.defaults
    /// Whether every request is logged, and not only those that failed. Default false.
    public var logsRequests = false

    /// An edge of the defaults, with nothing behind it.
    public init() {}

    /// Reads a file.
    ///
    /// - Parameter path: the file. What it names are paths from the folder it is in.
    /// - Throws: `invalidConfiguration` naming the file, the line, and what would be right.
    public init(contentsOfFile path: String) throws(RuntimeError) {
        let text = try SmallFile.text(path)
        let slash = path.lastIndex(of: "/")
        try self.init(yaml: text, name: path, folder: slash.map { String(path[...$0]) } ?? "")
    }

    /// Reads a text.
    ///
    /// - Parameters:
    ///   - yaml: the text.
    ///   - name: what errors call it.
    ///   - folder: what stands before relative paths: empty, or ending in a slash.
    /// - Throws: `invalidConfiguration`.
    package init(yaml: String, name: String, folder: String) throws(RuntimeError) {
        self.init()
        var reader = EdgeConfigurationReader(folder: folder)
        try reader.read(yaml, name: name, into: &self)
    }

    /// Puts the edge together: a client for each service, and the server, which comes last and is stopped first.
    ///
    /// - Parameters:
    ///   - logger: Where all of them say what happens. Its level is up to its owner.
    ///   - onListening: Hears where the edge listens.
    /// - Returns: What a `ServiceGroup` runs, in this order.
    /// - Throws: `invalidConfiguration` for options that contradict each other, and files that cannot be used.
    public func services(
        logger: Logger, onListening: @escaping EdgeServer.ListeningObserver = { _ in }
    ) async throws(RuntimeError) -> [any ServiceLifecycle.Service] {
        var services: [any ServiceLifecycle.Service] = []
        var known: [Upstream] = []
        for upstream in upstreams {
            // It is read again later; who starts an edge with one that is wrong hears of it now.
            if let file = upstream.schemaFile { _ = try DescriptorPool(contentsOfFile: file) }
            let (client, channel) = try await upstream.client(logger: logger)
            services.append(client)
            known.append(
                Upstream(name: upstream.name, channel: channel, schemaFile: upstream.schemaFile))
        }
        services.append(
            try EdgeServer(known, on: listen, options: options, logger: logger, onListening: onListening))
        return services
    }
}

extension UpstreamConfiguration {
    /// A client that knows the addresses there are already.
    fileprivate func client(
        logger: Logger
    ) async throws(RuntimeError) -> (any ServiceLifecycle.Service, any Channel) {
        // One address that never changes needs no choice.
        if case .fixed(let addresses) = source, addresses.count == 1 {
            let client = try LoopLocalClient(addresses[0], options: clientOptions, logger: logger)
            return (client, client)
        }
        var balancing = BalancingOptions.defaults
        balancing.connectsPerLoop = true
        let client = try BalancedClient(
            name, source, options: clientOptions, balancing: balancing, logger: logger)
        if case .dns = source { await client.resolve() }
        return (client, client)
    }
}
