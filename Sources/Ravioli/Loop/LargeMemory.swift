// SPDX-License-Identifier: Apache-2.0

/// Memory so large that to free it takes the system's time, a millisecond for some megabytes, which a loop does not have.
enum LargeMemory {
    /// What is smaller is freed where it is let go of.
    private static let bytesMin = 512 * 1024

    /// Lets another thread have the last hold of a message that was sent, if it is large.
    static func free(_ message: [UInt8]) {
        if message.count >= bytesMin { Task.detached { withExtendedLifetime(message) {} } }
    }
}
