// SPDX-License-Identifier: Apache-2.0

// What an event loop of Ravioli does besides moving bytes, once per loop and shared by all its connections:
//
//   – jobs of Swift tasks that prefer the loop, in a queue of the loop's own;
//   – work handed over by other threads (calls, cancels, replies, jobs) in one queue with one wake-up per batch;
//   – links that have output, flushed once; those that have much more go on after the next look at the sockets;
//   – deadlines, in one wheel over one timer of the loop.
//
// A turn begins with whatever the loop woke up for (a read, a batch from other threads, timers) and ends with
// `settle()`: run all jobs, then flush all links, until nothing is left. So a read of 64 requests whose handlers do
// not suspend ends in one write of 64 replies.
//
// State marked "loop only" is touched on the loop's thread alone; each entry either comes from NIO on that thread or
// checks `inEventLoop` first.

import NIOCore
import Synchronization

/// Something with output that waits for the end of the turn.
protocol FlushTarget: AnyObject {
    /// Writes what has gathered.
    func flushOutput()
    /// Writes what has gathered though more comes in the same turn.
    func flushEarly()
    /// The loop has looked at its sockets since ``LoopContext/notifyAfterReads(_:)``.
    func readsDone()
}

extension FlushTarget {
    /// For targets that do not ask.
    func readsDone() {}
    /// For targets whose peers do not wait for it.
    func flushEarly() {}
}

/// Who is told that a timer fired.
protocol TimerOwner: AnyObject {
    func timerFired(_ timer: LoopTimer)
}

/// A timer on the loop's wheel: whom to tell, and about what.
struct LoopTimer {
    let owner: any TimerOwner
    /// The call the timer belongs to, if it is a call's.
    let subject: AnyObject?
    /// A stream id, or another number that means something to the owner.
    let key: UInt32
}

typealias TimerID = TimerWheel<LoopTimer>.ID

/// The per-loop part of the runtime.
final class LoopContext: Sendable {
    private enum Remote: Sendable {
        case job(UnownedJob, LoopExecutor)
        case work(any RemoteWork)
    }

    private struct Inbox: Sendable {
        var entries: [Remote] = []
        var isScheduled = false
    }

    /// Work from other threads that has a type of its own, so that no closure is made for it.
    protocol RemoteWork: Sendable {
        func run()
    }

    let eventLoop: any EventLoop
    /// From 0 to 1, for whatever must not happen everywhere at once.
    let random: @Sendable () -> Double
    /// Whether what takes long is done on other threads. Not in a simulation, which has one.
    let offloads: Bool
    /// Memory for the messages of streams.
    let spareMemory = SpareMemory()
    private let inbox = Mutex(Inbox())

    // Loop only: see the head of the file. `nonisolated(unsafe)` because the compiler cannot see NIO's threads.
    private nonisolated(unsafe) var jobs: [(UnownedJob, LoopExecutor)] = []
    private nonisolated(unsafe) var jobsSpare: [(UnownedJob, LoopExecutor)] = []
    private nonisolated(unsafe) var inboxSpare: [Remote] = []
    private nonisolated(unsafe) var dirty: [any FlushTarget] = []
    private nonisolated(unsafe) var dirtySpare: [any FlushTarget] = []
    private nonisolated(unsafe) var wheel: TimerWheel<LoopTimer>
    private nonisolated(unsafe) var dueTimers: [LoopTimer] = []
    private nonisolated(unsafe) var armed: (at: Int64, callback: NIOScheduledCallback)?
    private nonisolated(unsafe) var patient: [any FlushTarget] = []
    private nonisolated(unsafe) var comesAfterReads = false
    private nonisolated(unsafe) var isSettling = false
    /// Whether a job of this turn runs.
    private(set) nonisolated(unsafe) var isRunningJobs = false
    private nonisolated(unsafe) var settleComes = false

    /// After so many calls of a turn their output leaves, ahead of the turn's end. Both ends of a connection would take turns
    /// at working otherwise: the peer's answers to these calls come while the next ones are made.
    static let share = 32
    /// Jobs run in one turn before the loop looks at its sockets again.
    private static let jobsPerTurn = 4096

    /// A context that nobody else finds. Use ``of(_:)`` for a loop that others may use.
    init(
        _ eventLoop: any EventLoop, random: @escaping @Sendable () -> Double = { .random(in: 0...1) },
        offloads: Bool = true
    ) {
        self.eventLoop = eventLoop
        self.offloads = offloads
        self.random = random
        wheel = TimerWheel(now: Int64(clamping: eventLoop.now.uptimeNanoseconds))
    }

    // MARK: One context per loop

    private static let known = Mutex<[ObjectIdentifier: LoopContext]>([:])

    /// The context of a loop, made on first use and kept: loops are few and live as long as the process.
    static func of(_ eventLoop: any EventLoop) -> LoopContext {
        known.withLock { known in
            if let context = known[ObjectIdentifier(eventLoop)] { return context }
            let context = LoopContext(eventLoop)
            known[ObjectIdentifier(eventLoop)] = context
            return context
        }
    }

    /// The loop's time.
    var now: Int64 { Int64(clamping: eventLoop.now.uptimeNanoseconds) }

    // MARK: Handing over

    /// A job of a task that prefers this loop.
    func enqueue(_ job: UnownedJob, _ executor: LoopExecutor) {
        if eventLoop.inEventLoop {
            jobs.append((job, executor))
            settleSoon()
        } else {
            post(.job(job, executor))
        }
    }

    /// Runs `work` on the loop, together with everything else that was handed over since the last turn.
    func post(_ work: any RemoteWork) { post(.work(work)) }

    private func post(_ entry: Remote) {
        let mustWake = inbox.withLock { inbox in
            inbox.entries.append(entry)
            defer { inbox.isScheduled = true }
            return !inbox.isScheduled
        }
        if mustWake { eventLoop.execute { self.settle() } }
    }

    // MARK: The turn (loop only)

    /// Promises that ``settle()`` is called before the loop turns, so that nobody has to schedule it.
    ///
    /// A turn may begin inside another one's end, when a write closes its channel: that end goes on until all is done.
    func turnBegan() { if !isSettling { settleComes = true } }

    /// Flushes `target` at the end of this turn.
    func flushLater(_ target: any FlushTarget) {
        dirty.append(target)
        settleSoon()
    }

    /// Tells `target` when the loop has looked at its sockets.
    func notifyAfterReads(_ target: any FlushTarget) { patient.append(target) }

    private func settleSoon() {
        guard !isSettling, !settleComes else { return }
        settleComes = true
        eventLoop.execute { self.settle() }
    }

    /// Ends a turn: runs what is queued, then flushes, until nothing is left.
    func settle() {
        guard !isSettling else { return }
        isSettling = true
        settleComes = false
        var budget = Self.jobsPerTurn
        repeat {
            takeInbox()
            runJobs(&budget)
            if jobs.isEmpty { flushDirty() }
        } while (!jobs.isEmpty || !dirty.isEmpty) && budget > 0
        isSettling = false
        if !jobs.isEmpty || !dirty.isEmpty || !patient.isEmpty { settleAfterReads() }
    }

    /// Goes on after the loop has looked at its sockets. What is handed to `execute` would run before that, and so
    /// would a timer that is due already.
    private func settleAfterReads() {
        if comesAfterReads { return }
        let at = eventLoop.now + .microseconds(20)
        guard (try? eventLoop.scheduleCallback(at: at, handler: AfterReads(context: self))) != nil else {
            // The loop is shutting down: it reads no more.
            return eventLoop.execute { self.readsDone() }
        }
        comesAfterReads = true
    }

    private struct AfterReads: NIOScheduledCallbackHandler {
        let context: LoopContext
        func handleScheduledCallback(eventLoop: some EventLoop) { context.readsDone() }
    }

    private func readsDone() {
        comesAfterReads = false
        turnBegan()
        let targets = patient
        patient = []
        for target in targets { target.readsDone() }
        settle()
    }

    private func takeInbox() {
        var entries = inboxSpare
        inboxSpare = []
        inbox.withLock { inbox in
            swap(&inbox.entries, &entries)
            inbox.isScheduled = false
        }
        for entry in entries {
            switch entry {
            case .job(let job, let executor): jobs.append((job, executor))
            case .work(let work): work.run()
            }
        }
        entries.removeAll(keepingCapacity: true)
        inboxSpare = entries
    }

    private func runJobs(_ budget: inout Int) {
        guard !jobs.isEmpty else { return }
        var batch = jobsSpare
        jobsSpare = []
        swap(&jobs, &batch)
        isRunningJobs = true
        defer { isRunningJobs = false }
        var previousEnd: Int64?
        for (index, (job, executor)) in batch.enumerated() {
            if index % Self.share == Self.share - 1 { flushEarly() }
            guard let observer = executor.stallObserver else {
                job.runSynchronously(on: executor.asUnownedTaskExecutor())
                previousEnd = nil
                continue
            }
            let start = previousEnd ?? now
            job.runSynchronously(on: executor.asUnownedTaskExecutor())
            let end = now
            observer.workEnded(executor.method, nanoseconds: end - start)
            previousEnd = end
        }
        budget -= batch.count
        batch.removeAll(keepingCapacity: true)
        jobsSpare = batch
    }

    private func flushEarly() {
        for target in dirty { target.flushEarly() }
    }

    private func flushDirty() {
        guard !dirty.isEmpty else { return }
        var batch = dirtySpare
        dirtySpare = []
        swap(&dirty, &batch)
        for target in batch { target.flushOutput() }
        batch.removeAll(keepingCapacity: true)
        dirtySpare = batch
    }

    // MARK: Timers (loop only)

    /// Sets a timer; it fires at `nanoseconds` of the loop's time or up to a millisecond later.
    func setTimer(at nanoseconds: Int64, _ timer: LoopTimer) -> TimerID {
        let id = wheel.insert(at: nanoseconds, timer)
        if armed == nil || nanoseconds < armed?.at ?? 0 { arm() }
        return id
    }

    /// Timers that are set.
    var timersSet: Int { wheel.count }

    /// Forgets a timer.
    func cancelTimer(_ id: TimerID) { wheel.cancel(id) }

    private func arm() {
        guard let next = wheel.nextLook() else { return }
        if let armed {
            if armed.at <= next { return }
            armed.callback.cancel()
        }
        // A wheel that was not looked at for long may name a moment that has passed.
        let at = max(NIODeadline.uptimeNanoseconds(UInt64(clamping: next)), eventLoop.now)
        guard let callback = try? eventLoop.scheduleCallback(at: at, handler: self) else {
            // The loop is shutting down: nobody waits for its timers any more.
            armed = nil
            return
        }
        armed = (next, callback)
    }

    private func timersDue() {
        armed = nil
        turnBegan()
        var due = dueTimers
        dueTimers = []
        wheel.expire(now: now, into: &due)
        for timer in due { timer.owner.timerFired(timer) }
        due.removeAll(keepingCapacity: true)
        dueTimers = due
        arm()
        settle()
    }
}

extension LoopContext: NIOScheduledCallbackHandler {
    func handleScheduledCallback(eventLoop: some EventLoop) { timersDue() }
}

extension Duration {
    /// Whole nanoseconds, clamped to what 64 bits hold.
    var clampedNanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (scaled, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        guard !overflow else { return seconds < 0 ? .min : .max }
        let (sum, carry) = scaled.addingReportingOverflow(attoseconds / 1_000_000_000)
        return carry ? (seconds < 0 ? .min : .max) : sum
    }
}
