// SPDX-License-Identifier: Apache-2.0

/// How a server proves who it is, and what it asks of its callers.
///
/// TLS 1.3 at least; the application protocol (ALPN) is `ravioli/1`, and a peer that negotiates nothing or something
/// else is refused. All files are PEM. They are read when the server is made, and again when they change: new
/// connections use the new ones, and files that cannot be used leave the last good ones in place.
public struct ServerTLSOptions: Sendable, Hashable {
    /// What becomes of the certificates of callers.
    public enum ClientCertificates: Sendable, Hashable {
        /// None is asked for: no caller has an identity.
        case ignored
        /// A caller may show one, and has an identity then. One that does not hold up ends the connection.
        case optional
        /// A caller without one is refused (mutual TLS).
        case required
    }

    /// The server's certificate, followed by those that lead from it to a root.
    public var certificateChainFile: String
    /// The private key of the certificate, without a pass phrase.
    public var privateKeyFile: String
    /// Whether callers show certificates. Default `.ignored`.
    public var clientCertificates = ClientCertificates.ignored
    /// The roots that callers' certificates must lead to. Must be given unless they are ignored: the system's roots
    /// would let anybody in who owns a domain. Default nil.
    public var trustRootsFile: String?
    /// How often the files are looked at for changes. Default 60 s.
    public var reloadInterval: Duration = .seconds(60)

    /// A server with a certificate that asks nothing of its callers.
    public init(certificateChainFile: String, privateKeyFile: String) {
        self.certificateChainFile = certificateChainFile
        self.privateKeyFile = privateKeyFile
    }

    /// A server that asks its callers for certificates, too: mutual TLS.
    public init(
        certificateChainFile: String, privateKeyFile: String, requiringClientsFrom trustRootsFile: String
    ) {
        self.init(certificateChainFile: certificateChainFile, privateKeyFile: privateKeyFile)
        self.trustRootsFile = trustRootsFile
        clientCertificates = .required
    }
}

/// How a client makes sure of its server, and proves who it is itself.
///
/// TLS 1.3 at least, with the application protocol `ravioli/1`. All files are PEM. They are read when the client is
/// made, and before it connects if they have changed since; files that cannot be used leave the last good ones in place.
public struct ClientTLSOptions: Sendable, Hashable {
    /// Whom the server's certificate must name.
    public enum ExpectedServer: Sendable, Hashable {
        /// The host of the address, by name or IP address. A Unix-domain socket has none.
        case addressHost
        /// This host name, whatever the address is.
        case hostName(String)
        /// This SPIFFE ID, for instance `spiffe://shop.example/catalog`; host names are not looked at.
        case identity(String)
    }

    /// The defaults.
    public static var defaults: ClientTLSOptions { ClientTLSOptions() }

    /// The roots that the server's certificate must lead to; nil for the system's. Default nil.
    public var trustRootsFile: String?
    /// The client's certificate, followed by those that lead from it to a root; nil for none. Default nil.
    public var certificateChainFile: String?
    /// The private key of the certificate, without a pass phrase; nil for none. Default nil.
    public var privateKeyFile: String?
    /// Whom the server's certificate must name. Default ``ExpectedServer/addressHost``.
    public var expectedServer = ExpectedServer.addressHost

    /// The defaults: the system's roots, the address's host, no certificate.
    public init() {}

    /// A client with roots of its own, and without a certificate.
    public init(trustRootsFile: String) { self.trustRootsFile = trustRootsFile }

    /// A client with roots and a certificate of its own: mutual TLS.
    public init(trustRootsFile: String, certificateChainFile: String, privateKeyFile: String) {
        self.trustRootsFile = trustRootsFile
        self.certificateChainFile = certificateChainFile
        self.privateKeyFile = privateKeyFile
    }
}
