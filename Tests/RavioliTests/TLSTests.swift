// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOPosix
import NIOSSL
import RavioliWire
import Synchronization
import TestCertificates
import Testing
import X509

@testable import Ravioli

/// Who talks to whom over TLS, and who is refused, over real sockets. One after the other: a handshake without
/// optimisation takes long enough to delay who shares the event loops.
@Suite(.serialized, .timeLimit(.minutes(1)))
struct TLSTests {
    private let authority: TestAuthority
    /// Trusted by nobody.
    private let stranger: TestAuthority
    init() throws {
        authority = try TestAuthority()
        stranger = try TestAuthority()
    }

    /// Serves for the time of a body with a client.
    private func withCalls(
        _ server: ServerOptions, _ client: ClientOptions, log: WatchedLog = WatchedLog(),
        _ body: (TrialClient) async throws -> Void
    ) async throws {
        try await withServer([IdentityServer()], options: server, logger: log.logger) { _, address in
            try await withClient(address, options: client) { try await body(TrialClient($0)) }
        }
    }

    /// Makes a call that cannot succeed; returns its error.
    private func refusal(
        _ server: ServerOptions, _ client: ClientOptions, log: WatchedLog = WatchedLog()
    ) async throws -> RPCError? {
        var error: RPCError?
        try await withCalls(server, client, log: log) { trial in
            error = await rpcError { try await trial.identity() }
        }
        #expect(error?.code == .unavailable)
        return error
    }

    // MARK: Identity

    @Test func aWorkloadsNameReachesTheHandler() async throws {
        let own = try authority.issue("client", .workload("pricing/eu-1"))
        try await withCalls(authority.server(), authority.client(own)) { trial in
            try await trial.expectsIdentity("spiffe://shop.example/pricing/eu-1")
        }
    }

    @Test func aHostsNameReachesTheHandler() async throws {
        let own = try authority.issue(
            "client", .dnsName("*.shop.example"), .dnsName("Console.Shop.example"))
        try await withCalls(authority.server(), authority.client(own)) { trial in
            try await trial.expectsIdentity("console.shop.example")
        }
    }

    @Test func aCertificateIsOptional() async throws {
        let own = try authority.issue("client", .workload("pricing"))
        for (client, identity) in [(own, "spiffe://shop.example/pricing"), (nil, "nobody")] {
            try await withCalls(authority.server(.optional), authority.client(client)) { trial in
                try await trial.expectsIdentity(identity)
            }
        }
    }

    @Test func noCertificateIsAskedForUnlessWanted() async throws {
        let own = try authority.issue("client", .workload("pricing"))
        try await withCalls(authority.server(.ignored), authority.client(own)) { trial in
            try await trial.expectsIdentity("nobody")
        }
    }

    @Test func plaintextCallersHaveNoIdentity() async throws {
        try await withCalls(.defaults, .defaults) { trial in try await trial.expectsIdentity("nobody") }
    }

    @Test func serversAreKnownByNameOrWorkload() async throws {
        let own = try authority.issue("client", .workload("pricing"))
        let known: [ClientTLSOptions.ExpectedServer] = [
            .addressHost, .hostName("localhost"), .identity("spiffe://shop.example/server"),
        ]
        for expected in known {
            try await withCalls(authority.server(), authority.client(own, expecting: expected)) { trial in
                try await trial.expectsIdentity("spiffe://shop.example/pricing")
            }
        }
    }

    @Test func unixSocketsSpeakTLS() async throws {
        let path = temporarySocketPath()
        let client = authority.client(
            try authority.issue("client", .workload("pricing")), expecting: .hostName("localhost"))
        try await withServer([IdentityServer()], on: .unix(path: path), options: authority.server()) {
            _, address in
            try await withClient(address, options: client) { client in
                try await TrialClient(client).expectsIdentity("spiffe://shop.example/pricing")
            }
        }
    }

    @Test func longAndManyMessagesPass() async throws {
        try await withCalls(authority.server(.ignored), authority.client()) { trial in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for round in 0..<32 as Range<UInt8> {
                    group.addTask {
                        let bytes = round % 16 == 0 ? 1_000_000 : 100
                        try await trial.expectsEcho(of: [UInt8](repeating: round, count: bytes))
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    // MARK: Refused certificates

    @Test func aCallerWithoutCertificateIsRefused() async throws {
        let log = WatchedLog()
        let error = try await refusal(authority.server(), authority.client(), log: log)
        #expect(error?.message.contains("the peer requires a certificate") == true, "\(error?.message ?? "")")
        await log.line(with: "the peer showed no certificate")
    }

    @Test func aCallerOfAnotherAuthorityIsRefused() async throws {
        let log = WatchedLog()
        let own = try stranger.issue("client", .workload("pricing"))
        for clients in [ServerTLSOptions.ClientCertificates.required, .optional] {
            let error = try await refusal(authority.server(clients), authority.client(own), log: log)
            #expect(error?.message.contains("does not trust the root") == true, "\(error?.message ?? "")")
        }
        await log.line(with: "the peer's certificate does not hold up")
    }

    @Test func anExpiredCallerIsRefused() async throws {
        let log = WatchedLog()
        let expired = try authority.issue("client", .workload("pricing"), hours: -0.1)
        let error = try await refusal(authority.server(), authority.client(expired), log: log)
        #expect(error?.message.contains("our certificate has expired") == true, "\(error?.message ?? "")")
        await log.line(with: "the peer's certificate does not hold up")
    }

    @Test func aCallerWithTwoNamesIsRefused() async throws {
        let log = WatchedLog()
        let two = try authority.issue("client", .workload("pricing"), .workload("admin"), .localhost)
        _ = try await refusal(authority.server(), authority.client(two), log: log)
        await log.line(with: "exactly one URI")
    }

    @Test func aServerOfAnotherAuthorityIsRefused() async throws {
        let error = try await refusal(stranger.server(.ignored), authority.client())
        #expect(error?.message.contains("does not hold up") == true)
        #expect(error?.executed == .no)
    }

    @Test func anExpiredServerIsRefused() async throws {
        let expired = try authority.issue("server", .localhost, .loopback, hours: -0.1)
        let error = try await refusal(authority.server(expired, .ignored), authority.client())
        #expect(error?.message.contains("does not hold up") == true)
    }

    @Test func aServerOfAnotherNameIsRefused() async throws {
        let log = WatchedLog()
        let other = try authority.issue("server", .dnsName("catalog.shop.example"), .workload("catalog"))
        let expected: [ClientTLSOptions.ExpectedServer: String] = [
            .addressHost: "for other hosts", .hostName("pricing.shop.example"): "for other hosts",
            .identity("spiffe://shop.example/pricing"): "the server is spiffe://shop.example/catalog, not",
        ]
        for (expected, text) in expected {
            let client = authority.client(expecting: expected)
            let error = try await refusal(authority.server(other, .ignored), client, log: log)
            #expect(error?.message.contains(text) == true, "\(error?.message ?? "")")
            #expect(error?.executed == .no)
        }
    }

    @Test func anAddressIsNoHostName() async throws {
        // The server's certificate names 127.0.0.1, where it is.
        let client = authority.client(expecting: .hostName("elsewhere.example"))
        let error = try await refusal(authority.server(.ignored), client)
        #expect(error?.message.contains("for other hosts than elsewhere.example") == true)
        let named = try authority.issue("server", .localhost)
        let other = try await refusal(authority.server(named, .ignored), authority.client())
        #expect(other?.message.contains("for other hosts") == true, "\(other?.message ?? "")")
    }

    @Test func aCommonNameIsNoHostName() async throws {
        // The subject of every test certificate is CN=localhost.
        let nameless = try authority.issue("server")
        let client = authority.client(expecting: .hostName("localhost"))
        let error = try await refusal(authority.server(nameless, .ignored), client)
        #expect(error?.message.contains("for other hosts than localhost") == true, "\(error?.message ?? "")")
    }

    // MARK: Other protocols

    @Test func plaintextIsRefusedWhereTLSIsRequired() async throws {
        let log = WatchedLog()
        let error = try await refusal(authority.server(), .defaults, log: log)
        #expect(error?.message == "the server requires TLS")
        #expect(error?.executed == .no)
        await log.line(with: "the peer does not speak TLS")
    }

    @Test func tlsIsRefusedByAServerWithoutIt() async throws {
        let error = try await refusal(.defaults, authority.client())
        #expect(error?.message.contains("a server without TLS does that, too") == true)
        #expect(error?.executed == .no)
    }

    @Test(arguments: [
        (["ravioli/1"], TLSVersion.tlsv12, "does not speak TLS 1.3"),
        (["h2"], .tlsv13, "(ALPN: none)"), ([], .tlsv13, "(ALPN: none)"),
    ])
    func aCallerWithAnotherHandshakeIsRefused(
        protocols: [String], version: TLSVersion, reason: String
    ) async throws {
        let log = WatchedLog()
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.maximumTLSVersion = version
        configuration.applicationProtocols = protocols
        configuration.certificateVerification = .none
        let context = try NIOSSLContext(configuration: configuration)
        try await withServer([IdentityServer()], options: authority.server(.ignored), logger: log.logger) {
            _, address in
            let read = try await RawPeer.connect(
                to: address, below: { try NIOSSLClientHandler(context: context, serverHostname: nil) }
            ) { peer in
                try? await peer.send(RawPeer.hello())
                return try? await peer.readToEnd()
            }
            #expect((read?.readableBytes ?? 0) == 0, "nothing of ours is sent to a stranger")
            await log.line(with: reason)
        }
    }

    @Test(arguments: [
        (["ravioli/1"], TLSVersion.tlsv12, "does not speak TLS 1.3"),
        (["h2"], .tlsv13, "(ALPN: none)"), ([], .tlsv13, "(ALPN: none)"),
    ])
    func aServerWithAnotherHandshakeIsRefused(
        protocols: [String], version: TLSVersion, reason: String
    ) async throws {
        let own = try authority.issue("server", .loopback)
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: try NIOSSLCertificate.fromPEMFile(own.certificate).map { .certificate($0) },
            privateKey: .privateKey(try NIOSSLPrivateKey(file: own.key, format: .pem)))
        configuration.maximumTLSVersion = version
        configuration.applicationProtocols = protocols
        let context = try NIOSSLContext(configuration: configuration)
        let client = authority.client()
        // Without an asynchronous channel: one that is accepted and not taken before the test ends would trap.
        let stranger = StrangeServer()
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandlers(
                        NIOSSLServerHandler(context: context), stranger)
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let address = Address.tcp(host: "127.0.0.1", port: listener.localAddress?.port ?? 0)
        try await withClient(address, options: client) { client in
            let error = await rpcError { try await TrialClient(client).identity() }
            #expect(error?.code == .unavailable)
            #expect(error?.message.contains(reason) == true, "\(error?.message ?? "")")
        }
        #expect(stranger.bytesRead.load(ordering: .relaxed) == 0, "nothing of ours is sent to a stranger")
        try await listener.close().get()
    }

    @Test func libraryErrorsAreExplained() {
        let closed = NIOSSLError.handshakeFailed(.sslError([.eofDuringHandshake]))
        #expect(TLSFault(closed).description.hasPrefix("the peer closed the connection"))
        #expect(TLSFault(NIOSSLExtraError.failedToValidateHostname).description.contains("for other hosts"))
        #expect(TLSFault(NIOSSLError.uncleanShutdown).description == "uncleanShutdown")
    }

    @Test func aResumedSessionDoesNotOutliveItsCertificate() throws {
        let own = try authority.issue("client", .workload("pricing"))
        let certificate = try #require(try NIOSSLCertificate.fromPEMFile(own.certificate).first)
        for (now, isFine) in [(certificate.notValidAfter, true), (certificate.notValidAfter + 1, false)] {
            let gate = TLSGate(.caller, timeout: .seconds(5))
            let identity = try? gate.handshakeCompleted(
                applicationProtocol: "ravioli/1", certificate: certificate, now: now)
            #expect(identity == (isFine ? "spiffe://shop.example/pricing" : nil))
        }
    }

    @Test func aPeerThatSaysNothingIsRefused() async throws {
        let log = WatchedLog()
        var options = try authority.server()
        options.limits.helloTimeout = .milliseconds(20)
        try await withServer([IdentityServer()], options: options, logger: log.logger) { _, address in
            _ = try await RawPeer.connect(to: address) { try await $0.readToEnd() }
            await log.line(with: "not completed in time")
        }
    }
}

/// Counts what reaches it; it may serve many connections.
private final class StrangeServer: ChannelInboundHandler, Sendable {
    typealias InboundIn = ByteBuffer
    let bytesRead = Atomic<Int>(0)

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        bytesRead.add(unwrapInboundIn(data).readableBytes, ordering: .relaxed)
    }
}
