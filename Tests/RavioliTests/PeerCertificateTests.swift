// SPDX-License-Identifier: Apache-2.0

import SwiftASN1
import TestCertificates
import Testing
import X509

@testable import Ravioli

/// Whom a certificate names, and which it does not.
struct PeerCertificateTests {
    private let authority: TestAuthority
    init() throws { authority = try TestAuthority() }

    private func identity(_ extensions: Certificate.Extensions) throws -> String? {
        try PeerCertificate(der: authority.issue("any", extensions).der).identity()
    }

    @Test(arguments: [
        ([GeneralName.workload("pricing")], "spiffe://shop.example/pricing"),
        ([.localhost, .workload("a/B-c_d.e")], "spiffe://shop.example/a/B-c_d.e"),
        ([.dnsName("Host.Example"), .dnsName("other.example")], "host.example"),
        ([.dnsName("*.example"), .dnsName("host.example")], "host.example"),
        ([.uniformResourceIdentifier("https://shop.example/pricing"), .localhost], "localhost"),
        ([.loopback], nil), ([.rfc822Name("ada@shop.example")], nil), ([], nil),
    ])
    func namesItsOwner(names: [GeneralName], identity expected: String?) throws {
        #expect(try identity(TestAuthority.extensions(names)) == expected)
    }

    @Test(arguments: [
        "spiffe://shop.example", "spiffe://shop.example/", "spiffe://Shop.example/a",
        "SPIFFE://shop.example/a",
        "spiffe://shop.example/a//b", "spiffe://shop.example/a/", "spiffe://shop.example/..",
        "spiffe://shop.example/a?b", "spiffe://shop.example/a#b", "spiffe://shop.example/%61",
        "spiffe://shop.example:1/a", "spiffe://ada@shop.example/a", "spiffe:///a", "spiffe:a",
    ])
    func refusesBrokenWorkloadNames(text: String) throws {
        let names: [GeneralName] = [.localhost, .uniformResourceIdentifier(text)]
        #expect(throws: TLSFault.self) { try identity(TestAuthority.extensions(names)) }
    }

    @Test func refusesWorkloadsThatAreNotSaidAsTheStandardWants() throws {
        let name = [GeneralName.workload("pricing")]
        let two = name + [.uniformResourceIdentifier("https://shop.example")]
        let broken = try [
            TestAuthority.extensions(two), TestAuthority.extensions(name + [.workload("admin")]),
            TestAuthority.extensions(name, keyUsage: nil), TestAuthority.extensions(name, isCritical: false),
            TestAuthority.extensions(name, keyUsage: KeyUsage(keyAgreement: true)),
            TestAuthority.extensions(name, uses: [.clientAuth]),
        ]
        for extensions in broken { #expect(throws: TLSFault.self) { try identity(extensions) } }
        let whole = try TestAuthority.extensions(name, uses: nil)
        #expect(try identity(whole) == "spiffe://shop.example/pricing")
    }

    @Test func refusesAuthorities() throws {
        for names in [[GeneralName.workload("pricing")], [.localhost]] {
            let signing = KeyUsage(digitalSignature: true, keyCertSign: true)
            let lists = KeyUsage(digitalSignature: true, cRLSign: true)
            for extensions in try [
                TestAuthority.extensions(names, isAuthority: true),
                TestAuthority.extensions(names, keyUsage: signing),
                TestAuthority.extensions(names, keyUsage: lists),
            ] {
                #expect(throws: TLSFault.self) { try identity(extensions) }
            }
        }
    }

    @Test func agreesWithTheLibraryOnMutatedCertificates() throws {
        let der = try authority.issue("any", .localhost, .workload("pricing"), .loopback).der
        var random = SystemRandomNumberGenerator()
        for _ in 0..<400 {
            var mutated = der
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                mutated[Int.random(in: der.indices, using: &random)] = UInt8.random(
                    in: 0...255, using: &random)
            }
            if Bool.random(using: &random) {
                mutated.removeLast(Int.random(in: 1...der.count, using: &random))
            }
            // Whatever the library can read we can read too, and find the same names.
            guard let known = try? Certificate(derEncoded: mutated),
                let names = try? known.extensions.subjectAlternativeNames
            else {
                _ = try? PeerCertificate(der: mutated).identity()
                continue
            }
            guard let ours = try? PeerCertificate(der: mutated) else { continue }
            let uris = names.compactMap { name in
                if case .uniformResourceIdentifier(let uri) = name { uri } else { nil as String? }
            }
            #expect(ours.uris == uris, "\(mutated)")
        }
    }

    // MARK: Names

    @Test func hostsAreComparedAsTheStandardWants() throws {
        let own = try authority.issue(
            "any", .dnsName("Shop.example"), .dnsName("*.shop.example"), .dnsName("a*.shop.example"),
            .loopback)
        let certificate = try PeerCertificate(der: own.der)
        for host in ["shop.example", "console.shop.example"] { #expect(certificate.names(host: host)) }
        for host in ["example", "a.b.shop.example", "shop.examples", "shop", "127.0.0.1", "localhost"] {
            #expect(!certificate.names(host: host))
        }
    }

    @Test func workloadNamesHaveTheirLimits() {
        let domain = String(repeating: "d", count: 255)
        #expect(SPIFFEID("spiffe://\(domain)/a") != nil)
        #expect(SPIFFEID("spiffe://\(domain)d/a") == nil)
        let longest = "spiffe://d/" + String(repeating: "p", count: 2048 - 11)
        #expect(SPIFFEID(longest) != nil)
        #expect(SPIFFEID(longest + "p") == nil)
    }

    @Test(arguments: ["", ".", "a..b", "a.", "*.example", "a b", "ä.example", "a/b", "a:1", "spiffe://a/b"])
    func hostNamesAreStrict(text: String) { #expect(HostName.normalized(text) == nil) }
}
