// SPDX-License-Identifier: Apache-2.0

import Logging
import NIOCore
import NIOSSL

/// A server's end of TLS: its certificates, the look for newer ones, and the handlers for each connection.
final class ServerTLS: Sendable {
    let source: TLSContextSource
    private let handshakeTimeout: Duration
    private let watch: FileWatch

    /// - Throws: `invalidConfiguration` when the files cannot be used.
    init(_ options: ServerTLSOptions, handshakeTimeout: Duration, logger: Logger) throws(RuntimeError) {
        try options.check()
        self.handshakeTimeout = handshakeTimeout
        watch = FileWatch(every: options.reloadInterval)
        // Not the library's server configuration: that one wants the key now, and the files bring it later.
        var configuration = TLSConfiguration.makeClientConfiguration()
        let files = TLSFiles(
            certificateChain: options.certificateChainFile, privateKey: options.privateKeyFile,
            trustRoots: options.clientCertificates == .ignored ? nil : options.trustRootsFile)
        configuration.certificateVerification =
            switch options.clientCertificates {
            case .ignored: .none
            case .optional: .optionalVerification
            case .required: .noHostnameVerification
            }
        TLSGate.prepare(&configuration)
        source = try TLSContextSource(files, configuration, logger: logger)
    }

    /// Puts TLS below what reads a new connection; returns what judges its handshake.
    func begin(
        _ channel: any NIOCore.Channel, refused: @escaping (TLSFault, _ peer: String) -> Void
    ) throws -> TLSGate {
        try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: source.current))
        return TLSGate(.caller, timeout: handshakeTimeout, refused: refused)
    }

    // MARK: Reloading

    /// Looks for changed files from now on, by the clock of a loop; the files are read on another thread.
    func watch(on loop: any EventLoop) { watch.begin(source, on: loop) { $0.reloadIfChanged() } }

    /// Ends the look for changed files.
    func unwatch() { watch.end() }
}

extension ServerTLSOptions {
    /// - Throws: `invalidConfiguration` naming what does not hold.
    fileprivate func check() throws(RuntimeError) {
        guard reloadInterval > .zero else {
            throw RuntimeError(.invalidConfiguration, "server TLS options: reloadInterval must be above zero")
        }
        guard clientCertificates == .ignored || trustRootsFile != nil else {
            throw RuntimeError(
                .invalidConfiguration, "server TLS options: callers' certificates need a trustRootsFile")
        }
    }
}
