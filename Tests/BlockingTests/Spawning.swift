// SPDX-License-Identifier: Apache-2.0

import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Starts programs for tests that run side by side.
public enum Spawning {
    private static let lock = Mutex(())

    /// Runs `body`, which makes a program's pipes, starts it and closes its ends of them, while no other does.
    ///
    /// A program started meanwhile would inherit the pipes' ends, and the end of what the first one writes would be
    /// seen only when both have ended. It would also inherit that the threads which run tests block signals.
    public static func alone<Result>(_ body: () throws -> Result) rethrows -> Result {
        // Held through the call only: nothing in `body` may wait for another test.
        try lock.withLock { _ in
            var none = sigset_t()
            var before = sigset_t()
            sigemptyset(&none)
            pthread_sigmask(SIG_SETMASK, &none, &before)
            defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
            return try Unchecked(value: body())
        }.value
    }

    /// Carries a value out of the lock, which asks for one that can be sent.
    private struct Unchecked<Value>: @unchecked Sendable { let value: Value }
}
