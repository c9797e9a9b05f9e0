// SPDX-License-Identifier: Apache-2.0

#if RAVIOLI_THREAD_SANITIZER
    import Ravioli

    /// Tests guard what they share as `Ravioli` does.
    typealias Mutex<Value: ~Copyable> = SanitizedMutex<Value>
#endif
