// SPDX-License-Identifier: Apache-2.0

// ttrpc is containerd's protocol (github.com/containerd/ttrpc, PROTOCOL.md, versions 1.0 and 1.2). Its header has the
// shape of ours: length, stream id, type, flags in ten bytes, big-endian. A request names service and method, in
// protobuf; a response carries a status and the answer; what lies between them on a stream are data messages, raw.

import NIOCore
import RavioliWire

/// What ttrpc's bytes mean.
enum TTRPC {
    /// The most that may follow a header, in bytes.
    static let messageBytesMax = 4 * 1024 * 1024
    /// Around an answer in a response: an empty status, the answer's tag and its length.
    static let answerOverhead = 16
    /// A frame of ours that holds whatever becomes one message of ttrpc's: two blocks of 64 KiB at most, and the answer.
    static let frameBytesMax = messageBytesMax + 256 * 1024

    /// The ninth byte of a header.
    enum Kind {
        static let request = FrameKind(rawValue: 1)
        static let response = FrameKind(rawValue: 2)
        static let data = FrameKind(rawValue: 3)
    }

    /// The tenth byte of a header. Unknown flags are ignored, as the reference implementation does.
    enum Flags {
        /// The sender of this sends nothing more on the stream.
        static let remoteClosed = FrameFlags(rawValue: 0x01)
        /// The sender of this request goes on with data.
        static let remoteOpen = FrameFlags(rawValue: 0x02)
        /// The data message is no message: it only closes.
        static let noData = FrameFlags(rawValue: 0x04)
    }
}

// message Request { string service = 1; string method = 2; bytes payload = 3; int64 timeout_nano = 4;
//                   repeated KeyValue metadata = 5; }
// message KeyValue { string key = 1; string value = 2; }
/// The request that opens a stream.
struct TTRPCRequest: Hashable {
    /// `package.Service/Method`.
    var name = ByteBuffer()
    var payload = ByteBuffer()
    /// Nanoseconds the caller waits; 0 when it does not say, negative when it is late already.
    var timeout: Int64 = 0
    /// A `ravioli.rpc.v1.Metadata` block, nil without pairs. A `KeyValue` has the fields of our `Pair`.
    var metadata: ByteBuffer?

    init(_ bytes: ByteBuffer) throws(BlockError) {
        var (service, method) = (ByteBuffer(), ByteBuffer())
        var reader = BlockReader(bytes)
        while let field = try reader.nextOfAnyKind() {
            switch (field.number, field.value) {
            case (1, .bytes(let bytes)): service = bytes
            case (2, .bytes(let bytes)): method = bytes
            case (3, .bytes(let bytes)): payload = bytes
            case (4, .number(let number)): timeout = Int64(bitPattern: number)
            case (5, .bytes(let bytes)): try add(pair: bytes)
            default: continue
            }
        }
        let length = service.readableBytes + 1 + method.readableBytes
        guard length <= MethodBinding.nameBytesMax else {
            throw .malformed("service and method are longer than \(MethodBinding.nameBytesMax) bytes")
        }
        name.writeImmutableBuffer(service)
        name.writeInteger(UInt8(ascii: "/"))
        name.writeImmutableBuffer(method)
    }

    private mutating func add(pair: ByteBuffer) throws(BlockError) {
        var block = metadata ?? ByteBuffer()
        metadata = nil
        block.writePresentField(1, pair.readableBytesView)
        // The length of a block has 16 bits. What a server accepts is less, and refused by the server.
        guard block.readableBytes <= Int(UInt16.max) else {
            throw .overLimit("metadata of more than \(UInt16.max) bytes")
        }
        metadata = block
    }
}

// message Response { google.rpc.Status status = 1; bytes payload = 2; }
// message google.rpc.Status { int32 code = 1; string message = 2; repeated google.protobuf.Any details = 3; }
/// The response that ends a stream.
struct TTRPCResponse {
    var code: UInt8
    /// A `ravioli.rpc.v1.Status` block. Its details have the fields of `google.protobuf.Any`.
    var status: ByteBuffer?
    var payload: ByteBuffer?

    init(code: UInt8, status: ByteBuffer? = nil, payload: ByteBuffer? = nil) {
        self.code = code
        self.status = status
        self.payload = payload
    }

    init(code: UInt8, text: String) {
        var status = ByteBuffer()
        status.writeField(1, text.utf8)
        self.init(code: code, status: status)
    }

    /// Appends the whole message. A status is always present, as the first clients of ttrpc demand.
    func write(streamID: UInt32, into buffer: inout ByteBuffer) {
        let start = buffer.writerIndex
        FrameHeader(payloadBytes: 0, streamID: streamID, kind: TTRPC.Kind.response).write(into: &buffer)
        buffer.writePresentField(1, encodedStatus().readableBytesView)
        if let payload { buffer.writeField(2, payload.readableBytesView) }
        let length = buffer.writerIndex - start - FrameHeader.bytes
        buffer.setInteger(UInt32(clamping: length), at: start)
    }

    private func encodedStatus() -> ByteBuffer {
        var encoded = ByteBuffer()
        if code != 0 {
            encoded.writeInteger(UInt8(1 << 3))
            encoded.writeVarint(UInt64(code))
        }
        guard let status else { return encoded }
        var reader = BlockReader(status)
        // The block is our own; of one that could not be read, what stands before the fault is sent.
        while let field = try? reader.next() {
            switch field.number {
            case 1: encoded.writeField(2, field.value.readableBytesView)
            case 2: encoded.writePresentField(3, field.value.readableBytesView)
            default: continue
            }
        }
        return encoded
    }
}
