// SPDX-License-Identifier: Apache-2.0

public import Ravioli

/// The edge's certificate, and what it asks of its clients. TLS 1.2 at least; `h2` and `http/1.1` by ALPN.
///
/// All files are PEM. They are read when the edge starts, and again when they change: new connections use the new ones,
/// connections that stand go on, and files that cannot be used leave the last good ones in place.
public struct EdgeTLSOptions: Sendable, Hashable {
    /// The certificate in PEM, followed by those that lead from it to a root.
    public var certificateChainFile: String
    /// Its private key in PEM, without a pass phrase.
    public var privateKeyFile: String
    /// Whether clients show certificates. The name in one, a SPIFFE ID or else a host name, goes along with each call as
    /// the verified metadata `ravioli-client-identity`, which no client can set itself. A certificate that does not hold up, or
    /// names nobody, ends the connection. Default `.ignored`.
    public var clientCertificates = ServerTLSOptions.ClientCertificates.ignored
    /// The authorities that clients' certificates must lead to. Must be given unless they are ignored. Default nil.
    public var clientAuthoritiesFile: String?
    /// How often the files are looked at for changes. Default 60 s.
    public var reloadInterval: Duration = .seconds(60)

    /// A certificate by its files.
    public init(certificateChainFile: String, privateKeyFile: String) {
        self.certificateChainFile = certificateChainFile
        self.privateKeyFile = privateKeyFile
    }

    /// - Throws: `invalidConfiguration`, naming what does not hold.
    func check() throws(RuntimeError) {
        guard reloadInterval > .zero else {
            throw RuntimeError(.invalidConfiguration, "edge TLS options: reloadInterval is positive")
        }
        guard clientCertificates == .ignored || clientAuthoritiesFile != nil else {
            throw RuntimeError(
                .invalidConfiguration, "edge TLS options: clients' certificates need a clientAuthoritiesFile")
        }
    }
}
