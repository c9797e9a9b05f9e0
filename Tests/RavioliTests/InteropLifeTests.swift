// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Ravioli
import RavioliSchema
import RavioliWire
import Synchronization
import Testing

/// gRPC's negative interop cases about connections, by their names there, over real sockets.
@Suite(.timeLimit(.minutes(1)))
struct InteropLifeTests {
    /// Two calls, two connections: the server leaves after each answer.
    @Test func goaway() async throws {
        let connections = Counter()
        try await RawPeer.serve({ peer in
            connections.add()
            try await peer.send(RawPeer.hello())
            try await peer.answerCalls(after: { streamID, bytes in
                GoawayFrame(lastStreamID: streamID, code: .none, reason: "one call each").write(into: &bytes)
            })
        }) { address in
            try await withClient(address) { client in
                for _ in 0..<2 { _ = try await TrialClient(client).echo(EchoRequest()) }
            }
        }
        #expect(connections.count == 2)
    }

    /// Pings in the midst of calls; none stays unanswered.
    @Test func ping() async throws {
        let tokens = 1...50 as ClosedRange<UInt64>
        let all = Gate()
        try await RawPeer.serve({ peer in
            var bytes = RawPeer.hello()
            for token in tokens { PingFrame(token: token).write(into: &bytes) }
            try await peer.send(bytes)
            var answered: [UInt64] = []
            try await peer.answerCalls { frame in
                guard let ping = try? PingFrame(payload: frame.payload, flags: frame.header.flags) else {
                    return
                }
                #expect(ping.isAnswer)
                answered.append(ping.token)
                if answered == Array(tokens) { all.open() }
            }
        }) { address in
            try await withClient(address) { client in
                for _ in 0..<3 { _ = try await TrialClient(client).echo(EchoRequest()) }
                await all.wait()
            }
        }
    }

    /// A server that runs one call at a time is sent one at a time; ten at once all pass.
    @Test func maxStreams() async throws {
        let service = OneAtATime()
        var options = ServerOptions.defaults
        options.limits.callsRunningMax = 1
        options.limits.callsQueuedMax = 0
        try await Transport.tcp.withChannel([service], options: options) { channel in
            let trial = TrialClient(channel)
            _ = try await trial.echo(EchoRequest(payload: [255]))
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<10 as Range<UInt8> {
                    group.addTask { try await trial.expectsEcho(of: [number]) }
                }
                try await group.waitForAll()
            }
        }
        #expect(service.most.count == 1)
    }

    @Test func reconnectAfterTransportFailure() async throws {
        let connections = Counter()
        try await RawPeer.serve({ peer in
            connections.add()
            try await peer.send(RawPeer.hello())
            // The first connection breaks with a call half answered: a frame's header, and no more.
            if connections.count == 1 {
                _ = try await peer.nextCall()
                try await peer.send(ByteBuffer(bytes: [0, 0, 0, 9, 0, 0, 0, 1, 4]))
            } else {
                try await peer.answerCalls()
            }
        }) { address in
            try await withClient(address, options: .impatient) { client in
                let trial = TrialClient(client)
                let lost = await rpcError { try await trial.echo(EchoRequest()) }
                #expect(lost?.code == .unavailable && lost?.executed == .maybe)
                var waiting = CallOptions.timeout(.seconds(30))
                waiting.waitForReady = true
                for _ in 0..<2 { _ = try await trial.echo(EchoRequest(), options: waiting) }
            }
        }
        #expect(connections.count == 2)
    }

    /// Every one ends in time, and the channel is as good as new.
    @Test(arguments: Transport.allCases)
    func thousandsOfTimeoutsOnOneChannel(_ transport: Transport) async throws {
        try await transport.withChannel([Hanging()]) { channel in
            let trial = TrialClient(channel)
            for _ in 0..<3 {
                let ends = await withTaskGroup(of: StatusCode?.self) { group in
                    for _ in 0..<1000 {
                        group.addTask {
                            await rpcError {
                                try await trial.echo(EchoRequest(), options: .timeout(.milliseconds(5)))
                            }?
                            .code
                        }
                    }
                    return await group.reduce(into: []) { $0.append($1) }
                }
                #expect(ends.count == 1000 && ends.allSatisfy { $0 == .deadlineExceeded })
            }
            _ = try await trial.describe(DescribeRequest(), options: .timeout(.seconds(30)))
        }
    }

    @Test(arguments: Transport.allCases)
    func cancelBeforeStart(_ transport: Transport) async throws {
        let service = TestServer()
        try await transport.withChannel([service]) { channel in
            let trial = TrialClient(channel)
            let ready = Gate()
            let call = Task {
                await ready.wait()
                return await rpcError { try await trial.hang(HangRequest()) }
            }
            call.cancel()
            ready.open()
            let ended = await call.value
            #expect(ended?.code == .cancelled && ended?.executed == .no)
            try await trial.expectsEcho(of: [1])
            #expect(!service.started.isOpen)
        }
    }

    // MARK: Keepalive over sockets

    @Test func aServerThatAnswersNoPingIsGivenUp() async throws {
        var options = ClientOptions.defaults
        options.limits.pingIntervalMin = .milliseconds(20)
        options.keepalive = KeepaliveOptions(interval: .milliseconds(20), timeout: .milliseconds(40))
        try await RawPeer.serve({ peer in
            try await peer.send(RawPeer.hello())
            let all = try await peer.readToEnd()
            #expect(try frames(all).contains { $0.header.kind == .ping })
        }) { address in
            try await withClient(address, options: options) { client in
                let error = await rpcError { try await TrialClient(client).echo(EchoRequest()) }
                #expect(error?.code == .unavailable && error?.executed == .maybe)
                #expect(error?.message.contains("sign of life") == true)
            }
        }
    }

    @Test func aClientThatPingsTooOftenIsToldAndLeft() async throws {
        try await withServer([TestServer()]) { _, address in
            let answer = try await RawPeer.connect(to: address) { peer in
                var bytes = RawPeer.hello()
                for token in 1...4 as ClosedRange<UInt64> { PingFrame(token: token).write(into: &bytes) }
                try await peer.send(bytes)
                return try await peer.readToEnd()
            }
            let frames = try frames(answer)
            #expect(frames.count { $0.header.kind == .ping } == 3)
            #expect(try frames.goaway() == .tooManyPings)
        }
    }

    @Test func aServerPingsASilentClientAndGivesItUp() async throws {
        var options = ServerOptions.defaults
        options.limits.pingIntervalMin = .milliseconds(20)
        options.keepalive = KeepaliveOptions(
            interval: .milliseconds(20), timeout: .milliseconds(40), pingsWithoutCalls: true)
        try await withServer([TestServer()], options: options) { _, address in
            let answer = try await RawPeer.connect(to: address) { peer in
                try await peer.send(RawPeer.hello())
                return try await peer.readToEnd()
            }
            let frames = try frames(answer)
            #expect(frames.contains { $0.header.kind == .ping })
            #expect(try frames.goaway() == .timeout)
        }
    }

    @Test func optionsThatContradictThemselvesAreRefused() {
        let changes: [@Sendable (inout ClientOptions) -> Void] = [
            { $0.keepalive.interval = .seconds(9) }, { $0.keepalive.timeout = .zero },
            { $0.idleTimeout = .zero }, { $0.backoff.initial = .zero }, { $0.backoff.max = .milliseconds(1) },
        ]
        for change in changes {
            var options = ClientOptions.defaults
            change(&options)
            #expect(throws: RuntimeError.self) {
                try Client(.tcp(host: "127.0.0.1", port: 1), options: options)
            }
        }
        let serverChanges: [@Sendable (inout ServerOptions) -> Void] = [
            { $0.keepalive.interval = .seconds(1) }, { $0.connectionAgeMax = .zero },
            { $0.connectionAgeGrace = .seconds(-1) }, { $0.drainTimeout = .seconds(-1) },
            { $0.idleTimeout = .seconds(-1) }, { $0.limits.pingStrikesMax = -1 },
        ]
        for change in serverChanges {
            var options = ServerOptions.defaults
            change(&options)
            #expect(throws: RuntimeError.self) {
                try Server([TestServer()], on: .tcp(host: "127.0.0.1", port: 0), options: options)
            }
        }
    }
}

// MARK: Services

/// Counts, from any thread.
final class Counter: Sendable {
    private let value = Atomic<Int>(0)
    var count: Int { value.load(ordering: .relaxed) }
    func add(_ number: Int = 1) { value.add(number, ordering: .relaxed) }
    func raise(to number: Int) { value.max(number, ordering: .relaxed) }
}

/// Echoes, and knows how many calls it served at the same time.
private struct OneAtATime: Service {
    let running = Counter()
    let most = Counter()
    var descriptor: ServiceDescriptor { Trial.descriptor }
    var methods: [MethodHandler] {
        [
            .unary(Trial.echo) { request, _ in
                running.add()
                most.raise(to: running.count)
                for _ in 0..<10 { await Task.yield() }
                running.add(-1)
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

// MARK: A server in bytes

extension RawPeer {
    /// Reads until a call has come.
    func nextCall() async throws -> UInt32? {
        var all = ByteBuffer()
        for try await part in inbound {
            all.writeImmutableBuffer(part)
            if let call = try frames(all).first(where: { $0.header.kind == .call }) {
                return call.header.streamID
            }
        }
        return nil
    }

    /// Answers every call with an empty message, until the client closes. `after` adds to an answer; `other` hears of
    /// what is no call.
    func answerCalls(
        _ other: (Frame) -> Void = { _ in }, after: (UInt32, inout ByteBuffer) -> Void = { _, _ in }
    ) async throws {
        var decoder = FrameDecoder(limits: .defaults)
        for try await part in inbound {
            decoder.append(part)
            while let frame = try decoder.next() {
                guard frame.header.kind == .call else {
                    other(frame)
                    continue
                }
                var bytes = ByteBuffer()
                FrameHeader(payloadBytes: 2, streamID: frame.header.streamID, kind: .end, flags: .message)
                    .write(into: &bytes)
                EndFrame(code: 0, executed: .yes).write(into: &bytes)
                after(frame.header.streamID, &bytes)
                try await send(bytes)
            }
        }
    }
}
