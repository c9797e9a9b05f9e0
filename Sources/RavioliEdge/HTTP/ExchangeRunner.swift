// SPDX-License-Identifier: Apache-2.0
//
// Between a connection of HTTP/1.1, or a stream of HTTP/2, and the tasks that answer: makes an exchange of each request,
// gives it to a task, and writes what the task sends. It watches over time: reading stops while the task does not take
// what came, the task waits while the client does not take what it sends, and a client that has gone cancels it.

import HTTPTypes
import NIOCore
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

/// Runs the requests of a transport, one after another. Loop only.
final class ExchangeRunner {
    /// Serves one exchange to its end.
    typealias Serve = @Sendable (Exchange) async -> Void

    private struct Running {
        let body: RequestBody
        let sink: ChannelSink
        var task: Task<Void, Never>?
        var isRequestWhole = false
        var isResponseWhole = false
    }

    /// Where requests come from; nil once it has gone.
    var transport: (any ExchangeTransport)?

    private let loop: any EventLoop
    private let connection: Exchange.Connection
    private let calls: RunningCalls
    private let limits: EdgeLimits
    private let serve: Serve
    private let executor: LoopExecutor
    private var running: Running?
    private var bodyTimer: Scheduled<Void>?
    private var writeTimer: Scheduled<Void>?
    /// Called by tasks when a body has room again.
    private lazy var onDrained: @Sendable () -> Void = { [loop] in
        let bound = NIOLoopBound(self, eventLoop: loop)
        return { loop.execute { bound.value.transport?.readOn() } }
    }()

    init(
        _ connection: Exchange.Connection, on executor: LoopExecutor, loop: any EventLoop,
        calls: RunningCalls,
        limits: EdgeLimits, serve: @escaping Serve
    ) {
        self.connection = connection
        self.executor = executor
        self.loop = loop
        self.calls = calls
        self.limits = limits
        self.serve = serve
    }

    // MARK: Requests

    /// A request begins; the one before it has its end.
    ///
    /// - Parameter refusal: What answers it if nobody shall look at it.
    func begin(_ head: HTTPRequest, refusal: EdgeAnswer? = nil) {
        guard let transport else { return }
        let body = RequestBody(onDrained: onDrained)
        let sink = ChannelSink(loop, NIOLoopBound(self, eventLoop: loop), isWritable: transport.isWritable)
        let exchange = Exchange(
            head, requestID: RequestID.of(head.headerFields), connection: connection, body: body, sink: sink)
        running = Running(body: body, sink: sink)
        if let refusal { return run(exchange, sink) { await $0.answer(refusal) } }
        guard calls.begin() else {
            return run(exchange, sink) {
                await $0.answer(.refusal(.serviceUnavailable, "Too many calls run."))
            }
        }
        let (serve, calls) = (serve, calls)
        running?.task = Task(executorPreference: executor) {
            await serve(exchange)
            calls.end()
            if !exchange.isComplete { sink.taskEnded() }
        }
    }

    private func run(_ exchange: Exchange, _ sink: ChannelSink, _ body: @escaping Serve) {
        running?.task = Task(executorPreference: executor) {
            await body(exchange)
            if !exchange.isComplete { sink.taskEnded() }
        }
    }

    /// A part of the request's body has come. Returns whether there is no room for more for the time being.
    func body(_ bytes: ByteBuffer) -> Bool {
        guard let running, !running.isResponseWhole else { return false }
        return running.body.deliver(bytes)
    }

    /// The request is whole.
    func end() {
        endTimer(&bodyTimer)
        running?.isRequestWhole = true
        running?.body.finish(nil)
        if running?.isResponseWhole == true { running = nil }
    }

    /// A body that is not whole with the read that brought its head is given some time.
    func readCompleted() {
        guard let running, !running.isRequestWhole, bodyTimer == nil else { return }
        limitBody(to: limits.bodyTimeout, running.sink)
    }

    func limitBody(to time: Duration?, _ sink: ChannelSink) {
        guard let running, running.sink === sink, !running.isRequestWhole else { return }
        endTimer(&bodyTimer)
        let bound = NIOLoopBound(self, eventLoop: loop)
        // No limit is a very long one, so that the next read does not set another.
        bodyTimer = loop.scheduleTask(in: TimeAmount(time ?? limits.streamTimeoutMax)) {
            bound.value.bodyTimedOut()
        }
    }

    private func bodyTimedOut() {
        guard let running else { return }
        running.body.finish(.timedOut)
        if running.isResponseWhole { transport?.close() }
    }

    // MARK: Responses

    /// Writes what a task sends, unless its exchange is over.
    func write(_ part: ResponsePart, from sink: ChannelSink) {
        guard let transport, let running, running.sink === sink, !running.isResponseWhole else { return }
        // Before the write, which may bring the next request. What still comes of this one's body is for nobody.
        if part.isLast {
            if running.isRequestWhole { self.running = nil } else { self.running?.isResponseWhole = true }
        }
        transport.write(part)
        let isWritable = transport.isWritable
        if !part.isLast { sink.written(part.size, isWritable: isWritable) }
        watchWriting(isWritable)
    }

    /// A task is done that could not answer to the end: the client must notice.
    func taskEnded(_ sink: ChannelSink) {
        guard let running, running.sink === sink, !running.isResponseWhole else { return }
        transport?.close()
    }

    func writabilityChanged() {
        guard let transport else { return }
        let isWritable = transport.isWritable
        running?.sink.writabilityChanged(isWritable)
        watchWriting(isWritable)
    }

    private func watchWriting(_ isWritable: Bool) {
        if isWritable { return endTimer(&writeTimer) }
        guard writeTimer == nil else { return }
        let bound = NIOLoopBound(self, eventLoop: loop)
        writeTimer = loop.scheduleTask(in: TimeAmount(limits.writeTimeout)) { bound.value.transport?.close() }
    }

    // MARK: Ends

    /// The client has gone.
    func gone() {
        endTimer(&bodyTimer)
        endTimer(&writeTimer)
        guard let running else { return }
        self.running = nil
        running.body.finish(.gone)
        running.sink.gone()
        running.task?.cancel()
    }

    private func endTimer(_ timer: inout Scheduled<Void>?) {
        guard let running = timer else { return }
        timer = nil
        running.cancel()
    }
}

extension ResponsePart {
    /// About what it takes to hold it.
    var size: Int { body?.readableBytes ?? 0 }
}
