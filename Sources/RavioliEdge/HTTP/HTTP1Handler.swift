// SPDX-License-Identifier: Apache-2.0
//
// A connection of HTTP/1.1: bytes in, requests one after another, bytes out, all in one handler. Requests that a client
// sends ahead wait as bytes until the one before them is answered; when many of them wait, no more are read. It keeps the
// connection for the next request or closes it, and bounds the time and the bytes of whatever is not an exchange. A
// connection is closed in two steps, so that the client reads the answer before it hears of the end.

import HTTPTypes
import NIOCore

/// Serves a connection of HTTP/1.1. Loop only.
final class HTTP1Handler: ChannelDuplexHandler, RemovableChannelHandler, ExchangeTransport {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = Never
    typealias OutboundOut = ByteBuffer

    private enum Response { case awaited, begun, whole }

    /// From so many bytes of requests on that wait for their turn, the client has to wait.
    private static let waitingBytesMax = 64 << 10

    private let limits: EdgeLimits
    private let isSecure: Bool
    private let runner: ExchangeRunner
    private var parser: HTTP1Parser
    private var writer = HTTP1ResponseWriter(isHTTP11: true, isHead: false)
    private var isParsing = false
    private var isRequestWhole = true
    private var response = Response.whole
    private var keepsAlive = true
    /// What of the request's body has not come yet, if it said so.
    private var bytesExpected: Int?
    private var bytesSkipped = 0
    /// Whether nothing that comes or is written any more counts.
    private var isClosing = false
    /// Whether the request that runs is the last.
    private var isQuiescing = false
    private var isBodyHeld = false
    private var isReadWanted = false
    /// When the connection is closed; nil while an exchange runs.
    private var closesAt: NIODeadline?
    private var timer: (fires: NIODeadline, task: Scheduled<Void>)?
    private var context: ChannelHandlerContext?
    private var allocator = ByteBufferAllocator()

    init(_ runner: ExchangeRunner, limits: EdgeLimits, isSecure: Bool) {
        self.runner = runner
        self.limits = limits
        self.isSecure = isSecure
        parser = HTTP1Parser(limits: limits)
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        allocator = context.channel.allocator
        runner.transport = self
        startTimer(context, limits.idleTimeout)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        endTimer()
        timer?.task.cancel()
        timer = nil
        runner.gone()
        runner.transport = nil
        self.context = nil
    }

    // MARK: Requests

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data)
        if isClosing { return skip(context, bytes.readableBytes) }
        parser.append(bytes)
        parse(context)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        runner.readCompleted()
        context.fireChannelReadComplete()
    }

    /// Reads on in what has come, to the end of the request or, once it is answered, of the next.
    private func parse(_ context: ChannelHandlerContext) {
        if isParsing { return }
        isParsing = true
        defer { isParsing = false }
        do throws(HTTP1Parser.Fault) {
            while !isClosing, response == .whole || !isRequestWhole {
                switch try parser.next() {
                case .none: return
                case .head(let head): begin(head, context)
                case .body(let bytes):
                    bytesExpected = bytesExpected.map { max(0, $0 - bytes.readableBytes) }
                    if response == .whole {
                        skip(context, bytes.readableBytes)
                    } else {
                        isBodyHeld = runner.body(bytes)
                    }
                case .end:
                    isRequestWhole = true
                    runner.end()
                    if response == .whole { startTimer(context, limits.idleTimeout) }
                }
            }
        } catch {
            refuse(context, error)
        }
    }

    private func begin(_ head: HTTP1Head, _ context: ChannelHandlerContext) {
        endTimer()
        isRequestWhole = false
        response = .awaited
        keepsAlive = head.keepsAlive && !isQuiescing
        bytesExpected = head.contentLength
        bytesSkipped = 0
        writer = HTTP1ResponseWriter(isHTTP11: head.isHTTP11, isHead: head.method == .head)
        // A client that asks first whether its body is welcome is told so, unless the body is over the limit.
        if head.asksToContinue, head.isHTTP11, bytesExpected ?? 0 <= limits.messageBytesMax {
            let go = ByteBuffer(staticString: "HTTP/1.1 100 Continue\r\n\r\n")
            context.writeAndFlush(wrapOutboundOut(go), promise: nil)
        }
        runner.begin(head.request(isSecure: isSecure))
    }

    /// Bytes that are for nobody: so many are read for the sake of the connection, and no more.
    private func skip(_ context: ChannelHandlerContext, _ count: Int) {
        bytesSkipped += count
        if bytesSkipped > limits.skippedBytesMax { context.close(promise: nil) }
    }

    // MARK: Back-pressure of requests

    private var isReadingHeld: Bool {
        isBodyHeld || !isClosing && isRequestWhole && parser.unreadBytes > Self.waitingBytesMax
    }

    func read(context: ChannelHandlerContext) {
        if isReadingHeld { isReadWanted = true } else { context.read() }
    }

    func readOn() {
        isBodyHeld = false
        readIfWanted()
    }

    private func readIfWanted() {
        guard isReadWanted, !isReadingHeld else { return }
        isReadWanted = false
        context?.read()
    }

    // MARK: Responses

    private(set) var isWritable = true

    func write(_ part: ResponsePart) {
        guard let context, !isClosing else { return }
        response = .begun
        // A long body that nobody wants costs more to read than another connection.
        if part.head != nil, !isRequestWhole, let bytesExpected, bytesExpected > limits.skippedBytesMax {
            keepsAlive = false
        }
        var last: ByteBuffer?
        writer.write(part, allocator: allocator, keepsAlive: &keepsAlive) { bytes in
            if let last { context.write(wrapOutboundOut(last), promise: nil) }
            last = bytes
        }
        guard part.isLast else {
            if let last { context.writeAndFlush(wrapOutboundOut(last), promise: nil) }
            return
        }
        response = .whole
        isBodyHeld = false
        guard keepsAlive else { return close(context, behind: last ?? ByteBuffer()) }
        startTimer(context, isRequestWhole ? limits.idleTimeout : limits.bodyTimeout)
        if let last { context.writeAndFlush(wrapOutboundOut(last), promise: nil) }
        goOn(context)
    }

    /// The next request may have come already.
    private func goOn(_ context: ChannelHandlerContext) {
        if parser.unreadBytes > 0, !isParsing {
            parse(context)
            runner.readCompleted()
        }
        readIfWanted()
    }

    // MARK: Ends

    func close() { context?.close(promise: nil) }

    /// Answers what is no request; nothing after it on the connection can be trusted.
    private func refuse(_ context: ChannelHandlerContext, _ fault: HTTP1Parser.Fault) {
        // An exchange that runs hears that its client has gone.
        if response != .whole { runner.gone() }
        let isAnswered = response == .begun || response == .whole && !isRequestWhole
        guard !isAnswered, !isClosing else { return context.close(promise: nil) }
        let (status, text): (HTTPResponse.Status, String) =
            switch fault {
            case .malformed: (.badRequest, "This is not a well-formed HTTP request.")
            case .targetTooLong: (.uriTooLong, "The path is over the limit.")
            case .headTooLarge: (.requestHeaderFieldsTooLarge, "The header is over the limit.")
            }
        var answer = EdgeAnswer.refusal(status, text)
        answer.headers[.requestID] = RequestID.of([:])
        keepsAlive = false
        isRequestWhole = false
        bytesSkipped = 0
        writer = HTTP1ResponseWriter(isHTTP11: true, isHead: false)
        let head = HTTPResponse(status: answer.status, headerFields: answer.headers)
        write(ResponsePart(head: head, body: answer.body, isLast: true))
    }

    /// Writes the last bytes, says that nothing more is sent, reads a little so that the client is not reset while it
    /// reads, and closes.
    private func close(_ context: ChannelHandlerContext, behind last: ByteBuffer) {
        isClosing = true
        let written = context.eventLoop.makePromise(of: Void.self)
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        written.futureResult.assumeIsolated().whenComplete { _ in
            let (handler, context) = bound.value
            handler.lastWritten(context)
        }
        startTimer(context, limits.writeTimeout)
        context.writeAndFlush(wrapOutboundOut(last), promise: written)
        readIfWanted()
    }

    private func lastWritten(_ context: ChannelHandlerContext) {
        if isRequestWhole { return context.close(promise: nil) }
        context.close(mode: .output, promise: nil)
        startTimer(context, .seconds(1))
        context.read()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        isWritable = context.channel.isWritable
        runner.writabilityChanged()
        context.fireChannelWritabilityChanged()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is ChannelShouldQuiesceEvent {
            quiesce(context)
        } else if let event = event as? ChannelEvent, event == .inputClosed {
            // A request that is whole is answered yet.
            keepsAlive = false
            if !isRequestWhole { runner.gone() }
            if response == .whole { context.close(promise: nil) }
        }
        context.fireUserInboundEventTriggered(event)
    }

    /// The request that runs is answered, and none after it.
    private func quiesce(_ context: ChannelHandlerContext) {
        isQuiescing = true
        keepsAlive = false
        if response == .whole, !isClosing { context.close(promise: nil) }
    }

    func channelInactive(context: ChannelHandlerContext) {
        runner.gone()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        runner.gone()
        context.close(promise: nil)
    }

    // MARK: Time

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
            let (handler, context) = bound.value
            handler.timerFired(context)
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
