// SPDX-License-Identifier: Apache-2.0

package import NIOCore

/// The first frame of each end: who speaks, in which version, within which limits.
package struct Hello: Sendable, Hashable {
    /// "RAVI".
    package static let magic: UInt32 = 0x5241_5649
    /// Bytes before the details block.
    package static let fixedBytes = 44

    /// A version whose major number differs is refused; minor versions only add what may be ignored.
    package var major: UInt8 = 1
    package var minor: UInt8 = 0
    /// Highest protocol level this end implements: 0 unary, 1 deadline and cancel, 2 streams with credit.
    package var level: UInt8 = 2
    /// What this end can do beyond its level; both must set a bit for it to be used.
    package var features: Features = []
    package var frameBytesMax: UInt32
    package var messageBytesMax: UInt32
    /// Calls this end runs at the same time for the peer; 0 from an end that serves nothing.
    package var callsRunningMax: UInt32
    package var metadataBytesMax: UInt32
    package var streamCreditBytes: UInt32
    package var connectionCreditBytes: UInt32
    /// Hash of the schemas this end serves or was built with; 0 when unknown. Says "same contract", never trust.
    package var schemaFingerprint: UInt64
    /// A protobuf `ravioli.rpc.v1.HelloDetails`: names for people and logs.
    package var details: ByteBuffer

    /// Optional abilities.
    package struct Features: OptionSet, Sendable, Hashable {
        package let rawValue: UInt32
        package init(rawValue: UInt32) { self.rawValue = rawValue }
        /// Reserved: messages may be compressed.
        package static let compression = Features(rawValue: 1)
    }

    /// A hello that announces these limits.
    package init(limits: WireLimits, schemaFingerprint: UInt64 = 0, details: ByteBuffer = ByteBuffer()) {
        frameBytesMax = UInt32(clamping: limits.frameBytesMax)
        messageBytesMax = UInt32(clamping: limits.messageBytesMax)
        callsRunningMax = UInt32(clamping: limits.callsRunningMax)
        metadataBytesMax = UInt32(clamping: limits.metadataBytesMax)
        streamCreditBytes = UInt32(clamping: limits.streamCreditBytes)
        connectionCreditBytes = UInt32(clamping: limits.connectionCreditBytes)
        self.schemaFingerprint = schemaFingerprint
        self.details = details
    }

    /// Reads a hello's payload.
    ///
    /// - Throws: `helloRefused` for another major version or unusable limits, `malformedFrame` for a short one.
    package init(payload: ByteBuffer) throws(WireError) {
        var rest = payload
        guard
            let (magic, major, minor, level, reserved) =
                rest.readMultipleIntegers(as: (UInt32, UInt8, UInt8, UInt8, UInt8).self),
            magic == Self.magic, reserved == 0
        else { throw WireError(.malformedFrame, "a hello without its magic") }
        guard major == 1 else {
            throw WireError(.helloRefused, "the peer speaks version \(major).\(minor), this end 1.0")
        }
        guard
            let (features, frame, message, calls, metadata) =
                rest.readMultipleIntegers(as: (UInt32, UInt32, UInt32, UInt32, UInt32).self),
            let (stream, connection, fingerprint) =
                rest.readMultipleIntegers(as: (UInt32, UInt32, UInt64).self)
        else { throw WireError(.malformedFrame, "a hello shorter than \(Self.fixedBytes) bytes") }
        guard frame >= 1024 else {
            throw WireError(
                .helloRefused, "the peer accepts frames of only \(frame) bytes; 1024 is the least")
        }
        self.major = major
        self.minor = minor
        self.level = level
        self.features = Features(rawValue: features)
        frameBytesMax = frame
        messageBytesMax = message
        callsRunningMax = calls
        metadataBytesMax = metadata
        streamCreditBytes = stream
        connectionCreditBytes = connection
        schemaFingerprint = fingerprint
        // Detached from the read it came in, whose memory would otherwise be kept as long as the connection.
        details = rest.readableBytes == 0 ? ByteBuffer() : ByteBuffer(bytes: rest.readableBytesView)
    }

    /// Appends the whole frame.
    package func write(into buffer: inout ByteBuffer) {
        let length = Self.fixedBytes + details.readableBytes
        FrameHeader(payloadBytes: UInt32(clamping: length), streamID: 0, kind: .hello).write(into: &buffer)
        buffer.writeMultipleIntegers(Self.magic, major, minor, level, UInt8(0))
        buffer.writeMultipleIntegers(
            features.rawValue, frameBytesMax, messageBytesMax, callsRunningMax, metadataBytesMax)
        buffer.writeMultipleIntegers(streamCreditBytes, connectionCreditBytes, schemaFingerprint)
        buffer.writeImmutableBuffer(details)
    }
}
