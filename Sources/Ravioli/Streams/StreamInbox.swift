// SPDX-License-Identifier: Apache-2.0

// Where the messages of a stream wait for the task that reads them. The loop puts them in, packed into one buffer as they
// came; the task takes out all that is there at once, and reads it message by message in place, without the lock and
// without the other's thread. What has been read is reported to the loop in portions, and at the latest when nothing is
// left of what was taken.

import NIOCore
import RavioliWire
import Synchronization

/// The loop's side of a stream, as the tasks that read and write it see it.
protocol StreamLoopSide: Sendable {
    /// There is something to send.
    func wantsOutput()
    /// Messages were read that held so much.
    func hasRead(_ cost: MessageCost)
    /// Where buffers are that nobody needs at the moment.
    var spareMemory: SpareMemory { get }
}

/// The received messages of one stream.
final class StreamInbox: Sendable {
    /// Why a wait is over.
    private enum Wake: Sendable { case look, cancelled, busy }
    private typealias Waiter = UnsafeContinuation<Wake, Never>

    /// A message that came in several frames, and what it holds until it is read.
    private struct LongMessage: Sendable {
        var blocks: MessageBlocks
        let cost: MessageCost
    }

    private struct State: Sendable {
        var batch = MessageBatch<LongMessage>()
        var end: Result<Void, RPCError>?
        var dropsUnread = false
        var waiter: Waiter?
    }

    /// What the reading task has taken.
    private struct Reading: Sendable {
        var batch = MessageBatch<LongMessage>()
        var unreported = MessageCost()

        enum Next { case packed, long, nothing }

        var next: Next {
            @inline(__always) mutating get { batch.nextIsLong ? .long : batch.isEmpty ? .nothing : .packed }
        }

        /// Takes the next message, which is packed; returns whether to report what was read.
        @inline(__always)
        mutating func take(_ body: (UnsafeRawBufferPointer) -> Void, reportBytes: Int) -> Bool {
            let cost = batch.takeNext(body)
            unreported.stream += cost
            unreported.connection += cost
            return unreported.stream >= reportBytes || batch.isEmpty
        }

        mutating func takeLong() -> LongMessage {
            let message = batch.nextLong
            batch.nextLong.blocks = MessageBlocks()
            batch.dropNextLong()
            unreported = unreported + message.cost
            return message
        }

        /// What to report, if anything.
        mutating func report(_ spares: SpareMemory) -> MessageCost? {
            if batch.isEmpty { batch.clear(spares) }
            defer { unreported = MessageCost() }
            return unreported == MessageCost() ? nil : unreported
        }
    }

    private enum Step {
        case message([UInt8], read: MessageCost?)
        case ended(Result<Void, RPCError>)
        case wait
        case busy
    }

    private let state = Mutex(State())
    /// Whether somebody is at `reading`. Nobody waits for that: there is one reader, and who comes second is refused.
    private let isReading = Atomic<Bool>(false)
    /// Touched only by who has set `isReading`, which the compiler cannot see.
    @exclusivity(unchecked) private nonisolated(unsafe) var reading = Reading()
    /// Whether what has been taken and not read counts no more.
    private let dropsUnread = Atomic<Bool>(false)
    /// From when on what was read is reported while more is there.
    private let reportBytes: Int

    init(window: Int) { reportBytes = window / 4 }

    // MARK: The loop's side

    /// A message arrived.
    func deliver(_ message: ReceivedMessage, _ cost: MessageCost) {
        put { batch in
            switch message {
            case .whole(let message):
                message.withUnsafeReadableBytes { batch.append($0, isCounted: cost.stream > 0) }
            case .blocks(let blocks): batch.append(long: LongMessage(blocks: blocks, cost: cost))
            }
        }
    }

    /// The frames of a run of messages arrived.
    func deliver(run frames: UnsafeRawBufferPointer, _ spares: SpareMemory) {
        put { batch in
            if batch.isFresh { batch.use(spares.take(for: frames.count)) }
            batch.append(run: frames)
        }
    }

    private func put(_ body: (inout MessageBatch<LongMessage>) -> Void) {
        state.withLock { state -> Waiter? in
            guard state.end == nil else { return nil }
            body(&state.batch)
            defer { state.waiter = nil }
            return state.waiter
        }?.resume(returning: .look)
    }

    /// No message comes any more.
    ///
    /// - Parameter dropsUnread: whether the end overtakes messages that have not been read, as one does that the reader
    ///   or its deadline brought about. The end that the other side sent comes after its messages.
    func end(_ result: Result<Void, RPCError>, dropsUnread: Bool = false) {
        let (isFirst, waiter) = state.withLock { state -> (Bool, Waiter?) in
            guard state.end == nil else { return (false, nil) }
            state.end = result
            state.dropsUnread = dropsUnread
            if dropsUnread { state.batch = MessageBatch() }
            defer { state.waiter = nil }
            return (true, state.waiter)
        }
        if isFirst, dropsUnread { dropTaken() }
        waiter?.resume(returning: .look)
    }

    private func dropTaken() {
        dropsUnread.store(true, ordering: .releasing)
        // A reader that is at it now drops the rest when it comes back.
        guard beginReading() else { return }
        reading = Reading()
        endReading()
    }

    // MARK: The reader's side

    private func beginReading() -> Bool { !isReading.exchange(true, ordering: .acquiring) }
    private func endReading() { isReading.store(false, ordering: .releasing) }

    /// Lends the next message to `body`, if it is there and came in one frame; returns whether it was.
    func tryNext(_ loop: some StreamLoopSide, _ body: (UnsafeRawBufferPointer) -> Void) -> Bool {
        guard beginReading() else { return false }
        guard taken() == .packed else {
            endReading()
            return false
        }
        let isDue = reading.take(body, reportBytes: reportBytes)
        let read = isDue ? reading.report(loop.spareMemory) : nil
        endReading()
        if let read { loop.hasRead(read) }
        return true
    }

    /// The next message; nil at the end of the stream. Waits for it unless the task is cancelled.
    ///
    /// - Throws: what ended the stream, or `failed_precondition` when another task reads it.
    func next(_ loop: some StreamLoopSide) async throws(RPCError) -> [UInt8]? {
        while true {
            switch step(loop) {
            case .message(let bytes, let read):
                if let read { loop.hasRead(read) }
                return bytes
            case .ended(let result):
                try result.get()
                return nil
            case .wait: try await wait()
            case .busy: throw Self.busy
            }
        }
    }

    private func step(_ loop: some StreamLoopSide) -> Step {
        guard beginReading() else {
            // It may be the loop, which has ended the stream.
            return state.withLock { $0.dropsUnread ? $0.end.map(Step.ended) : nil } ?? .busy
        }
        defer { endReading() }
        switch taken() {
        case .nothing: return state.withLock { $0.end.map(Step.ended) ?? .wait }
        case .long:
            let message = reading.takeLong()
            let isDue = reading.batch.isEmpty || reading.unreported.stream >= reportBytes
            let read = isDue ? reading.report(loop.spareMemory) : nil
            return .message(message.blocks.joined(), read: read)
        case .packed:
            var bytes: [UInt8] = []
            let isDue = reading.take({ bytes = Array($0) }, reportBytes: reportBytes)
            return .message(bytes, read: isDue ? reading.report(loop.spareMemory) : nil)
        }
    }

    /// What has been taken and comes next; takes what is there when nothing is left.
    @inline(__always)
    private func taken() -> Reading.Next {
        if dropsUnread.load(ordering: .acquiring) {
            reading.batch = MessageBatch()
            return .nothing
        }
        let next = reading.next
        return next == .nothing ? takeAll() : next
    }

    private func takeAll() -> Reading.Next {
        state.withLock { state in
            swap(&state.batch, &reading.batch)
            return reading.next
        }
    }

    private func wait() async throws(RPCError) {
        let wake = await withTaskCancellationHandler {
            await withUnsafeContinuation { waiter in
                let wake = state.withLock { state in enter(waiter, &state) }
                if let wake { waiter.resume(returning: wake) }
            }
        } onCancel: {
            state.withLock { state in
                defer { state.waiter = nil }
                return state.waiter
            }?.resume(returning: .cancelled)
        }
        switch wake {
        case .look: break
        case .cancelled: throw RPCError(call: .cancelled, "the reader was cancelled", executed: .maybe)
        case .busy: throw Self.busy
        }
    }

    private func enter(_ waiter: Waiter, _ state: inout State) -> Wake? {
        if !state.batch.isEmpty || state.end != nil { return .look }
        if state.waiter != nil { return .busy }
        if Task.isCancelled { return .cancelled }
        state.waiter = waiter
        return nil
    }

    private static var busy: RPCError {
        RPCError(.failedPrecondition, "another task reads this stream", executed: .maybe)
    }
}
