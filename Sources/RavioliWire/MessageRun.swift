// SPDX-License-Identifier: Apache-2.0

// Most frames of a busy stream are alike: a whole message each, counted, on the same stream. Where many of them lie one
// behind the other they are handled as one thing: looked through once, charged once, copied once. A run ends ahead of the
// first frame that is anything else or is over any limit. That one takes the way of all frames, so nothing is decided
// here that is not decided there, and errors come from there alone.

package import NIOCore

/// Counted frames of one stream, each with a whole message, one behind the other.
package struct MessageRun: Sendable, Hashable {
    /// The messages.
    package private(set) var count = 0
    /// The frames, their headers included.
    package private(set) var bytes = 0
    /// What the frames cost of the credit.
    package private(set) var cost = 0

    /// What the frames may be.
    package struct Bounds {
        /// The credit there is.
        package var costMax: Int
        /// The longest payload.
        package var payloadBytesMax: Int
        /// How many bytes are enough: the run ends with the frame that reaches them.
        package var bytesWanted: Int

        package init(costMax: Int, payloadBytesMax: Int, bytesWanted: Int = .max) {
            self.costMax = costMax
            self.payloadBytesMax = payloadBytesMax
            self.bytesWanted = bytesWanted
        }
    }

    /// The run at the beginning of `frames`; it may be empty.
    package init(_ frames: UnsafeRawBufferPointer, streamID: UInt32, within bounds: Bounds) {
        let wanted = min(frames.count, bounds.bytesWanted)
        while bytes < wanted, frames.count - bytes >= FrameHeader.bytes {
            let header = FrameHeader(at: bytes, in: frames)
            let length = Int(header.payloadBytes)
            let frameCost = StreamCost.of(bytes: length, beginsMessage: true)
            guard header.isWholeMessage, header.streamID == streamID, length <= bounds.payloadBytesMax,
                length <= frames.count - bytes - FrameHeader.bytes, frameCost <= bounds.costMax - cost
            else { return }
            count += 1
            bytes += FrameHeader.bytes + length
            cost += frameCost
        }
    }
}

extension MessageRun {
    /// The stream of the run that `frames` may begin with; nil when they begin with something else.
    static func streamID(_ frames: UnsafeRawBufferPointer) -> UInt32? {
        guard frames.count >= FrameHeader.bytes else { return nil }
        let header = FrameHeader(at: 0, in: frames)
        return header.isWholeMessage && header.streamID != 0 ? header.streamID : nil
    }
}

extension FrameHeader {
    /// Reads a header where ten bytes are.
    @inline(__always)
    init(at offset: Int, in bytes: UnsafeRawBufferPointer) {
        payloadBytes = UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
        streamID = UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: offset + 4, as: UInt32.self))
        kind = FrameKind(rawValue: bytes[offset + 8])
        flags = FrameFlags(rawValue: bytes[offset + 9])
    }

    @inline(__always)
    var isWholeMessage: Bool { kind == .data && flags.rawValue == Self.wholeMessageFlags }

    private static var wholeMessageFlags: UInt8 {
        FrameFlags.counted.rawValue | FrameFlags.message.rawValue
    }
}

/// Whole messages on their way between a task and its connection, each behind a frame's header, in one buffer.
///
/// What happens to each message is `@inlinable`: a stream's reader and writer do it millions of times a second.
package struct PackedMessages: Sendable, Hashable {
    @usableFromInline var frames: ByteBuffer

    /// An empty one, which uses the memory of `spare`.
    package init(using spare: ByteBuffer = ByteBuffer()) {
        frames = spare
        frames.clear()
    }

    @inlinable package var isEmpty: Bool { frames.readableBytes == 0 }
    /// Bytes of what is left, headers included.
    package var bytes: Int { frames.readableBytes }
    /// Where the next message begins; it grows with what is taken and is never set back.
    @inlinable package var position: Int { frames.readerIndex }
    /// Where the next message will be added.
    @inlinable package var endPosition: Int { frames.writerIndex }

    /// Adds a message.
    ///
    /// - Parameter isCounted: whether it costs credit.
    @inlinable
    package mutating func append(_ message: UnsafeRawBufferPointer, isCounted: Bool = true) {
        let bytes = PackedMessages.headerBytes + message.count
        // Kind data; flag message, and counted.
        let tail: UInt16 = isCounted ? 0x0382 : 0x0302
        frames.writeWithUnsafeMutableBytes(minimumWritableBytes: bytes) { target in
            target.storeBytes(of: UInt32(truncatingIfNeeded: message.count).bigEndian, as: UInt32.self)
            target.storeBytes(of: 0, toByteOffset: 4, as: UInt32.self)
            target.storeBytes(of: tail.bigEndian, toByteOffset: 8, as: UInt16.self)
            UnsafeMutableRawBufferPointer(rebasing: target[PackedMessages.headerBytes...])
                .copyMemory(from: message)
            return bytes
        }
    }

    /// Adds the frames of a run.
    package mutating func append(run frames: UnsafeRawBufferPointer) { self.frames.writeBytes(frames) }

    /// The next message's length; nil when none is left.
    package var nextBytes: Int? {
        frames.withUnsafeReadableBytes {
            $0.count < FrameHeader.bytes ? nil : Int(FrameHeader(at: 0, in: $0).payloadBytes)
        }
    }

    /// Lends the next message to `body` and takes it away; returns what it cost, or nil when none is left.
    @inlinable
    package mutating func takeNext(_ body: (UnsafeRawBufferPointer) -> Void) -> Int? {
        guard !isEmpty else { return nil }
        let (length, isCounted) = frames.withUnsafeReadableBytes { frames in
            let length = Int(UInt32(bigEndian: frames.loadUnaligned(as: UInt32.self)))
            let end = PackedMessages.headerBytes + length
            body(UnsafeRawBufferPointer(rebasing: frames[PackedMessages.headerBytes..<end]))
            return (length, frames[PackedMessages.headerBytes - 1] & PackedMessages.countedFlag != 0)
        }
        frames.moveReaderIndex(forwardBy: PackedMessages.headerBytes + length)
        return isCounted ? PackedMessages.cost(length) : 0
    }

    @inlinable static var headerBytes: Int { 10 }
    @inlinable static var countedFlag: UInt8 { 0x80 }
    @inlinable static func cost(_ bytes: Int) -> Int { bytes + 16 }

    /// Lends the next message, which there is, to `body`.
    package func withNext<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        frames.withUnsafeReadableBytes { frames in
            let end = FrameHeader.bytes + Int(FrameHeader(at: 0, in: frames).payloadBytes)
            return body(UnsafeRawBufferPointer(rebasing: frames[FrameHeader.bytes..<end]))
        }
    }

    /// Takes the next message away.
    package mutating func dropNext() { _ = takeNext { _ in } }

    /// Writes frames for as many messages as go out whole within the bounds, and takes them away.
    ///
    /// - Parameters:
    ///   - end: the position at which to stop, for something that comes in between.
    ///   - hasWaited: whether the first frame is to say that it waited for credit.
    package mutating func write(
        into buffer: inout ByteBuffer, streamID: UInt32, within bounds: MessageRun.Bounds, until end: Int,
        hasWaited: Bool
    ) -> MessageRun {
        let run = frames.withUnsafeReadableBytes { frames in
            let most = UnsafeRawBufferPointer(rebasing: frames[..<min(frames.count, end - position)])
            let run = MessageRun(most, streamID: 0, within: bounds)
            buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: run.bytes) { target in
                target.copyMemory(from: UnsafeRawBufferPointer(rebasing: most[..<run.bytes]))
                Self.address(run, in: target, streamID: streamID, hasWaited: hasWaited)
                return run.bytes
            }
            return run
        }
        frames.moveReaderIndex(forwardBy: run.bytes)
        return run
    }

    private static func address(
        _ run: MessageRun, in frames: UnsafeMutableRawBufferPointer, streamID: UInt32, hasWaited: Bool
    ) {
        var offset = 0
        for _ in 0..<run.count {
            let length = UInt32(bigEndian: frames.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
            frames.storeBytes(of: streamID.bigEndian, toByteOffset: offset + 4, as: UInt32.self)
            offset += FrameHeader.bytes + Int(length)
        }
        if hasWaited, run.count > 0 { frames[FrameHeader.bytes - 1] |= FrameFlags.waited.rawValue }
    }

    /// Gives the memory back, when nothing is left.
    package mutating func takeMemory() -> ByteBuffer {
        defer { frames = ByteBuffer() }
        return frames
    }
}
