// SPDX-License-Identifier: Apache-2.0
//
// Tests share Swift's pool of threads, as many as there are processors. A test that waits for a program, or computes
// for seconds, would hold one of them, and a few such tests all of them: every other test would then wait for them to
// end, and its deadlines pass. So such tests run on threads of their own.

import Dispatch
public import Testing

/// Runs each test on a thread of its own, where it may block.
public struct BlockingTrait: SuiteTrait, TestTrait, TestScoping {
    /// Holds for every test of a suite, however deep.
    public var isRecursive: Bool { true }

    /// Runs one test case on a queue of its own.
    public func provideScope(
        for test: Test, testCase: Test.Case?,
        performing function: @Sendable @concurrent () async throws -> Void
    ) async throws {
        guard testCase != nil else { return try await function() }
        try await withTaskExecutorPreference(QueueExecutor()) { try await function() }
    }
}

extension Trait where Self == BlockingTrait {
    /// The test blocks its thread, as one that waits for a program does, or keeps it for seconds, as a fuzz test.
    public static var blocking: BlockingTrait { BlockingTrait() }
}

/// Runs jobs one after another on a dispatch queue of its own.
private final class QueueExecutor: TaskExecutor {
    private let queue = DispatchQueue(label: "ravioli.tests.blocking")

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
