// SPDX-License-Identifier: Apache-2.0
//
// Every C struct that a message passes through lies in an arena: memory is taken by moving a cursor and given back
// all at once. One arena per thread is kept for encoding and decoding and *reset*, not freed, so that neither costs
// an allocation in the steady state. Its budget is a backstop behind the guard: protobuf-c is told NULL when it is
// used up, which it survives (measured over 25,478 forced failures).

import CProtobufC
import Glibc

/// Memory for C structs with a budget, handed out by moving a cursor.
///
/// A value of this type is only a pointer to it, so that passing it on costs no counting of references. Whoever made
/// an arena destroys it; a thread's own is lent, see ``takeForThread(budget:)``.
@usableFromInline
package struct Arena: BitwiseCopyable {
    /// The arena itself, at a fixed address for C's sake.
    @usableFromInline
    struct State {
        @usableFromInline var cursor: UnsafeMutableRawPointer
        @usableFromInline var end: UnsafeMutableRawPointer
        /// How many bytes may still be taken from the operating system for this message.
        var budget: Int
        /// Blocks beyond the first, newest first; each starts with a pointer to the next.
        var blocks: UnsafeMutableRawPointer?
        var nextBlockSize: Int
        /// Size of all blocks beyond the first, in bytes.
        var taken = 0
        var isExhausted = false
        /// The block that the cursor starts in.
        var firstBlock: UnsafeMutableRawPointer
        var firstBlockCapacity: Int
        var idleMessages = 0
        let allocator: UnsafeMutablePointer<ProtobufCAllocator>
        /// Whether this is the arena that a thread keeps, and whether somebody uses it just now.
        var isThreads = false
        var isLent = false
    }

    /// The block that every arena keeps between messages, in bytes.
    private static let firstBlockSize = 32 << 10
    /// A thread that handles large messages keeps one block of up to this size for them, in bytes: memory fresh from
    /// the operating system costs a page fault for every 4 KiB, far more than copying into it.
    private static let keptBlockSizeMax = 4 << 20
    /// After so many messages in a row that needed no large block, the kept one is freed.
    private static let idleMessagesMax = 64
    /// Further blocks double from the first one's size up to this, in bytes.
    private static let blockSizeMax = 1 << 20
    private static let blockHeaderSize = 16
    /// The most that any budget can be, in bytes: sums with it do not overflow.
    private static let budgetMax = Int.max / 4

    @usableFromInline let state: UnsafeMutablePointer<State>
    /// Takes from this arena; for protobuf-c.
    var allocator: UnsafeMutablePointer<ProtobufCAllocator> { state.pointee.allocator }

    /// Makes an arena.
    ///
    /// - Parameter budget: how many bytes may be taken, all blocks together.
    package static func make(budget: Int) -> Arena {
        let firstBlock = UnsafeMutableRawPointer.allocate(byteCount: firstBlockSize, alignment: 16)
        let allocator = UnsafeMutablePointer<ProtobufCAllocator>.allocate(capacity: 1)
        let state = UnsafeMutablePointer<State>.allocate(capacity: 1)
        allocator.initialize(
            to: ProtobufCAllocator(alloc: allocateForC, free: freeForC, allocator_data: state))
        state.initialize(
            to: State(
                cursor: firstBlock, end: firstBlock + firstBlockSize, budget: min(budget, budgetMax),
                nextBlockSize: firstBlockSize, firstBlock: firstBlock, firstBlockCapacity: firstBlockSize,
                allocator: allocator))
        return Arena(state: state)
    }

    /// Gives everything back to the operating system. The arena, and whatever lies in it, is invalid from here on.
    package func destroy() {
        freeBlocks()
        state.pointee.firstBlock.deallocate()
        allocator.deallocate()
        state.deallocate()
    }

    /// Whether memory was refused since the last reset.
    var isExhausted: Bool { state.pointee.isExhausted }

    /// Forgets everything that was taken. Pointers into the arena are invalid from here on.
    func reset(budget: Int) {
        if state.pointee.blocks != nil { freeBlocks() }
        state.pointee.cursor = state.pointee.firstBlock
        state.pointee.end = state.pointee.firstBlock + state.pointee.firstBlockCapacity
        state.pointee.budget = min(budget, Self.budgetMax)
        state.pointee.isExhausted = false
    }

    /// Called between messages: makes the first block as large as the last message needed, or small again after
    /// many that needed little.
    private func keepBlockIfNeeded() {
        let grown = state.pointee.blocks != nil
        if !grown, state.pointee.firstBlockCapacity == Self.firstBlockSize { return }
        if grown {
            let taken = state.pointee.taken + state.pointee.firstBlockCapacity
            freeBlocks()
            state.pointee.idleMessages = 0
            if taken <= Self.keptBlockSizeMax { replaceFirstBlock(taken) }
        } else if state.pointee.cursor - state.pointee.firstBlock <= Self.firstBlockSize {
            state.pointee.idleMessages += 1
            if state.pointee.idleMessages > Self.idleMessagesMax { replaceFirstBlock(Self.firstBlockSize) }
        } else {
            state.pointee.idleMessages = 0
        }
    }

    private func replaceFirstBlock(_ capacity: Int) {
        state.pointee.firstBlock.deallocate()
        state.pointee.firstBlock = .allocate(byteCount: capacity, alignment: 16)
        state.pointee.firstBlockCapacity = capacity
        state.pointee.cursor = state.pointee.firstBlock
    }

    private func freeBlocks() {
        while let block = state.pointee.blocks {
            state.pointee.blocks = block.load(as: UnsafeMutableRawPointer?.self)
            block.deallocate()
        }
        state.pointee.nextBlockSize = Self.firstBlockSize
        state.pointee.taken = 0
    }

    /// Takes `size` bytes, aligned to 8; `nil` when the budget is used up.
    @inlinable @inline(__always)
    static func allocate(_ size: Int, from state: UnsafeMutablePointer<State>) -> UnsafeMutableRawPointer? {
        let start = state.pointee.cursor
        // Unsigned, so that a negative size is too large. What is left is a multiple of 8, so the rounded size
        // fits too.
        guard UInt(bitPattern: size) <= UInt(bitPattern: state.pointee.end - start) else {
            return allocateInNewBlock(size, for: state)
        }
        state.pointee.cursor = start + ((size &+ 7) & ~7)
        return start
    }

    @usableFromInline @inline(never)
    static func allocateInNewBlock(
        _ size: Int, for state: UnsafeMutablePointer<State>
    ) -> UnsafeMutableRawPointer? {
        guard size >= 0, size <= state.pointee.budget else {
            state.pointee.isExhausted = true
            return nil
        }
        let needed = ((size + 7) & ~7) + blockHeaderSize
        // What is large gets a block of its own, so that the rest of the current one is not lost.
        let isLarge = needed > state.pointee.nextBlockSize / 4
        let blockSize =
            isLarge ? needed : min(state.pointee.nextBlockSize, (state.pointee.budget & ~7) + needed)
        state.pointee.budget -= isLarge ? size : min(blockSize, state.pointee.budget)
        state.pointee.taken += blockSize
        let block = UnsafeMutableRawPointer.allocate(byteCount: blockSize, alignment: 16)
        block.storeBytes(of: state.pointee.blocks, as: UnsafeMutableRawPointer?.self)
        state.pointee.blocks = block
        if !isLarge {
            state.pointee.nextBlockSize = min(state.pointee.nextBlockSize * 2, blockSizeMax)
            state.pointee.cursor = block + needed
            state.pointee.end = block + blockSize
        }
        return block + blockHeaderSize
    }
}

/// `ProtobufCAllocator.alloc`. A plain function, so that no executor is checked at each call.
@inline(__always)
private nonisolated func allocateForC(
    _ data: UnsafeMutableRawPointer?, _ size: Int
) -> UnsafeMutableRawPointer? {
    guard let data else { return nil }
    return Arena.allocate(size, from: data.assumingMemoryBound(to: Arena.State.self))
}

/// `ProtobufCAllocator.free`: nothing, since the arena is dropped whole.
private nonisolated func freeForC(_: UnsafeMutableRawPointer?, _: UnsafeMutableRawPointer?) {}

// MARK: - One arena per thread

extension Arena {
    /// This thread's arena, reset, until it is given back. Whoever asks meanwhile gets an arena of its own.
    static func takeForThread(budget: Int) -> Arena {
        guard let kept = pthread_getspecific(threadKey) else {
            let arena = make(budget: budget)
            arena.state.pointee.isLent = true
            arena.state.pointee.isThreads = true
            pthread_setspecific(threadKey, arena.state)
            return arena
        }
        let arena = Arena(kept)
        guard !arena.state.pointee.isLent else { return make(budget: budget) }
        arena.state.pointee.isLent = true
        arena.reset(budget: budget)
        return arena
    }

    /// Ends what ``takeForThread(budget:)`` began, on the same thread.
    func giveBack() {
        guard state.pointee.isThreads else { return destroy() }
        keepBlockIfNeeded()
        state.pointee.isLent = false
    }

    /// Runs `body` with this thread's arena.
    static func withThreadArena<Result>(
        budget: Int, _ body: (Arena) throws(SchemaError) -> Result
    ) throws(SchemaError) -> Result {
        let arena = takeForThread(budget: budget)
        defer { arena.giveBack() }
        return try body(arena)
    }

    private init(_ kept: UnsafeMutableRawPointer) {
        self.init(state: kept.assumingMemoryBound(to: State.self))
    }

    private static let threadKey: pthread_key_t = {
        var key = pthread_key_t()
        let error = pthread_key_create(&key) { kept in
            if let kept { Arena(kept).destroy() }
        }
        precondition(error == 0, "no thread-specific key is left")
        return key
    }()
}
