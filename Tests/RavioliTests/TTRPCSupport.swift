// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOPosix
import Ravioli
import RavioliWire
import Testing

/// A message of ttrpc, as a test writes and reads it.
struct TTRPCMessage: Hashable {
    var id: UInt32
    var kind: UInt8
    var flags: UInt8 = 0
    var payload: [UInt8] = []

    var bytes: ByteBuffer {
        var buffer = ByteBuffer()
        buffer.writeMultipleIntegers(UInt32(payload.count), id, kind, flags)
        buffer.writeBytes(payload)
        return buffer
    }

    init(id: UInt32, kind: UInt8, flags: UInt8 = 0, payload: [UInt8] = []) {
        self.id = id
        self.kind = kind
        self.flags = flags
        self.payload = payload
    }

    /// Takes a whole message from the front of what was read.
    init?(from buffer: inout ByteBuffer) {
        var rest = buffer
        guard
            let (length, id, kind, flags) = rest.readMultipleIntegers(
                as: (UInt32, UInt32, UInt8, UInt8).self),
            let payload = rest.readBytes(length: Int(length))
        else { return nil }
        buffer = rest
        self.init(id: id, kind: kind, flags: flags, payload: payload)
    }

    /// The whole messages in what a server sent.
    static func all(_ bytes: ByteBuffer) -> [TTRPCMessage] {
        var rest = bytes
        return Array(sequence(state: ()) { _ in TTRPCMessage(from: &rest) })
    }

    /// A request, written field by field.
    static func request(
        _ id: UInt32, _ method: String, flags: UInt8 = 0, payload: [UInt8] = [], timeout: Int64? = nil,
        service: String = "ravioli.trial.v1.Trial", metadata: [(String, String)] = []
    ) -> TTRPCMessage {
        var body = field(1, Array(service.utf8)) + field(2, Array(method.utf8))
        if !payload.isEmpty { body += field(3, payload) }
        if let timeout { body += [4 << 3] + varint(UInt64(bitPattern: timeout)) }
        for (key, value) in metadata {
            body += field(5, field(1, Array(key.utf8)) + field(2, Array(value.utf8)))
        }
        return TTRPCMessage(id: id, kind: 1, flags: flags, payload: body)
    }

    static func data(_ id: UInt32, _ payload: [UInt8], flags: UInt8 = 0) -> TTRPCMessage {
        TTRPCMessage(id: id, kind: 3, flags: flags, payload: payload)
    }

    /// Remote closed, no data.
    static func close(_ id: UInt32) -> TTRPCMessage { TTRPCMessage(id: id, kind: 3, flags: 5) }

    /// A response with an answer.
    static func answer(_ id: UInt32, _ payload: [UInt8]) -> TTRPCMessage {
        TTRPCMessage(
            id: id, kind: 2, payload: field(1, []) + (payload.isEmpty ? [] : field(2, payload)))
    }

    /// A response with an error.
    static func error(_ id: UInt32, _ code: UInt8, _ text: String) -> TTRPCMessage {
        TTRPCMessage(id: id, kind: 2, payload: field(1, [8, code] + field(2, Array(text.utf8))))
    }

    /// The code of a response's status; nil when this is none.
    var code: UInt8? {
        guard kind == 2, payload.count >= 2, payload[0] == 0x0A else { return nil }
        return payload[1] == 0 ? 0 : payload.drop { $0 != 8 }.dropFirst().first
    }

    static func field(_ number: UInt8, _ bytes: [UInt8]) -> [UInt8] {
        [number << 3 | 2] + varint(UInt64(bytes.count)) + bytes
    }

    static func varint(_ value: UInt64) -> [UInt8] {
        var (rest, bytes) = (value, [UInt8]())
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        return bytes + [UInt8(rest)]
    }
}

extension ByteBuffer {
    /// Bytes written in hexadecimal; anything else in the text is for people.
    init(hex: String) {
        let digits = hex.compactMap(\.hexDigitValue).map(UInt8.init)
        self.init(
            bytes: stride(from: 0, to: digits.count - 1, by: 2).map { digits[$0] << 4 | digits[$0 + 1] })
    }
}

/// A ttrpc client in raw bytes; what it has read but not yet been asked for is kept.
struct TTRPCPeer {
    let raw: RawPeer
    private var iterator: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator
    private var read = ByteBuffer()

    init(_ raw: RawPeer) {
        self.raw = raw
        iterator = raw.inbound.makeAsyncIterator()
    }

    func send(_ messages: [TTRPCMessage]) async throws {
        var buffer = ByteBuffer()
        for message in messages { buffer.writeImmutableBuffer(message.bytes) }
        try await raw.send(buffer)
    }

    /// Reads so many messages; fewer where the connection ends before.
    mutating func messages(_ count: Int) async throws -> [TTRPCMessage] {
        var found: [TTRPCMessage] = []
        while found.count < count {
            if let message = TTRPCMessage(from: &read) {
                found.append(message)
            } else if let part = try await iterator.next(isolation: #isolation) {
                read.writeImmutableBuffer(part)
            } else {
                break
            }
        }
        return found
    }

    /// Reads until the connection ends, which may be because the server closed it while we were writing.
    mutating func messagesToEnd() async throws -> [TTRPCMessage] {
        var found: [TTRPCMessage] = []
        do {
            while let message = try await messages(1).first { found.append(message) }
        } catch is IOError {}
        return found
    }
}

extension ServerOptions {
    /// Serves ttrpc, on a machine that may be slow.
    static var withTTRPC: ServerOptions {
        var options = ServerOptions.defaults
        options.servesTTRPC = true
        options.limits.helloTimeout = .seconds(60)
        options.limits.frameTimeout = .seconds(60)
        return options
    }
}
