// SPDX-License-Identifier: Apache-2.0

import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Wakes the workers of an open loop in time, on a thread of its own: a timer for each call would cost more than the call.
///
/// Calls are due in the order of the workers, over and over, so the thread knows whom to wake next without a heap.
final class Pacer: Sendable {
    private struct Place {
        var waiting: UnsafeContinuation<Void, Never>?
        /// The turn whose time has come.
        var turn = -1
    }

    private let start: UInt64
    private let end: UInt64
    private let nanosecondsPerCall: Double
    private let places: Mutex<[Place]>

    /// Workers that make so many calls a second together. The thread ends with the window.
    init(workers: Int, rate: Double, start: UInt64, end: UInt64) {
        self.start = start
        self.end = end
        nanosecondsPerCall = 1e9 / rate
        places = Mutex(Array(repeating: Place(), count: workers))
        let unmanaged = Unmanaged.passRetained(self)
        #if canImport(Glibc)
            var thread = pthread_t()
            let code = pthread_create(&thread, nil, Pacer.body, unmanaged.toOpaque())
        #else
            var thread: pthread_t?
            let code = pthread_create(&thread, nil, Pacer.body, unmanaged.toOpaque())
        #endif
        precondition(code == 0, "no thread for the pacer")
    }

    /// When worker `worker` makes its `turn`-th call.
    func due(worker: Int, turn: Int, of workers: Int) -> UInt64 {
        start + UInt64(Double(worker + turn * workers) * nanosecondsPerCall)
    }

    /// Returns when the worker's turn has come; at once when that is over already.
    func wait(worker: Int, turn: Int) async {
        await withUnsafeContinuation { continuation in
            let isDue = places.withLock { places in
                if places[worker].turn >= turn { return true }
                places[worker].waiting = continuation
                return false
            }
            if isDue { continuation.resume() }
        }
    }

    private func run() {
        let workers = places.withLock { $0.count }
        var call = 0
        while true {
            let due = start + UInt64(Double(call) * nanosecondsPerCall)
            let now = nanosecondsNow()
            if due > now, due <= end {
                var pause = timespec(tv_sec: 0, tv_nsec: Int(min(due - now, 900_000_000)))
                nanosleep(&pause, nil)
                continue
            }
            // Behind the end all workers are let go: each sees for itself that it is over.
            let (worker, turn) = (call % workers, due > end ? Int.max : call / workers)
            let waiting = places.withLock { places in
                places[worker].turn = turn
                return places[worker].waiting.take()
            }
            waiting?.resume()
            call += 1
            if due > end, due > end + UInt64(Double(workers) * nanosecondsPerCall) { return }
        }
    }

    private static let body: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = {
        pointer in
        if let pointer { Unmanaged<Pacer>.fromOpaque(pointer).takeRetainedValue().run() }
        return nil
    }
}
