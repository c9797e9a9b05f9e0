// SPDX-License-Identifier: Apache-2.0

import Crypto
import Foundation
package import Ravioli
import SwiftASN1
package import X509

/// An authority of the tests' own, and the files of those it certifies.
package final class TestAuthority: Sendable {
    /// A certificate with its key, as files.
    package struct Files: Sendable {
        package let certificate: String
        package let key: String
        /// The certificate alone, for tests of what is read from it.
        package let der: [UInt8]
    }

    private let folder: URL
    private let key = P256.Signing.PrivateKey()
    private let certificate: Certificate
    /// The file with its root certificate.
    package let root: String

    package init() throws {
        let folder = FileManager.default.temporaryDirectory.appending(
            path: "ravioli-tls-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        self.folder = folder
        let name = try DistinguishedName { CommonName("Authority \(UUID())") }
        let extensions = try Certificate.Extensions {
            Critical(BasicConstraints.isCertificateAuthority(maxPathLength: nil))
            Critical(KeyUsage(keyCertSign: true))
        }
        certificate = try Self.certificate(
            for: key, subject: name, extensions, hours: 1, by: key, issuer: name)
        root = folder.appending(path: "root.pem").path
        try certificate.serializeAsPEM().pemString.write(toFile: root, atomically: true, encoding: .utf8)
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    private static func certificate(
        for key: P256.Signing.PrivateKey, subject: DistinguishedName, _ extensions: Certificate.Extensions,
        hours: Double, by issuerKey: P256.Signing.PrivateKey, issuer: DistinguishedName
    ) throws -> Certificate {
        let end = Date().addingTimeInterval(hours * 3600)
        return try Certificate(
            version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: .init(key.publicKey),
            notValidBefore: min(Date(), end).addingTimeInterval(-3600), notValidAfter: end, issuer: issuer,
            subject: subject, signatureAlgorithm: .ecdsaWithSHA256, extensions: extensions,
            issuerPrivateKey: .init(issuerKey))
    }

    /// The extensions of a workload's or a host's certificate.
    package static func extensions(
        _ names: [GeneralName], isAuthority: Bool = false,
        keyUsage: KeyUsage? = KeyUsage(digitalSignature: true),
        isCritical: Bool = true, uses: [ExtendedKeyUsage.Usage]? = [.serverAuth, .clientAuth]
    ) throws -> Certificate.Extensions {
        try Certificate.Extensions {
            Critical(
                isAuthority
                    ? BasicConstraints.isCertificateAuthority(maxPathLength: nil) : .notCertificateAuthority)
            if let keyUsage {
                if isCritical { Critical(keyUsage) } else { keyUsage }
            }
            if let uses { try ExtendedKeyUsage(uses) }
            if !names.isEmpty { SubjectAlternativeNames(names) }
        }
    }

    /// Certifies somebody; files of the same stem are replaced.
    package func issue(
        _ stem: String, _ extensions: Certificate.Extensions, hours: Double = 1
    ) throws -> Files {
        let own = P256.Signing.PrivateKey()
        let subject = try DistinguishedName { CommonName("localhost") }
        let issued = try Self.certificate(
            for: own, subject: subject, extensions, hours: hours, by: key, issuer: certificate.subject)
        let pem = try issued.serializeAsPEM()
        let files = Files(
            certificate: folder.appending(path: "\(stem).pem").path,
            key: folder.appending(path: "\(stem).key.pem").path, der: pem.derBytes)
        try pem.pemString.write(toFile: files.certificate, atomically: true, encoding: .utf8)
        try own.pemRepresentation.write(toFile: files.key, atomically: true, encoding: .utf8)
        return files
    }

    /// Certifies names with everything that a certificate for them needs.
    package func issue(_ stem: String, _ names: GeneralName..., hours: Double = 1) throws -> Files {
        try issue(stem, Self.extensions(names), hours: hours)
    }

    /// A file of the folder that is none of ours.
    package func file(_ name: String, _ text: String) throws -> String {
        let path = folder.appending(path: name).path
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        return path
    }

    // MARK: Options

    /// A server with a certificate for `localhost`, 127.0.0.1 and a workload of its own.
    package func server(_ clients: ServerTLSOptions.ClientCertificates = .required) throws -> ServerOptions {
        let own = try issue("server-\(UUID())", .localhost, .loopback, .workload("server"))
        return server(own, clients)
    }

    /// A server with these files.
    package func server(
        _ own: Files, _ clients: ServerTLSOptions.ClientCertificates = .required
    ) -> ServerOptions {
        var options = ServerOptions.defaults
        var tls = ServerTLSOptions(certificateChainFile: own.certificate, privateKeyFile: own.key)
        tls.clientCertificates = clients
        tls.trustRootsFile = root
        options.tls = tls
        return options
    }

    /// A client with these files, or without a certificate.
    package func client(
        _ own: Files? = nil, expecting server: ClientTLSOptions.ExpectedServer = .addressHost
    ) -> ClientOptions {
        var options = ClientOptions.defaults
        var tls = ClientTLSOptions(trustRootsFile: root)
        tls.certificateChainFile = own?.certificate
        tls.privateKeyFile = own?.key
        tls.expectedServer = server
        options.tls = tls
        return options
    }
}

extension GeneralName {
    package static let localhost = GeneralName.dnsName("localhost")
    package static let loopback = GeneralName.ipAddress(.init(contentBytes: [127, 0, 0, 1]))
    package static func workload(_ name: String) -> GeneralName {
        .uniformResourceIdentifier("spiffe://shop.example/\(name)")
    }
}
