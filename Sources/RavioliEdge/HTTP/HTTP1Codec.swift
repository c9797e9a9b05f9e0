// SPDX-License-Identifier: Apache-2.0
//
// Between NIO's parser of HTTP/1.1 and the exchanges: refuses what two readers of the same bytes could understand
// differently, keeps the connection for the next request or closes it, and bounds the time and the bytes of whatever is
// not an exchange. A connection is closed in two steps, so that the client reads the answer before it hears of the end.

import HTTPTypes
import NIOCore
import NIOHTTP1
import NIOHTTPTypes

/// Parts of HTTP/1.1 to parts of HTTP and back, and the rules of the connection. Loop only.
final class HTTP1Codec: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    private enum Response { case awaited, begun, whole }

    private let limits: EdgeLimits
    private let isSecure: Bool
    private var isRequestWhole = true
    private var response = Response.whole
    private var version = HTTPVersion.http1_1
    private var keepsAlive = true
    /// What of the request's body has not come yet, if it said so.
    private var bytesExpected: Int?
    private var bytesSkipped = 0
    /// Whether nothing that comes or is written any more counts.
    private var isClosing = false
    /// When the connection is closed; nil while an exchange runs.
    private var closesAt: NIODeadline?
    private var timer: (fires: NIODeadline, task: Scheduled<Void>)?

    init(limits: EdgeLimits, isSecure: Bool) {
        self.limits = limits
        self.isSecure = isSecure
    }

    func handlerAdded(context: ChannelHandlerContext) { startTimer(context, limits.idleTimeout) }
    func handlerRemoved(context: ChannelHandlerContext) {
        endTimer()
        timer?.task.cancel()
        timer = nil
    }

    // MARK: Requests

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if isClosing {
            if case .end = unwrapInboundIn(data) { isRequestWhole = true }
            return skip(context, data)
        }
        switch unwrapInboundIn(data) {
        case .head(let head): begin(head, context)
        case .body(let bytes):
            bytesExpected = bytesExpected.map { max(0, $0 - bytes.readableBytes) }
            if response == .whole { return skip(context, data) }
            context.fireChannelRead(wrapInboundOut(.body(bytes)))
        case .end(let trailers):
            isRequestWhole = true
            context.fireChannelRead(wrapInboundOut(.end(trailers.map { HTTPFields($0) })))
            if response == .whole { startTimer(context, limits.idleTimeout) }
        }
    }

    private func begin(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        endTimer()
        isRequestWhole = false
        response = .awaited
        version = head.version
        let facts = HTTP1Facts(head.headers)
        // An upgrade is not taken, and what follows such a request is not parsed. HTTP/1.0 has no other end of a stream.
        keepsAlive =
            head.isKeepAlive && head.version == .http1_1 && head.method != .CONNECT
            && !facts.hasUpgrade
        bytesExpected = facts.contentLength.flatMap { Int($0) }
        bytesSkipped = 0
        guard let request = facts.request(head, isSecure: isSecure) else {
            return refuse(context, .badRequest, "This is not a well-formed HTTP request.")
        }
        if facts.asksToContinue { letBodyCome(context) }
        context.fireChannelRead(wrapInboundOut(.head(request)))
    }

    /// A client that asks first whether its body is welcome is told so, unless the body is over the limit.
    private func letBodyCome(_ context: ChannelHandlerContext) {
        guard version == .http1_1, bytesExpected ?? 0 <= limits.messageBytesMax else { return }
        let go = HTTPResponseHead(version: .http1_1, status: .continue)
        context.writeAndFlush(wrapOutboundOut(.head(go)), promise: nil)
    }

    /// Parts that are for nobody: so many bytes are read for the sake of the connection, and no more.
    private func skip(_ context: ChannelHandlerContext, _ data: NIOAny) {
        guard case .body(let bytes) = unwrapInboundIn(data) else { return }
        bytesSkipped += bytes.readableBytes
        if bytesSkipped > limits.skippedBytesMax { context.close(promise: nil) }
    }

    // MARK: Responses

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard !isClosing else { return promise?.fail(ChannelError.ioOnClosedChannel) ?? () }
        switch unwrapOutboundIn(data) {
        case .head(let head):
            response = .begun
            context.write(wrapOutboundOut(.head(responseHead(head))), promise: promise)
        case .body(let bytes): context.write(wrapOutboundOut(.body(.byteBuffer(bytes))), promise: promise)
        case .end(let trailers): end(context, trailers, promise)
        }
    }

    private func end(
        _ context: ChannelHandlerContext, _ trailers: HTTPFields?, _ promise: EventLoopPromise<Void>?
    ) {
        response = .whole
        let closes = !keepsAlive
        if !closes { startTimer(context, isRequestWhole ? limits.idleTimeout : limits.bodyTimeout) }
        let trailers = trailers.map { HTTPHeaders($0.map { ($0.name.rawName, $0.value) }) }
        // The write may bring the next request, so nothing is decided behind it for a connection that is kept.
        guard closes else { return context.write(wrapOutboundOut(.end(trailers)), promise: promise) }
        close(context, behind: wrapOutboundOut(.end(trailers)), promise)
    }

    private func responseHead(_ head: HTTPResponse) -> HTTPResponseHead {
        // A long body that nobody wants costs more to read than another connection.
        if !isRequestWhole, let bytesExpected, bytesExpected > limits.skippedBytesMax { keepsAlive = false }
        var headers = HTTPHeaders()
        headers.reserveCapacity(head.headerFields.count + 1)
        for field in head.headerFields {
            if field.name == .connection {
                if field.value.lowercased() == "close" { keepsAlive = false }
            } else {
                headers.add(name: field.name.rawName, value: field.value)
            }
        }
        if !keepsAlive { headers.add(name: "Connection", value: "close") }
        let status = HTTPResponseStatus(statusCode: head.status.code, reasonPhrase: head.status.reasonPhrase)
        return HTTPResponseHead(version: version, status: status, headers: headers)
    }

    // MARK: Ends

    /// Answers what is no request; nothing after it on the connection can be trusted.
    private func refuse(_ context: ChannelHandlerContext, _ status: HTTPResponse.Status, _ text: String) {
        var answer = EdgeAnswer.refusal(status, text, [.connection: "close"])
        answer.headers[.requestID] = RequestID.of([:])
        answer.headers[.contentLength] = "\(answer.body.readableBytes)"
        let head = responseHead(HTTPResponse(status: answer.status, headerFields: answer.headers))
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(wrapOutboundOut(.body(.byteBuffer(answer.body))), promise: nil)
        response = .whole
        close(context, behind: wrapOutboundOut(.end(nil)), nil)
    }

    /// Writes the last part, says that nothing more is sent, reads a little so that the client is not reset while it
    /// reads, and closes.
    private func close(
        _ context: ChannelHandlerContext, behind last: NIOAny, _ promise: EventLoopPromise<Void>?
    ) {
        isClosing = true
        let written = promise ?? context.eventLoop.makePromise(of: Void.self)
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        written.futureResult.assumeIsolated().whenComplete { _ in
            let (codec, context) = bound.value
            codec.lastWritten(context)
        }
        startTimer(context, limits.writeTimeout)
        context.writeAndFlush(last, promise: written)
    }

    private func lastWritten(_ context: ChannelHandlerContext) {
        if isRequestWhole { return context.close(promise: nil) }
        context.close(mode: .output, promise: nil)
        startTimer(context, .seconds(1))
        context.read()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let error = error as? HTTPParserError, !isClosing else { return context.close(promise: nil) }
        // An exchange that runs hears that its client has gone.
        if response != .whole { context.fireUserInboundEventTriggered(ChannelEvent.inputClosed) }
        guard response != .begun else { return context.close(promise: nil) }
        keepsAlive = false
        isRequestWhole = false
        let isTooLarge = error == .headerOverflow
        refuse(
            context, isTooLarge ? .requestHeaderFieldsTooLarge : .badRequest,
            isTooLarge ? "The header is over the limit." : "This is not a well-formed HTTP request.")
    }

    private func startTimer(_ context: ChannelHandlerContext, _ time: Duration) {
        let end = context.eventLoop.now + TimeAmount(time)
        closesAt = end
        // One that fires earlier looks again then: setting one anew with each request would cost more than all it does.
        if let timer, timer.fires <= end { return }
        timer?.task.cancel()
        schedule(context, at: end)
    }

    private func schedule(_ context: ChannelHandlerContext, at end: NIODeadline) {
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        let task = context.eventLoop.scheduleTask(deadline: end) {
            let (codec, context) = bound.value
            codec.timerFired(context)
        }
        timer = (end, task)
    }

    private func timerFired(_ context: ChannelHandlerContext) {
        timer = nil
        guard let closesAt else { return }
        if closesAt <= context.eventLoop.now { return context.close(promise: nil) }
        schedule(context, at: closesAt)
    }

    private func endTimer() { closesAt = nil }
}
