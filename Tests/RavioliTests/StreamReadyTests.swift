// SPDX-License-Identifier: Apache-2.0

@testable import Ravioli

import NIOCore
import RavioliSchema
import RavioliWire
import Testing

/// What a call with streams does without a suspension, and that it leaves nothing out.
@Suite(.timeLimit(.minutes(1)))
struct StreamReadyTests {
    @Test(arguments: Transport.allCases)
    func whatIsThereAndWhatIsAwaitedComesInOrder(_ transport: Transport) async throws {
        try await transport.withChannel([TestServer()]) { channel in
            let sizes = (0..<2_000).map { Int32($0 % 300) } + [70_000, 1, 200_000, 2]
            let request = try AnswerRequest(answerBytes: sizes).encoded()
            let call = channel.stream(StreamRequest(Trial.watch.name, request: request))
            var (found, ready, isEnded) = ([Int32](), 0, false)
            while !isEnded {
                let isReady = call.tryNext { bytes in
                    let response = try? EchoResponse(decoding: bytes)
                    found.append(Int32(response?.payload.count ?? -1))
                }
                if isReady {
                    ready += 1
                } else if let bytes = try await call.next() {
                    found.append(Int32(try EchoResponse(decoding: bytes).payload.count))
                } else {
                    isEnded = true
                }
            }
            #expect(found == sizes && ready > 100)
            #expect(!call.tryNext { _ in Issue.record("a message after the end") })
        }
    }

    /// A server that reads nothing: what can be sent without waiting is bounded, whether messages have bytes or none.
    @Test(arguments: Transport.allCases, [0, 1_000])
    func aWriterThatDoesNotWaitIsStopped(_ transport: Transport, _ size: Int) async throws {
        let server = TestServer()
        try await transport.withChannel([server]) { channel in
            let call = channel.stream(StreamRequest(Trial.converse.name))
            try await call.send(try AnswerRequest(hangs: true).encoded())
            await server.started.wait()
            let message = [UInt8](repeating: 0, count: size)
            var sent = 0
            // As long as the loop takes something, there is room again.
            for _ in 0..<1_000 {
                while message.withUnsafeBytes({ call.trySend($0) }) { sent += 1 }
                await Task.yield()
            }
            let limits = WireLimits.defaults
            let most = limits.streamCreditBytes + limits.connectionCreditBytes + 3 * 64 * 1024
            #expect(sent > 10 && sent * (size + StreamCost.messageOverhead) <= most)
            call.cancel()
            #expect(await rpcError { try await call.next() }?.code == .cancelled)
            #expect(!message.withUnsafeBytes { call.trySend($0) })
            #expect(await rpcError { try await call.send(message) }?.code == .cancelled)
        }
    }

    @Test func messagesStayInOrderWhenTheShortOvertakeNoLong() async throws {
        let channel = InProcessChannel(TestServer())
        let call = channel.stream(StreamRequest(Trial.converse.name))
        let sizes = [10, 5_000, 1, 90_000, 3, 4, 4_096, 4_097, 200, 300_000, 7]
        let sending = Task {
            for size in sizes {
                let payload = [UInt8](repeating: 1, count: size)
                let bytes = try AnswerRequest(payload: payload).encoded()
                if !bytes.withUnsafeBytes({ call.trySend($0) }) { try await call.send(bytes) }
            }
            call.finish()
        }
        var found: [Int] = []
        for try await response in ResponseStream<EchoResponse>(call) { found.append(response.payload.count) }
        try await sending.value
        #expect(found == sizes)
        await channel.close()
    }

    /// What waits to be read may hold little more memory than was paid for.
    @Test func spareMemoryIsNotMuchMoreThanWasAskedFor() {
        let spares = SpareMemory()
        var buffer = ByteBuffer()
        buffer.reserveCapacity(256 * 1024)
        spares.give(buffer)
        #expect(spares.take(for: 1_000).capacity == 0)
        #expect(spares.take(for: 60_000).capacity == 0)
        #expect(spares.take(for: 65_536).capacity == 256 * 1024)
        #expect(spares.take(for: 65_536).capacity == 0)
        buffer.reserveCapacity(1024 * 1024)
        spares.give(buffer)
        #expect(spares.take(for: 1 << 20).capacity == 0, "too large to be kept")
    }

    /// The one who reads is told apart from who comes second; nobody is kept waiting, nothing is read twice.
    @Test func aSecondReaderIsRefusedWhileTheFirstIsAtIt() async throws {
        let inbox = StreamInbox(window: 1_000)
        let side = Side()
        for _ in 0..<2 {
            inbox.deliver(.whole(ByteBuffer(bytes: [1])), MessageCost(stream: 17, connection: 17))
        }
        let isRead = inbox.tryNext(side) { _ in
            #expect(!inbox.tryNext(side) { _ in Issue.record("read while another one reads") })
            inbox.end(.failure(RPCError(.cancelled, "gone")), dropsUnread: true)
        }
        #expect(isRead)
        #expect(!inbox.tryNext(side) { _ in Issue.record("read after it was dropped") })
        #expect(await rpcError { try await inbox.next(side) }?.code == .cancelled)
    }

    private struct Side: StreamLoopSide {
        let spareMemory = SpareMemory()
        func wantsOutput() {}
        func hasRead(_ cost: MessageCost) {}
    }
}
