// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Memory so large that to free it takes the system's time, a millisecond for some megabytes, which a loop does not have.
enum LargeMemory {
    /// What is smaller is freed where it is let go of.
    private static let bytesMin = 512 * 1024

    /// Lets go of a message that was sent. If it is large, another thread frees it.
    static func free(_ message: inout [UInt8]) {
        guard message.count >= bytesMin else {
            message = []
            return
        }
        let last = LastHold()
        last.message.withLock { swap(&$0, &message) }
        Task.detached { last.message.withLock { $0 = [] } }
    }

    /// Holds a message that nobody else does: the task that empties it frees it, whoever lets go of this object last.
    private final class LastHold: Sendable {
        let message = Mutex<[UInt8]>([])
    }
}
