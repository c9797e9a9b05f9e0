// SPDX-License-Identifier: Apache-2.0

/// A method as one event loop serves it. Made once for each loop, so that a call holds one reference to all of it.
final class ServedMethod: Sendable {
    let handler: MethodHandler
    /// Where its jobs run; of its own, so that a job that holds up the loop can be named.
    let executor: LoopExecutor

    init(_ handler: MethodHandler, executor: LoopExecutor) {
        self.handler = handler
        self.executor = executor
    }

    var name: MethodName { handler.name }
    var isStream: Bool { handler.isStream }
}
