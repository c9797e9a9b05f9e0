// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOPosix
import Ravioli
import RavioliSchema
import RavioliWire
import Testing

/// gRPC's interoperability cases of many calls, long calls and slow readers, most of them open upstream. One at a time:
/// each keeps a machine busy, so
/// `Scripts/test` runs them apart from calls with short times.
@Suite(.serialized, .timeLimit(.minutes(4)))
struct InteropScaleTests {
    private static let large = EchoRequest(
        payload: [UInt8](repeating: 0, count: 271_828), answerBytes: 314_159)

    // MARK: Soak

    /// Ten large calls on one channel, each with its time.
    @Test(arguments: Transport.allCases)
    func rpc_soak(_ transport: Transport) async throws {
        try await transport.withChannel([TestServer()]) { channel in
            for _ in 0..<10 {
                let answer = try await TrialClient(channel).echo(Self.large, options: .timeout(.seconds(20)))
                #expect(answer.payload.count == 314_159)
            }
        }
    }

    /// The same with a new channel, and a new server, for each call.
    @Test(arguments: Transport.allCases)
    func channel_soak(_ transport: Transport) async throws {
        for _ in 0..<10 {
            try await transport.withChannel([TestServer()]) { channel in
                let answer = try await TrialClient(channel).echo(Self.large, options: .timeout(.seconds(20)))
                #expect(answer.payload.count == 314_159)
            }
        }
    }

    // MARK: Thousands

    /// All at the same time: no handler returns before the last one has begun.
    @Test(arguments: Transport.allCases)
    func thousands_of_simultaneous_calls(_ transport: Transport) async throws {
        let service = Meeting(of: 2_000)
        var options = ServerOptions.defaults
        options.limits.callsRunningMax = 2_000
        try await transport.withChannel([service], options: options) { channel in
            let trial = TrialClient(channel)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<2_000 {
                    let payload = [UInt8(number >> 8), UInt8(number & 0xFF)]
                    group.addTask {
                        try await trial.expectsEcho(of: payload, options: .timeout(.seconds(200)))
                    }
                }
                try await group.waitForAll()
            }
        }
        #expect(service.present.count == 2_000)
    }

    /// Three thousand on one channel, a thousand at the same time: every one ends, and the channel is as good as new.
    @Test(arguments: Transport.allCases)
    func thousands_of_timeouts_on_one_channel(_ transport: Transport) async throws {
        try await transport.withChannel([Hanging()]) { channel in
            let trial = TrialClient(channel)
            for _ in 0..<3 {
                let ends = await withTaskGroup(of: StatusCode?.self) { group in
                    for _ in 0..<1_000 {
                        group.addTask {
                            await rpcError {
                                try await trial.echo(EchoRequest(), options: .timeout(.milliseconds(5)))
                            }?
                            .code
                        }
                    }
                    return await group.reduce(into: []) { $0.append($1) }
                }
                #expect(ends.count == 1_000 && ends.allSatisfy { $0 == .deadlineExceeded })
            }
            _ = try await trial.describe(DescribeRequest(), options: .timeout(.seconds(60)))
        }
    }

    /// A thousand at once on one connection: the server runs as many as it has places for, the others wait with their
    /// caller, and what the server holds of them stays below its cap, which is a tenth of what is sent.
    @Test(arguments: [Transport.tcp, .tls, .unix])
    func concurrent_large_unary(_ transport: Transport) async throws {
        var options = ServerOptions.defaults
        options.limits.callsRunningMax = 4
        options.limits.assemblyBytesMax = 8 << 20
        options.limits.messageBytesMax = 1 << 20
        options.limits.connectionCreditBytesMax = 0
        let cap = options.limits.connectionBytesMax
        #expect(cap < 15 << 20)
        // Loops of its own: other tests' calls would wait behind half a gigabyte.
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        try await transport.withLoops([TestServer()], options: options, group: group) { server, client in
            try await callAThousandTimes(TrialClient(client)) {
                let held = await server.bytesHeld()
                #expect(held.values.allSatisfy { $0 <= cap }, "\(held.values)")
            }
        }
        try await group.shutdownGracefully()
    }

    /// Without a socket nobody can ask the server what it holds: its limits refuse what is too much, and nothing is refused.
    @Test func concurrent_large_unary_in_process() async throws {
        var options = ServerOptions.defaults
        options.limits.callsRunningMax = 4
        options.limits.assemblyBytesMax = 4 << 20
        try await Transport.inProcess.withChannel([TestServer()], options: options) { channel in
            try await callAThousandTimes(TrialClient(channel)) {}
        }
    }

    private func callAThousandTimes(_ trial: TrialClient, check: () async -> Void) async throws {
        try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<1_000 {
                group.addTask {
                    try await trial.echo(Self.large, options: .timeout(.seconds(200))).payload.count
                }
            }
            var answers = 0
            for try await bytes in group {
                #expect(bytes == 314_159)
                answers += 1
                if answers % 50 == 0 { await check() }
            }
            #expect(answers == 1_000)
        }
    }

    // MARK: Push-back

    /// What may be under way of a stream that nobody reads: its credit, and what waits to be sent on the writer's side.
    private static let unreadMessagesMax = (256 * 1024 + 2 * 64 * 1024) / PushBack.messageBytes + 4

    /// A client asks for 16 MB and reads nothing: the server's handler waits before it has sent half a megabyte. Other
    /// calls go on; whoever reads late gets everything, in order.
    @Test(arguments: Transport.allCases)
    func client_slow_reader(_ transport: Transport) async throws {
        let service = PushBack()
        try await transport.withChannel([service]) { channel in
            let trial = TrialClient(channel)
            let responses = trial.watch(AnswerRequest(), options: .timeout(.seconds(200)))
            let iterator = responses.makeAsyncIterator()
            _ = try await iterator.next()
            for _ in 0..<500 { try await trial.expectsEcho(of: [1], options: .timeout(.seconds(60))) }
            #expect(service.sent.count <= Self.unreadMessagesMax + 1)
            #expect(service.sent.count > 1)
            var read: UInt32 = 1
            while let response = try await iterator.next() {
                try #require(PushBack.number(in: response.payload) == read)
                read += 1
            }
            #expect(read == PushBack.messages)
        }
    }

    /// The other way about: a handler that reads nothing holds up its client, not the connection.
    @Test(arguments: Transport.allCases)
    func server_slow_reader(_ transport: Transport) async throws {
        let service = PushBack()
        let sent = Counter()
        try await transport.withChannel([service]) { channel in
            let trial = TrialClient(channel)
            async let collected = trial.collect(options: .timeout(.seconds(200))) { requests in
                for number in 0..<PushBack.messages {
                    try await requests.send(AnswerRequest(payload: PushBack.message(number)))
                    sent.add()
                }
            }
            await service.collecting.wait()
            for _ in 0..<500 { try await trial.expectsEcho(of: [1], options: .timeout(.seconds(60))) }
            #expect(sent.count <= Self.unreadMessagesMax)
            #expect(sent.count > 0)
            service.mayRead.open()
            let response = try await collected
            #expect(response.requests == Int32(PushBack.messages))
            #expect(response.bytes == Int64(PushBack.messages) * Int64(PushBack.messageBytes))
        }
    }
}

// MARK: Services

/// Answers nobody before everybody has come.
private struct Meeting: Service {
    let guests: Int
    let present = Counter()
    let complete = Gate()

    init(of guests: Int) { self.guests = guests }

    var descriptor: ServiceDescriptor { Trial.descriptor }
    var methods: [MethodHandler] {
        [
            .unary(Trial.echo) { request, _ in
                if present.add() == guests { complete.open() }
                await complete.wait()
                return EchoResponse(payload: request.payload)
            }
        ]
    }
}

/// `echo` ends with its deadline alone; `describe` answers.
private struct Hanging: Service {
    var descriptor: ServiceDescriptor { Trial.descriptor }
    var methods: [MethodHandler] {
        [
            .unary(Trial.echo) { _, _ in
                for await _ in AsyncStream<Void>(Void.self, { _ in }) {}
                return EchoResponse()
            },
            .unary(Trial.describe) { _, _ in DescribeResponse() },
        ]
    }
}

/// Sends much, and reads when it is told to.
private struct PushBack: Service {
    static let messages: UInt32 = 4_000
    static let messageBytes = 4096

    let sent = Counter()
    let collecting = Gate()
    let mayRead = Gate()

    static func message(_ number: UInt32) -> [UInt8] { Wire.u32(number) + Wire.zeros(messageBytes - 4) }
    static func number(in payload: [UInt8]) -> UInt32 { payload.prefix(4).reduce(0) { $0 << 8 | UInt32($1) } }

    var descriptor: ServiceDescriptor { Trial.descriptor }
    var methods: [MethodHandler] {
        [
            .unary(Trial.echo) { request, _ in EchoResponse(payload: request.payload) },
            .serverStreaming(Trial.watch) { _, responses, _ in
                for number in 0..<Self.messages {
                    try await responses.send(EchoResponse(payload: Self.message(number)))
                    sent.add()
                }
            },
            .clientStreaming(Trial.collect) { requests, _ in
                collecting.open()
                await mayRead.wait()
                var response = CollectResponse()
                for try await request in requests {
                    guard Self.number(in: request.payload) == UInt32(response.requests) else {
                        throw RPCError(.dataLoss, "a request out of order")
                    }
                    response.requests += 1
                    response.bytes += Int64(request.payload.count)
                }
                return response
            },
        ]
    }
}
