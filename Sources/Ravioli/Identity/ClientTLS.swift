// SPDX-License-Identifier: Apache-2.0

import Logging
import NIOCore
import NIOPosix
import NIOSSL

/// A client's end of TLS: its certificates, and whom it expects at the other end.
struct ClientTLS: Sendable {
    private let source: TLSContextSource
    private let requirement: TLSGate.Requirement
    /// Told to the server (SNI), and compared with its certificate unless a workload is expected; nil for an IP address.
    private let hostName: String?
    private let handshakeTimeout: Duration

    /// - Throws: `invalidConfiguration` when the files cannot be used, or nobody is expected.
    init(
        _ options: ClientTLSOptions, address: Address, handshakeTimeout: Duration, logger: Logger
    ) throws(RuntimeError) {
        self.handshakeTimeout = handshakeTimeout
        guard (options.certificateChainFile == nil) == (options.privateKeyFile == nil) else {
            throw Self.invalid("a certificate and its key are given together or not at all")
        }
        var configuration = TLSConfiguration.makeClientConfiguration()
        (requirement, hostName) = try Self.expectation(options.expectedServer, address)
        configuration.certificateVerification =
            if case .workload = requirement { .noHostnameVerification } else { .fullVerification }
        let files = TLSFiles(
            certificateChain: options.certificateChainFile, privateKey: options.privateKeyFile,
            trustRoots: options.trustRootsFile)
        TLSGate.prepare(&configuration)
        source = try TLSContextSource(files, configuration, logger: logger)
    }

    private static func expectation(
        _ expected: ClientTLSOptions.ExpectedServer, _ address: Address
    ) throws(RuntimeError) -> (TLSGate.Requirement, String?) {
        switch (expected, address) {
        case (.identity(let text), _):
            guard let id = SPIFFEID(text), !id.path.isEmpty else {
                throw invalid("'\(text)' is no SPIFFE ID of a workload")
            }
            guard case .tcp(let host, _) = address else { return (.workload(id), nil) }
            return (.workload(id), HostName.normalized(host).flatMap(nameUnlessIP))
        case (.hostName(let name), _):
            guard let name = HostName.normalized(name), nameUnlessIP(name) != nil else {
                throw invalid("'\(name)' is no host name")
            }
            return (.host(name), name)
        case (.addressHost, .tcp(let host, _)):
            if nameUnlessIP(host) == nil { return (.address, nil) }
            guard let name = HostName.normalized(host) else { throw invalid("'\(host)' is no host name") }
            return (.host(name), name)
        case (.addressHost, .unix):
            throw invalid("a Unix-domain socket has no host: name the expected server")
        }
    }

    private static func nameUnlessIP(_ host: String) -> String? {
        (try? SocketAddress(ipAddress: host, port: 0)) == nil ? host : nil
    }

    private static func invalid(_ text: String) -> RuntimeError {
        RuntimeError(.invalidConfiguration, "client TLS options: \(text)")
    }

    /// Reads files that have changed, on another thread, before a connection is made with them.
    func refreshed(on loop: any EventLoop) -> EventLoopFuture<Void> {
        NIOThreadPool.singleton.runIfActive(eventLoop: loop) { source.reloadIfChanged() }
    }

    /// Puts TLS below what reads a new connection; returns what judges its handshake.
    func begin(_ channel: any NIOCore.Channel) throws -> TLSGate {
        let handler = try NIOSSLClientHandler(context: source.current, serverHostname: hostName)
        try channel.pipeline.syncOperations.addHandler(handler)
        return TLSGate(requirement, timeout: handshakeTimeout)
    }
}
