// SPDX-License-Identifier: Apache-2.0

import Logging
import NIOCore
import NIOExtras
import NIOSSL
import NIOTLS
import Ravioli

/// The edge's end of TLS: its certificates, the look for newer ones, and whose the clients' are.
final class EdgeTLS: Sendable {
    private let options: EdgeTLSOptions
    let source: TLSContextSource
    private let watch: FileWatch
    private let logger: Logger

    /// - Throws: `invalidConfiguration` when the files cannot be used.
    init(_ options: EdgeTLSOptions, logger: Logger) throws(RuntimeError) {
        self.options = options
        self.logger = logger
        watch = FileWatch(every: options.reloadInterval)
        // Not the library's server configuration: that one wants the key now, and the files bring it later.
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = ["h2", "http/1.1"]
        configuration.certificateVerification =
            switch options.clientCertificates {
            case .ignored: .none
            case .optional: .optionalVerification
            case .required: .noHostnameVerification
            }
        let files = TLSFiles(
            certificateChain: options.certificateChainFile, privateKey: options.privateKeyFile,
            trustRoots: options.clientCertificates == .ignored ? nil : options.clientAuthoritiesFile)
        source = try TLSContextSource(files, configuration, logger: logger)
    }

    /// Puts TLS below a new connection, and what follows it once the handshake is complete.
    func begin(
        _ channel: any NIOCore.Channel, timeout: Duration,
        _ completed: @escaping (_ isHTTP2: Bool, _ identity: String?) throws -> Void
    ) throws {
        let operations = channel.pipeline.syncOperations
        let waiting = HandshakeWait(timeout: timeout)
        let negotiation = ApplicationProtocolNegotiationHandler { result in
            channel.eventLoop.makeCompletedFuture {
                operations.removeHandler(waiting, promise: nil)
                do {
                    try completed(result == .negotiated("h2"), try self.identity(channel))
                } catch {
                    self.logger.debug("client refused", metadata: ["error": "\(error)"])
                    channel.close(promise: nil)
                    throw error
                }
            }
        }
        try operations.addHandler(NIOSSLServerHandler(context: source.current))
        try operations.addHandler(negotiation)
        try operations.addHandler(waiting)
    }

    private func identity(_ channel: any NIOCore.Channel) throws -> String? {
        guard options.clientCertificates != .ignored else { return nil }
        return try channel.pipeline.syncOperations.nioSSL_peerCertificate().map(CallerCertificate.identity)
    }

    // MARK: Reloading

    /// Looks for changed files from now on, by the clock of a loop; the files are read on another thread.
    func beginWatching(on loop: any EventLoop) { watch.begin(source, on: loop) { $0.reloadIfChanged() } }

    /// Ends the look for changed files.
    func endWatching() { watch.end() }
}

/// Closes a connection whose handshake takes too long, or is not complete when the edge is told to stop. Loop only.
private final class HandshakeWait: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = Any

    private let timeout: Duration
    private var timer: Scheduled<Void>?

    init(timeout: Duration) { self.timeout = timeout }

    func handlerAdded(context: ChannelHandlerContext) {
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        timer = context.eventLoop.scheduleTask(in: TimeAmount(timeout)) { bound.value.close(promise: nil) }
    }

    func handlerRemoved(context: ChannelHandlerContext) { timer?.cancel() }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is ChannelShouldQuiesceEvent { context.close(promise: nil) }
        context.fireUserInboundEventTriggered(event)
    }
}
