// SPDX-License-Identifier: Apache-2.0

import NIOCore
import RavioliWire
import Synchronization

/// Messages of a stream in their order: those that fit in a frame packed into one buffer, long ones each by itself.
struct MessageBatch<Long: Sendable>: Sendable {
    /// What the messages that are not long are kept in.
    private(set) var packed = PackedMessages()
    private var long: [(position: Int, message: Long)] = []
    private var longTaken = 0

    @inline(__always)
    var isEmpty: Bool { packed.isEmpty && longTaken == long.count }

    /// Whether a long message is the next one.
    @inline(__always)
    var nextIsLong: Bool { longTaken < long.count && long[longTaken].position == packed.position }

    /// Whether it has no memory of its own yet.
    var isFresh: Bool { packed.endPosition == 0 }

    /// Takes memory to pack messages into; see ``isFresh``.
    mutating func use(_ spare: ByteBuffer) { packed = PackedMessages(using: spare) }

    mutating func append(_ message: UnsafeRawBufferPointer, isCounted: Bool = true) {
        packed.append(message, isCounted: isCounted)
    }

    mutating func append(run frames: UnsafeRawBufferPointer) { packed.append(run: frames) }

    mutating func append(long message: Long) { long.append((packed.endPosition, message)) }

    /// The next message, which is long; whoever changes it holds it alone.
    var nextLong: Long {
        get { long[longTaken].message }
        _modify { yield &long[longTaken].message }
    }

    mutating func dropNextLong() { longTaken += 1 }

    /// Lends the next message, which is packed, to `body` and takes it away; returns what it cost.
    @inline(__always)
    mutating func takeNext(_ body: (UnsafeRawBufferPointer) -> Void) -> Int { packed.takeNext(body) ?? 0 }

    func withNext<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result { packed.withNext(body) }

    mutating func dropNext() { packed.dropNext() }

    /// Writes frames for the packed messages that come next and go out whole; see
    /// ``PackedMessages/write(into:streamID:within:until:hasWaited:)``.
    mutating func writeRun(
        into buffer: inout ByteBuffer, streamID: UInt32, within bounds: MessageRun.Bounds, hasWaited: Bool
    ) -> MessageRun {
        let end = longTaken < long.count ? long[longTaken].position : packed.endPosition
        return packed.write(
            into: &buffer, streamID: streamID, within: bounds, until: end, hasWaited: hasWaited)
    }

    /// Everything has been taken: gives the memory back.
    mutating func clear(_ spares: SpareMemory) {
        spares.give(packed.takeMemory())
        long = []
        longTaken = 0
    }
}

/// Buffers of a loop's streams that are between uses. A busy stream fills and empties one many times a second; one that
/// is idle has none.
final class SpareMemory: Sendable {
    private let buffers = Mutex<[ByteBuffer]>([])

    private static let buffersMax = 4
    private static let bytesMin = 4 * 1024
    private static let bytesMax = 512 * 1024

    /// A buffer for about so many bytes. Never one that is much larger: what waits to be read may hold little more memory
    /// than was paid for in credit.
    func take(for bytes: Int) -> ByteBuffer {
        guard bytes >= Self.bytesMin / 4 else { return ByteBuffer() }
        return buffers.withLock { buffers in
            guard let index = buffers.lastIndex(where: { $0.capacity / 4 <= bytes }) else {
                return ByteBuffer()
            }
            return buffers.remove(at: index)
        }
    }

    /// Keeps a buffer that is not needed any more, if it is worth it.
    func give(_ buffer: ByteBuffer) {
        guard (Self.bytesMin...Self.bytesMax).contains(buffer.capacity) else { return }
        buffers.withLock { buffers in
            if buffers.count < Self.buffersMax { buffers.append(buffer) }
        }
    }
}
