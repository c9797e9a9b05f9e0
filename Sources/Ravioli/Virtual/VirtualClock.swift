// SPDX-License-Identifier: Apache-2.0

// Deadlines are read off one clock everywhere, and in a simulation that is the simulated loop's. Which one it is depends
// on the thread, so that tests which simulate and tests which do not run side by side. Nobody who does not simulate pays
// more than one load of a number.

package import NIOCore
import Synchronization

/// The clocks of the event loops that simulations drive.
package enum VirtualClock {
    private static let count = Atomic<Int>(0)
    private static let loops = Mutex<[any EventLoop]>([])

    /// From now on this loop's time is the time on its thread.
    package static func begin(_ loop: any EventLoop) {
        loops.withLock { $0.append(loop) }
        count.add(1, ordering: .relaxed)
    }

    /// The loop is not driven any more.
    package static func end(_ loop: any EventLoop) {
        count.subtract(1, ordering: .relaxed)
        loops.withLock { loops in loops.removeAll { $0 === loop } }
    }

    /// The simulated time of this thread in nanoseconds; nil where nothing is simulated.
    static var now: Int64? {
        guard count.load(ordering: .relaxed) > 0 else { return nil }
        let loop = loops.withLock { loops in loops.first { $0.inEventLoop } }
        return loop.map { Int64(clamping: $0.now.uptimeNanoseconds) }
    }
}
