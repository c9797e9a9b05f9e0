// SPDX-License-Identifier: Apache-2.0

// A value that a continuation carries to its task is seen by that task in full. Swift's runtime tells ThreadSanitizer so
// when the task waits already; of a continuation that is resumed before its task has come to wait it does not, and every
// value that is carried so looks like a race. These say it; in all other builds they are nothing.

enum SanitizedHandover {
    /// Before a continuation is resumed: what was done until now is done before ``taken(_:)`` of the same object.
    @inline(__always)
    static func given(_ object: some AnyObject) {
        #if RAVIOLI_THREAD_SANITIZER
            release(Unmanaged.passUnretained(object).toOpaque())
        #endif
    }

    /// After a continuation's task has gone on.
    @inline(__always)
    static func taken(_ object: some AnyObject) {
        #if RAVIOLI_THREAD_SANITIZER
            acquire(Unmanaged.passUnretained(object).toOpaque())
        #endif
    }
}

#if RAVIOLI_THREAD_SANITIZER
    @_silgen_name("__tsan_release")
    private func release(_ address: UnsafeMutableRawPointer)
    @_silgen_name("__tsan_acquire")
    private func acquire(_ address: UnsafeMutableRawPointer)
#endif
