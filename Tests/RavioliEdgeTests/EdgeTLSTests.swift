// SPDX-License-Identifier: Apache-2.0

import EdgeSchemas
import NIOCore
import NIOHTTP2
import NIOPosix
import NIOSSL
import Ravioli
import TestCertificates
import Testing
import X509

@testable import RavioliEdge

/// Certificates of the edge and of its clients.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct EdgeTLSTests {
    private static let echo = "/ravioli.test.v1.Desk/Echo"
    private let authority: TestAuthority

    init() throws { authority = try TestAuthority() }

    private func edge(
        _ files: TestAuthority.Files, _ clients: ServerTLSOptions.ClientCertificates = .ignored,
        _ change: (inout EdgeOptions) -> Void = { _ in }
    ) throws -> TestEdge {
        try TestEdge {
            var tls = EdgeTLSOptions(
                certificateChainFile: files.certificate, privateKeyFile: files.key)
            tls.reloadInterval = .milliseconds(20)
            tls.clientCertificates = clients
            tls.clientAuthoritiesFile = authority.root
            $0.tls = tls
            change(&$0)
        }
    }

    /// What the edge answers to a client with this certificate, or nil if it does not let it in.
    private func answer(
        port: Int, _ own: TestAuthority.Files?, headers: String = "", maximum: TLSVersion? = nil
    ) async throws -> String? {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.trustRoots = .file(authority.root)
        configuration.applicationProtocols = ["http/1.1"]
        configuration.maximumTLSVersion = maximum
        if let own {
            configuration.certificateChain = try NIOSSLCertificate.fromPEMFile(own.certificate).map {
                .certificate($0)
            }
            configuration.privateKey = .privateKey(try NIOSSLPrivateKey(file: own.key, format: .pem))
        }
        let context = try NIOSSLContext(configuration: configuration)
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        NIOSSLClientHandler(context: context, serverHostname: "localhost"))
                    return try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        let request =
            "POST \(Self.echo) HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\(headers)"
            + "Connection: close\r\nContent-Length: 2\r\n\r\n{}"
        let text = try await channel.executeThenClose { inbound, outbound in
            var answer = ByteBuffer()
            do {
                try await outbound.write(ByteBuffer(string: request))
                for try await var part in inbound { answer.writeBuffer(&part) }
            } catch {
                // A connection that is refused ends with an alert, or a reset.
            }
            return String(buffer: answer)
        }
        return text.isEmpty ? nil : text
    }

    // MARK: Reloading

    /// The serial number of the edge's certificate, as a new connection sees it.
    private func serial(_ client: HTTP2Client) async throws -> [UInt8] {
        _ = try await client.exchange("/healthz", [], method: "GET")
        let certificate = try await client.channel.nioSSL_peerCertificate().get()
        return try #require(certificate).toDERBytes()
    }

    @Test func newConnectionsGetTheNewCertificateAndOldOnesGoOn() async throws {
        let first = try authority.issue("edge", .dnsName("localhost"))
        let edge = try edge(first)
        let authority = authority
        try await edge.serving { port in
            let old = try await HTTP2Client.connect(port: port, trusting: authority.root)
            defer { old.close() }
            #expect(try await serial(old) == first.der)
            let second = try authority.issue("edge", .dnsName("localhost"))
            // A look happens soon, and the limit of the test bounds the wait for it.
            var seen = first.der
            while seen != second.der {
                let new = try await HTTP2Client.connect(port: port, trusting: authority.root)
                seen = try await serial(new)
                new.close()
                #expect(seen == first.der || seen == second.der)
            }
            #expect(try await serial(old) == first.der)
            #expect(try await old.exchange("/healthz", [], method: "GET").status == "200")
        }
    }

    @Test func filesThatCannotBeUsedLeaveTheLastGoodOnes() throws {
        let files = try authority.issue("edge", .dnsName("localhost"))
        let options = EdgeTLSOptions(certificateChainFile: files.certificate, privateKeyFile: files.key)
        let source = try EdgeTLS(options, logger: .quiet).source
        let first = source.current
        _ = try authority.file("edge.pem", "no certificate")
        source.reloadIfChanged()
        #expect(source.current === first)
        #expect(throws: RuntimeError.self) { try EdgeTLS(options, logger: .quiet) }
        _ = try authority.issue("edge", .dnsName("localhost"))
        source.reloadIfChanged()
        #expect(source.current !== first)
    }

    // MARK: Clients

    private static let forged = "Ravioli-Client-Identity: spiffe://shop.example/root\r\n"

    @Test(arguments: [nil, TLSVersion.tlsv12]) func aClientsNameGoesAlongWithItsCalls(
        version: TLSVersion?
    ) async throws {
        let own = try authority.issue("client", .workload("till"))
        let edge = try edge(try authority.issue("edge", .dnsName("localhost")), .optional)
        try await edge.serving { port in
            let known = try #require(
                try await answer(port: port, own, headers: Self.forged, maximum: version))
            #expect(known.contains("ravioli-client-identity: spiffe://shop.example/till"))
            #expect(!known.contains("shop.example/root"))
            let unknown = try #require(
                try await answer(port: port, nil, headers: Self.forged, maximum: version))
            #expect(unknown.hasPrefix("HTTP/1.1 200 ") && !unknown.contains("ravioli-client-identity"))
        }
    }

    @Test func clientsThatMustShowACertificateAreRefusedWithout() async throws {
        let other = try TestAuthority()
        let edge = try edge(try authority.issue("edge", .dnsName("localhost")), .required)
        let (own, foreign) = (
            try authority.issue("client", .dnsName("till.example")),
            try other.issue("client", .workload("till"))
        )
        let expired = try authority.issue("old", .workload("till"), hours: -1)
        let nameless = try authority.issue("nameless")
        try await edge.serving { port in
            let answer = try #require(try await self.answer(port: port, own))
            #expect(answer.contains("ravioli-client-identity: till.example"))
            for refused in [nil, foreign, expired, nameless] {
                #expect(try await self.answer(port: port, refused) == nil)
            }
        }
    }

    @Test func aHandshakeThatDoesNotEndIsGivenUp() async throws {
        let edge = try edge(try authority.issue("edge", .dnsName("localhost"))) {
            $0.limits.handshakeTimeout = .milliseconds(100)
        }
        try await edge.serving { port async throws in
            // The beginning of a client's hello, and nothing after it.
            #expect(try await RawHTTP.exchange(port: port, "\u{16}\u{3}\u{1}\u{2}").isEmpty)
            #expect(try await RawHTTP.exchange(port: port, "").isEmpty)
        }
    }

    @Test func optionsThatCannotBeMeantAreRefused() throws {
        var options = EdgeOptions.defaults
        options.tls = EdgeTLSOptions(certificateChainFile: "a", privateKeyFile: "b")
        options.tls?.clientCertificates = .required
        #expect(throws: RuntimeError.self) { try Edge([], options: options, logger: .quiet) }
        options.tls?.clientAuthoritiesFile = "c"
        options.tls?.reloadInterval = .zero
        #expect(throws: RuntimeError.self) { try Edge([], options: options, logger: .quiet) }
    }
}
