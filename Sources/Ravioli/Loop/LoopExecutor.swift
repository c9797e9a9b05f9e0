// SPDX-License-Identifier: Apache-2.0

package import NIOCore

/// Runs Swift tasks on one event loop.
///
/// A task that prefers this executor, and every call it makes through a client of the same loop, stays on the loop's
/// thread: no wake-up is paid in either direction. Each served method has an executor of its own on each loop, so a
/// job that holds up the loop can be named.
package final class LoopExecutor: TaskExecutor {
    let context: LoopContext
    /// The method whose jobs come through here; nil for tasks of the application.
    let method: MethodName?
    let stallObserver: StallObserver?

    init(_ loop: LoopContext, method: MethodName? = nil, stallObserver: StallObserver? = nil) {
        context = loop
        self.method = method
        self.stallObserver = stallObserver
    }

    /// An executor for the tasks of an application.
    package convenience init(_ eventLoop: any EventLoop) { self.init(LoopContext.of(eventLoop)) }

    package func enqueue(_ job: consuming ExecutorJob) {
        context.enqueue(UnownedJob(job), self)
    }
}

/// Hears when a piece of work held up an event loop for too long.
final class StallObserver: Sendable {
    /// From when on a piece of work counts as a stall.
    let thresholdNanoseconds: Int64
    private let report: @Sendable (MethodName?, Duration) -> Void

    init(threshold: Duration, report: @escaping @Sendable (MethodName?, Duration) -> Void) {
        self.thresholdNanoseconds = threshold.clampedNanoseconds
        self.report = report
    }

    func workEnded(_ method: MethodName?, nanoseconds: Int64) {
        if nanoseconds >= thresholdNanoseconds { report(method, .nanoseconds(nanoseconds)) }
    }
}
