// SPDX-License-Identifier: Apache-2.0
//
// The last handler of a connection of HTTP/1.1, or of a stream of HTTP/2: makes an exchange of each request, gives it to a
// task, and writes what the task sends. It only moves bytes and watches over time: reading stops while the task does
// not take what came, the task waits while the client does not take what it sends, and a client that has gone cancels
// it.

import HTTPTypes
import NIOCore
import NIOHTTP2
import NIOHTTPTypes
import NIOHTTPTypesHTTP2
import Ravioli
import Synchronization

/// Counts the calls of one connection until their tasks have ended, whatever became of their streams: whoever opens and
/// resets streams by the thousands gains nothing.
final class RunningCalls: Sendable {
    private let count = Atomic<Int>(0)
    private let countMax: Int

    init(max: Int) { countMax = max }

    /// Whether there was room for another.
    func begin() -> Bool {
        if count.add(1, ordering: .relaxed).newValue <= countMax { return true }
        end()
        return false
    }

    func end() { count.subtract(1, ordering: .relaxed) }
}

/// Serves the requests of a channel, one after another. Loop only.
final class ExchangeHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias OutboundIn = Never
    typealias OutboundOut = HTTPResponsePart

    /// Serves one exchange to its end.
    typealias Serve = @Sendable (Exchange) async -> Void

    private struct Running {
        let body: RequestBody
        let sink: ChannelSink
        var task: Task<Void, Never>?
        var isRequestWhole = false
        var isResponseWhole = false
    }

    private let connection: Exchange.Connection
    private let calls: RunningCalls
    private let limits: EdgeLimits
    private let serve: Serve
    private let executor: LoopExecutor
    private var running: Running?
    private var bodyTimer: Scheduled<Void>?
    private var writeTimer: Scheduled<Void>?
    private var isReadingHeld = false
    private var isReadWanted = false
    private var context: ChannelHandlerContext?

    init(
        _ connection: Exchange.Connection, on executor: LoopExecutor, calls: RunningCalls,
        limits: EdgeLimits, serve: @escaping Serve
    ) {
        self.connection = connection
        self.executor = executor
        self.calls = calls
        self.limits = limits
        self.serve = serve
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    // MARK: Requests

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): begin(head, context)
        case .body(let bytes):
            guard let running, !running.isResponseWhole else { return }
            if running.body.deliver(bytes) { isReadingHeld = true }
        case .end:
            endTimer(&bodyTimer)
            running?.isRequestWhole = true
            running?.body.finish(nil)
            if running?.isResponseWhole == true { running = nil }
        }
    }

    private func begin(_ head: HTTPRequest, _ context: ChannelHandlerContext) {
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        let loop = context.eventLoop
        let body = RequestBody { loop.execute { bound.value.readOn() } }
        let sink = ChannelSink(loop, bound, isWritable: context.channel.isWritable)
        let exchange = Exchange(
            head, requestID: RequestID.of(head.headerFields), connection: connection, body: body, sink: sink)
        running = Running(body: body, sink: sink)
        if let refusal = EdgeAnswer.headRefusal(head, limits: limits) {
            return run(exchange, sink) { await $0.answer(refusal) }
        }
        guard calls.begin() else {
            return run(exchange, sink) {
                await $0.answer(.refusal(.serviceUnavailable, "Too many calls run."))
            }
        }
        let (serve, calls) = (serve, calls)
        run(exchange, sink) { exchange in
            await serve(exchange)
            calls.end()
        }
    }

    private func run(_ exchange: Exchange, _ sink: ChannelSink, _ body: @escaping Serve) {
        running?.task = Task(executorPreference: executor) {
            await body(exchange)
            sink.taskEnded(isComplete: exchange.isComplete)
        }
    }

    /// A body that is not whole with the read that brought its head is given some time.
    func channelReadComplete(context: ChannelHandlerContext) {
        if let running, !running.isRequestWhole, bodyTimer == nil {
            limitBody(to: limits.bodyTimeout, running.sink)
        }
        context.fireChannelReadComplete()
    }

    func limitBody(to time: Duration?, _ sink: ChannelSink) {
        guard let context, let running, running.sink === sink, !running.isRequestWhole else { return }
        endTimer(&bodyTimer)
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        // No limit is a very long one, so that the next read does not set another.
        bodyTimer = context.eventLoop.scheduleTask(in: TimeAmount(time ?? limits.streamTimeoutMax)) {
            bound.value.bodyTimedOut()
        }
    }

    private func bodyTimedOut() {
        guard let context, let running else { return }
        running.body.finish(.timedOut)
        if running.isResponseWhole { context.close(promise: nil) }
    }

    // MARK: Back-pressure of requests

    func read(context: ChannelHandlerContext) {
        if isReadingHeld { isReadWanted = true } else { context.read() }
    }

    private func readOn() {
        guard isReadingHeld else { return }
        isReadingHeld = false
        if isReadWanted {
            isReadWanted = false
            context?.read()
        }
    }

    // MARK: Responses

    /// Writes what a task sends, unless its exchange is over.
    func write(_ part: ResponsePart, from sink: ChannelSink) {
        guard let context, let running, running.sink === sink, !running.isResponseWhole else { return }
        if let head = part.head { context.write(wrapOutboundOut(.head(head)), promise: nil) }
        if let body = part.body, body.readableBytes > 0 {
            context.write(wrapOutboundOut(.body(body)), promise: nil)
        }
        sink.written(part.size, isWritable: context.channel.isWritable)
        if part.isLast { end(context, part.trailers) } else { context.flush() }
        watchWriting(context)
    }

    private func end(_ context: ChannelHandlerContext, _ trailers: HTTPFields?) {
        running?.isResponseWhole = true
        let promise = connection.isHTTP2 ? written(context) : nil
        // Before the write, which may bring the next request. What still comes of this one's body is for nobody.
        if running?.isRequestWhole == true { running = nil }
        readOn()
        context.writeAndFlush(wrapOutboundOut(.end(trailers)), promise: promise)
    }

    /// Kept when the response has left, on HTTP/2.
    private func written(_ context: ChannelHandlerContext) -> EventLoopPromise<Void> {
        let promise = context.eventLoop.makePromise(of: Void.self)
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        promise.futureResult.assumeIsolated().whenComplete { _ in bound.value.responseWritten() }
        return promise
    }

    /// A client of HTTP/2 that still sends is told that nobody reads; on HTTP/1.1 the codec sees to it.
    private func responseWritten() {
        guard let context, let running, !running.isRequestWhole else { return }
        context.triggerUserOutboundEvent(NIOHTTP2FramePayloadToHTTPEvent.reset(code: .noError), promise: nil)
    }

    /// The task is done; if it could not answer to the end, the client must notice.
    func taskEnded(_ sink: ChannelSink, isComplete: Bool) {
        guard let context, let running, running.sink === sink, !running.isResponseWhole, !isComplete else {
            return
        }
        context.close(promise: nil)
    }

    // MARK: Back-pressure of responses

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        running?.sink.writabilityChanged(context.channel.isWritable)
        watchWriting(context)
        context.fireChannelWritabilityChanged()
    }

    private func watchWriting(_ context: ChannelHandlerContext) {
        if context.channel.isWritable { return endTimer(&writeTimer) }
        guard writeTimer == nil else { return }
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        writeTimer = context.eventLoop.scheduleTask(in: TimeAmount(limits.writeTimeout)) {
            bound.value.close(promise: nil)
        }
    }

    // MARK: Ends

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? ChannelEvent, event == .inputClosed, running?.isRequestWhole == false {
            gone()
        }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        gone()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        gone()
        self.context = nil
    }

    private func gone() {
        endTimer(&bodyTimer)
        endTimer(&writeTimer)
        guard let running else { return }
        self.running = nil
        running.body.finish(.gone)
        running.sink.gone()
        running.task?.cancel()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        gone()
        context.close(promise: nil)
    }

    private func endTimer(_ timer: inout Scheduled<Void>?) {
        timer?.cancel()
        timer = nil
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

extension ResponsePart {
    /// About what it takes to hold it.
    var size: Int { body?.readableBytes ?? 0 }
}
