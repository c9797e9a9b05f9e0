// SPDX-License-Identifier: Apache-2.0

import NIOCore
import RavioliWire
import Testing

struct PartsTests {
    @Test func remainingTimeRoundsUpAndSaturates() {
        #expect(RemainingTime(nanoseconds: -5).nanoseconds == 0)
        #expect(RemainingTime(nanoseconds: 0).nanoseconds == 0)
        #expect(RemainingTime(nanoseconds: 1).nanoseconds == 1000)
        #expect(RemainingTime(nanoseconds: 15_000_000_000).rawValue == 15_000_000)
        #expect(RemainingTime(nanoseconds: 3_600_000_000_001).nanoseconds == 3_600_001_000_000)
        #expect(RemainingTime(nanoseconds: .max).rawValue == 0xFFFF_FFFE)
        #expect(RemainingTime.unlimited.nanoseconds == nil)
    }

    @Test func aBucketAllowsItsBurstThenItsRate() {
        var bucket = TokenBucket(.init(burst: 2, perSecond: 10))
        let times: [Int64] = [0, 0, 0, 99_999_999, 100_000_000, 100_000_000, .max, .max, .max]
        let taken = times.map { bucket.take(now: WireInstant(nanoseconds: $0)) }
        #expect(taken == [true, true, false, false, true, false, true, true, false])
    }

    @Test func defaultLimitsHoldTheirRelations() throws {
        try WireLimits.defaults.check()
    }

    @Test func contradictoryLimitsAreNamed() {
        var limits = WireLimits.defaults
        limits.metadataBytesMax = 65_500
        #expect(code { () throws(WireError) in try limits.check() } == .limitsInvalid)
        limits = .defaults
        limits.assemblyBytesMax = 1
        #expect(code { () throws(WireError) in try limits.check() } == .limitsInvalid)
    }

    @Test func theSlotTableFindsWhatItHolds() {
        var random = SplitMix64(seed: 11)
        var table = SlotTable<UInt32>()
        var model: [UInt32: CallSlot] = [:]
        var nextID: UInt32 = 0
        for _ in 0..<20_000 {
            if model.count < 300, random.next() % 5 < 3 {
                nextID += UInt32(random.next() % 4) + 1
                model[nextID] = table.insert(nextID, nextID)
            } else if let id = model.keys.randomElement(using: &random),
                let slot = model.removeValue(forKey: id)
            {
                #expect(table[slot] == id)
                table.remove(slot)
                #expect(table.slot(of: id) == nil)
            }
            #expect(table.count == model.count)
        }
        for (id, slot) in model {
            #expect(table.slot(of: id) == slot)
            #expect(table.id(of: slot) == id)
        }
    }

    @Test func aCallWithoutMetadataCostsThirtyBytes() {
        #expect(FrameHeader.bytes + CallFrame.fixedBytes == 18)
        #expect(FrameHeader.bytes + EndFrame.fixedBytes == 12)
    }

    @Test func anotherMajorVersionIsRefused() {
        var hello = Hello(limits: .defaults)
        hello.major = 2
        var buffer = ByteBuffer()
        hello.write(into: &buffer)
        buffer.moveReaderIndex(forwardBy: FrameHeader.bytes)
        #expect(code { () throws(WireError) in try Hello(payload: buffer) } == .helloRefused)
    }
}

/// A small seeded generator, so that failures replay.
struct SplitMix64: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
