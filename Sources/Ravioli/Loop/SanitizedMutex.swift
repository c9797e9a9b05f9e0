// SPDX-License-Identifier: Apache-2.0

// ThreadSanitizer sees no order in what `Synchronization.Mutex` guards: its contended path is a futex system call, which
// nothing announces to the sanitizer, so it reports races that do not exist. `Scripts/test --sanitize` therefore builds
// with RAVIOLI_THREAD_SANITIZER, and then `Mutex` means a lock of the same shape over pthread's, which it does see. In
// every other build this file is empty.

#if RAVIOLI_THREAD_SANITIZER
    #if canImport(Glibc)
        import Glibc
    #else
        import Darwin
    #endif

    typealias Mutex<Value: ~Copyable> = SanitizedMutex<Value>

    /// A mutex whose lock and unlock ThreadSanitizer sees.
    package struct SanitizedMutex<Value: ~Copyable>: ~Copyable, @unchecked Sendable {
        private let lock: UnsafeMutablePointer<pthread_mutex_t>
        private let value: UnsafeMutablePointer<Value>

        /// Guards a value.
        package init(_ value: consuming sending Value) {
            lock = .allocate(capacity: 1)
            lock.initialize(to: pthread_mutex_t())
            pthread_mutex_init(lock, nil)
            self.value = .allocate(capacity: 1)
            self.value.initialize(to: value)
        }

        deinit {
            pthread_mutex_destroy(lock)
            lock.deallocate()
            value.deinitialize(count: 1)
            value.deallocate()
        }

        /// Runs `body` with the value while nobody else does.
        package borrowing func withLock<Result: ~Copyable, Failure: Error>(
            _ body: (inout sending Value) throws(Failure) -> sending Result
        ) throws(Failure) -> sending Result {
            pthread_mutex_lock(lock)
            defer { pthread_mutex_unlock(lock) }
            return try body(&value.pointee)
        }
    }
#endif
