// SPDX-License-Identifier: Apache-2.0

import Glibc
import Synchronization

/// Runs `body` on a thread with a stack of 512 KiB, the least that a thread of Swift programs usually has, and returns
/// what it returns; `nil` if there is no such thread.
func onSmallStack<Result: Sendable>(
    of stackSize: Int = 512 << 10, _ body: @escaping @Sendable () -> Result
) -> Result? {
    let result = Box<Result>()
    let job = Job { result.value.withLock { $0 = body() } }
    let attributes = UnsafeMutablePointer<pthread_attr_t>.allocate(capacity: 1)
    defer { attributes.deallocate() }
    pthread_attr_init(attributes)
    // The address sanitizer's frames are several times as large.
    let isSanitized = dlsym(nil, "__asan_init") != nil
    pthread_attr_setstacksize(attributes, isSanitized ? 4 << 20 : stackSize)
    var thread = pthread_t()
    let error = pthread_create(
        &thread, attributes,
        { argument in
            if let argument { Unmanaged<Job>.fromOpaque(argument).takeRetainedValue().run() }
            return nil
        }, Unmanaged.passRetained(job).toOpaque())
    pthread_attr_destroy(attributes)
    guard error == 0 else { return nil }
    pthread_join(thread, nil)
    return result.value.withLock { $0 }
}

private final class Box<Value: Sendable>: Sendable {
    let value = Mutex<Value?>(nil)
}

private final class Job: Sendable {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
}
