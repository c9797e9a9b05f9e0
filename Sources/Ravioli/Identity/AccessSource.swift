// SPDX-License-Identifier: Apache-2.0

// A policy's file may change while the server runs, and what it says then holds at once: who must be locked out is locked
// out with its next call, on whatever connection. What a caller may do is worked out once per connection and policy; the
// number of the policy tells whether that is still what holds, at the cost of one look per call.

import Logging
import NIOCore
import Synchronization

/// The policy of a server, made again when its file changes.
final class AccessSource: Sendable {
    private struct State: Sendable {
        var table: AccessTable
        /// The file when it was last tried, whether it was any good or not: each fault is logged once.
        var stamp: SmallFile.Stamp?
    }

    /// The policy's file; nil for rules that are the program's own.
    private let file: String?
    private let methods: [MethodName]
    private let logger: Logger
    private let state: Mutex<State>
    private let watch: FileWatch
    /// Grows with each policy.
    private let number = Atomic<Int>(0)

    init(_ policy: AccessPolicy, methods: [MethodName], reloadInterval: Duration, logger: Logger) {
        file = policy.file
        self.methods = methods
        self.logger = logger
        watch = FileWatch(every: reloadInterval)
        state = Mutex(State(table: AccessTable(policy, methods: methods), stamp: policy.stamp))
        AccessTable.warn(of: policy, methods: methods, logger)
    }

    /// What a caller may do by the policy that holds now.
    func permissions(of identity: String?) -> Permissions {
        state.withLock { $0.table.permissions(of: identity, policy: number.load(ordering: .relaxed)) }
    }

    /// Whether these were worked out by the policy that holds now.
    func isCurrent(_ permissions: Permissions) -> Bool {
        permissions.policy == number.load(ordering: .acquiring)
    }

    /// Reads the file, whether it has changed or not. Blocks while it reads: not for event loops.
    ///
    /// - Throws: `invalidConfiguration` when it cannot be used; the last good policy stays.
    func reload() throws(RuntimeError) {
        guard let file else { return }
        let stamp = SmallFile.stamp(of: file)
        state.withLock { $0.stamp = stamp }
        let policy = try AccessPolicy(contentsOfFile: file)
        let table = AccessTable(policy, methods: methods)
        state.withLock {
            $0.table = table
            number.add(1, ordering: .releasing)
        }
        AccessTable.warn(of: policy, methods: methods, logger)
        logger.info("policy reloaded", metadata: ["file": "\(file)"])
    }

    /// Reads the file if it has changed since it was last tried. Blocks while it does: not for event loops.
    func reloadIfChanged() {
        guard let file else { return }
        let stamp = SmallFile.stamp(of: file)
        guard state.withLock({ $0.stamp != stamp }) else { return }
        do throws(RuntimeError) {
            try reload()
        } catch {
            logger.error("policy not reloaded; the last good one stays", metadata: ["error": "\(error)"])
        }
    }

    /// Looks for a changed file from now on, by the clock of a loop; it is read on another thread.
    func watch(on loop: any EventLoop) {
        if file != nil { watch.begin(self, on: loop) { $0.reloadIfChanged() } }
    }

    /// Ends the look for a changed file.
    func unwatch() { watch.end() }
}
