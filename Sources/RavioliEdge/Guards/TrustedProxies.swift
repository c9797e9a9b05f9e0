// SPDX-License-Identifier: Apache-2.0

import Ravioli

/// Which proxies stand before the edge, so that limits and the log know clients by their own addresses.
///
/// A request that comes from one of them is taken to be from the address that it names, and if that is a proxy of the list
/// as well, from the one named before, from the right to the left. Whatever else a request says about where it comes
/// from is not believed. Where the walk meets something that is no address (`unknown`, a hidden name, an entry that
/// is malformed), the proxy that named it stands for its clients.
public struct TrustedProxies: Sendable, Hashable {
    /// Where the proxies write down for whom they ask.
    public enum Header: String, Sendable, Hashable, CaseIterable {
        /// `X-Forwarded-For: client, proxy`.
        case xForwardedFor = "x-forwarded-for"
        /// `Forwarded: for=client, for=proxy` (RFC 7239).
        case forwarded
    }

    /// Their addresses and networks, as `10.0.0.0/8`, `2001:db8::/32` or `192.0.2.7`; `unix` stands for all who come over
    /// a socket file. Default none: clients have the addresses that they connect from.
    public var networks: [String]
    /// The header that they write; the other one is not read, as a proxy may pass on what its client wrote there.
    /// Default `X-Forwarded-For`.
    public var header = Header.xForwardedFor

    /// Proxies by their networks.
    public init(_ networks: [String] = []) { self.networks = networks }

    /// - Throws: `invalidConfiguration` for what is no network.
    func check() throws(RuntimeError) { _ = try ClientAddress(self) }
}
