// SPDX-License-Identifier: Apache-2.0

package import NIOCore
package import NIOPosix
import Synchronization

/// Looks at files again and again, by the clock of an event loop and on another thread, since looking blocks.
package final class FileWatch: Sendable {
    private let interval: TimeAmount
    private let task = Mutex<RepeatedTask?>(nil)

    /// A watch that does not look yet.
    package init(every interval: Duration) { self.interval = .nanoseconds(interval.clampedNanoseconds) }

    /// Looks from now on, as long as there is a `source`.
    package func begin<Source: AnyObject & Sendable>(
        _ source: Source, on loop: any EventLoop, pool: NIOThreadPool = .singleton,
        _ look: @escaping @Sendable (Source) -> Void
    ) {
        let repeated = loop.scheduleRepeatedAsyncTask(initialDelay: interval, delay: interval) {
            [weak source] task in
            guard let source else {
                task.cancel()
                return loop.makeSucceededVoidFuture()
            }
            return pool.runIfActive(eventLoop: loop) { look(source) }
        }
        task.withLock { $0 = repeated }
    }

    /// Looks no more.
    package func end() { task.withLock { $0.take() }?.cancel() }
}
