// SPDX-License-Identifier: Apache-2.0

// An event loop whose time is a number. It runs on the thread that drives it, one piece of work after the other, in the
// order of their times. What is due at the same time comes in an order that the seed decides, since no network and no
// timer promises another one; only work that was handed over to the loop keeps its order, as on every event loop.

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
        /// Random among those of the same time.
        let order: UInt64
        let number: UInt64
        let work: @Sendable () -> Void

        func precedes(_ other: Entry) -> Bool {
            if at != other.at { return at < other.at }
            return order == other.order ? number < other.number : order < other.order
        }
    }

    private struct State {
        var now: Int64
        var made: UInt64 = 0
        var random: UInt64
        /// The last piece of work that was handed over: what follows it at the same time comes behind it.
        var executed: (at: Int64, order: UInt64) = (.min, 0)
        /// A binary heap: each entry precedes those at twice its place.
        var heap: [Entry] = []
        var cancelled: Set<UInt64> = []
        var isShut = false
    }

    private let state: Mutex<State>
    private let driver = Atomic<UInt>(0)

    /// - Parameters:
    ///   - start: the time at which it stands, in nanoseconds.
    ///   - seed: decides the order of what happens at the same time.
    init(start: Int64, seed: UInt64) { state = Mutex(State(now: start, random: ~seed)) }

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
    ///
    /// - Parameter moved: told before the work when the time has moved.
    func step(until limit: Int64, moved: (Int64) -> Void) -> Bool {
        let next = state.withLock { state -> (work: @Sendable () -> Void, hasMoved: Bool, now: Int64)? in
            while let first = state.heap.first, first.at <= limit {
                Self.removeFirst(&state.heap)
                if !state.cancelled.isEmpty, state.cancelled.remove(first.number) != nil { continue }
                let hasMoved = first.at > state.now
                if hasMoved { state.now = first.at }
                return (first.work, hasMoved, state.now)
            }
            return nil
        }
        guard let next else { return false }
        if next.hasMoved { moved(next.now) }
        next.work()
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

    func execute(_ task: @escaping @Sendable () -> Void) {
        state.withLock { state in
            var order = SeededRandom.number(after: &state.random)
            if state.executed.at == state.now { order = max(order, state.executed.order) }
            state.executed = (state.now, order)
            Self.insert(at: state.now, order: order, task, &state)
        }
    }

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
            let order = SeededRandom.number(after: &state.random)
            return Self.insert(at: max(time, state.now), order: order, work, &state)
        }
    }

    @discardableResult
    private static func insert(
        at time: Int64, order: UInt64, _ work: @escaping @Sendable () -> Void, _ state: inout State
    ) -> UInt64? {
        if state.isShut { return nil }
        state.made += 1
        insert(Entry(at: time, order: order, number: state.made, work: work), &state.heap)
        return state.made
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
