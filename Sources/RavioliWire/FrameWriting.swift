// SPDX-License-Identifier: Apache-2.0

// A frame with its message is written in one piece: each write to a buffer by itself asks for room and for the buffer to
// be ours alone.

package import NIOCore

/// Fills memory that was reserved for a frame.
private struct FrameFiller {
    let memory: UnsafeMutableRawBufferPointer
    var offset = 0

    mutating func integer<Integer: FixedWidthInteger>(_ value: Integer) {
        memory.storeBytes(of: value.bigEndian, toByteOffset: offset, as: Integer.self)
        offset += MemoryLayout<Integer>.size
    }

    mutating func bytes(_ bytes: UnsafeRawBufferPointer) {
        UnsafeMutableRawBufferPointer(rebasing: memory[offset...]).copyMemory(from: bytes)
        offset += bytes.count
    }

    mutating func header(_ header: FrameHeader) {
        integer(header.payloadBytes)
        integer(header.streamID)
        integer(header.kind.rawValue)
        integer(header.flags.rawValue)
    }

    mutating func block(_ block: ByteBuffer?) {
        guard let block else { return }
        integer(UInt16(clamping: block.readableBytes))
        block.withUnsafeReadableBytes { bytes($0) }
    }
}

extension ByteBuffer {
    /// Appends a frame with a call's head and its whole message. Their bytes together are within the peer's limit.
    package mutating func writeCall(
        _ head: CallFrame, streamID: UInt32, flags: FrameFlags, message: UnsafeRawBufferPointer
    ) {
        let payload = head.headBytes + message.count
        writeFrame(payloadBytes: payload) { filler in
            filler.header(
                FrameHeader(
                    payloadBytes: UInt32(clamping: payload), streamID: streamID, kind: .call, flags: flags))
            filler.integer(head.remaining.rawValue)
            filler.integer(head.method)
            filler.integer(head.criticality)
            filler.integer(head.attempt)
            if let name = head.name {
                filler.integer(UInt8(clamping: name.readableBytes))
                name.withUnsafeReadableBytes { filler.bytes($0) }
            }
            filler.block(head.metadata)
            filler.bytes(message)
        }
    }

    /// Appends a frame with an end and its whole message. Their bytes together are within the peer's limit.
    package mutating func writeEnd(
        _ end: EndFrame, streamID: UInt32, flags: FrameFlags, message: UnsafeRawBufferPointer
    ) {
        let payload = end.headBytes + message.count
        writeFrame(payloadBytes: payload) { filler in
            filler.header(
                FrameHeader(
                    payloadBytes: UInt32(clamping: payload), streamID: streamID, kind: .end, flags: flags))
            filler.integer(end.code)
            filler.integer(end.executed.rawValue)
            filler.block(end.metadata)
            filler.block(end.status)
            filler.bytes(message)
        }
    }

    private mutating func writeFrame(payloadBytes: Int, _ fill: (inout FrameFiller) -> Void) {
        let bytes = FrameHeader.bytes + payloadBytes
        writeWithUnsafeMutableBytes(minimumWritableBytes: bytes) { memory in
            var filler = FrameFiller(memory: UnsafeMutableRawBufferPointer(rebasing: memory[..<bytes]))
            fill(&filler)
            return filler.offset
        }
    }
}
