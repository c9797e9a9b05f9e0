// SPDX-License-Identifier: Apache-2.0

// A message as it arrived. One that came in several frames stays in the blocks it was gathered in: to make one piece of
// it takes milliseconds for each few megabytes, which the loop owes to its other calls, so whoever reads the message
// does that on its own thread.

package import NIOCore

/// A received message.
package enum ReceivedMessage: Sendable, Hashable {
    /// It came in one frame: a view of the read it arrived with, which it keeps in memory.
    case whole(ByteBuffer)
    /// It came in several frames, and has memory of its own.
    case blocks(MessageBlocks)

    /// Its length in bytes.
    package var bytes: Int {
        switch self {
        case .whole(let message): message.readableBytes
        case .blocks(let blocks): blocks.bytes
        }
    }

    /// The message in memory of its own.
    package consuming func joined() -> [UInt8] {
        switch consume self {
        case .whole(let message): Array(message.readableBytesView)
        case .blocks(let blocks): blocks.joined()
        }
    }
}

/// The bytes of a message that came in several frames.
package struct MessageBlocks: Sendable, Hashable {
    /// Length of the message so far.
    package private(set) var bytes = 0
    private var blocks: [ByteBuffer] = []

    /// A block holds at least this much, unless the message ends before, and at most four times as much.
    package static let blockBytes = 64 * 1024

    package init() {}

    /// Adds bytes. Memory grows with what has come, up to a block ahead of it, never with what was announced.
    ///
    /// - Parameter left: how many bytes of the message are to come, these included.
    package mutating func append(_ chunk: ByteBuffer, left: Int) {
        var chunk = chunk
        if let last = blocks.indices.last {
            let room = min(blocks[last].writableBytes, chunk.readableBytes)
            if room > 0, let part = chunk.readSlice(length: room) {
                blocks[last].writeImmutableBuffer(part)
                bytes += room
            }
        }
        guard chunk.readableBytes > 0 else { return }
        let wanted = min(max(Self.blockBytes, bytes), 4 * Self.blockBytes)
        var block = ByteBuffer()
        block.reserveCapacity(max(chunk.readableBytes, min(wanted, left)))
        block.writeImmutableBuffer(chunk)
        bytes += chunk.readableBytes
        blocks.append(block)
    }

    /// The message in one piece. Each block is let go of as soon as it is copied.
    package consuming func joined() -> [UInt8] {
        var blocks = blocks
        let bytes = bytes
        self = MessageBlocks()
        return [UInt8](unsafeUninitializedCapacity: bytes) { target, initialized in
            for index in blocks.indices {
                blocks[index].withUnsafeReadableBytes { block in
                    UnsafeMutableRawBufferPointer(
                        rebasing: UnsafeMutableRawBufferPointer(target)[initialized...]
                    )
                    .copyMemory(from: block)
                    initialized += block.count
                }
                blocks[index] = ByteBuffer()
            }
        }
    }
}
