// SPDX-License-Identifier: Apache-2.0
//
// A request's body on its way from the loop that reads it to the task that wants it. The loop stops reading from the
// client while much waits here, and goes on once it has been taken, so a body is never held whole unless somebody asks
// for it whole.

package import NIOCore
import Synchronization

/// Why a body ends before it is whole.
package enum BodyFailure: Error, Sendable, Hashable {
    /// The client closed the connection or reset the stream.
    case gone
    /// It took longer than it may.
    case timedOut
    /// It is longer than the reader asked for.
    case tooLarge
    /// The reader's task was cancelled.
    case cancelled
}

/// The body of one request. One task reads it, once.
package final class RequestBody: Sendable {
    fileprivate typealias Waiter = UnsafeContinuation<Void, Never>

    fileprivate struct State {
        /// The next part, and those behind it: nearly all bodies have only one.
        var first: ByteBuffer?
        var others: CircularBuffer<ByteBuffer>?
        var bytes = 0
        var isWhole = false
        var failure: BodyFailure?
        var isFull = false
        var waiter: Waiter?
    }

    fileprivate enum Step {
        case chunk(ByteBuffer, drained: Bool)
        case end(BodyFailure?)
        case wait
    }

    /// From so many unread bytes on, the client has to wait.
    package static let unreadBytesMax = 64 << 10

    private let state = Mutex(State())
    private let onDrained: @Sendable () -> Void

    /// - Parameter onDrained: Called when there is room again after ``deliver(_:)`` said that there is none.
    package init(onDrained: @escaping @Sendable () -> Void = {}) { self.onDrained = onDrained }

    /// A body that is here already.
    package convenience init(whole bytes: ByteBuffer) {
        self.init()
        _ = deliver(bytes)
        finish(nil)
    }

    /// Whether everything has arrived, read or not.
    package var isWhole: Bool { state.withLock { $0.isWhole } }

    // MARK: The loop's side

    /// A part arrived. Returns whether there is no room for more for the time being.
    package func deliver(_ bytes: ByteBuffer) -> Bool {
        let (isFull, waiter) = state.withLock { state -> (Bool, Waiter?) in
            guard state.failure == nil, bytes.readableBytes > 0 else { return (state.isFull, nil) }
            state.append(bytes)
            state.bytes += bytes.readableBytes
            state.isFull = state.bytes >= Self.unreadBytesMax
            return (state.isFull, state.takeWaiter())
        }
        waiter?.resume()
        return isFull
    }

    /// No part follows: it is whole, or failed. The first end counts, but a failure overtakes what is unread.
    package func finish(_ failure: BodyFailure?) {
        let waiter = state.withLock { state -> Waiter? in
            guard !state.isWhole, state.failure == nil else { return nil }
            state.isWhole = failure == nil
            state.failure = failure
            if failure != nil { (state.first, state.others) = (nil, nil) }
            return state.takeWaiter()
        }
        waiter?.resume()
    }

    // MARK: The reader's side

    /// The next part; nil after the last one.
    package func next() async throws(BodyFailure) -> ByteBuffer? {
        while true {
            switch state.withLock({ $0.take() }) {
            case .chunk(let bytes, let drained):
                if drained { onDrained() }
                return bytes
            case .end(let failure):
                if let failure { throw failure }
                return nil
            case .wait:
                if Task.isCancelled { throw .cancelled }
                await wait()
            }
        }
    }

    /// All of it in one piece.
    ///
    /// - Throws: `tooLarge` as soon as it is known to be over the limit.
    package func collect(upTo bytesMax: Int) async throws(BodyFailure) -> ByteBuffer {
        var all = ByteBuffer()
        while var part = try await next() {
            guard part.readableBytes <= bytesMax - all.readableBytes else { throw .tooLarge }
            if all.readableBytes == 0 { all = part } else { all.writeBuffer(&part) }
        }
        return all
    }

    private func wait() async {
        await withTaskCancellationHandler {
            await withUnsafeContinuation { (waiter: Waiter) in
                let isOver = state.withLock { state in
                    let mustLook = state.first != nil || state.isWhole || state.failure != nil
                    if !mustLook, !Task.isCancelled { state.waiter = waiter }
                    return mustLook || state.waiter == nil
                }
                if isOver { waiter.resume() }
            }
        } onCancel: {
            state.withLock { $0.takeWaiter() }?.resume()
        }
    }
}

extension RequestBody.State {
    fileprivate mutating func takeWaiter() -> UnsafeContinuation<Void, Never>? {
        defer { waiter = nil }
        return waiter
    }

    fileprivate mutating func append(_ bytes: ByteBuffer) {
        if first == nil {
            first = bytes
        } else if others == nil {
            others = [bytes]
        } else {
            others?.append(bytes)
        }
    }

    fileprivate mutating func take() -> RequestBody.Step {
        if let failure { return .end(failure) }
        guard let bytes = first else { return isWhole ? .end(nil) : .wait }
        first = others?.popFirst()
        self.bytes -= bytes.readableBytes
        let drained = isFull && self.bytes < RequestBody.unreadBytesMax / 2
        if drained { isFull = false }
        return .chunk(bytes, drained: drained)
    }
}
