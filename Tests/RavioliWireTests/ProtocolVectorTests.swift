// SPDX-License-Identifier: Apache-2.0

import Foundation
import NIOCore
import RavioliWire
import Testing

/// The specification's hex blocks, read out of its prose: each is decoded, compared with the meaning that stands beside
/// it, and encoded again.
struct ProtocolVectorTests {
    struct Vector: CustomTestStringConvertible {
        let name: String
        let meaning: String
        let bytes: [UInt8]
        var testDescription: String { name }
    }

    static let vectors: [Vector] = {
        let page = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../Sources/RavioliWire/Documentation.docc/Protocol.md")
        let prose = (try? String(contentsOf: page, encoding: .utf8)) ?? ""
        return prose.components(separatedBy: "```hex\n").dropFirst().compactMap { rest in
            let lines = rest.components(separatedBy: "```")[0].split(separator: "\n")
            let title = lines[0].dropFirst(2).split(separator: ": ", maxSplits: 1)
            let digits = lines.dropFirst().joined().filter { !$0.isWhitespace }
            let bytes = stride(from: 0, to: digits.count, by: 2).compactMap { offset -> UInt8? in
                let start = digits.index(digits.startIndex, offsetBy: offset)
                return UInt8(digits[start...].prefix(2), radix: 16)
            }
            return Vector(
                name: String(title[0]), meaning: title.count > 1 ? String(title[1]) : "", bytes: bytes)
        }
    }()

    @Test func theSpecificationHasItsVectors() {
        #expect(Self.vectors.count >= 29)
        #expect(Set(Self.vectors.map(\.name)).count == Self.vectors.count)
    }

    @Test(arguments: vectors)
    func meansWhatTheProseSays(_ vector: Vector) {
        #expect(Self.meaning(of: vector.bytes) == vector.meaning)
    }

    @Test(arguments: vectors.filter { !$0.meaning.hasPrefix("error") && !$0.meaning.hasPrefix("skipped") })
    func encodesToTheSameBytes(_ vector: Vector) throws {
        let frame = try Self.frame(vector.bytes)
        #expect(Array(try Self.encoded(frame).readableBytesView) == vector.bytes)
    }

    // MARK: Decoding

    static func frame(_ bytes: [UInt8]) throws(WireError) -> Frame {
        var decoder = FrameDecoder(limits: .defaults)
        let isHello = bytes.count > 8 && bytes[4..<9].elementsEqual([0, 0, 0, 0, 1])
        if !isHello {
            var hello = ByteBuffer()
            Hello(limits: .defaults).write(into: &hello)
            decoder.append(hello)
            _ = try decoder.next()
        }
        decoder.append(ByteBuffer(bytes: bytes))
        guard let frame = try decoder.next() else { throw WireError(.malformedFrame, "incomplete") }
        return frame
    }

    static func meaning(of bytes: [UInt8]) -> String {
        do throws(WireError) {
            return try text(try frame(bytes))
        } catch {
            return "error \(error.code)"
        }
    }

    private static func text(_ frame: Frame) throws(WireError) -> String {
        let header = frame.header
        switch header.kind {
        case .hello: return try helloText(frame)
        case .call: return try callText(frame)
        case .data:
            if header.flags == .metadata {
                var rest = frame.payload
                let length = rest.readInteger(as: UInt16.self)
                guard let length, Int(length) == rest.readableBytes else {
                    throw WireError(.malformedFrame, "metadata and more")
                }
                return "data stream=\(header.streamID) flags=metadata metadata=\(hex(rest))"
            }
            let part = try MessagePart(rest: frame.payload, flags: header.flags)
            return "data stream=\(header.streamID) flags=\(dataNames(header.flags))" + partText(part)
        case .end: return try endText(frame)
        case .cancel:
            return "cancel stream=\(header.streamID) code=\(try CancelFrame(payload: frame.payload).code)"
        case .credit:
            return "credit stream=\(header.streamID) bytes=\(try CreditFrame(payload: frame.payload).bytes)"
        case .ping:
            let ping = try PingFrame(payload: frame.payload, flags: header.flags)
            return "ping token=\(hex(ping.token))" + (ping.isAnswer ? " answer" : "")
        case .goaway:
            let goaway = try GoawayFrame(payload: frame.payload, textBytesMax: 1024)
            return "goaway last=\(goaway.lastStreamID) code=\(goaway.code) reason=\(goaway.reason)"
        default:
            guard header.kind.isIgnorable else { throw WireError(.unknownKind, "") }
            return "skipped kind=\(header.kind.rawValue) bytes=\(frame.payload.readableBytes)"
        }
    }

    private static func helloText(_ frame: Frame) throws(WireError) -> String {
        let hello = try Hello(payload: frame.payload)
        return
            "hello version=\(hello.major).\(hello.minor) level=\(hello.level) features=\(hello.features.rawValue) "
            + "frame=\(hello.frameBytesMax) message=\(hello.messageBytesMax) calls=\(hello.callsRunningMax) "
            + "metadata=\(hello.metadataBytesMax) credit=\(hello.streamCreditBytes)/\(hello.connectionCreditBytes) "
            + "fingerprint=\(hex(hello.schemaFingerprint)) details=\(hex(hello.details))"
    }

    private static func callText(_ frame: Frame) throws(WireError) -> String {
        var payload = frame.payload
        let call = try CallFrame(from: &payload, flags: frame.header.flags)
        let part = try MessagePart(rest: payload, flags: frame.header.flags)
        let raw = call.remaining.rawValue
        let time =
            raw == .max ? "unlimited" : raw & 0x8000_0000 == 0 ? "\(raw)us" : "\(raw & 0x7FFF_FFFF)ms"
        var text =
            "call stream=\(frame.header.streamID) flags=\(names(frame.header.flags)) remaining=\(time) "
            + "method=\(call.method) criticality=\(call.criticality) attempt=\(call.attempt)"
        if let name = call.name { text += " name=\(String(buffer: name))" }
        if let metadata = call.metadata { text += " metadata=\(hex(metadata))" }
        return text + partText(part)
    }

    private static func endText(_ frame: Frame) throws(WireError) -> String {
        var payload = frame.payload
        let end = try EndFrame(from: &payload, flags: frame.header.flags)
        let part = try MessagePart(rest: payload, flags: frame.header.flags)
        var text =
            "end stream=\(frame.header.streamID) flags=\(names(frame.header.flags)) code=\(end.code) "
            + "executed=\(end.executed)"
        if let metadata = end.metadata { text += " metadata=\(hex(metadata))" }
        if let status = end.status { text += " status=\(hex(status))" }
        return text + partText(part)
    }

    private static func partText(_ part: MessagePart) -> String {
        switch part {
        case .none: ""
        case .whole(let message): " message=\(hex(message))"
        case .first(let chunk, let total): " total=\(total) chunk=\(hex(chunk))"
        case .chunk(let chunk): " chunk=\(hex(chunk))"
        }
    }

    /// In a data frame the bit of a name is another flag.
    private static func dataNames(_ flags: FrameFlags) -> String {
        names(flags.subtracting(.waited)) + (flags.contains(.waited) ? ",waited" : "")
    }

    private static func names(_ flags: FrameFlags) -> String {
        let known: [(FrameFlags, String)] = [
            (.last, "last"), (.message, "message"), (.chunked, "chunked"), (.compressed, "compressed"),
            (.metadata, "metadata"), (.name, "name"), (.status, "status"), (.counted, "counted"),
        ]
        return known.filter { flags.contains($0.0) }.map(\.1).joined(separator: ",")
    }

    private static func hex(_ buffer: ByteBuffer) -> String {
        buffer.readableBytesView.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    private static func hex(_ number: UInt64) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    // MARK: Encoding

    private static func encoded(_ frame: Frame) throws(WireError) -> ByteBuffer {
        var out = ByteBuffer()
        let id = frame.header.streamID
        switch frame.header.kind {
        case .hello: try Hello(payload: frame.payload).write(into: &out)
        case .call: try encodeCall(frame, into: &out)
        case .end: try encodeEnd(frame, into: &out)
        case .data: writeFrame(id, .data, frame.header.flags, frame.payload, into: &out)
        case .cancel: try CancelFrame(payload: frame.payload).write(streamID: id, into: &out)
        case .credit: try CreditFrame(payload: frame.payload).write(streamID: id, into: &out)
        case .ping: try PingFrame(payload: frame.payload, flags: frame.header.flags).write(into: &out)
        case .goaway: try GoawayFrame(payload: frame.payload, textBytesMax: 1024).write(into: &out)
        default: break
        }
        return out
    }

    private static func encodeCall(_ frame: Frame, into out: inout ByteBuffer) throws(WireError) {
        var rest = frame.payload
        let call = try CallFrame(from: &rest, flags: frame.header.flags)
        var payload = ByteBuffer()
        call.write(into: &payload)
        #expect(payload.readableBytes == call.headBytes)
        payload.writeImmutableBuffer(rest)
        let partFlags = frame.header.flags.intersection([.last, .message, .chunked])
        writeFrame(frame.header.streamID, .call, call.flags.union(partFlags), payload, into: &out)
    }

    private static func encodeEnd(_ frame: Frame, into out: inout ByteBuffer) throws(WireError) {
        var rest = frame.payload
        let end = try EndFrame(from: &rest, flags: frame.header.flags)
        var payload = ByteBuffer()
        end.write(into: &payload)
        #expect(payload.readableBytes == end.headBytes)
        payload.writeImmutableBuffer(rest)
        let partFlags = frame.header.flags.intersection(.message)
        writeFrame(frame.header.streamID, .end, end.flags.union(partFlags), payload, into: &out)
    }

    private static func writeFrame(
        _ id: UInt32, _ kind: FrameKind, _ flags: FrameFlags, _ payload: ByteBuffer,
        into out: inout ByteBuffer
    ) {
        FrameHeader(payloadBytes: UInt32(payload.readableBytes), streamID: id, kind: kind, flags: flags)
            .write(into: &out)
        out.writeImmutableBuffer(payload)
    }
}
