// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// Tells HTTP/2 in clear text from HTTP/1.1 by the first bytes of a connection: clients that know that the edge speaks
/// HTTP/2 begin with its preface ("prior knowledge", RFC 9113, 3.3). Loop only.
final class ProtocolGate: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

    private let timeout: Duration
    private let configure: (_ isHTTP2: Bool) throws -> Void
    private var bytes = ByteBuffer()
    private var timer: Scheduled<Void>?

    /// - Parameters:
    ///   - timeout: Time for the first bytes.
    ///   - configure: Adds the handlers of the protocol behind this one.
    init(timeout: Duration, configure: @escaping (_ isHTTP2: Bool) throws -> Void) {
        self.timeout = timeout
        self.configure = configure
    }

    /// What the bytes are the beginning of; nil if they may still become either.
    static func isHTTP2(_ bytes: some Sequence<UInt8>) -> Bool? {
        var count = 0
        for (byte, expected) in zip(bytes, preface) {
            if byte != expected { return false }
            count += 1
        }
        return count == preface.count ? true : nil
    }

    func handlerAdded(context: ChannelHandlerContext) {
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        timer = context.eventLoop.scheduleTask(in: TimeAmount(timeout)) { bound.value.close(promise: nil) }
    }

    func handlerRemoved(context: ChannelHandlerContext) { timer?.cancel() }

    /// A connection on which nothing has been asked is not waited for when the edge is told to stop.
    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is ChannelShouldQuiesceEvent { context.close(promise: nil) }
        context.fireUserInboundEventTriggered(event)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        bytes.writeImmutableBuffer(unwrapInboundIn(data))
        guard let isHTTP2 = Self.isHTTP2(bytes.readableBytesView) else { return }
        do {
            try configure(isHTTP2)
        } catch {
            return context.close(promise: nil)
        }
        context.fireChannelRead(wrapInboundOut(bytes))
        context.fireChannelReadComplete()
        context.pipeline.syncOperations.removeHandler(self, promise: nil)
    }
}
