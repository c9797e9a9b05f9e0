// SPDX-License-Identifier: Apache-2.0

@testable import RavioliSchema
import Testing

struct ArenaTests {
    /// Takes memory as the C callback does.
    private func take(_ size: Int, from arena: Arena) -> UnsafeMutableRawPointer? {
        Arena.allocate(size, from: arena.state)
    }

    @Test func handsOutDisjointMemoryAlignedToEight() throws {
        let arena = Arena.make(budget: 1 << 20)
        defer { arena.destroy() }
        var last: UnsafeMutableRawPointer?
        for size in 1...200 {
            let memory = try #require(take(size, from: arena))
            #expect(Int(bitPattern: memory) % 8 == 0)
            if let last { #expect(memory >= last + (size - 1) || memory < last) }
            memory.initializeMemory(as: UInt8.self, repeating: 0xaa, count: size)
            last = memory
        }
    }

    @Test func everyByteItHandsOutIsWritable() throws {
        let arena = Arena.make(budget: 64 << 20)
        defer { arena.destroy() }
        var dice = Dice(seed: 3)
        var pieces: [(UnsafeMutableRawPointer, Int, UInt8)] = []
        for _ in 0..<2_000 {
            let size =
                dice.chance(20)
                ? Int.random(in: 0...300_000, using: &dice) : Int.random(in: 0...500, using: &dice)
            guard let memory = take(size, from: arena) else { break }
            let mark = dice.byte()
            memory.initializeMemory(as: UInt8.self, repeating: mark, count: size)
            pieces.append((memory, size, mark))
        }
        for (memory, size, mark) in pieces {
            #expect(UnsafeRawBufferPointer(start: memory, count: size).allSatisfy { $0 == mark })
        }
    }

    @Test func refusesBeyondItsBudgetAndSaysSo() {
        let arena = Arena.make(budget: 1_000)
        defer { arena.destroy() }
        #expect(take(40_000, from: arena) == nil)
        #expect(arena.isExhausted)
        // The first block is not counted: it is there anyway.
        #expect(take(1_000, from: arena) != nil)
    }

    @Test func aBudgetIsSpentOnlyOnce() {
        let arena = Arena.make(budget: 100_000)
        defer { arena.destroy() }
        var taken = 0
        while take(20_000, from: arena) != nil { taken += 20_000 }
        #expect(taken >= 100_000 && taken <= 140_000)
    }

    @Test func largePiecesDoNotWasteTheBlockAtHand() {
        // 600 KiB pieces: two would not fit into a block of 1 MiB.
        let arena = Arena.make(budget: 64 << 20)
        defer { arena.destroy() }
        var taken = 0
        while take(600 << 10, from: arena) != nil { taken += 600 << 10 }
        #expect(taken > 63 << 20)
    }

    @Test("Sizes that no memory has", arguments: [Int.max, Int.max - 3, Int.max - 8, -1, -8, Int.min])
    func refusesImpossibleSizes(_ size: Int) throws {
        let arena = Arena.make(budget: .max)
        defer { arena.destroy() }
        let before = try #require(take(8, from: arena))
        #expect(take(size, from: arena) == nil)
        #expect(arena.isExhausted)
        #expect(take(8, from: arena) == before + 8)
    }

    @Test func resetGivesTheSameMemoryAgain() throws {
        let arena = Arena.make(budget: 1 << 20)
        defer { arena.destroy() }
        let first = try #require(take(100, from: arena))
        while take(10_000, from: arena) != nil {}
        #expect(arena.isExhausted)
        arena.reset(budget: 1 << 20)
        #expect(!arena.isExhausted)
        #expect(take(100, from: arena) == first)
    }

    @Test func theThreadsArenaIsUsedAgain() throws {
        let places = onSmallStack {
            (0..<3).map { _ in
                try? Arena.withThreadArena(budget: 1 << 20) { Int(bitPattern: $0.state.pointee.cursor) }
            }
        }
        #expect(places?.first != nil && Set(places ?? []).count == 1)
    }

    @Test func anInnerCallGetsAnArenaOfItsOwn() throws {
        let outcome = onSmallStack { () -> [Bool]? in
            try? Arena.withThreadArena(budget: 1 << 20) { outer throws(SchemaError) -> [Bool] in
                let memory = Arena.allocate(64, from: outer.state)
                memory?.initializeMemory(as: UInt8.self, repeating: 7, count: 64)
                let isOther = try Arena.withThreadArena(budget: 1 << 20) { inner in
                    let other = Arena.allocate(64, from: inner.state)
                    other?.initializeMemory(as: UInt8.self, repeating: 9, count: 64)
                    return inner.state != outer.state && other != memory
                }
                return [isOther, UnsafeRawBufferPointer(start: memory, count: 64).allSatisfy { $0 == 7 }]
            }
        }
        #expect(outcome == [true, true])
    }

    @Test func encodingInsideOfEncodingWorks() throws {
        let inner = Leaf(s: "inner")
        let outer = Leaf(s: "outer", leaf: Leaf(a: 5))
        let (first, second) = try outer.withEncodedBytes { bytes in
            let again = try? inner.encoded()
            return (Array(bytes), again)
        }
        #expect(try first == outer.encoded())
        #expect(try second == inner.encoded())
    }

    @Test func manyThreadsEncodeAndDecodeAtOnce() async throws {
        let message = Leaf(s: "text", leaf: Leaf(list: [1, 2, 3]), map: ["a": Leaf(b: 2)])
        await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    (0..<200).allSatisfy { _ in
                        guard let bytes = try? message.encoded() else { return false }
                        return (try? Leaf(decoding: bytes)) == message
                    }
                }
            }
            for await isRight in group { #expect(isRight) }
        }
    }
}
