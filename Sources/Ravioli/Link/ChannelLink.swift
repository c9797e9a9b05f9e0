// SPDX-License-Identifier: Apache-2.0

// The one handler in a socket's pipeline. It moves bytes and nothing else: what they mean is decided by the endpoint.
// A server stops reading while the peer does not read what it writes, so a peer that only sends cannot make it gather
// replies without bound. A client always reads: if both waited for the other to read first, neither would.

import NIOCore

/// Binds a connection's endpoint to a NIO channel.
final class ChannelLink<Endpoint: ConnectionEndpoint>: ChannelDuplexHandler, Transport {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let endpoint: Endpoint
    private var context: ChannelHandlerContext?
    private var readWithheld = false
    private var failure: (any Error)?

    init(_ endpoint: Endpoint) { self.endpoint = endpoint }

    // MARK: Transport

    var isWritable: Bool { context?.channel.isWritable ?? false }

    func write(_ bytes: ByteBuffer) {
        guard let context else { return }
        context.writeAndFlush(wrapOutboundOut(bytes), promise: nil)
    }

    func close() { context?.close(promise: nil) }

    // MARK: ChannelDuplexHandler

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        endpoint.link.transport = self
        if context.channel.isActive { connected(context) }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        endpoint.link.transport = nil
    }

    func channelActive(context: ChannelHandlerContext) {
        connected(context)
        context.fireChannelActive()
    }

    private func connected(_ context: ChannelHandlerContext) {
        endpoint.connected(peer: Peer(address: Self.name(context.channel)))
    }

    private static func name(_ channel: any NIOCore.Channel) -> String {
        guard let address = channel.remoteAddress else { return "unknown" }
        if let path = address.pathname {
            return "unix:" + (path.isEmpty ? channel.localAddress?.pathname ?? "" : path)
        }
        return "\(address.ipAddress ?? "unknown"):\(address.port ?? 0)"
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        endpoint.link.context.turnBegan()
        endpoint.received(unwrapInboundIn(data))
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        endpoint.link.context.settle()
        context.fireChannelReadComplete()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable {
            endpoint.link.touched()
            if readWithheld {
                readWithheld = false
                context.read()
            }
        }
        context.fireChannelWritabilityChanged()
    }

    func read(context: ChannelHandlerContext) {
        if context.channel.isWritable || !Endpoint.readsOnlyWhileWritable {
            context.read()
        } else {
            readWithheld = true
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        failure = failure ?? error
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        endpoint.link.transport = nil
        endpoint.link.context.turnBegan()
        endpoint.disconnected(cause: failure)
        endpoint.link.context.settle()
        context.fireChannelInactive()
    }
}
