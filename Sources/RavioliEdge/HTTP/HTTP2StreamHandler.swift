// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import NIOCore
import NIOHTTP2
import NIOHTTPTypes
import NIOHTTPTypesHTTP2

/// Serves a stream of HTTP/2. Loop only.
final class HTTP2StreamHandler: ChannelDuplexHandler, RemovableChannelHandler, ExchangeTransport {
    typealias InboundIn = HTTPRequestPart
    typealias OutboundIn = Never
    typealias OutboundOut = HTTPResponsePart

    private let limits: EdgeLimits
    private let runner: ExchangeRunner
    private var isRequestWhole = false
    private var isReadingHeld = false
    private var isReadWanted = false
    private var context: ChannelHandlerContext?

    init(_ runner: ExchangeRunner, limits: EdgeLimits) {
        self.runner = runner
        self.limits = limits
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        runner.transport = self
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        runner.gone()
        runner.transport = nil
        self.context = nil
    }

    // MARK: Requests

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): runner.begin(head, refusal: .headRefusal(head, limits: limits))
        case .body(let bytes): if runner.body(bytes) { isReadingHeld = true }
        case .end:
            isRequestWhole = true
            runner.end()
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        runner.readCompleted()
        context.fireChannelReadComplete()
    }

    func read(context: ChannelHandlerContext) {
        if isReadingHeld { isReadWanted = true } else { context.read() }
    }

    func readOn() {
        isReadingHeld = false
        guard isReadWanted else { return }
        isReadWanted = false
        context?.read()
    }

    // MARK: Responses

    var isWritable: Bool { context?.channel.isWritable ?? false }

    func write(_ part: ResponsePart) {
        guard let context else { return }
        if let head = part.head { context.write(wrapOutboundOut(.head(head)), promise: nil) }
        if let body = part.body, body.readableBytes > 0 {
            context.write(wrapOutboundOut(.body(body)), promise: nil)
        }
        guard part.isLast else { return context.flush() }
        readOn()
        context.writeAndFlush(wrapOutboundOut(.end(part.trailers)), promise: written(context))
    }

    /// Kept when the response has left: a client that still sends is told that nobody reads.
    private func written(_ context: ChannelHandlerContext) -> EventLoopPromise<Void> {
        let promise = context.eventLoop.makePromise(of: Void.self)
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        promise.futureResult.assumeIsolated().whenComplete { _ in
            let (handler, context) = bound.value
            if handler.isRequestWhole { return }
            context.triggerUserOutboundEvent(
                NIOHTTP2FramePayloadToHTTPEvent.reset(code: .noError), promise: nil)
        }
        return promise
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        runner.writabilityChanged()
        context.fireChannelWritabilityChanged()
    }

    // MARK: Ends

    func close() { context?.close(promise: nil) }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? ChannelEvent, event == .inputClosed, !isRequestWhole { runner.gone() }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        runner.gone()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        runner.gone()
        context.close(promise: nil)
    }
}

extension EdgeAnswer {
    /// The answer to a head over the limits, or that names two hosts; nil for any other. HTTP/1.1 has its own look before.
    static func headRefusal(_ head: HTTPRequest, limits: EdgeLimits) -> EdgeAnswer? {
        let fields = head.headerFields
        let isOver =
            fields.count > limits.headersMax
            || fields.contains {
                $0.name.rawName.utf8.count + $0.value.utf8.count > limits.headerFieldBytesMax
            }
        if isOver { return .refusal(.requestHeaderFieldsTooLarge, "The header is over the limit.") }
        let hosts = fields.filter { $0.name.canonicalName == "host" }
        guard hosts.allSatisfy({ $0.value == head.authority }), hosts.count <= 1 else {
            return .refusal(.badRequest, "The host and the authority are not the same.")
        }
        return nil
    }
}
