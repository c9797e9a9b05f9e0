// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOEmbedded
import RavioliWire
import Testing

@testable import Ravioli

/// The life of connections in virtual time: client and server as they are, over memory, with the defaults that users get.
@MainActor
@Suite(.timeLimit(.minutes(1)))
struct VirtualLifeTests {
    private func error(_ result: CallResult) -> RPCError? {
        if case .failure(let error) = result { error } else { nil }
    }

    private func expectSuccess(_ result: CallResult, sourceLocation: SourceLocation = #_sourceLocation) {
        #expect(error(result) == nil, sourceLocation: sourceLocation)
    }

    // MARK: Reconnecting

    /// gRPC's interop case: no server for 540 s is 14 attempts, and each pause is 1.6 times the one before, up to 120 s.
    @Test func backoffIntervals() async throws {
        let time = try VirtualTime()
        time.network.isReachable = false
        let ended = await time.call(timeout: 540, waitForReady: true) { time.pass(seconds: 541) }
        #expect(error(ended)?.code == .deadlineExceeded && error(ended)?.executed == .no)
        let attempts = time.network.attempts
        #expect(attempts.count == 14)
        let pauses = zip(attempts.dropFirst(), attempts).map { $0 - $1 }
        for (index, pause) in pauses.enumerated() {
            var expected = 1.0
            for _ in 0..<index { expected = min(expected * 1.6, 120) }
            #expect(abs(pause - expected) < 0.002, "pause \(index): \(pause) instead of \(expected)")
        }
        time.close()
    }

    @Test(arguments: [(0.0, 0.8), (1.0, 1.2)])
    func jitterMovesEachPauseByAFifth(random: Double, expected: Double) async throws {
        let time = try VirtualTime()
        time.network.isReachable = false
        time.client.random = { random }
        _ = await time.call(timeout: 1.3, waitForReady: true) { time.pass(seconds: 2) }
        let attempts = time.network.attempts
        #expect(attempts.count == 2)
        #expect(abs((attempts.last ?? 0) - expected) < 0.002)
        time.close()
    }

    @Test func aCallWaitsForReadyAndOthersFailAtOnce() async throws {
        let time = try VirtualTime()
        time.network.isReachable = false
        let refused = await time.call()
        #expect(error(refused)?.code == .unavailable && error(refused)?.executed == .no)
        let second = await time.call()
        #expect(error(second)?.code == .unavailable)
        #expect(time.network.attempts.count == 1)
        let waited = await time.call(waitForReady: true) {
            time.network.isReachable = true
            time.pass(seconds: 1.1)
        }
        expectSuccess(waited)
        time.close()
    }

    /// Pauses grow while servers greet and leave, or only greet: a hello alone serves nobody.
    @Test func onlyAServedCallResetsTheBackoff() async throws {
        let time = try VirtualTime()
        time.network.swallows = true
        for round in 0..<4 {
            _ = await time.call(timeout: 100, waitForReady: false) {
                time.network.blackHoles.last?.send(GoawayFrame(lastStreamID: 0, code: .none))
                time.loop.run()
            }
            #expect(time.network.attempts.count == round + 1)
            let pause = [1.0, 1.6, 2.56, 4.1][round]
            time.pass(seconds: pause - 0.1)
            let during = await time.call()
            #expect(error(during)?.code == .unavailable)
            #expect(time.network.attempts.count == round + 1)
            time.pass(seconds: 0.2)
        }
        time.network.swallows = false
        expectSuccess(await time.call())
        time.network.servers.last?.abort()
        time.loop.run()
        expectSuccess(await time.call())
        #expect(time.network.attempts.count == 6)
        time.close()
    }

    // MARK: Keepalive

    /// Interop case `ping`: none of the pings is answered.
    @Test func aServerThatFellSilentIsFoundInIntervalAndTimeout() async throws {
        let time = try VirtualTime()
        time.network.swallows = true
        var endedAt = 0.0
        let ended = await time.call(timeout: 1000) {
            while time.network.blackHoles.last?.isClosed != true, time.now < 100 { time.pass(seconds: 0.1) }
            endedAt = time.now
        }
        #expect(error(ended)?.code == .unavailable && error(ended)?.executed == .maybe)
        #expect(error(ended)?.message.contains("sign of life") == true)
        #expect(time.network.blackHoles.last?.pings == 1)
        // 30 s and up to a tenth of silence, 20 s for the answer, and the coarse timers' second twice.
        #expect(endedAt >= 50 && endedAt < 56)
        time.close()
    }

    @Test func aCallAfterALongerSilencePingsFirst() async throws {
        let time = try VirtualTime()
        time.network.swallows = true
        let served = await time.call {
            time.network.blackHoles[0].end(1, EndFrame(code: 0, executed: .yes), message: [])
            time.loop.run()
        }
        expectSuccess(served)
        time.pass(seconds: 300)
        let hole = time.network.blackHoles[0]
        #expect(hole.pings == 0 && !hole.isClosed)
        let lost = await time.call(timeout: 100) {
            #expect(hole.pings == 1)
            time.pass(seconds: 22.1)
            #expect(hole.isClosed)
        }
        #expect(error(lost)?.executed == .maybe)
        time.close()
    }

    /// The server stands one control frame: a second ping would end the connection.
    @Test(arguments: [false, true])
    func isPingedWithoutCallsOnlyWhereThatIsWanted(isWanted: Bool) async throws {
        var server = ServerOptions.defaults
        server.limits.controlFrames = .init(burst: 1, perSecond: 0)
        var client = ClientOptions.defaults
        client.keepalive.pingsWithoutCalls = isWanted
        let time = try VirtualTime(server: server, client: client)
        expectSuccess(await time.call())
        time.pass(seconds: 1000)
        #expect(time.network.servers[0].isClosed == isWanted)
        time.close()
    }

    @Test func tooManyPingsDoubleTheInterval() async throws {
        let time = try VirtualTime()
        time.network.swallows = true
        for expected in [30.0, 60, 120] {
            var pinged: Double?
            let opened = time.now
            _ = await time.call(timeout: 1000) {
                guard let hole = time.network.blackHoles.last else { return }
                while pinged == nil, time.now < opened + 200 {
                    time.pass(seconds: 0.1)
                    if hole.pings > 0 { pinged = time.now - opened }
                }
                hole.send(GoawayFrame(lastStreamID: 0, code: .tooManyPings))
                time.loop.run()
            }
            let found = try #require(pinged)
            #expect(found >= expected && found < expected * 1.1 + 1.2)
            time.pass(seconds: 10)
        }
        time.close()
    }

    // MARK: Idleness and age

    @Test func anIdleClientLeavesAndConnectsAgain() async throws {
        let time = try VirtualTime(server: ageless)
        expectSuccess(await time.call())
        let first = time.network.servers[0]
        time.pass(seconds: 1000)
        expectSuccess(await time.call())
        time.pass(seconds: 1790)
        #expect(!first.isClosed)
        time.pass(seconds: 12)
        #expect(first.isClosed)
        expectSuccess(await time.call())
        #expect(time.network.attempts.count == 2)
        time.close()
    }

    private var ageless: ServerOptions {
        var options = ServerOptions.defaults
        options.connectionAgeMax = nil
        return options
    }

    @Test func aServerLeavesAnIdleConnection() async throws {
        var options = ageless
        options.idleTimeout = .seconds(60)
        let time = try VirtualTime(server: options)
        for _ in 0..<5 {
            expectSuccess(await time.call())
            time.pass(seconds: 50)
        }
        #expect(time.network.attempts.count == 1)
        time.pass(seconds: 12)
        #expect(time.network.servers[0].isClosed)
        time.close()
    }

    @Test func anOldConnectionIsReplacedWithoutLosingACall() async throws {
        let time = try VirtualTime()
        for _ in 0..<2000 {
            expectSuccess(await time.call())
            time.pass(seconds: 4)
        }
        // 30 min with a tenth either way, in 8,000 s.
        #expect((5...6).contains(time.network.attempts.count))
        let ages = zip(time.network.attempts.dropFirst(), time.network.attempts).map { $0 - $1 }
        for age in ages { #expect(age >= 1620 && age < 1986) }
        #expect(Set(ages).count > 1)
        time.close()
    }

    /// gRPC's interop case: six hours of calls, spaced from moments to beyond the client's idleness, on one channel.
    @Test func long_lived_channel() async throws {
        let time = try VirtualTime()
        var calls = 0
        while time.now < 21_600 {
            for pause in [0.1, 10, 60, 600, 1900] {
                expectSuccess(await time.call())
                calls += 1
                time.pass(seconds: pause)
            }
        }
        #expect(calls == 45)
        // The longest pause ends a connection for idleness, and age ends none of those in between sooner.
        #expect(time.network.attempts.count == calls / 5)
        time.close()
    }

    @Test func aCallThatOutlivesTheGraceIsEnded() async throws {
        let service = TestServer()
        let time = try VirtualTime(service)
        var retired: Double?
        let ended = await time.call(Trial.hang.name, timeout: 5000) {
            while retired == nil, time.now < 3000 {
                time.pass(seconds: 1)
                if time.network.servers[0].isStopping { retired = time.now }
            }
            // Another call finds another connection; this one goes on for its grace.
            time.pass(seconds: 28)
            #expect(!service.cancelled.isOpen)
            time.pass(seconds: 4)
        }
        #expect(error(ended)?.code == .unavailable && error(ended)?.executed == .maybe)
        #expect(service.cancelled.isOpen)
        let age = try #require(retired)
        #expect(age >= 1620 && age < 1983)
        time.close()
    }

    // MARK: Drain

    /// A call that is on its way while the server says that it leaves is answered, not refused.
    @Test func aCallThatCrossesTheAnnouncementIsServed() async throws {
        let time = try VirtualTime()
        expectSuccess(await time.call())
        time.network.servers[0].drain(reason: "test")
        // Neither end has flushed: the goaway and the call cross.
        expectSuccess(await time.call())
        #expect(time.network.attempts.count == 1)
        time.loop.run()
        #expect(time.network.servers[0].isClosed)
        expectSuccess(await time.call())
        #expect(time.network.attempts.count == 2)
        time.close()
    }

    @Test func aConnectionDrainedBeforeItsHelloServesWhatWaits() async throws {
        let time = try VirtualTime()
        time.network.drainsNext = true
        expectSuccess(await time.call())
        #expect(time.network.attempts.count == 1)
        time.loop.run()
        #expect(time.network.servers[0].isClosed)
        time.close()
    }

    @Test func aSilentPeerIsNotAwaitedForLongByADrain() async throws {
        let time = try VirtualTime()
        let core = try ServerCore([TestServer()], options: .defaults, logger: .silent)
        let connection = ServerConnection(core, context: time.context)
        InProcessEnd.connect(SilentEnd(time.context), connection)
        time.pass(seconds: 0.5)
        connection.drain(reason: "test")
        time.pass(seconds: 0.9)
        #expect(!connection.isClosed)
        time.pass(seconds: 0.2)
        #expect(connection.isClosed)
        time.close()
    }

    /// What the server named as not accepted goes out again by itself, on another connection, once.
    @Test func aCallAboveTheLastIdRunsElsewhere() async throws {
        let time = try VirtualTime()
        expectSuccess(await time.call())
        time.network.servers[0].sendLastID()
        expectSuccess(await time.call())
        #expect(time.network.attempts.count == 2)
        time.close()
    }

    @Test func aRefusedCallRunsOnceMoreAndThenFails() async throws {
        let time = try VirtualTime()
        time.network.swallows = true
        let ended = await time.call {
            for streamID in 1...2 as ClosedRange<UInt32> {
                let refusal = EndFrame(code: StatusCode.unavailable.rawValue, executed: .no)
                time.network.blackHoles[0].end(streamID, refusal, message: nil)
                time.loop.run()
            }
        }
        #expect(error(ended)?.code == .unavailable && error(ended)?.executed == .no)
        #expect(time.network.blackHoles[0].calls == 2 && time.network.attempts.count == 1)
        time.close()
    }
}
