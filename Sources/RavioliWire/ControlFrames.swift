// SPDX-License-Identifier: Apache-2.0

package import NIOCore

/// The client wants no answer any more. A hint: the server still ends the call.
package struct CancelFrame: Sendable, Hashable {
    /// Why, as a status code: 1 cancelled by the caller, 4 out of time.
    package var code: UInt8

    package init(code: UInt8) { self.code = code }

    package init(payload: ByteBuffer) throws(WireError) {
        guard payload.readableBytes == 1,
            let code = payload.getInteger(at: payload.readerIndex, as: UInt8.self)
        else { throw WireError(.malformedFrame, "a cancel that is not 1 byte long") }
        self.code = code
    }

    package func write(streamID: UInt32, into buffer: inout ByteBuffer) {
        FrameHeader(payloadBytes: 1, streamID: streamID, kind: .cancel).write(into: &buffer)
        buffer.writeInteger(code)
    }
}

/// Level 2: the sender of this frame may be sent that many bytes more.
package struct CreditFrame: Sendable, Hashable {
    /// A correct receiver gives more than this at once, or so little once; many small ones are suspicious.
    package static let smallBytes = 4096

    package var bytes: UInt32

    package init(bytes: UInt32) { self.bytes = bytes }

    package init(payload: ByteBuffer) throws(WireError) {
        guard payload.readableBytes == 4,
            let bytes = payload.getInteger(at: payload.readerIndex, as: UInt32.self), bytes > 0
        else { throw WireError(.malformedFrame, "a credit that is not 4 bytes above zero") }
        self.bytes = bytes
    }

    package func write(streamID: UInt32, into buffer: inout ByteBuffer) {
        FrameHeader(payloadBytes: 4, streamID: streamID, kind: .credit).write(into: &buffer)
        buffer.writeInteger(bytes)
    }
}

/// Asks for a sign of life; the answer carries the same eight bytes and the flag `ack`.
package struct PingFrame: Sendable, Hashable {
    package var token: UInt64
    package var isAnswer: Bool

    package init(token: UInt64, isAnswer: Bool = false) {
        self.token = token
        self.isAnswer = isAnswer
    }

    package init(payload: ByteBuffer, flags: FrameFlags) throws(WireError) {
        guard payload.readableBytes == 8, flags.isSubset(of: .ack),
            let token = payload.getInteger(at: payload.readerIndex, as: UInt64.self)
        else { throw WireError(.malformedFrame, "a ping that is not 8 bytes long") }
        self.token = token
        isAnswer = flags.contains(.ack)
    }

    package func write(into buffer: inout ByteBuffer) {
        let flags: FrameFlags = isAnswer ? .ack : []
        FrameHeader(payloadBytes: 8, streamID: 0, kind: .ping, flags: flags).write(into: &buffer)
        buffer.writeInteger(token)
    }
}

/// The sender accepts no further calls; those above `lastStreamID` were not executed.
package struct GoawayFrame: Sendable, Hashable {
    /// Highest call the sender has accepted or may still accept; `UInt32.max` announces a drain.
    package var lastStreamID: UInt32
    package var code: WireError.Code
    /// For people: UTF-8, bounded by the receiver.
    package var reason: String

    package init(lastStreamID: UInt32, code: WireError.Code, reason: String = "") {
        self.lastStreamID = lastStreamID
        self.code = code
        self.reason = reason
    }

    /// - Parameter textBytesMax: Longer reasons are cut, not refused.
    package init(payload: ByteBuffer, textBytesMax: Int) throws(WireError) {
        var rest = payload
        guard let (last, code) = rest.readMultipleIntegers(as: (UInt32, UInt8).self) else {
            throw WireError(.malformedFrame, "a goaway shorter than 5 bytes")
        }
        lastStreamID = last
        self.code = WireError.Code(rawValue: code)
        reason = String(decoding: rest.readableBytesView.prefix(textBytesMax), as: UTF8.self)
    }

    package func write(into buffer: inout ByteBuffer) {
        let text = reason.utf8.prefix(255)
        FrameHeader(payloadBytes: UInt32(5 + text.count), streamID: 0, kind: .goaway).write(into: &buffer)
        buffer.writeMultipleIntegers(lastStreamID, code.rawValue)
        buffer.writeBytes(text)
    }
}
