// SPDX-License-Identifier: Apache-2.0

// The names in a certificate that TLS has verified. The TLS library shows them through an underscored interface only,
// and not what else a SPIFFE certificate must say, so the extensions are read here, with SwiftASN1's strict DER parser:
//
//   Certificate ::= SEQUENCE { tbsCertificate SEQUENCE { …, [3] SEQUENCE OF Extension }, … }        (RFC 5280, 4.1)
//   Extension   ::= SEQUENCE { extnID OID, critical BOOLEAN DEFAULT FALSE, extnValue OCTET STRING }

import SwiftASN1

/// What a verified certificate says about its owner.
struct PeerCertificate {
    /// Alternative names of hosts.
    private(set) var hostNames: [String] = []
    /// Alternative names that are URIs.
    private(set) var uris: [String] = []
    /// Whether it names hosts by address.
    private(set) var namesAddresses = false
    /// Whether it may sign certificates.
    private(set) var isAuthority = false
    private var keyUsage: (isCritical: Bool, bits: UInt8)?
    private var extendedKeyUsage: [ASN1ObjectIdentifier]?

    /// Reads a certificate.
    ///
    /// - Throws: ``TLSFault`` when it is not one, or an extension is there twice or malformed.
    init(der: [UInt8]) throws(TLSFault) {
        do {
            try readExtensions(of: try DER.parse(der))
        } catch {
            throw TLSFault("the peer's certificate cannot be read")
        }
    }

    // MARK: Identity

    /// Whose certificate it is: the SPIFFE ID if it names one, else the first host name that is no pattern; nil
    /// when it has neither.
    ///
    /// - Throws: ``TLSFault`` when the certificate must not speak for anybody: it signs others, or names a SPIFFE ID
    ///   otherwise than the standard for X.509-SVID says. It is not taken for a host's instead.
    func identity() throws(TLSFault) -> String? {
        guard !isAuthority, keyUsage.map({ $0.bits & Self.signsCertificates == 0 }) ?? true else {
            throw TLSFault("the peer's certificate is one that signs others: it names nobody")
        }
        if uris.contains(where: { $0.lowercased().hasPrefix("spiffe:") }) {
            return try workload().description
        }
        return hostNames.lazy.compactMap(HostName.normalized).first
    }

    /// Whether it names a host, exactly or by a pattern whose first label is `*` (RFC 9525, 6.3).
    ///
    /// - Parameter host: As ``HostName/normalized(_:)`` makes it.
    func names(host: String) -> Bool {
        let rest = host.drop { $0 != "." }
        return hostNames.contains { known in
            let known = known.lowercased()
            return known == host || (!rest.isEmpty && known.hasPrefix("*.") && known.dropFirst() == rest)
        }
    }

    private func workload() throws(TLSFault) -> SPIFFEID {
        guard uris.count == 1, let id = SPIFFEID(uris[0]), !id.path.isEmpty else {
            throw TLSFault("the peer's certificate must name exactly one URI, a valid SPIFFE ID with a path")
        }
        guard let keyUsage, keyUsage.isCritical, keyUsage.bits & Self.signsMessages != 0 else {
            throw TLSFault("the peer's SPIFFE certificate lacks the critical key usage digitalSignature")
        }
        let uses = extendedKeyUsage ?? Self.bothUses
        guard Self.bothUses.allSatisfy(uses.contains) else {
            throw TLSFault("the peer's SPIFFE certificate is not for both serving and calling")
        }
        return id
    }

    private static let signsMessages: UInt8 = 0b1000_0000  // digitalSignature, bit 0
    private static let signsCertificates: UInt8 = 0b0000_0110  // keyCertSign and cRLSign, bits 5 and 6
    private static let bothUses: [ASN1ObjectIdentifier] = [
        [1, 3, 6, 1, 5, 5, 7, 3, 1], [1, 3, 6, 1, 5, 5, 7, 3, 2],
    ]

    // MARK: Extensions

    private static let subjectAlternativeName: ASN1ObjectIdentifier = [2, 5, 29, 17]
    private static let basicConstraints: ASN1ObjectIdentifier = [2, 5, 29, 19]
    private static let keyUsage: ASN1ObjectIdentifier = [2, 5, 29, 15]
    private static let extendedKeyUsage: ASN1ObjectIdentifier = [2, 5, 29, 37]

    private mutating func readExtensions(of certificate: ASN1Node) throws {
        let parts = try Self.children(of: certificate)
        guard let signed = parts.first else { throw TLSFault("empty") }
        let tag = ASN1Identifier(tagWithNumber: 3, tagClass: .contextSpecific)
        guard let tagged = try Self.children(of: signed).last(where: { $0.identifier == tag }) else { return }
        guard let list = try Self.children(of: tagged).first else { throw TLSFault("empty") }
        var known: Set<ASN1ObjectIdentifier> = []
        for node in try Self.children(of: list) {
            let id = try readExtension(node)
            guard known.insert(id).inserted else { throw TLSFault("an extension is there twice") }
        }
    }

    private mutating func readExtension(_ node: ASN1Node) throws -> ASN1ObjectIdentifier {
        try DER.sequence(node, identifier: .sequence) { fields in
            let id = try ASN1ObjectIdentifier(derEncoded: &fields)
            let isCritical = try DER.decodeDefault(&fields, defaultValue: false)
            let value = try ASN1OctetString(derEncoded: &fields)
            switch id {
            case Self.subjectAlternativeName: try readNames(try DER.parse(value.bytes))
            case Self.basicConstraints:
                let first = try Self.children(of: try DER.parse(value.bytes)).first
                isAuthority =
                    try first.map { $0.identifier == .boolean ? try Bool(derEncoded: $0) : false } ?? false
            case Self.keyUsage:
                keyUsage = (isCritical, try ASN1BitString(derEncoded: value.bytes).bytes.first ?? 0)
            case Self.extendedKeyUsage:
                extendedKeyUsage = try DER.sequence(
                    of: ASN1ObjectIdentifier.self, identifier: .sequence, rootNode: try DER.parse(value.bytes)
                )
            default: break
            }
            return id
        }
    }

    /// `GeneralName`: [2] a host's name, [6] a URI, [7] an address (RFC 5280, 4.2.1.6).
    private mutating func readNames(_ list: ASN1Node) throws {
        for node in try Self.children(of: list) where node.identifier.tagClass == .contextSpecific {
            switch (node.identifier.tagNumber, node.content) {
            case (2, .primitive(let bytes)): hostNames.append(try Self.text(bytes))
            case (6, .primitive(let bytes)): uris.append(try Self.text(bytes))
            case (7, _): namesAddresses = true
            default: break
            }
        }
    }

    private static func text(_ bytes: ArraySlice<UInt8>) throws -> String {
        guard bytes.allSatisfy({ (0x21...0x7E).contains($0) }) else { throw TLSFault("not a name") }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func children(of node: ASN1Node) throws -> [ASN1Node] {
        guard case .constructed(let nodes) = node.content else { throw TLSFault("not constructed") }
        return Array(nodes)
    }
}
