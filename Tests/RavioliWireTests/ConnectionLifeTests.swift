// SPDX-License-Identifier: Apache-2.0

import RavioliWire
import Testing

/// A moment so many seconds after the connection stood.
private func at(_ seconds: Double) -> WireInstant {
    WireInstant(nanoseconds: 1_000_000_000_000 + Int64(seconds * 1e9))
}

private func seconds(_ count: Int64) -> Int64 { count * 1_000_000_000 }

struct KeepaliveTests {
    static func machine(withoutCalls: Bool = false, random: Double = 0) -> Keepalive {
        let terms = Keepalive.Terms(
            interval: seconds(30), timeout: seconds(20), pingsWithoutCalls: withoutCalls)
        return Keepalive(terms, random: random, now: at(0))
    }

    @Test func restsWithoutCalls() {
        var keepalive = Self.machine()
        #expect(keepalive.isResting && keepalive.nextTimer == nil)
        #expect(keepalive.timerFired(callsOpen: false, now: at(9000)) == .none)
    }

    @Test func asksAfterSilenceWhileCallsRun() {
        var keepalive = Self.machine()
        #expect(keepalive.callOpened(now: at(1)) == .none)
        #expect(keepalive.nextTimer == at(30))
        keepalive.bytesRead(now: at(12))
        #expect(keepalive.timerFired(callsOpen: true, now: at(30)) == .none)
        #expect(keepalive.nextTimer == at(42))
        #expect(keepalive.timerFired(callsOpen: true, now: at(42)) == .sendPing)
        #expect(keepalive.nextTimer == at(62))
    }

    @Test func anyByteReadIsASignOfLife() {
        var keepalive = Self.machine()
        _ = keepalive.callOpened(now: at(0))
        #expect(keepalive.timerFired(callsOpen: true, now: at(30)) == .sendPing)
        keepalive.bytesRead(now: at(31))
        #expect(keepalive.timerFired(callsOpen: true, now: at(50)) == .none)
        #expect(keepalive.nextTimer == at(61))
        #expect(keepalive.timerFired(callsOpen: true, now: at(61)) == .sendPing)
    }

    @Test func aPeerWithoutASignOfLifeIsDead() {
        var keepalive = Self.machine()
        _ = keepalive.callOpened(now: at(0))
        _ = keepalive.timerFired(callsOpen: true, now: at(30))
        #expect(keepalive.timerFired(callsOpen: true, now: at(49)) == .none)
        #expect(keepalive.timerFired(callsOpen: true, now: at(50)) == .peerIsDead)
        #expect(keepalive.nextTimer == nil)
        #expect(keepalive.timerFired(callsOpen: true, now: at(900)) == .none)
    }

    /// A dead peer is found in the timeout, not in interval and timeout.
    @Test func aCallAfterALongerSilenceAsksFirst() {
        var keepalive = Self.machine()
        #expect(keepalive.callOpened(now: at(100)) == .sendPing)
        #expect(keepalive.nextTimer == at(120))
        #expect(keepalive.callOpened(now: at(101)) == .none)
        #expect(keepalive.timerFired(callsOpen: true, now: at(120)) == .peerIsDead)
    }

    @Test func restsAgainWhenNoCallIsOpen() {
        var keepalive = Self.machine()
        _ = keepalive.callOpened(now: at(0))
        #expect(keepalive.timerFired(callsOpen: false, now: at(30)) == .none)
        #expect(keepalive.isResting && keepalive.nextTimer == nil)
        #expect(keepalive.callOpened(now: at(31)) == .sendPing)
    }

    @Test func asksWithoutCallsWhereThatIsWanted() {
        var keepalive = Self.machine(withoutCalls: true)
        #expect(!keepalive.isResting)
        #expect(keepalive.timerFired(callsOpen: false, now: at(30)) == .sendPing)
        keepalive.bytesRead(now: at(30.1))
        _ = keepalive.timerFired(callsOpen: false, now: at(50))
        #expect(keepalive.timerFired(callsOpen: false, now: at(60.1)) == .sendPing)
        #expect(keepalive.timerFired(callsOpen: false, now: at(80.1)) == .peerIsDead)
    }

    @Test func isOffWithoutAnInterval() {
        let terms = Keepalive.Terms(interval: nil, timeout: 1, pingsWithoutCalls: true)
        var keepalive = Keepalive(terms, random: 0, now: at(0))
        #expect(!keepalive.isResting && keepalive.nextTimer == nil)
        #expect(keepalive.callOpened(now: at(9000)) == .none)
    }

    /// An interval that chance made shorter than the server allows would be punished.
    @Test(arguments: [(0.0, 30.0), (0.5, 31.5), (1.0, 33.0)])
    func chanceOnlyLengthensTheInterval(random: Double, expected: Double) {
        var keepalive = Self.machine(random: random)
        _ = keepalive.callOpened(now: at(0))
        #expect(keepalive.nextTimer == at(expected))
    }

    @Test func theLongestTimesDoNotOverflow() {
        let terms = Keepalive.Terms(interval: .max, timeout: .max, pingsWithoutCalls: true)
        let keepalive = Keepalive(terms, random: 1, now: at(0))
        #expect(keepalive.nextTimer == WireInstant(nanoseconds: .max))
    }
}

struct PingPolicyTests {
    @Test func pingsFarApartAreAllowed() {
        var policy = PingPolicy(limits: .defaults)
        for round in 0..<1000 {
            let isAllowed = policy.pingReceived(now: at(Double(round) * 10))
            #expect(isAllowed)
        }
    }

    @Test func theThirdEarlyPingIsOneTooMany() {
        var policy = PingPolicy(limits: .defaults)
        #expect(policy.pingReceived(now: at(0)) == true)
        #expect(policy.pingReceived(now: at(9)) == true)
        #expect(policy.pingReceived(now: at(18)) == true)
        #expect(policy.pingReceived(now: at(27)) == false)
    }

    @Test func whatWeSendForACallForgives() {
        var policy = PingPolicy(limits: .defaults)
        for round in 0..<10 {
            for early in 0..<3 { #expect(policy.pingReceived(now: at(Double(round * 3 + early))) == true) }
            policy.callFrameSent()
        }
    }
}

struct ConnectionAgeTests {
    @Test func anIdleConnectionIsLeftAfterItsTime() {
        var idleness = Idleness(timeout: seconds(60), now: at(0))
        #expect(idleness.nextTimer == at(60))
        #expect(idleness.timerFired(callsOpen: true, now: at(60)) == false)
        idleness.callEnded(now: at(70))
        #expect(idleness.nextTimer == at(130))
        #expect(idleness.timerFired(callsOpen: false, now: at(129)) == false)
        #expect(idleness.timerFired(callsOpen: false, now: at(130)) == true)
        #expect(idleness.timerFired(callsOpen: false, now: at(130)) == false)
    }

    @Test func withoutLimitsNothingIsLeft() {
        var idleness = Idleness(timeout: nil, now: at(0))
        var age = ConnectionAge(ageMax: nil, grace: 0, random: 0, now: at(0))
        #expect(idleness.nextTimer == nil && age.nextTimer == nil)
        #expect(idleness.timerFired(callsOpen: false, now: at(1e6)) == false)
        #expect(age.timerFired(now: at(1e6)) == .none)
    }

    @Test(arguments: [(0.0, 1620.0), (0.5, 1800.0), (1.0, 1980.0)])
    func anOldConnectionRetiresWithJitterAndHasItsGrace(random: Double, retires: Double) {
        var age = ConnectionAge(ageMax: seconds(1800), grace: seconds(30), random: random, now: at(0))
        #expect(age.nextTimer == at(retires))
        #expect(age.timerFired(now: at(retires - 1)) == .none)
        #expect(age.timerFired(now: at(retires)) == .retire)
        #expect(age.nextTimer == at(retires + 30))
        #expect(age.timerFired(now: at(retires + 29)) == .none)
        #expect(age.timerFired(now: at(retires + 30)) == .close)
        #expect(age.nextTimer == nil)
    }
}

struct ConnectionDrainTests {
    static func machine() -> ConnectionDrain {
        ConnectionDrain(answerTimeout: seconds(5), closeTimeout: seconds(1))
    }

    @Test func namesTheLastCallOnlyAfterARoundTrip() {
        var drain = Self.machine()
        #expect(drain.began(now: at(0)) == .announce)
        #expect(drain.began(now: at(1)) == .none)
        drain.callsEnded(now: at(1))
        #expect(drain.nextTimer == at(5))
        #expect(drain.pingAnswered(token: 1) == .none)
        #expect(drain.pingAnswered(token: ConnectionDrain.pingToken) == .sendLastID)
        #expect(drain.pingAnswered(token: ConnectionDrain.pingToken) == .none)
        #expect(drain.nextTimer == nil)
        drain.callsEnded(now: at(2))
        #expect(drain.nextTimer == at(3))
        #expect(drain.timerFired(now: at(2.9)) == .none)
        #expect(drain.timerFired(now: at(3)) == .close)
        #expect(drain.timerFired(now: at(9)) == .none)
    }

    @Test func aPeerThatDoesNotAnswerIsNotWaitedForWithoutEnd() {
        var drain = Self.machine()
        _ = drain.began(now: at(0))
        #expect(drain.timerFired(now: at(4)) == .none)
        #expect(drain.timerFired(now: at(5)) == .sendLastID)
        #expect(drain.nextTimer == nil)
    }

    @Test func anAnswerWithoutAQuestionMeansNothing() {
        var drain = Self.machine()
        #expect(drain.pingAnswered(token: ConnectionDrain.pingToken) == .none)
        drain.callsEnded(now: at(0))
        #expect(drain.nextTimer == nil)
    }
}

struct ConnectionLifeTests {
    static func life(_ change: (inout ConnectionLife.Terms) -> Void = { _ in }) -> ConnectionLife {
        var terms = ConnectionLife.Terms(
            keepalive: .init(interval: seconds(30), timeout: seconds(20), pingsWithoutCalls: true),
            idleTimeout: seconds(600))
        terms.ageMax = seconds(900)
        terms.ageGrace = seconds(30)
        terms.drainAnswerTimeout = seconds(5)
        terms.drainCloseTimeout = seconds(1)
        change(&terms)
        return ConnectionLife(terms, random: 0.5, now: at(0))
    }

    /// Every moment at which something happens, when nobody ever says a word.
    @Test func oneTimerServesAll() {
        var life = Self.life { $0.keepalive.interval = seconds(400) }
        var happened: [(Double, ConnectionLife.Action)] = []
        while let next = life.nextTimer, next < at(2000) {
            while true {
                let action = life.timerFired(callsOpen: false, now: next)
                guard action != .none else { break }
                happened.append((Double(next.nanoseconds - at(0).nanoseconds) / 1e9, action))
                if action == .retire { _ = life.drainBegan(now: next) }
            }
        }
        #expect(happened.map(\.0) == [420, 440, 600, 900, 905, 930, 1200, 1800])
        #expect(
            happened.map(\.1) == [
                .sendPing(token: 1), .peerIsDead, .leaveIdle, .retire, .drain(.sendLastID), .graceOver,
                .leaveIdle, .leaveIdle,
            ])
    }

    @Test func pingsHaveTokensOfTheirOwn() {
        var life = Self.life()
        #expect(life.timerFired(callsOpen: true, now: at(31.5)) == .sendPing(token: 1))
        life.bytesRead(now: at(32))
        #expect(life.timerFired(callsOpen: true, now: at(51.5)) == .none)
        #expect(life.timerFired(callsOpen: true, now: at(63.5)) == .sendPing(token: 2))
    }

    /// Whatever happens in whatever order: time goes on, every timer that is due does something or moves, and each end
    /// comes at most once.
    @Test func anyOrderOfEventsEnds() {
        for seed in 0..<200 as Range<UInt64> {
            var random = SplitMix64(seed: seed)
            var life = Self.life()
            var now = at(0)
            var deaths = 0
            var announcements = 0
            for _ in 0..<300 {
                now = now.advanced(by: Int64(random.next() % 40) * 1_000_000_000)
                switch random.next() % 6 {
                case 0: life.bytesRead(now: now)
                case 1: _ = life.callOpened(now: now)
                case 2: life.callEnded(now: now)
                case 3: if life.drainBegan(now: now) == .drain(.announce) { announcements += 1 }
                case 4: _ = life.pingAnswered(token: random.next() % 2 == 0 ? .max : 1)
                default: life.callsEnded(now: now)
                }
                var turns = 0
                while case let action = life.timerFired(callsOpen: random.next() % 2 == 0, now: now),
                    action != .none
                {
                    turns += 1
                    if action == .peerIsDead { deaths += 1 }
                }
                #expect(turns < 8, "seed \(seed)")
            }
            #expect(deaths <= 1 && announcements <= 1, "seed \(seed)")
        }
    }
}
