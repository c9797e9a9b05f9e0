// SPDX-License-Identifier: Apache-2.0

// What admission needs (time, method, criticality, attempt) stands in eight bytes at fixed offsets, so a call can be
// refused before anything is decoded. Then, each only with its flag: name, metadata, message length, message.

package import NIOCore

/// How a method is named on a connection.
///
/// The client numbers the methods it uses from 0 in order of first use. The first call of a method carries its
/// number and its name and so binds the two; every later one carries the number alone.
package enum MethodBinding {
    /// The number of a call that is named without being bound.
    package static let unbound: UInt16 = 0xFFFF
    /// Longest name, `package.Service/Method`, in bytes.
    package static let nameBytesMax = 255
}

/// The head of a call: everything but its message.
package struct CallFrame: Sendable, Hashable {
    /// Time, method, criticality, attempt.
    package static let fixedBytes = 8

    /// The longest metadata block for a peer that accepts frames of this length, beside the longest name, a message's length
    /// and its first byte.
    package static func metadataBytesMax(frameBytesMax: Int) -> Int {
        max(0, frameBytesMax - fixedBytes - 1 - MethodBinding.nameBytesMax - 2 - 4 - 1)
    }

    package var remaining: RemainingTime
    /// The method's number, ``MethodBinding/unbound`` when only `name` tells it.
    package var method: UInt16
    /// 0 sheddable, 1 sheddable plus, 2 critical, 3 critical plus.
    package var criticality: UInt8
    /// How many tries of the same call went before this one.
    package var attempt: UInt8
    /// `package.Service/Method`, when the call binds or does not use a number.
    package var name: ByteBuffer?
    /// A protobuf `ravioli.rpc.v1.Metadata`.
    package var metadata: ByteBuffer?

    package init(
        remaining: RemainingTime, method: UInt16, criticality: UInt8 = 2, attempt: UInt8 = 0,
        name: ByteBuffer? = nil, metadata: ByteBuffer? = nil
    ) {
        self.remaining = remaining
        self.method = method
        self.criticality = criticality
        self.attempt = attempt
        self.name = name
        self.metadata = metadata
    }

    package static let flagsAllowed: FrameFlags = [.last, .message, .chunked, .compressed, .metadata, .name]

    /// Reads the head and leaves `payload` at the message.
    package init(from payload: inout ByteBuffer, flags: FrameFlags) throws(WireError) {
        guard flags.isSubset(of: Self.flagsAllowed) else {
            throw WireError(.malformedFrame, "a call with unknown flags")
        }
        guard
            let (remaining, method, criticality, attempt) =
                payload.readMultipleIntegers(as: (UInt32, UInt16, UInt8, UInt8).self)
        else { throw WireError(.malformedFrame, "a call shorter than \(Self.fixedBytes) bytes") }
        guard criticality <= 3 else {
            throw WireError(.malformedFrame, "a call of criticality \(criticality); 3 is the highest")
        }
        self.remaining = RemainingTime(rawValue: remaining)
        self.method = method
        self.criticality = criticality
        self.attempt = attempt
        if flags.contains(.name) {
            guard let length = payload.readInteger(as: UInt8.self), length > 0,
                let name = payload.readSlice(length: Int(length))
            else { throw WireError(.malformedFrame, "a call with a truncated method name") }
            self.name = name
        }
        self.metadata = try payload.readBlock(if: flags.contains(.metadata), "metadata block")
    }

    /// The flags that follow from what is set.
    package var flags: FrameFlags {
        var flags: FrameFlags = []
        if name != nil { flags.insert(.name) }
        if metadata != nil { flags.insert(.metadata) }
        return flags
    }

    /// Bytes of the head on the wire, without the frame header.
    package var headBytes: Int {
        Self.fixedBytes + (name.map { 1 + $0.readableBytes } ?? 0)
            + (metadata.map { 2 + $0.readableBytes } ?? 0)
    }

    /// Appends the head. Name and metadata are within their limits: the caller has checked them.
    package func write(into buffer: inout ByteBuffer) {
        buffer.writeMultipleIntegers(remaining.rawValue, method, criticality, attempt)
        if let name {
            buffer.writeInteger(UInt8(clamping: name.readableBytes))
            buffer.writeImmutableBuffer(name)
        }
        buffer.writeBlock(metadata)
    }
}

extension ByteBuffer {
    /// A block with a 2-byte length, present only with its flag.
    mutating func readBlock(if present: Bool, _ what: StaticString) throws(WireError) -> ByteBuffer? {
        guard present else { return nil }
        guard let length = readInteger(as: UInt16.self), let block = readSlice(length: Int(length)) else {
            throw WireError(.malformedFrame, "a frame with a truncated \(what)")
        }
        return block
    }

    mutating func writeBlock(_ block: ByteBuffer?) {
        guard let block else { return }
        writeInteger(UInt16(clamping: block.readableBytes))
        writeImmutableBuffer(block)
    }
}
