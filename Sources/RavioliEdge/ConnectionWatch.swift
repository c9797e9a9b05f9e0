// SPDX-License-Identifier: Apache-2.0
//
// Hummingbird reads the next request only after it has answered the last, so nobody would notice that a client has gone
// while its call runs. The watch sits in each connection's pipeline, where it sees every part pass, and tells the
// task that serves the connection: it is found there by a task-local. It also does what must be done between
// parsing and serving: it answers headers over the limit with 431, bounds the time a body may take, and closes a
// connection whose client keeps sending a body that was refused long ago.

import HTTPTypes
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import Synchronization

/// What a connection's tasks learn from its pipeline.
final class ConnectionWatch: Sendable {
    /// Why a request will not be answered in the ordinary way.
    enum Event: Sendable {
        /// The client closed the connection, or its half of it: nobody waits for the answer.
        case gone
        /// The body took too long.
        case bodyTimeout
    }

    /// The watch of the connection that this task serves.
    @TaskLocal static var current: ConnectionWatch?

    fileprivate struct State {
        var event: Event?
        var waiter: CheckedContinuation<Event?, Never>?
        var isCancelled = false
    }
    private let state = Mutex(State())

    /// The next event; nil when the task is cancelled first. One task may wait at a time.
    func event() async -> Event? {
        state.withLock { $0.isCancelled = false }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let known = state.withLock { state -> Event?? in
                    if let event = state.event { return event }
                    if state.isCancelled || Task.isCancelled { return .some(nil) }
                    state.waiter = continuation
                    return nil
                }
                if let known { continuation.resume(returning: known) }
            }
        } onCancel: {
            let waiter = state.withLock { state in
                state.isCancelled = true
                return state.takeWaiter()
            }
            waiter?.resume(returning: nil)
        }
    }

    /// Something happened; the first event stays.
    func happened(_ event: Event) {
        let waiter = state.withLock { state in
            if state.event == nil { state.event = event }
            return state.takeWaiter()
        }
        waiter?.resume(returning: event)
    }
}

extension ConnectionWatch.State {
    fileprivate mutating func takeWaiter() -> CheckedContinuation<ConnectionWatch.Event?, Never>? {
        defer { waiter = nil }
        return waiter
    }
}

/// The watch's place in the pipeline, behind the HTTP codec. Loop only.
final class ConnectionWatchHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let watch: ConnectionWatch
    private let limits: EdgeLimits
    private var requestsRead = 0
    private var responsesWritten = 0
    private var isReadingBody = false
    private var bodyBytes = 0
    private var bodyTimer: Scheduled<Void>?
    private var closesAfterAnswer = false

    init(_ watch: ConnectionWatch, limits: EdgeLimits) {
        self.watch = watch
        self.limits = limits
    }

    // MARK: Requests

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            if responsesWritten == requestsRead { letBodyCome(context, head) }
            requestsRead += 1
            isReadingBody = true
            bodyBytes = 0
        case .body(let bytes):
            bodyBytes += bytes.readableBytes
            if responsesWritten == requestsRead, isBodyHopeless { return context.close(promise: nil) }
        case .end:
            isReadingBody = false
            bodyTimer?.cancel()
            bodyTimer = nil
        }
        context.fireChannelRead(data)
    }

    /// Whether so much of a body has come that the rest of it, once refused, is not worth reading.
    private var isBodyHopeless: Bool { bodyBytes > limits.messageBytesMax + limits.skippedBytesMax }

    /// A client that asks first whether its body is welcome is told so, unless the body is over the limit.
    private func letBodyCome(_ context: ChannelHandlerContext, _ head: HTTPRequest) {
        guard head.headerFields[.expect]?.lowercased() == "100-continue",
            let length = head.headerFields[.contentLength].flatMap({ Int($0) }),
            length <= limits.messageBytesMax
        else { return }
        context.writeAndFlush(wrapOutboundOut(.head(HTTPResponse(status: .continue))), promise: nil)
    }

    /// Most requests arrive in one read and never need a timer.
    func channelReadComplete(context: ChannelHandlerContext) {
        if isReadingBody, bodyTimer == nil { startTimer(context) }
        context.fireChannelReadComplete()
    }

    private func startTimer(_ context: ChannelHandlerContext) {
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        bodyTimer = context.eventLoop.scheduleTask(in: TimeAmount(limits.bodyTimeout)) {
            let (handler, context) = bound.value
            handler.bodyTimedOut(context)
        }
    }

    private func bodyTimedOut(_ context: ChannelHandlerContext) {
        closesAfterAnswer = true
        if responsesWritten == requestsRead { return context.close(promise: nil) }
        watch.happened(.bodyTimeout)
    }

    // MARK: Responses

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard case .end = unwrapOutboundIn(data) else { return context.write(data, promise: promise) }
        responsesWritten += 1
        let isSkipping = isReadingBody && responsesWritten == requestsRead && isBodyHopeless
        guard closesAfterAnswer || isSkipping else { return context.write(data, promise: promise) }
        context.writeAndFlush(data, promise: promise)
        context.close(promise: nil)
    }

    // MARK: Ends

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? ChannelEvent, event == .inputClosed { watch.happened(.gone) }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        end()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) { end() }

    private func end() {
        bodyTimer?.cancel()
        bodyTimer = nil
        watch.happened(.gone)
    }

    /// What is not HTTP is answered here and goes no further; nothing after it on the connection can be trusted.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let error = error as? HTTPParserError else { return context.fireErrorCaught(error) }
        watch.happened(.gone)
        guard responsesWritten == requestsRead else { return context.close(promise: nil) }
        let isTooLarge = error == .headerOverflow
        let text = isTooLarge ? "The header is over the limit." : "This is not a well-formed HTTP request."
        var answer = EdgeAnswer.refusal(
            isTooLarge ? .requestHeaderFieldsTooLarge : .badRequest, text, [.connection: "close"])
        answer.headers[.requestID] = RequestID.of([:])
        answer.headers[.contentLength] = "\(answer.body.readableBytes)"
        let head = HTTPResponse(status: answer.status, headerFields: answer.headers)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(wrapOutboundOut(.body(answer.body)), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        context.close(promise: nil)
    }
}
