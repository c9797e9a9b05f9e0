// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Synchronization

/// The way of one response from its task to its channel's loop.
final class ChannelSink: ResponseSink {
    private typealias Waiter = UnsafeContinuation<Void, Never>

    private struct State {
        var unwrittenBytes = 0
        var isWritable: Bool
        var isGone = false
        var waiter: Waiter?

        var mustWait: Bool { !isGone && (!isWritable || unwrittenBytes > ChannelSink.unwrittenBytesMax) }

        mutating func takeWaiter() -> Waiter? {
            if mustWait { return nil }
            defer { waiter = nil }
            return waiter
        }
    }

    private static let unwrittenBytesMax = 256 << 10

    private let loop: any EventLoop
    private let runner: NIOLoopBound<ExchangeRunner>
    private let state: Mutex<State>

    init(_ loop: any EventLoop, _ runner: NIOLoopBound<ExchangeRunner>, isWritable: Bool) {
        self.loop = loop
        self.runner = runner
        state = Mutex(State(isWritable: isWritable))
    }

    // MARK: The task's side

    func send(_ part: ResponsePart) async throws(BodyFailure) {
        let isGone = state.withLock { state in
            state.unwrittenBytes += part.size
            return state.isGone
        }
        if isGone { throw .gone }
        onLoop { $0.write(part, from: self) }
        if part.isLast { return }
        if state.withLock({ $0.mustWait }) { await wait() }
        if state.withLock({ $0.isGone }) { throw .gone }
        if Task.isCancelled { throw .cancelled }
    }

    func limitBody(to time: Duration?) { onLoop { $0.limitBody(to: time, self) } }

    /// The task is done without having answered to the end.
    func taskEnded() { onLoop { $0.taskEnded(self) } }

    private func onLoop(_ body: @escaping @Sendable (ExchangeRunner) -> Void) {
        if loop.inEventLoop { body(runner.value) } else { loop.execute { [runner] in body(runner.value) } }
    }

    private func wait() async {
        await withTaskCancellationHandler {
            await withUnsafeContinuation { (waiter: Waiter) in
                let isOver = state.withLock { state in
                    guard state.mustWait, !Task.isCancelled else { return true }
                    state.waiter = waiter
                    return false
                }
                if isOver { waiter.resume() }
            }
        } onCancel: {
            state.withLock { state -> Waiter? in
                defer { state.waiter = nil }
                return state.waiter
            }?.resume()
        }
    }

    // MARK: The loop's side

    func written(_ bytes: Int, isWritable: Bool) {
        change { state in
            state.unwrittenBytes -= bytes
            state.isWritable = isWritable
        }
    }

    func writabilityChanged(_ isWritable: Bool) { change { $0.isWritable = isWritable } }

    func gone() { change { $0.isGone = true } }

    private func change(_ body: (inout State) -> Void) {
        let waiter = state.withLock { state in
            body(&state)
            return state.takeWaiter()
        }
        waiter?.resume()
    }
}
