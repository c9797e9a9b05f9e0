// SPDX-License-Identifier: Apache-2.0

import Ravioli
import RavioliTesting
import Testing

@Suite(.timeLimit(.minutes(1)))
struct PartsTests {
    // MARK: The clock

    @Test func aClockWakesItsSleepersInOrder() async throws {
        let clock = ManualClock()
        await withTaskGroup(of: Int.self) { group in
            for seconds in [3, 1, 2] {
                group.addTask {
                    try? await clock.sleep(for: .seconds(seconds))
                    return seconds
                }
            }
            await clock.sleepers(atLeast: 3)
            for expected in 1...3 {
                clock.advance(by: .seconds(1))
                #expect(await group.next() == expected)
            }
        }
        #expect(clock.now.offset == .seconds(3))
    }

    @Test func aCancelledSleepThrows() async {
        let clock = ManualClock()
        await withTaskGroup(of: Bool.self) { group in
            group.addTask { (try? await clock.sleep(for: .seconds(1))) == nil }
            await clock.sleepers(atLeast: 1)
            group.cancelAll()
            #expect(await group.next() == true)
        }
    }

    // MARK: Random numbers

    @Test func randomNumbersAreThoseOfTheSeed() {
        // SplitMix64's published sequence for seed 1234567.
        let random = SeededRandom(seed: 1_234_567)
        #expect(random.next() == 6_457_827_717_110_365_317)
        #expect(random.next() == 3_203_168_211_198_807_973)
    }

    // MARK: Injected faults

    private func channel(
        _ faults: FaultInjectingChannel.Faults, clock: ManualClock = ManualClock()
    ) throws -> (FaultInjectingChannel, UnaryRequest) {
        let name = try #require(MethodName("test.Echo/Echo"))
        let service = try BareService("test.Echo", methods: [.unaryBytes(name) { request, _ in request }])
        let channel = FaultInjectingChannel(
            InProcessChannel([service]), faults: faults, seed: 5, clock: clock)
        return (channel, UnaryRequest(name, message: [1]))
    }

    @Test func aShareOfCallsIsRefused() async throws {
        var faults = FaultInjectingChannel.Faults()
        faults.abortsPerMillion = 250_000
        faults.abortCode = .resourceExhausted
        let (channel, made) = try channel(faults)
        var request = made
        // One deadline for all of them.
        request.deadline = .after(.seconds(3600))
        var refused = 0
        for _ in 0..<400 {
            do throws(RPCError) {
                _ = try await channel.unary(request)
            } catch {
                #expect(error.code == .resourceExhausted && error.executed == .no)
                refused += 1
            }
        }
        #expect((60...140).contains(refused), "\(refused) of 400")
    }

    @Test func aDelayIsMeasuredOnTheGivenClockAndCapped() async throws {
        var faults = FaultInjectingChannel.Faults()
        faults.delaysPerMillion = 1_000_000
        faults.delay = .seconds(5) ... .seconds(5)
        faults.activeMax = 1
        let clock = ManualClock()
        let (channel, request) = try channel(faults, clock: clock)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { _ = try await channel.unary(request) }
            await clock.sleepers(atLeast: 1)
            #expect(channel.faultsActive == 1)
            // Above the cap nothing is delayed.
            _ = try await channel.unary(request)
            clock.advance(by: .seconds(5))
            try await group.waitForAll()
        }
        #expect(channel.faultsActive == 0)
    }
}
