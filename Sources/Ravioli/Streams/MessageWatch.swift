// SPDX-License-Identifier: Apache-2.0

import NIOCore
import RavioliWire

/// Whether the messages of one stream keep coming or going: one timer, looked at when it fires. Loop only.
final class MessageWatch {
    let slot: CallSlot
    private let timeout: Int64
    private var movedAt: Int64
    private var timer = TimerID.none

    /// Begins to watch.
    init(_ slot: CallSlot, timeout: Duration, owner: any TimerOwner, on context: LoopContext) {
        self.slot = slot
        self.timeout = max(1, timeout.clampedNanoseconds)
        movedAt = context.now
        arm(owner, context)
    }

    private func arm(_ owner: any TimerOwner, _ context: LoopContext) {
        let (at, overflow) = movedAt.addingReportingOverflow(timeout)
        timer = context.setTimer(at: overflow ? .max : at, LoopTimer(owner: owner, subject: self, key: 0))
    }

    /// A message came or went.
    func moved(now: Int64) { movedAt = now }

    /// Its timer fired; returns whether the time is up.
    func isUp(owner: any TimerOwner, on context: LoopContext) -> Bool {
        if context.now - movedAt >= timeout { return true }
        arm(owner, context)
        return false
    }

    func cancel(on context: LoopContext) { context.cancelTimer(timer) }
}
