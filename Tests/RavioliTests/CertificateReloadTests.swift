// SPDX-License-Identifier: Apache-2.0

import Foundation
import NIOCore
import NIOEmbedded
import NIOSSL
import TestCertificates
import Testing
import X509

@testable import Ravioli

/// Certificates that change while servers and clients run.
@Suite(.serialized, .timeLimit(.minutes(1)))
struct CertificateReloadTests {
    private let authority: TestAuthority
    init() throws { authority = try TestAuthority() }

    private func expecting(_ workload: String) -> ClientOptions {
        authority.client(expecting: .identity("spiffe://shop.example/\(workload)"))
    }

    /// Whether the server at the address is this workload, by a new connection.
    private func isServed(_ address: Address, by workload: String) async throws -> Bool {
        try await withClient(address, options: expecting(workload)) { client in
            do {
                _ = try await TrialClient(client).identity()
                return true
            } catch let error as RPCError {
                #expect(error.message.contains("the server is spiffe://shop.example/"))
                return false
            }
        }
    }

    @Test func newConnectionsGetTheNewCertificateAndOldOnesStand() async throws {
        let first = try authority.issue("server", .workload("first"))
        try await withServer([IdentityServer()], options: authority.server(first, .ignored)) {
            server, address in
            try await withClient(address, options: expecting("first")) { client in
                _ = try await TrialClient(client).identity()
                _ = try authority.issue("server", .workload("second"))
                #expect(try await isServed(address, by: "first"))

                try await server.reloadCertificates()
                #expect(try await isServed(address, by: "second"))
                #expect(try await !isServed(address, by: "first"))
                // Would fail if it had to connect again.
                _ = try await TrialClient(client).identity()
            }
        }
    }

    @Test(arguments: ["server.pem", "server.key.pem"])
    func brokenFilesLeaveTheLastGoodOnes(name: String) async throws {
        let log = WatchedLog()
        let good = try authority.issue("server", .workload("first"))
        try await withServer(
            [IdentityServer()], options: authority.server(good, .ignored), logger: log.logger
        ) { server, address in
            let path = try authority.file(name, "not PEM")
            let error = await #expect(throws: RuntimeError.self) { try await server.reloadCertificates() }
            #expect(error?.code == .invalidConfiguration)
            #expect(error?.message.contains(path) == true)
            #expect(try await isServed(address, by: "first"))
        }
    }

    @Test func aKeyOfAnotherCertificateLeavesTheLastGoodOnes() async throws {
        let good = try authority.issue("server", .workload("first"))
        let other = try authority.issue("other", .workload("second"))
        try await withServer([IdentityServer()], options: authority.server(good, .ignored)) {
            server, address in
            _ = try authority.file("server.key.pem", String(contentsOfFile: other.key, encoding: .utf8))
            await #expect(throws: RuntimeError.self) { try await server.reloadCertificates() }
            #expect(try await isServed(address, by: "first"))
        }
    }

    // MARK: Watching

    @Test func changedFilesAreSeenAfterTheInterval() async throws {
        let log = WatchedLog()
        let own = try authority.issue("server", .workload("first"))
        var options = ServerTLSOptions(certificateChainFile: own.certificate, privateKeyFile: own.key)
        options.reloadInterval = .seconds(30)
        let tls = try ServerTLS(options, handshakeTimeout: .seconds(5), logger: log.logger)
        let first = tls.source.current
        let loop = NIOAsyncTestingEventLoop()
        tls.watch(on: loop)

        await loop.advanceTime(by: .seconds(29))
        _ = try authority.issue("server", .workload("second"))
        #expect(tls.source.current === first)
        await loop.advanceTime(by: .seconds(1))
        await log.line(with: "certificates reloaded")
        #expect(tls.source.current !== first)

        tls.unwatch()
        await loop.shutdownGracefully()
    }

    @Test func eachBrokenChangeIsLoggedOnceAndTheNextGoodOneIsTaken() throws {
        let log = WatchedLog()
        let own = try authority.issue("server", .workload("first"))
        let files = TLSFiles(certificateChain: own.certificate, privateKey: own.key)
        let source = try TLSContextSource(files, .makeClientConfiguration(), logger: log.logger)
        let first = source.current
        source.reloadIfChanged()
        #expect(log.lines.isEmpty)

        _ = try authority.file("server.pem", "not PEM")
        for _ in 0..<3 { source.reloadIfChanged() }
        #expect(source.current === first)
        #expect(log.lines.count == 1)
        #expect(log.lines.first?.contains("the last good ones stay") == true)

        try FileManager.default.removeItem(atPath: own.certificate)
        source.reloadIfChanged()
        #expect(source.current === first)

        _ = try authority.issue("server", .workload("second"))
        source.reloadIfChanged()
        #expect(source.current !== first)
    }

    @Test func aClientTakesItsNewCertificateWhenItConnectsAgain() async throws {
        let path = temporarySocketPath()
        let own = try authority.issue("client", .workload("first"))
        let client = authority.client(own, expecting: .hostName("localhost"))
        try await withClient(.unix(path: path), options: client) { client in
            let trial = TrialClient(client)
            for name in ["first", "second"] {
                _ = try authority.issue("client", .workload(name))
                try await withServer([IdentityServer()], on: .unix(path: path), options: authority.server()) {
                    _, _ in
                    var options = CallOptions.defaults
                    options.waitForReady = true
                    let answer = try await trial.describe(DescribeRequest(), options: options)
                    #expect(answer.peer == "spiffe://shop.example/\(name)")
                }
            }
        }
    }

    // MARK: Options that cannot work

    @Test func unusableFilesAreNamedAtStart() throws {
        let good = try authority.issue("server", .localhost)
        let text = try authority.file("text.pem", "not PEM")
        let missing = text + ".gone"
        let cases = [
            (missing, good.key, missing), (text, good.key, text), (good.certificate, text, text),
            (good.certificate, missing, missing),
        ]
        for (certificate, key, named) in cases {
            var options = ServerOptions.defaults
            options.tls = ServerTLSOptions(certificateChainFile: certificate, privateKeyFile: key)
            let error = #expect(throws: RuntimeError.self) {
                try Server([IdentityServer()], on: .tcp(host: "127.0.0.1", port: 0), options: options)
            }
            #expect(error?.description.contains(named) == true)
        }
    }

    @Test func contradictoryOptionsAreRefused() throws {
        let own = try authority.issue("server", .localhost)
        var withoutRoots = authority.server(own, .required)
        withoutRoots.tls?.trustRootsFile = nil
        var neverReloading = authority.server(own)
        neverReloading.tls?.reloadInterval = .zero
        for options in [withoutRoots, neverReloading] {
            #expect(throws: RuntimeError.self) {
                try Server([IdentityServer()], on: .unix(path: "/unused"), options: options)
            }
        }
        var keyless = authority.client(own)
        keyless.tls?.privateKeyFile = nil
        let host = Address.tcp(host: "localhost", port: 1)
        for (address, options) in [
            (host, keyless), (.unix(path: "/unused"), authority.client()),
            (host, authority.client(expecting: .hostName("127.0.0.1"))),
            (host, authority.client(expecting: .hostName("no name"))),
            (host, authority.client(expecting: .identity("catalog"))),
        ] {
            #expect(throws: RuntimeError.self) { try Client(address, options: options) }
        }
    }
}
