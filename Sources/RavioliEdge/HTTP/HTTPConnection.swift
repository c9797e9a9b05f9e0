// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOHTTP2
import NIOHTTPTypesHTTP2
import Ravioli

/// Builds the pipelines of new connections.
struct HTTPConnection: Sendable {
    let limits: EdgeLimits
    let tls: EdgeTLS?
    let serve: ExchangeRunner.Serve

    /// Prepares an accepted connection. On its loop.
    func begin(_ channel: any NIOCore.Channel) throws {
        if let tls {
            return try tls.begin(channel, timeout: limits.handshakeTimeout) { isHTTP2, identity in
                try configure(channel, isHTTP2: isHTTP2, identity)
            }
        }
        let gate = ProtocolGate(timeout: limits.idleTimeout) {
            try configure(channel, isHTTP2: $0, nil)
        }
        try channel.pipeline.syncOperations.addHandler(gate)
    }

    private func configure(_ channel: any NIOCore.Channel, isHTTP2: Bool, _ identity: String?) throws {
        if isHTTP2 { try configureHTTP2(channel, identity) } else { try configureHTTP1(channel, identity) }
    }

    // MARK: HTTP/1.1

    private func configureHTTP1(_ channel: any NIOCore.Channel, _ identity: String?) throws {
        let runner = runner(
            channel, isHTTP2: false, identity, on: LoopExecutor(channel.eventLoop),
            RunningCalls(max: limits.streamsMax))
        try channel.pipeline.syncOperations.addHandler(
            HTTP1Handler(runner, limits: limits, isSecure: tls != nil))
    }

    // MARK: HTTP/2

    private func configureHTTP2(_ channel: any NIOCore.Channel, _ identity: String?) throws {
        let care = NIOHTTP2ServerConnectionManagementHandler(
            eventLoop: channel.eventLoop,
            configuration: .init(
                maxIdleTime: TimeAmount(limits.idleTimeout), maxAge: nil,
                maxGraceTime: TimeAmount(limits.drainTimeout),
                keepalive: .init(pingInterval: TimeAmount(limits.idleTimeout), ackTimeout: .seconds(20))))
        let calls = RunningCalls(max: limits.streamsMax * 2)
        let executor = LoopExecutor(channel.eventLoop)
        _ = try channel.pipeline.syncOperations.configureHTTP2Pipeline(
            mode: .server, connectionConfiguration: connectionConfiguration,
            streamConfiguration: streamConfiguration, streamDelegate: care.http2StreamDelegate
        ) { stream in
            stream.eventLoop.makeCompletedFuture {
                try stream.pipeline.syncOperations.addHandler(HTTP2FramePayloadToHTTPServerCodec())
                try stream.pipeline.syncOperations.addHandler(
                    HTTP2StreamHandler(
                        runner(stream, isHTTP2: true, identity, on: executor, calls), limits: limits))
            }
        }
        try channel.pipeline.syncOperations.addHandler(care)
        try channel.pipeline.syncOperations.addHandler(LastHandler())
        // The connection was active before its handlers were there: this starts the timers.
        care.channelActive(context: try channel.pipeline.syncOperations.context(handler: care))
    }

    private var connectionConfiguration: NIOHTTP2Handler.ConnectionConfiguration {
        var connection = NIOHTTP2Handler.ConnectionConfiguration()
        connection.initialSettings = [
            HTTP2Setting(parameter: .maxConcurrentStreams, value: limits.streamsMax),
            HTTP2Setting(parameter: .maxHeaderListSize, value: limits.headerListBytesMax),
        ]
        connection.maximumSequentialContinuationFrames = 8
        connection.maximumBufferedControlFrames = 1000
        connection.maximumRecentlyResetStreams = limits.streamsMax
        connection.maximumConnectionGlitches = limits.streamResetsMax
        connection.targetWindowSize = 1 << 20
        connection.controlFrameRateLimit.maximumCount = limits.controlFramesMax
        return connection
    }

    private var streamConfiguration: NIOHTTP2Handler.StreamConfiguration {
        var stream = NIOHTTP2Handler.StreamConfiguration()
        stream.targetWindowSize = 1 << 18
        stream.outboundBufferSizeHighWatermark = 64 << 10
        stream.outboundBufferSizeLowWatermark = 16 << 10
        stream.streamResetFrameRateLimit.maximumCount = limits.streamResetsMax
        stream.streamErrorRateLimit.maximumCount = limits.streamResetsMax
        return stream
    }

    private func runner(
        _ channel: any NIOCore.Channel, isHTTP2: Bool, _ identity: String?, on executor: LoopExecutor,
        _ calls: RunningCalls
    ) -> ExchangeRunner {
        let peer = isHTTP2 ? channel.parent?.remoteAddress : channel.remoteAddress
        let connection = Exchange.Connection(isHTTP2: isHTTP2, peer: peer?.ipAddress, identity: identity)
        return ExchangeRunner(
            connection, on: executor, loop: channel.eventLoop, calls: calls, limits: limits, serve: serve)
    }
}

/// Closes a connection that has failed: nobody behind it would.
private final class LastHandler: ChannelInboundHandler {
    typealias InboundIn = Never

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {}

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // A stream's fault has ended the stream; the connection serves the others.
        if error is NIOHTTP2Errors.StreamError { return }
        context.close(promise: nil)
    }
}
