// SPDX-License-Identifier: Apache-2.0

package import NIOCore

/// Whether the handler of a call ran. Retries are decided by it, never guessed.
package enum ExecutedMark: UInt8, Sendable, Hashable {
    /// The handler surely never started.
    case no = 0
    /// It may have run, wholly or in part.
    case maybe = 1
    /// It ran to its end.
    case yes = 2
}

/// The end of a call, from the server: its status, and for a unary call its answer in the same frame.
package struct EndFrame: Sendable, Hashable {
    /// Code and executed mark.
    package static let fixedBytes = 2

    /// gRPC's number, 0 for ok.
    package var code: UInt8
    package var executed: ExecutedMark
    /// A protobuf `ravioli.rpc.v1.Metadata`.
    package var metadata: ByteBuffer?
    /// A protobuf `ravioli.rpc.v1.Status`: text and details. Absent when there is nothing to say.
    package var status: ByteBuffer?

    package init(
        code: UInt8, executed: ExecutedMark, metadata: ByteBuffer? = nil, status: ByteBuffer? = nil
    ) {
        self.code = code
        self.executed = executed
        self.metadata = metadata
        self.status = status
    }

    package static let flagsAllowed: FrameFlags = [.message, .compressed, .metadata, .status]

    /// The longest metadata block for a peer that accepts frames of this length: half of the head's room at most, so that a
    /// status finds some too.
    package static func metadataBytesMax(frameBytesMax: Int) -> Int {
        statusBytesMax(frameBytesMax: frameBytesMax, metadata: nil) / 2
    }

    /// The longest status block beside this metadata, for a peer that accepts frames of this length.
    package static func statusBytesMax(frameBytesMax: Int, metadata: ByteBuffer?) -> Int {
        max(0, frameBytesMax - fixedBytes - 2 - (metadata?.readableBytes ?? 0) - 2)
    }

    /// Reads the head and leaves `payload` at the message.
    package init(from payload: inout ByteBuffer, flags: FrameFlags) throws(WireError) {
        guard flags.isSubset(of: Self.flagsAllowed) else {
            throw WireError(.malformedFrame, "an end with unknown flags")
        }
        guard let (code, mark) = payload.readMultipleIntegers(as: (UInt8, UInt8).self),
            let executed = ExecutedMark(rawValue: mark)
        else { throw WireError(.malformedFrame, "an end without a code and a known executed mark") }
        self.code = code
        self.executed = executed
        metadata = try payload.readBlock(if: flags.contains(.metadata), "metadata block")
        status = try payload.readBlock(if: flags.contains(.status), "status block")
    }

    /// The flags that follow from what is set.
    package var flags: FrameFlags {
        var flags: FrameFlags = []
        if metadata != nil { flags.insert(.metadata) }
        if status != nil { flags.insert(.status) }
        return flags
    }

    /// Bytes of the head on the wire, without the frame header.
    package var headBytes: Int {
        Self.fixedBytes + (metadata.map { 2 + $0.readableBytes } ?? 0)
            + (status.map { 2 + $0.readableBytes } ?? 0)
    }

    /// Appends the head. The blocks are within their limits: the caller has checked them.
    package func write(into buffer: inout ByteBuffer) {
        buffer.writeMultipleIntegers(code, executed.rawValue)
        buffer.writeBlock(metadata)
        buffer.writeBlock(status)
    }
}
