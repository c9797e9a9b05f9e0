// SPDX-License-Identifier: Apache-2.0

// The clock side of a connection's life: keeps the one timer that `ConnectionLife` asks for. A timer that is set too early
// is left to fire and set anew, so calls move no timer. Far timers fire on whole ticks of about a second, together: an
// event loop with ten thousand idle connections is woken once a second for them, not for each.

import RavioliWire

/// A connection whose life is watched. Loop only.
protocol WatchedConnection: TimerOwner {
    var link: FrameLink { get }
    var watch: LifeWatch? { get set }
    var hasCalls: Bool { get }
    var isClosed: Bool { get }
    func carryOut(_ action: ConnectionLife.Action)
}

/// A connection's life and its timer. Loop only.
struct LifeWatch {
    var life: ConnectionLife
    private var timer = TimerID.none
    private var timerAt: WireInstant?

    /// Of timers that are no call's: no stream has this id.
    static let timerKey = UInt32.max
    private static let coarseTick: Int64 = 1_024_000_000

    init(_ life: ConnectionLife) { self.life = life }

    /// Sets the timer that is wanted next, unless an earlier one is set.
    mutating func arm(for owner: any TimerOwner, on context: LoopContext) {
        guard let next = life.nextTimer, next < timerAt ?? WireInstant(nanoseconds: .max) else { return }
        context.cancelTimer(timer)
        timerAt = next
        let at = Self.coarse(next.nanoseconds, now: context.now)
        timer = context.setTimer(at: at, LoopTimer(owner: owner, subject: nil, key: Self.timerKey))
    }

    mutating func timerFired() { timerAt = nil }

    func cancel(on context: LoopContext) { context.cancelTimer(timer) }

    /// Timers more than eight ticks away are put off to the next whole tick.
    static func coarse(_ at: Int64, now: Int64) -> Int64 {
        let (distance, overflow) = at.subtractingReportingOverflow(now)
        guard !overflow, distance > 8 * coarseTick, at < .max - coarseTick else { return at }
        return (at / coarseTick + 1) * coarseTick
    }
}

extension WatchedConnection {
    /// The connection stands: its life begins.
    func lifeBegan(_ terms: ConnectionLife.Terms, random: Double) {
        watch = LifeWatch(ConnectionLife(terms, random: random, now: instant))
        armLife()
    }

    func lifeTimerFired() {
        // It may have been due together with what closed the connection.
        if isClosed { return }
        watch?.timerFired()
        while let action = watch?.life.timerFired(callsOpen: hasCalls, now: instant), action != .none {
            carryOut(action)
            if isClosed { return }
        }
        armLife()
    }

    func armLife() { watch?.arm(for: self, on: link.context) }

    /// A call was opened on a connection that rested.
    func restEnded() {
        let now = instant
        if let action = watch?.life.callOpened(now: now) { carryOut(action) }
        armLife()
    }

    func sendPing(token: UInt64) {
        PingFrame(token: token).write(into: &link.out)
        link.touched()
    }

    private var instant: WireInstant { WireInstant(nanoseconds: link.context.now) }
}
