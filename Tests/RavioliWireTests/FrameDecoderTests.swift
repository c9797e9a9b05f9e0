// SPDX-License-Identifier: Apache-2.0

import NIOCore
import RavioliWire
import Testing

struct FrameDecoderTests {
    @Test func decodesTheSameFramesHoweverTheBytesAreCut() throws {
        let (bytes, frames) = Samples.conversation(calls: 20)
        #expect(try Samples.decode(bytes, step: bytes.readableBytes) == frames)
        #expect(try Samples.decode(bytes, step: 1) == frames)
        for step in [2, 3, 7, 9, 10, 11, 64, 1000] {
            #expect(try Samples.decode(bytes, step: step) == frames)
        }
    }

    @Test func refusesALengthOfFourGigabytesBeforeBuffering() throws {
        var decoder = try Samples.openedDecoder()
        var bytes = ByteBuffer()
        FrameHeader(payloadBytes: .max, streamID: 1, kind: .call).write(into: &bytes)
        decoder.append(bytes)
        #expect(code { () throws(WireError) in try decoder.next() } == .frameTooLarge)
        #expect(decoder.bytesHeld <= FrameHeader.bytes)
    }

    @Test func refusesAHelloLongerThanItsLimit() {
        var decoder = FrameDecoder(limits: .defaults)
        var bytes = ByteBuffer()
        FrameHeader(payloadBytes: 4096, streamID: 0, kind: .hello).write(into: &bytes)
        bytes.writeInteger(Hello.magic)
        decoder.append(bytes)
        #expect(code { () throws(WireError) in try decoder.next() } == .frameTooLarge)
    }

    @Test func holdsOnlyTheIncompleteFrame() throws {
        var decoder = try Samples.openedDecoder()
        var bytes = ByteBuffer()
        PingFrame(token: 1).write(into: &bytes)
        bytes.writeBytes([0, 0, 0])
        decoder.append(bytes)
        #expect(try decoder.next() != nil)
        #expect(try decoder.next() == nil)
        #expect(decoder.bytesHeld == 3)
    }

    struct Foreign: Sendable {
        let first: [UInt8]
        let found: PeerProtocol
        let answer: String
    }

    static let foreigners: [Foreign] = [
        Foreign(first: Array("GET / HTTP/1.1\r\n".utf8), found: .http1, answer: "HTTP/1.1 400 Bad Request"),
        Foreign(first: Array("HTTP/1.1 200 OK\r\n".utf8), found: .http1, answer: "HTTP/1.1 400 Bad Request"),
        Foreign(first: Array("PRI * HTTP/2.0\r\n".utf8), found: .http2, answer: "not HTTP/2"),
        Foreign(first: [0, 0, 18, 4, 0, 0, 0, 0, 0, 0], found: .http2, answer: "not HTTP/2"),
        Foreign(first: [0x16, 3, 1, 0, 200], found: .tls, answer: "\u{15}"),
        Foreign(first: [0, 0, 0, 20, 0, 0, 0, 1, 1, 0], found: .ttrpc(streamID: 1), answer: "not ttrpc"),
        Foreign(first: Array("SSH-2.0-x\r\n".utf8), found: .unknown, answer: ""),
        Foreign(first: [0, 0, 0, 44, 0, 0, 0, 0, 1, 0, 1, 2, 3, 4], found: .unknown, answer: ""),
    ]

    @Test(arguments: foreigners)
    func tellsAnotherProtocolByItsFirstBytes(_ foreign: Foreign) throws {
        var decoder = FrameDecoder(limits: .defaults)
        decoder.append(ByteBuffer(bytes: foreign.first))
        #expect(code { () throws(WireError) in try decoder.next() } == .wrongProtocol)
        #expect(decoder.foreignProtocol == foreign.found)
        let answer = String(buffer: foreign.found.answer())
        #expect(foreign.answer.isEmpty ? answer.isEmpty : answer.contains(foreign.answer))
    }

    @Test(arguments: foreigners)
    func tellsItByteByByteToo(_ foreign: Foreign) {
        var decoder = FrameDecoder(limits: .defaults)
        var refused: WireError.Code?
        for byte in foreign.first where refused == nil {
            decoder.append(ByteBuffer(bytes: [byte]))
            refused = code { () throws(WireError) in try decoder.next() }
        }
        #expect(refused == .wrongProtocol)
    }

    @Test func theTTRPCAnswerIsATTRPCResponse() {
        var answer = PeerProtocol.ttrpc(streamID: 7).answer()
        let header = FrameHeader(peeking: answer)
        #expect(header?.streamID == 7)
        #expect(header?.kind.rawValue == 2)
        answer.moveReaderIndex(forwardBy: FrameHeader.bytes)
        #expect(header.map { Int($0.payloadBytes) } == answer.readableBytes)
    }
}

/// The code an operation fails with; nil when it does not.
func code<Value>(_ body: () throws(WireError) -> Value) -> WireError.Code? {
    do throws(WireError) {
        _ = try body()
        return nil
    } catch {
        return error.code
    }
}

enum Samples {
    static func openedDecoder() throws -> FrameDecoder {
        var decoder = FrameDecoder(limits: .defaults)
        decoder.append(hello())
        _ = try decoder.next()
        return decoder
    }

    static func hello(_ limits: WireLimits = .defaults) -> ByteBuffer {
        var buffer = ByteBuffer()
        Hello(limits: limits).write(into: &buffer)
        return buffer
    }

    /// A hello and calls of many sizes, as bytes and as frames.
    static func conversation(calls: Int) -> (ByteBuffer, [Frame]) {
        var bytes = hello()
        for number in 1...calls {
            bytes.writeImmutableBuffer(
                call(
                    UInt32(number),
                    message: [UInt8](repeating: UInt8(number & 0xFF), count: number * number * 7)))
        }
        var frames: [Frame] = []
        var rest = bytes
        while let header = FrameHeader(peeking: rest) {
            rest.moveReaderIndex(forwardBy: FrameHeader.bytes)
            guard let payload = rest.readSlice(length: Int(header.payloadBytes)) else { break }
            frames.append(Frame(header: header, payload: payload))
        }
        return (bytes, frames)
    }

    static func call(_ id: UInt32, message: [UInt8] = [], bindsFirst: Bool = true) -> ByteBuffer {
        var payload = ByteBuffer()
        let head = CallFrame(
            remaining: RemainingTime(nanoseconds: 1_000_000_000), method: 0,
            name: id == 1 && bindsFirst ? ByteBuffer(string: "demo.v1.Echo/Say") : nil)
        head.write(into: &payload)
        payload.writeBytes(message)
        var buffer = ByteBuffer()
        FrameHeader(
            payloadBytes: UInt32(payload.readableBytes), streamID: id, kind: .call,
            flags: [.last, .message, head.flags]
        ).write(into: &buffer)
        buffer.writeImmutableBuffer(payload)
        return buffer
    }

    static func decode(_ bytes: ByteBuffer, step: Int) throws -> [Frame] {
        var decoder = FrameDecoder(limits: .defaults)
        var rest = bytes
        var frames: [Frame] = []
        while rest.readableBytes > 0, let part = rest.readSlice(length: min(step, rest.readableBytes)) {
            decoder.append(part)
            while let frame = try decoder.next() { frames.append(frame) }
        }
        return frames
    }
}
