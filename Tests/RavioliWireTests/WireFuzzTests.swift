// SPDX-License-Identifier: Apache-2.0

import BlockingTests
import Foundation
import NIOCore
import RavioliWire
import Testing

/// Random and mutated bytes through the decoder and both connection machines: never a trap, never memory above the
/// limits, accounting back at zero. `RAVIOLI_FUZZ_ITERATIONS` sets how many cases; `RAVIOLI_FUZZ_SEED` replays one.
@Suite(.blocking) struct WireFuzzTests {
    static let environment = ProcessInfo.processInfo.environment
    static let iterations = environment["RAVIOLI_FUZZ_ITERATIONS"].flatMap(Int.init) ?? 3000
    static let seeds: Range<UInt64> = {
        if let seed = environment["RAVIOLI_FUZZ_SEED"].flatMap(UInt64.init) { return seed..<(seed + 1) }
        return 1..<UInt64(iterations + 1)
    }()

    static let limits: WireLimits = {
        var limits = WireLimits.defaults
        limits.frameBytesMax = 16_384
        limits.messageBytesMax = 40_000
        limits.assemblyBytesMax = 100_000
        limits.callsRunningMax = 4
        limits.callsQueuedMax = 4
        return limits
    }()

    @Test(.timeLimit(.minutes(5)))
    func theServerSurvivesAnyBytes() {
        for seed in Self.seeds { Self.runServer(seed) }
    }

    @Test(.timeLimit(.minutes(5)))
    func theClientSurvivesAnyBytes() {
        for seed in Self.seeds { Self.runClient(seed) }
    }

    private static func runServer(_ seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var decoder = FrameDecoder(limits: limits)
        var machine = ServerConnectionMachine(limits: limits)
        var running: Set<CallSlot> = []
        var now: Int64 = 0
        var bytes = Samples.hello(limits)
        bytes.writeImmutableBuffer(script(&random))
        mutate(&bytes, &random)
        do throws(WireError) {
            while bytes.readableBytes > 0 {
                let step = min(bytes.readableBytes, Int(random.next() % 4000) + 1)
                guard let part = bytes.readSlice(length: step) else { break }
                decoder.append(part)
                while let frame = try decoder.next() {
                    now += Int64(random.next() % 1_000_000)
                    note(try machine.frameReceived(frame, now: WireInstant(nanoseconds: now)), &running)
                    finishSome(&machine, &running, &random)
                }
                #expect(decoder.bytesHeld <= limits.frameBytesMax + FrameHeader.bytes, "seed \(seed)")
                #expect(machine.bytesHeld <= limits.assemblyBytesMax, "seed \(seed)")
                #expect(machine.callsRunning <= limits.callsRunningMax, "seed \(seed)")
            }
        } catch {
            // A violation: the connection closes.
        }
        _ = machine.connectionClosed()
        for slot in running { _ = machine.handlerReturned(slot) }
        #expect(machine.callsOpen == 0 && machine.callsRunning == 0 && machine.bytesHeld == 0, "seed \(seed)")
    }

    private static func note(_ action: ServerConnectionMachine.Action, _ running: inout Set<CallSlot>) {
        switch action {
        case .beginCall(let slot, _, .some), .startCall(let slot, _): running.insert(slot)
        default: break
        }
    }

    private static func finishSome(
        _ machine: inout ServerConnectionMachine, _ running: inout Set<CallSlot>, _ random: inout SplitMix64
    ) {
        if random.next() % 3 == 0, let slot = running.randomElement(using: &random) {
            running.remove(slot)
            _ = machine.handlerReturned(slot)
        }
        if random.next() % 5 == 0, let slot = running.randomElement(using: &random) {
            _ = machine.deadlinePassed(slot)
        }
        while let (slot, _) = machine.nextWaiting() { running.insert(slot) }
    }

    private static func runClient(_ seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var decoder = FrameDecoder(limits: limits)
        var machine = ClientConnectionMachine(limits: limits)
        var bytes = Samples.hello(limits)
        bytes.writeImmutableBuffer(script(&random))
        mutate(&bytes, &random)
        do throws(WireError) {
            while bytes.readableBytes > 0 {
                guard
                    let part = bytes.readSlice(
                        length: min(bytes.readableBytes, Int(random.next() % 4000) + 1))
                else { break }
                decoder.append(part)
                while let frame = try decoder.next() {
                    _ = try machine.frameReceived(
                        frame, now: WireInstant(nanoseconds: Int64(random.next() % 1000)))
                    if let opening = machine.callOpened(), random.next() % 2 == 0 {
                        machine.requestSent(opening.slot)
                        if random.next() % 3 == 0 {
                            _ = machine.callerCancelled(opening.slot, now: WireInstant(nanoseconds: 0))
                        }
                    }
                }
                #expect(machine.callsOpen <= limits.callsRunningMax, "seed \(seed)")
            }
        } catch {
            // A violation: the connection closes.
        }
        _ = machine.connectionClosed()
    }

    /// Frames that are mostly legal, so that the fuzz reaches the states behind the hello.
    private static func script(_ random: inout SplitMix64) -> ByteBuffer {
        var bytes = ByteBuffer()
        var id: UInt32 = 0
        for _ in 0..<(random.next() % 30) {
            switch random.next() % 10 {
            case 0...3:
                id += 1
                let size = Int(random.next() % 3000)
                bytes.writeImmutableBuffer(Samples.call(id, message: [UInt8](repeating: 3, count: size)))
            case 4:
                id += 1
                let total = UInt32(random.next() % 50_000)
                write(&bytes, chunkedCall(id, total, Int(random.next() % 200)))
            case 5: write(&bytes, frame(.data, any(id, &random), Int(random.next() % 12_000)))
            case 6: write(&bytes, frame(.end, any(id, &random), Int(random.next() % 20)))
            case 7: write(&bytes, frame(.cancel, any(id, &random), 1))
            case 8: write(&bytes, frame(.ping, 0, 8))
            default:
                write(
                    &bytes,
                    frame(FrameKind(rawValue: UInt8(random.next() & 0xFF)), 0, Int(random.next() % 40)))
            }
        }
        return bytes
    }

    private static func any(_ id: UInt32, _ random: inout SplitMix64) -> UInt32 {
        id == 0 ? 0 : UInt32(random.next() % UInt64(id)) + 1
    }

    private static func chunkedCall(_ id: UInt32, _ total: UInt32, _ first: Int) -> Frame {
        var payload = ByteBuffer()
        CallFrame(remaining: RemainingTime(nanoseconds: 1_000_000), method: 0).write(into: &payload)
        payload.writeInteger(total)
        payload.writeRepeatingByte(5, count: first)
        return Frame(
            header: FrameHeader(
                payloadBytes: UInt32(payload.readableBytes), streamID: id, kind: .call,
                flags: [.last, .message, .chunked]), payload: payload)
    }

    private static func frame(_ kind: FrameKind, _ id: UInt32, _ count: Int) -> Frame {
        Frame(
            header: FrameHeader(payloadBytes: UInt32(count), streamID: id, kind: kind),
            payload: ByteBuffer(repeating: 1, count: count))
    }

    private static func write(_ bytes: inout ByteBuffer, _ frame: Frame) {
        frame.header.write(into: &bytes)
        bytes.writeImmutableBuffer(frame.payload)
    }

    private static func mutate(_ bytes: inout ByteBuffer, _ random: inout SplitMix64) {
        guard random.next() % 4 != 0, bytes.readableBytes > 0 else { return }
        for _ in 0..<(random.next() % 6 + 1) {
            let at = Int(random.next() % UInt64(bytes.readableBytes))
            bytes.setInteger(UInt8(random.next() & 0xFF), at: at)
        }
    }
}
