// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Ravioli
import RavioliWire
import Testing

/// What used up a call's time, and where; time without messages; and work that goes on for nobody.
@Suite(.timeLimit(.minutes(1)))
struct DeadlineReportTests {
    private static func named(_ name: String) -> ServerOptions {
        var options = ServerOptions.defaults
        options.name = name
        return options
    }

    @Test func connecting() async throws {
        try await RawPeer.serve({ peer in _ = try await peer.readToEnd() }) { address in
            try await withClient(address) { client in
                let error = await rpcError {
                    try await TrialClient(client).echo(EchoRequest(), options: .timeout(.milliseconds(200)))
                }
                #expect(error?.deadlineReport?.phase == .connecting)
                #expect(error?.deadlineReport?.hop == "\(address)")
            }
        }
    }

    @Test(arguments: Transport.allCases)
    func queuedAtTheClient(_ transport: Transport) async throws {
        var options = Self.named("desk")
        options.limits.callsRunningMax = 1
        let server = TestServer()
        try await transport.withChannel([server], options: options) { channel in
            let client = TrialClient(channel)
            async let first = client.hang(HangRequest(), options: .timeout(.seconds(50)))
            await server.started.wait()
            let error = await rpcError {
                try await client.echo(EchoRequest(), options: .timeout(.milliseconds(200)))
            }
            #expect(error?.deadlineReport?.phase == .queued)
            #expect(error?.deadlineReport?.method == "ravioli.trial.v1.Trial/Echo")
            server.release.open()
            _ = try await first
        }
    }

    /// A server that reads nothing after its hello: what the system's buffers do not hold cannot leave.
    @Test func sending() async throws {
        let gate = Gate()
        let serve: @Sendable (RawPeer) async throws -> Void = { peer in
            try await peer.send(RawPeer.hello())
            await gate.wait()
        }
        try await RawPeer.serve(serve) { address in
            try await withClient(address) { client in
                let trial = TrialClient(client)
                let request = EchoRequest(payload: [UInt8](repeating: 7, count: 4_000_000))
                let errors = await withTaskGroup(of: RPCError?.self) { group in
                    for _ in 0..<8 {
                        group.addTask {
                            await rpcError { try await trial.echo(request, options: .timeout(.seconds(2))) }
                        }
                    }
                    return await group.reduce(into: []) { $0.append($1) }
                }
                #expect(errors.allSatisfy { $0?.code == .deadlineExceeded })
                let held = errors.filter { $0?.deadlineReport?.phase == .sending }
                #expect(!held.isEmpty && held.allSatisfy { $0?.executed == .no })
                gate.open()
            }
        }
    }

    @Test(arguments: Transport.allCases)
    func inTheHandlerOfANamedServer(_ transport: Transport) async throws {
        try await transport.withChannel([TestServer()], options: Self.named("desk")) { channel in
            let client = TrialClient(channel)
            try await client.expectsEcho(of: [1])
            let error = await rpcError {
                try await client.hang(HangRequest(), options: .timeout(.milliseconds(200)))
            }
            let expected = DeadlineReport(
                phase: .handler, hop: "desk", method: "ravioli.trial.v1.Trial/Hang")
            #expect(error?.deadlineReport == expected)
            #expect(error?.message == "the deadline passed in the handler of \(expected.method) on desk")
        }
    }

    /// What a server says whose handler waits for another server. Asked by a peer that does not keep the deadline itself.
    @Test func downstream() async throws {
        let child = TestServer()
        try await withServer([child], options: Self.named("child")) { _, childAddress in
            try await withClient(childAddress) { childClient in
                let trial = TrialClient(childClient)
                // Connected before: time that is used up by connecting is another report.
                try await trial.expectsEcho(of: [1])
                let asks = MethodHandler.unary(Trial.hang) { request, _ in try await trial.hang(request) }
                let parent = BytesService(methods: [asks])
                try await withServer([parent], options: Self.named("parent")) { _, address in
                    let method = "ravioli.trial.v1.Trial/Hang"
                    let status = try await Self.status(of: method, at: address)
                    // Both ends of the inner call know that time is up; whoever is first says so.
                    let texts = [
                        "in the call of \(method), made by parent", "in the handler of \(method) on child",
                    ]
                    #expect(texts.contains { status.contains($0) }, "\(status)")
                    #expect(status.contains("ravioli.status.v1.DeadlineDetail"))
                }
            }
        }
        child.release.open()
    }

    /// The encoded status with which a server ends a call of a second.
    private static func status(of method: String, at address: Address) async throws -> String {
        try await RawPeer.connect(to: address) { peer in
            var bytes = RawPeer.hello()
            bytes.writeImmutableBuffer(RawPeer.call(1, method, remaining: 1_000_000_000))
            try await peer.send(bytes)
            var all = ByteBuffer()
            for try await part in peer.inbound {
                all.writeImmutableBuffer(part)
                guard let end = try frames(all).ends()[1] else { continue }
                return end.status.map { String(buffer: $0) } ?? ""
            }
            throw UnknownTestError(text: "no end")
        }
    }

    // MARK: Time without messages

    @Test(arguments: Transport.allCases)
    func aStreamWithoutMessagesEndsForItsCaller(_ transport: Transport) async throws {
        let server = TestServer()
        try await transport.withChannel([server]) { channel in
            var options = CallOptions.timeout(.seconds(50))
            options.messageTimeout = .seconds(2)
            let call = TrialClient(channel).converse(options: options)
            // Each message counts, either way.
            let answers = call.responses.makeAsyncIterator()
            for _ in 0..<3 {
                try await call.send(AnswerRequest(payload: [1]))
                _ = try await answers.next()
            }
            let error = await rpcError { while try await answers.next() != nil {} }
            #expect(error?.code == .deadlineExceeded)
            #expect(error?.deadlineReport?.phase == .idle)
        }
    }

    @Test(arguments: Transport.allCases)
    func aStreamWithoutMessagesEndsOnItsServer(_ transport: Transport) async throws {
        var options = Self.named("desk")
        options.messageTimeout = .seconds(2)
        let server = TestServer()
        try await transport.withChannel([server], options: options) { channel in
            let call = TrialClient(channel).converse(options: .timeout(.seconds(50)))
            try await call.send(AnswerRequest(payload: [1], hangs: true))
            let error = await rpcError {
                for try await _ in call.responses {}
            }
            let expected = DeadlineReport(
                phase: .idle, hop: "desk", method: "ravioli.trial.v1.Trial/Converse")
            #expect(error?.deadlineReport == expected)
            await server.returned.wait()
            #expect(server.cancelled.isOpen)
        }
    }

    /// A stream with messages lives as long as it likes.
    @Test func messagesKeepAStreamAlive() async throws {
        let server = TestServer()
        try await Transport.tcp.withChannel([server]) { channel in
            var options = CallOptions.timeout(.seconds(50))
            options.messageTimeout = .seconds(2)
            let call = TrialClient(channel).converse(options: options)
            let clock = ContinuousClock()
            let began = clock.now
            let answers = call.responses.makeAsyncIterator()
            while clock.now - began < .seconds(3) {
                try await call.send(AnswerRequest(payload: [1]))
                #expect(try await answers.next() != nil)
            }
            call.finish()
            #expect(try await answers.next() == nil)
        }
    }

    // MARK: Work after cancel

    @Test func workForNobodyIsCounted() async throws {
        let server = TestServer()
        try await withServer([server]) { running, address in
            try await withClient(address) { client in
                let trial = TrialClient(client)
                try await trial.expectsEcho(of: [1])
                #expect(running.workAfterCancel.handlers == 0)
                let task = Task { try await trial.hang(HangRequest(ignoresCancellation: true)) }
                await server.started.wait()
                task.cancel()
                _ = try? await task.value
                await server.cancelled.wait()
                server.release.open()
                await server.returned.wait()
                // Its return is on the loop before the next call's answer is.
                try await trial.expectsEcho(of: [2])
                #expect(running.workAfterCancel.handlers == 1)
                #expect(running.workAfterCancel.duration > .zero)
            }
        }
    }
}
