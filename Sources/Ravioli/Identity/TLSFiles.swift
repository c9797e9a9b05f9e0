// SPDX-License-Identifier: Apache-2.0

import NIOSSL

/// The files of one end of TLS.
package struct TLSFiles: Sendable {
    var certificateChain: String?
    var privateKey: String?
    var trustRoots: String?

    /// Files by their paths.
    package init(certificateChain: String? = nil, privateKey: String? = nil, trustRoots: String? = nil) {
        self.certificateChain = certificateChain
        self.privateKey = privateKey
        self.trustRoots = trustRoots
    }

    private var all: [String] { [certificateChain, privateKey, trustRoots].compactMap(\.self) }

    /// The files' stamps, to tell whether one of them has changed.
    var stamps: [SmallFile.Stamp?] { all.map(SmallFile.stamp) }

    /// Reads the files into a configuration.
    ///
    /// - Throws: `invalidConfiguration` naming the file that cannot be used.
    func load(into configuration: inout TLSConfiguration) throws(RuntimeError) {
        if let trustRoots {
            configuration.trustRoots = .certificates(try Self.certificates(trustRoots))
        }
        if let certificateChain {
            configuration.certificateChain = try Self.certificates(certificateChain).map {
                .certificate($0)
            }
        }
        if let privateKey {
            configuration.privateKey = .privateKey(try Self.key(privateKey))
        }
    }

    private static func certificates(_ path: String) throws(RuntimeError) -> [NIOSSLCertificate] {
        let bytes = try SmallFile.read(path)
        guard let certificates = try? NIOSSLCertificate.fromPEMBytes(bytes), !certificates.isEmpty else {
            throw RuntimeError(.invalidConfiguration, "\(path) holds no certificates in PEM")
        }
        return certificates
    }

    private static func key(_ path: String) throws(RuntimeError) -> NIOSSLPrivateKey {
        let bytes = try SmallFile.read(path)
        guard let key = try? NIOSSLPrivateKey(bytes: bytes, format: .pem) else {
            throw RuntimeError(
                .invalidConfiguration, "\(path) holds no private key in PEM without pass phrase")
        }
        return key
    }
}
