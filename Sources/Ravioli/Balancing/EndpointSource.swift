// SPDX-License-Identifier: Apache-2.0

/// Where the addresses of a service's replicas come from.
public enum EndpointSource: Sendable, Hashable {
    /// These addresses, as long as the program runs.
    case fixed([Address])
    /// Every address that a host's name resolves to, asked again and again, all with the same port.
    case dns(host: String, port: Int)
    /// The line of a service in a discovery file, read again when the file changes; see ``DiscoveryFile``.
    case file(path: String, service: String)
}

extension EndpointSource {
    /// The addresses of now. Blocks.
    ///
    /// - Throws: `invalidConfiguration` for a source that says nothing usable.
    func addresses() throws(RuntimeError) -> [Address] {
        let found: [Address]
        switch self {
        case .fixed(let addresses): found = addresses
        case .dns(let host, let port): found = try HostAddresses.of(host, port: port)
        case .file(let path, let service):
            let file = try DiscoveryFile(try SmallFile.read(path), name: path)
            guard let addresses = file.services[service] else {
                throw RuntimeError(.invalidConfiguration, "\(path): no line for \(service)")
            }
            found = addresses
        }
        var known: Set<Address> = []
        let distinct = found.filter { known.insert($0).inserted }
        guard !distinct.isEmpty, distinct.count <= Self.endpointsMax else {
            throw RuntimeError(
                .invalidConfiguration,
                "a service has 1 to \(Self.endpointsMax) addresses, not \(distinct.count)")
        }
        return distinct
    }

    /// More than any service has, and few enough to go through one after the other.
    static let endpointsMax = 256
}
