// SPDX-License-Identifier: Apache-2.0

import RavioliWire
import Synchronization

// Why a call ends before its handler has answered, and what a handler does after that.

extension ServerConnection {
    /// The error of a call that its caller cancelled or whose time is up.
    func early(_ code: UInt8, _ slot: CallSlot, isStarted: Bool) -> RPCError {
        let executed: RPCError.Executed = isStarted ? .maybe : .no
        guard code == StatusCode.deadlineExceeded.rawValue, let call = records[slot.index]?.call else {
            return RPCError(.cancelled, "the caller cancelled", executed: executed)
        }
        return .timeUp(report(call, isStarted: isStarted), executed: executed)
    }

    /// What a call whose time is up was busy with.
    func report(_ call: ServerCall, isStarted: Bool) -> DeadlineReport {
        let hop = server.hopName
        if call.isIdle { return DeadlineReport(phase: .idle, hop: hop, method: call.method.fullName) }
        guard isStarted else {
            return DeadlineReport(phase: .queued, hop: hop, method: call.method.fullName)
        }
        if let method = call.downstreamMethod {
            return DeadlineReport(phase: .downstream, hop: hop, method: method.fullName)
        }
        return DeadlineReport(phase: .handler, hop: hop, method: call.method.fullName)
    }
}

/// Handlers that went on after their call had ended for its caller.
final class LateWork: Sendable {
    private let state = Mutex(WorkAfterCancel())

    func add(nanoseconds: Int64) {
        state.withLock { work in
            work.handlers += 1
            work.duration += .nanoseconds(max(0, nanoseconds))
        }
    }

    var total: WorkAfterCancel { state.withLock { $0 } }
}

/// Work that nobody waited for: see ``Server/workAfterCancel``.
public struct WorkAfterCancel: Sendable, Hashable {
    /// Handlers that returned after their call had been cancelled or its time was up.
    public var handlers = 0
    /// How long they went on after that, together.
    public var duration = Duration.zero
}
