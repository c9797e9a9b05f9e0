// SPDX-License-Identifier: Apache-2.0

// The one handler in a socket's pipeline. It moves bytes and nothing else: what they mean is decided by the endpoint.
// A server stops reading while the peer does not read what it writes, so a peer that only sends cannot make it gather
// replies without bound. A client always reads: if both waited for the other to read first, neither would.

import NIOCore
import NIOTLS

/// Binds a connection's endpoint to a NIO channel.
final class ChannelLink<Endpoint: ConnectionEndpoint>: ChannelDuplexHandler, Transport {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    let endpoint: Endpoint
    /// Holds the endpoint back until TLS stands; nil without TLS.
    private let gate: TLSGate?
    private var context: ChannelHandlerContext?
    private var readWithheld = false
    private var failure: (any Error)?

    init(_ endpoint: Endpoint, gate: TLSGate? = nil) {
        self.endpoint = endpoint
        self.gate = gate
    }

    // MARK: Transport

    var isWritable: Bool { context?.channel.isWritable ?? false }

    func write(_ bytes: ByteBuffer) {
        guard let context else { return }
        context.writeAndFlush(wrapOutboundOut(bytes), promise: nil)
    }

    func close() { context?.close(promise: nil) }

    func resumeReading() {
        guard readWithheld, let context else { return }
        readWithheld = false
        read(context: context)
    }

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
        if let gate {
            gate.handshakeBegan(context.channel)
        } else {
            endpoint.connected(peer: Peer(address: Self.name(context.channel)))
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let gate, case .handshakeCompleted(let negotiated)? = event as? TLSUserEvent {
            handshakeCompleted(context, gate, negotiated: negotiated)
        }
        context.fireUserInboundEventTriggered(event)
    }

    static func name(_ channel: any NIOCore.Channel) -> String {
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
            resumeReading()
        }
        context.fireChannelWritabilityChanged()
    }

    func read(context: ChannelHandlerContext) {
        if context.channel.isWritable || !Endpoint.readsOnlyWhileWritable, !endpoint.holdsInput {
            context.read()
        } else {
            readWithheld = true
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        failed(context, error)
        context.close(promise: nil)
    }

    /// Keeps the first error, which explains the others.
    func failed(_ context: ChannelHandlerContext, _ error: any Error) {
        let error = gate?.failed(error, peer: Self.name(context.channel)) ?? error
        failure = failure ?? error
    }

    func channelInactive(context: ChannelHandlerContext) {
        gate?.ended()
        endpoint.link.transport = nil
        endpoint.link.context.turnBegan()
        endpoint.disconnected(cause: failure)
        endpoint.link.context.settle()
        context.fireChannelInactive()
    }
}
