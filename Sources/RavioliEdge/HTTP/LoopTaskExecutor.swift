// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// Runs the tasks of a connection's exchanges on the connection's own loop, so that a request that needs no waiting is
/// parsed, answered and written without waking another thread.
final class LoopTaskExecutor: TaskExecutor {
    private let loop: any EventLoop

    init(_ loop: any EventLoop) { self.loop = loop }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        loop.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
