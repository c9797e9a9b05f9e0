// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOPosix
import Ravioli
import RavioliWire
import Testing

/// gRPC's unary interoperability cases, with its names and sizes.
@Suite(.timeLimit(.minutes(3)))
struct InteropUnaryTests {
    private static let large = EchoRequest(
        payload: [UInt8](repeating: 0, count: 271_828), answerBytes: 314_159)

    @Test(arguments: Transport.allCases)
    func empty_unary(_ transport: Transport) async throws {
        try await transport.withChannel([TestServer()]) { channel in
            let answer = try await TrialClient(channel).echo(EchoRequest())
            #expect(answer == EchoResponse())
        }
    }

    @Test(arguments: Transport.allCases)
    func large_unary(_ transport: Transport) async throws {
        try await transport.withChannel([TestServer()]) { channel in
            let answer = try await TrialClient(channel).echo(Self.large)
            #expect(answer.payload == [UInt8](repeating: 0, count: 314_159))
        }
    }

    /// A thousand at once on one connection: the server runs as many as it has places for, the others wait with their
    /// caller, and what the server holds of them stays below its cap.
    @Test func concurrent_large_unary() async throws {
        var options = ServerOptions.defaults
        options.limits.callsRunningMax = 20
        options.limits.helloTimeout = .seconds(60)
        // Loops of its own: other tests' calls would wait behind half a gigabyte.
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let server = try Server(
            [TestServer()], on: .tcp(host: "127.0.0.1", port: 0), options: options, group: group)
        var clientOptions = ClientOptions.defaults
        clientOptions.limits.helloTimeout = .seconds(60)
        let client = try Client(try await server.start(), options: clientOptions, eventLoop: group.next())
        try await callAThousandTimes(TrialClient(client)) {
            let held = await server.bytesHeld()
            #expect(held.values.allSatisfy { $0 <= options.limits.connectionBytesMax })
        }
        await client.close()
        await server.stop()
        try await group.shutdownGracefully()
    }

    private func callAThousandTimes(_ trial: TrialClient, check: () async -> Void) async throws {
        try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<1_000 {
                group.addTask {
                    try await trial.echo(Self.large, options: .timeout(.seconds(150))).payload.count
                }
            }
            var answers = 0
            for try await bytes in group {
                #expect(bytes == 314_159)
                answers += 1
                if answers % 100 == 0 { await check() }
            }
            #expect(answers == 1_000)
        }
    }

    @Test(arguments: Transport.allCases)
    func special_status_message(_ transport: Transport) async throws {
        let text = "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n"
        try await transport.withChannel([TestServer()]) { channel in
            let error = await rpcError {
                try await TrialClient(channel).fail(FailRequest(code: 2, message: text))
            }
            #expect(error?.code == .unknown && error?.message == text)
        }
    }

    /// Open upstream: a header of 63 KB is refused, and the connection goes on.
    @Test(arguments: Transport.allCases)
    func a_header_of_63_KB_is_refused(_ transport: Transport) async throws {
        try await transport.withChannel([TestServer()]) { channel in
            let client = TrialClient(channel)
            let metadata: Metadata = ["long": String(repeating: "x", count: 63 * 1024)]
            let error = await rpcError { try await client.echo(EchoRequest(), options: .metadata(metadata)) }
            #expect(error?.code == .resourceExhausted && error?.executed == .no)
            let stream = client.converse(options: .metadata(metadata))
            let refusal = await rpcError { try await stream.responses.makeAsyncIterator().next() }
            #expect(refusal?.code == .resourceExhausted)
            try await client.expectsEcho(of: [1])
        }
    }
}
