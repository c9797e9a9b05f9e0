// SPDX-License-Identifier: Apache-2.0

import RavioliWire
import Synchronization

/// How a call ends for its caller. Not a throwing continuation: resuming one allocates.
typealias CallResult = Result<ReceivedAnswer, RPCError>

/// An answer as the loop hands it to its caller.
struct ReceivedAnswer: Sendable {
    let message: OwnedMessage
    let metadata: Metadata
}

/// One call from its caller's task to its end. The caller's side only sets `isCancelled`.
final class ClientCall: Sendable {
    let request: UnaryRequest
    /// Whether requests follow the call frame.
    let streamsRequests: Bool
    private let cancelled = Atomic<Bool>(false)

    init(_ request: UnaryRequest, streamsRequests: Bool = false) {
        self.request = request
        self.streamsRequests = streamsRequests
    }

    var isCancelled: Bool { cancelled.load(ordering: .acquiring) }
    func markCancelled() { cancelled.store(true, ordering: .releasing) }

    /// Where the call is. Written and read on the loop only; atomic so that the class is Sendable, at no cost.
    private let position = Atomic<Int>(Place.nowhere.encoded)

    /// Where a call is between its start and its end.
    enum Place: Equatable {
        case nowhere
        /// In the client's queue, by ticket.
        case queued(Int)
        /// On the connection, by slot.
        case open(CallSlot)

        fileprivate var encoded: Int {
            switch self {
            case .nowhere: 0
            case .queued(let ticket): -1 - ticket
            case .open(let slot): 1 + slot.index
            }
        }
    }

    var place: Place {
        get {
            let value = position.load(ordering: .relaxed)
            return value == 0 ? .nowhere : value < 0 ? .queued(-1 - value) : .open(CallSlot(index: value - 1))
        }
        set { position.store(newValue.encoded, ordering: .relaxed) }
    }
}

/// A call whose caller waits: the call, who hears of its end, and the timer of its deadline.
struct PendingCall {
    let call: ClientCall
    private let continuation: UnsafeContinuation<CallResult, Never>?
    /// The streams of a call that has some.
    let stream: ClientStreamState?
    /// The sending side of the streams, once the call is open.
    var output: StreamOutput?
    /// Watches the streams of a call that limits their silence.
    var watch: MessageWatch?
    var timer = TimerID.none
    /// Whether a server that was leaving has left the call unread before. It runs elsewhere once, not for ever.
    var wasUnaccepted = false

    init(_ call: ClientCall, _ continuation: UnsafeContinuation<CallResult, Never>) {
        self.call = call
        self.continuation = continuation
        stream = nil
    }

    init(_ stream: ClientStreamState) {
        call = stream.call
        continuation = nil
        self.stream = stream
    }

    /// Ends the call for its caller. Exactly once: whoever resumes has taken the pending call out of its place.
    func resume(_ result: CallResult) {
        SanitizedHandover.given(call)
        continuation?.resume(returning: result)
        output?.drop()
        stream?.end(result.map(\.metadata))
    }
}
