// SPDX-License-Identifier: Apache-2.0

// An event loop whose time is a number. It runs on the thread that drives it, one piece of work after the other, in the
// order of their times and, at the same time, in the order in which they came.

import Dispatch
import NIOCore
import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The event loop of a simulation.
final class SimulatedLoop: EventLoop {
    private struct Entry {
        let at: Int64
        let number: UInt64
        let work: @Sendable () -> Void

        func precedes(_ other: Entry) -> Bool { (at, number) < (other.at, other.number) }
    }

    private struct State {
        var now: Int64
        var made: UInt64 = 0
        /// A binary heap: each entry precedes those at twice its place.
        var heap: [Entry] = []
        var cancelled: Set<UInt64> = []
        var isShut = false
    }

    private let state: Mutex<State>
    private let driver = Atomic<UInt>(0)

    /// - Parameter start: the time at which it stands, in nanoseconds.
    init(start: Int64) { state = Mutex(State(now: start)) }

    var inEventLoop: Bool { driver.load(ordering: .relaxed) == Self.thread }

    private static var thread: UInt { UInt(bitPattern: Int(bitPattern: pthread_self())) }

    var nanoseconds: Int64 { state.withLock { $0.now } }
    var now: NIODeadline { .uptimeNanoseconds(UInt64(clamping: nanoseconds)) }

    // MARK: Driving

    /// Runs `body` with this thread as the loop's.
    func driven<Result>(_ body: () throws -> Result) rethrows -> Result {
        let (isFree, _) = driver.compareExchange(expected: 0, desired: Self.thread, ordering: .relaxed)
        precondition(isFree, "a simulation is run by one thread at a time")
        defer { driver.store(0, ordering: .relaxed) }
        return try body()
    }

    /// Runs the next piece of work that is due up to a time, and moves the time to it; returns whether there was one.
    func step(until limit: Int64) -> Bool {
        let work = state.withLock { state -> (@Sendable () -> Void)? in
            while let first = state.heap.first, first.at <= limit {
                Self.removeFirst(&state.heap)
                if state.cancelled.remove(first.number) != nil { continue }
                state.now = max(state.now, first.at)
                return first.work
            }
            return nil
        }
        guard let work else { return false }
        work()
        return true
    }

    /// Drops whatever is left, and whatever comes.
    func shut() {
        let dropped = state.withLock { state in
            state.isShut = true
            defer { state.heap = [] }
            return state.heap
        }
        _ = dropped
    }

    // MARK: EventLoop

    func execute(_ task: @escaping @Sendable () -> Void) { _ = enqueue(at: 0, task) }

    func scheduleTask<T>(
        deadline: NIODeadline, _ task: @escaping @Sendable () throws -> T
    ) -> Scheduled<T> {
        let promise = makePromise(of: T.self)
        let number = enqueue(at: Int64(clamping: deadline.uptimeNanoseconds)) {
            do { promise.assumeIsolated().succeed(try task()) } catch { promise.fail(error) }
        }
        guard let number else {
            promise.fail(EventLoopError.shutdown)
            return Scheduled(promise: promise) {}
        }
        return Scheduled(promise: promise) { self.cancel(number) }
    }

    func scheduleTask<T>(in delay: TimeAmount, _ task: @escaping @Sendable () throws -> T) -> Scheduled<T> {
        scheduleTask(deadline: now + delay, task)
    }

    func scheduleCallback(
        at deadline: NIODeadline, handler: some (NIOScheduledCallbackHandler & Sendable)
    ) throws -> NIOScheduledCallback {
        let number = enqueue(at: Int64(clamping: deadline.uptimeNanoseconds)) {
            handler.handleScheduledCallback(eventLoop: self)
        }
        guard let number else { throw EventLoopError.shutdown }
        return NIOScheduledCallback(self, id: number)
    }

    func cancelScheduledCallback(_ callback: NIOScheduledCallback) {
        if let number = callback.customCallbackID { cancel(number) }
    }

    func syncShutdownGracefully() throws {}
    func shutdownGracefully(queue: DispatchQueue, _ callback: @escaping @Sendable ((any Error)?) -> Void) {
        queue.async { callback(nil) }
    }

    // MARK: The heap

    /// Adds work; returns its number, or nil when the loop is shut.
    @discardableResult
    func enqueue(at time: Int64, _ work: @escaping @Sendable () -> Void) -> UInt64? {
        state.withLock { state in
            if state.isShut { return nil }
            state.made += 1
            Self.insert(Entry(at: max(time, state.now), number: state.made, work: work), &state.heap)
            return state.made
        }
    }

    private func cancel(_ number: UInt64) {
        state.withLock { state in
            if state.heap.contains(where: { $0.number == number }) { state.cancelled.insert(number) }
        }
    }

    private static func insert(_ entry: Entry, _ heap: inout [Entry]) {
        heap.append(entry)
        var index = heap.count - 1
        while index > 0, heap[index].precedes(heap[(index - 1) / 2]) {
            heap.swapAt(index, (index - 1) / 2)
            index = (index - 1) / 2
        }
    }

    private static func removeFirst(_ heap: inout [Entry]) {
        heap.swapAt(0, heap.count - 1)
        heap.removeLast()
        var index = 0
        while 2 * index + 1 < heap.count {
            var child = 2 * index + 1
            if child + 1 < heap.count, heap[child + 1].precedes(heap[child]) { child += 1 }
            guard heap[child].precedes(heap[index]) else { return }
            heap.swapAt(index, child)
            index = child
        }
    }
}
