// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOEmbedded
import RavioliWire
import Testing

@testable import Ravioli

/// How long the connections of ttrpc clients live, and when they are read, in virtual time.
@MainActor
struct TTRPCLifeTests {
    /// A socket's pipeline around a server's connection, whose outbound events the test sees.
    private final class Line: ChannelOutboundHandler {
        typealias OutboundIn = ByteBuffer
        private(set) var reads = 0

        func read(context: ChannelHandlerContext) {
            reads += 1
            context.read()
        }
    }

    private let time: VirtualTime
    private let connection: ServerConnection
    private let channel: EmbeddedChannel
    private let line = Line()

    init() throws {
        var options = ServerOptions.defaults
        options.servesTTRPC = true
        time = try VirtualTime()
        let core = try ServerCore([TestServer()], options: options, logger: .silent)
        connection = ServerConnection(core, context: time.context)
        channel = EmbeddedChannel(loop: time.loop)
        try channel.pipeline.syncOperations.addHandlers([line, ChannelLink(connection)])
        channel.connect(to: try SocketAddress(ipAddress: "127.0.0.1", port: 1), promise: nil)
    }

    private func send(_ messages: TTRPCMessage...) throws {
        for message in messages { try channel.writeInbound(message.bytes) }
        time.loop.run()
    }

    /// What the server has sent since this was asked last.
    private func sent() throws -> [TTRPCMessage] {
        var all = ByteBuffer()
        while let part = try channel.readOutbound(as: ByteBuffer.self) { all.writeImmutableBuffer(part) }
        return TTRPCMessage.all(all)
    }

    @Test func aClientThatConnectsLongBeforeItCalls() throws {
        time.pass(seconds: 3600)
        #expect(!connection.isClosed)
        try send(.request(1, "Echo"))
        #expect(try sent() == [.answer(1, [])])
    }

    @Test func afterTheFirstByteTheHelloHasItsTime() throws {
        time.pass(seconds: 3600)
        try channel.writeInbound(ByteBuffer(bytes: [0]))
        time.pass(seconds: 4)
        #expect(!connection.isClosed)
        time.pass(seconds: 3)
        #expect(connection.isClosed)
    }

    @Test func aMessageHasItsTimeToBeComplete() throws {
        try send(.request(1, "Echo"))
        try channel.writeInbound(ByteBuffer(hex: "00000010 00000003 01 00 0a"))
        time.pass(seconds: 19)
        #expect(!connection.isClosed)
        time.pass(seconds: 3)
        #expect(connection.isClosed)
    }

    /// Neither is asked for a sign of life nor sent elsewhere: ttrpc knows no way to say either.
    @Test func neitherSilenceNorAgeEndsIt() throws {
        try send(.request(1, "Echo"))
        time.pass(seconds: 86_400)
        #expect(!connection.isClosed)
        try send(.request(3, "Echo"))
        #expect(try sent() == [.answer(1, []), .answer(3, [])])
    }

    @Test func aDrainRefusesAndClosesByItself() throws {
        try send(.request(1, "Echo"))
        connection.drain(reason: "test")
        time.loop.run()
        try send(.request(3, "Echo"))
        #expect(try sent().map(\.code) == [0, 14])
        #expect(!connection.isClosed)
        time.pass(seconds: 2)
        #expect(connection.isClosed)
    }

    /// More than 1 MiB waits for a handler that does not read: the socket is left alone, until the call has ended.
    @Test func theSocketIsNotReadWhileTooMuchWaits() throws {
        let piece = TTRPCMessage.data(1, [UInt8](repeating: 0, count: 200_000))
        // A message that cannot be decoded would end the call; this one is one field of bytes.
        let body = TTRPCMessage.field(1, piece.payload)
        try send(.request(1, "Collect", flags: 2, timeout: 10_000_000_000), .data(1, [0x30, 1]))
        channel.read()
        #expect(line.reads == 1)
        for _ in 0..<8 { try send(.data(1, body)) }
        #expect(connection.holdsInput)
        channel.read()
        channel.read()
        #expect(line.reads == 1)
        time.pass(seconds: 11)
        #expect(try sent().map(\.code) == [4])
        #expect(!connection.holdsInput && line.reads == 2)
        try send(.request(3, "Echo"))
        #expect(try sent() == [.answer(3, [])])
    }
}
