// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Ravioli
import Testing

@testable import RavioliEdge

@Suite struct IPAddressTests {
    static let canonical: [(text: String, canonical: String)] = [
        ("192.0.2.1", "192.0.2.1"), ("0.0.0.0", "0.0.0.0"), ("255.255.255.255", "255.255.255.255"),
        ("::ffff:192.0.2.1", "192.0.2.1"), ("::FFFF:C000:0201", "192.0.2.1"), ("::", "::"), ("::1", "::1"),
        ("1::", "1::"), ("2001:0DB8:0:0:0:0:0:1", "2001:db8::1"), ("2001:db8::1:0:0:1", "2001:db8::1:0:0:1"),
        ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"), ("1:0:0:2:0:0:0:3", "1:0:0:2::3"),
        ("64:ff9b::192.0.2.33", "64:ff9b::c000:221"), ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"),
        ("1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"), ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"),
    ]

    @Test(arguments: canonical) func oneAddressHasOneText(row: (text: String, canonical: String)) throws {
        #expect(try #require(IPAddress(row.text)).description == row.canonical)
        #expect(IPAddress(row.text) == IPAddress(row.canonical))
    }

    @Test(arguments: [
        "", ".", "1", "1.2.3", "1.2.3.4.5", "01.2.3.4", "1.2.3.256", "1.2.3.4 ", "1.2.3.-4", "1.2.3.٤",
        "0x1.2.3.4",
        ":", ":::", "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::", "12345::", "g::",
        "::1.2.3", "1.2.3.4::", "::1%eth0", "[::1]", "::1:", ":1::", "1:2:3:4:5:6:7:1.2.3.4",
        "１::", String(repeating: "0:", count: 40),
    ])
    func whatIsNoAddressIsNone(text: String) { #expect(IPAddress(text) == nil) }

    static let networks: [(network: String, address: String, isIn: Bool)] = [
        ("10.0.0.0/8", "10.255.0.1", true), ("10.0.0.0/8", "11.0.0.1", false),
        ("10.0.0.0/8", "::ffff:10.1.1.1", true),
        ("192.0.2.7", "192.0.2.7", true), ("192.0.2.7", "192.0.2.6", false),
        ("192.0.2.7/32", "192.0.2.7", true),
        ("0.0.0.0/0", "203.0.113.9", true), ("0.0.0.0/0", "2001:db8::1", false),
        ("::/0", "2001:db8::1", true),
        ("::/0", "203.0.113.9", false), ("2001:db8::/32", "2001:db8:ffff::1", true),
        ("2001:db8::/32", "2001:db9::", false), ("2001:db8::/64", "2001:db8::ffff:0:0:1", true),
        ("2001:db8::/64", "2001:db8:0:1::", false), ("2001:db8::8000:0:0:0/65", "2001:db8::8000:0:0:1", true),
        ("2001:db8::8000:0:0:0/65", "2001:db8::1", false), ("::1/128", "::1", true),
        ("::1/128", "::2", false),
    ]

    @Test(arguments: networks) func networksHoldTheirOwn(
        row: (network: String, address: String, isIn: Bool)
    ) throws {
        let network = try #require(IPNetwork(row.network))
        #expect(network.contains(try #require(IPAddress(row.address))) == row.isIn)
    }

    @Test(arguments: [
        "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/08", "10.0.0.0/", "::/129", "/8", "x/8",
        "unix",
    ])
    func whatIsNoNetworkIsNone(text: String) { #expect(IPNetwork(text) == nil) }
}

@Suite struct ClientAddressTests {
    private static let proxies = ["10.0.0.0/8", "2001:db8:aaaa::/48"]

    private func client(
        _ peer: String?, _ header: String..., networks: [String] = proxies, isForwarded: Bool = false
    ) throws -> String? {
        var proxies = TrustedProxies(networks)
        if isForwarded { proxies.header = .forwarded }
        var fields = HTTPFields()
        let name: HTTPField.Name = isForwarded ? .forwarded : .forwardedFor
        for value in header { fields.append(HTTPField(name: name, value: value)) }
        return try ClientAddress(proxies).of(peer, fields)
    }

    @Test func nobodyIsTrustedByDefault() throws {
        #expect(try client("10.0.0.1", "203.0.113.9", networks: []) == "10.0.0.1")
        #expect(try client(nil, "203.0.113.9", networks: []) == nil)
    }

    @Test func onlyTrustedPeersAreBelieved() throws {
        #expect(try client("203.0.113.1", "203.0.113.9") == "203.0.113.1")
        #expect(try client("10.0.0.1", "203.0.113.9") == "203.0.113.9")
        #expect(try client("10.0.0.1") == "10.0.0.1")
        #expect(try client("::ffff:10.0.0.1", "203.0.113.9") == "203.0.113.9")
    }

    @Test func theWalkGoesFromTheRightPastTrustedHopsOnly() throws {
        #expect(try client("10.0.0.1", "6.6.6.6, 203.0.113.9, 10.0.0.2") == "203.0.113.9")
        #expect(try client("10.0.0.1", "6.6.6.6", "203.0.113.9,10.0.0.2") == "203.0.113.9")
        #expect(try client("10.0.0.1", "10.0.0.3, 10.0.0.2") == "10.0.0.3")
        #expect(try client("2001:db8:aaaa::1", "2001:db8:bbbb:0::9") == "2001:db8:bbbb::9")
    }

    @Test(arguments: [
        "unknown", "", " ", "_hidden", "1.2.3", "203.0.113.9, ", "evil, not-an-ip", "1.2.3.4:99999999",
    ])
    func whereTheWalkMeetsNoAddressTheProxyStands(header: String) throws {
        #expect(try client("10.0.0.1", "6.6.6.6, \(header)") == "10.0.0.1")
        #expect(try client("10.0.0.1", "6.6.6.6, \(header), 10.0.0.2") == "10.0.0.2")
    }

    @Test func portsAreLeftOut() throws {
        #expect(try client("10.0.0.1", "203.0.113.9:4711") == "203.0.113.9")
        #expect(try client("10.0.0.1", "[2001:db8::9]:4711") == "2001:db8::9")
        #expect(try client("10.0.0.1", "2001:db8::9") == "2001:db8::9")
        #expect(try client("10.0.0.1", "[203.0.113.9]") == "10.0.0.1")
    }

    @Test func aLongListIsNotWalkedToItsEnd() throws {
        let hops = (0..<500).map { "10.0.\($0 / 250).\($0 % 250)" }.joined(separator: ",")
        #expect(try client("10.0.0.1", "6.6.6.6," + hops) == "10.0.1.218")
    }

    @Test func forwardedIsReadByItsGrammar() throws {
        func of(_ values: String...) throws -> String? {
            var fields = HTTPFields()
            for value in values { fields.append(HTTPField(name: .forwarded, value: value)) }
            fields[.forwardedFor] = "6.6.6.6"
            var proxies = TrustedProxies(Self.proxies)
            proxies.header = .forwarded
            return try ClientAddress(proxies).of("10.0.0.1", fields)
        }
        #expect(try of("for=203.0.113.9;proto=https;by=10.0.0.1") == "203.0.113.9")
        #expect(try of("proto=https; For=\"[2001:db8:cafe::17]:4711\"") == "2001:db8:cafe::17")
        #expect(try of("for=6.6.6.6, for=203.0.113.9", "FOR=10.0.0.2") == "203.0.113.9")
        #expect(try of("for=6.6.6.6, by=\"a,for=7.7.7.7\";for=203.0.113.9") == "203.0.113.9")
        for bad in [
            "for=unknown", "for=_gazonk", "by=203.0.113.9", "for=1.1.1.1;for=2.2.2.2", "for=\"203.0.113.9",
            "for", "", "host=\"\\\";for=1.1.1.1\"",
        ] {
            #expect(try of("for=6.6.6.6", bad) == "10.0.0.1", "\(bad)")
        }
    }

    @Test func socketFilesAreTrustedByName() throws {
        #expect(try client(nil, "203.0.113.9", networks: ["unix"]) == "203.0.113.9")
        #expect(try client(nil, networks: ["unix"]) == nil)
        #expect(try client(nil, "203.0.113.9") == nil)
        #expect(try client("203.0.113.1", "6.6.6.6", networks: ["unix"]) == "203.0.113.1")
    }

    @Test func whatIsNoNetworkIsRefusedAtTheStart() {
        var options = EdgeOptions.defaults
        options.trustedProxies.networks = ["10.0.0.0/8", "everybody"]
        let error = #expect(throws: RuntimeError.self) { try Edge([], options: options, logger: .quiet) }
        #expect(error?.description.contains("everybody") == true)
    }
}
