// SPDX-License-Identifier: Apache-2.0
//
// Every C struct that a message passes through lies in an arena: memory is taken by moving a cursor and given back
// all at once. One arena per thread is kept for encoding and decoding and *reset*, not freed, so that neither costs
// an allocation in the steady state. Its budget is a backstop behind the guard: protobuf-c is told NULL when it is
// used up, which it survives (measured over 25,478 forced failures).

import CProtobufC
import Glibc

/// Memory for C structs with a budget, handed out by moving a cursor.
@usableFromInline
package final class Arena {
    /// What the C callback and inlined writers need; at a fixed address.
    @usableFromInline
    struct State {
        @usableFromInline var cursor: UnsafeMutableRawPointer
        @usableFromInline var end: UnsafeMutableRawPointer
        /// How many bytes may still be taken from the operating system for this message.
        var budget: Int
        /// Blocks beyond the first, newest first; each starts with a pointer to the next.
        var blocks: UnsafeMutableRawPointer?
        var nextBlockSize: Int
        var isExhausted = false
    }

    /// The block that is kept between messages, in bytes.
    private static let firstBlockSize = 32 << 10
    /// Further blocks double from the first one's size up to this, in bytes.
    private static let blockSizeMax = 1 << 20
    private static let blockHeaderSize = 16
    /// The most that any budget can be, in bytes: sums with it do not overflow.
    private static let budgetMax = Int.max / 4

    @usableFromInline let state: UnsafeMutablePointer<State>
    let allocator: UnsafeMutablePointer<ProtobufCAllocator>
    private let firstBlock: UnsafeMutableRawPointer

    /// - Parameter budget: how many bytes may be taken, all blocks together.
    package init(budget: Int) {
        firstBlock = .allocate(byteCount: Self.firstBlockSize, alignment: 16)
        state = .allocate(capacity: 1)
        state.initialize(
            to: State(
                cursor: firstBlock, end: firstBlock + Self.firstBlockSize,
                budget: min(budget, Self.budgetMax), blocks: nil,
                nextBlockSize: Self.firstBlockSize))
        allocator = .allocate(capacity: 1)
        allocator.initialize(
            to: ProtobufCAllocator(alloc: allocateForC, free: freeForC, allocator_data: UnsafeMutableRawPointer(state)))
    }

    deinit {
        freeBlocks()
        firstBlock.deallocate()
        allocator.deallocate()
        state.deallocate()
    }

    /// Whether memory was refused since the last reset.
    var isExhausted: Bool { state.pointee.isExhausted }

    /// Forgets everything that was taken. Pointers into the arena are invalid from here on.
    func reset(budget: Int) {
        if state.pointee.blocks != nil { freeBlocks() }
        state.pointee.cursor = firstBlock
        state.pointee.end = firstBlock + Self.firstBlockSize
        state.pointee.budget = min(budget, Self.budgetMax)
        state.pointee.isExhausted = false
    }

    private func freeBlocks() {
        while let block = state.pointee.blocks {
            state.pointee.blocks = block.load(as: UnsafeMutableRawPointer?.self)
            block.deallocate()
        }
        state.pointee.nextBlockSize = Self.firstBlockSize
    }

    /// Takes `size` bytes, aligned to 8; `nil` when the budget is used up.
    @inlinable @inline(__always)
    static func allocate(_ size: Int, from state: UnsafeMutablePointer<State>) -> UnsafeMutableRawPointer? {
        let start = state.pointee.cursor
        // Unsigned, so that a negative size is too large. What is left is a multiple of 8, so the rounded size fits too.
        guard UInt(bitPattern: size) <= UInt(bitPattern: state.pointee.end - start) else {
            return allocateInNewBlock(size, for: state)
        }
        state.pointee.cursor = start + ((size &+ 7) & ~7)
        return start
    }

    @usableFromInline @inline(never)
    static func allocateInNewBlock(_ size: Int, for state: UnsafeMutablePointer<State>) -> UnsafeMutableRawPointer? {
        guard size >= 0, size <= state.pointee.budget else {
            state.pointee.isExhausted = true
            return nil
        }
        let needed = ((size + 7) & ~7) + blockHeaderSize
        // What is large gets a block of its own, so that the rest of the current one is not lost.
        let isLarge = needed > state.pointee.nextBlockSize / 4
        let blockSize = isLarge ? needed : min(state.pointee.nextBlockSize, (state.pointee.budget & ~7) + needed)
        state.pointee.budget -= isLarge ? size : min(blockSize, state.pointee.budget)
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
private nonisolated func allocateForC(_ data: UnsafeMutableRawPointer?, _ size: Int) -> UnsafeMutableRawPointer? {
    guard let data else { return nil }
    return Arena.allocate(size, from: data.assumingMemoryBound(to: Arena.State.self))
}

/// `ProtobufCAllocator.free`: nothing, since the arena is dropped whole.
private nonisolated func freeForC(_: UnsafeMutableRawPointer?, _: UnsafeMutableRawPointer?) {}

// MARK: - One arena per thread

extension Arena {
    /// Runs `body` with this thread's arena, reset, and takes it back afterwards. If `body` comes here again, the
    /// inner call gets an arena of its own.
    static func withThreadArena<Result, Failure: Error>(
        budget: Int, _ body: (Arena) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let arena: Arena
        if let kept = pthread_getspecific(threadKey) {
            pthread_setspecific(threadKey, nil)
            arena = Unmanaged<Arena>.fromOpaque(kept).takeRetainedValue()
            arena.reset(budget: budget)
        } else {
            arena = Arena(budget: budget)
        }
        defer { arena.keepForThread() }
        return try body(arena)
    }

    private func keepForThread() {
        if state.pointee.blocks != nil { reset(budget: 0) }
        if pthread_getspecific(Self.threadKey) == nil {
            pthread_setspecific(Self.threadKey, Unmanaged.passRetained(self).toOpaque())
        }
    }

    private static let threadKey: pthread_key_t = {
        var key = pthread_key_t()
        let error = pthread_key_create(&key) { arena in
            if let arena { Unmanaged<Arena>.fromOpaque(arena).release() }
        }
        precondition(error == 0, "no thread-specific key is left")
        return key
    }()
}
