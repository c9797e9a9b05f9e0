// SPDX-License-Identifier: Apache-2.0

import Logging
import NIOCore
import Ravioli
import RavioliWire
import ServiceLifecycle
import Synchronization
import Testing

/// The life of connections, and peers that do not behave, over real sockets.
@Suite(.timeLimit(.minutes(1)))
struct ConnectionTests {
    @Test func callsOverAUnixSocket() async throws {
        let path = temporarySocketPath()
        try await withServer([TestServer()], on: .unix(path: path)) { _, address in
            #expect(address == .unix(path: path))
            try await withClient(.unix(path: path)) { client in
                let described = try await TrialClient(client).describe(DescribeRequest())
                #expect(described.peer.hasPrefix("unix:"))
            }
        }
    }

    // MARK: Loss

    @Test func aRefusedConnectionLeavesCallsUnexecuted() async throws {
        let free = try await withServer([TestServer()]) { _, address in address }
        try await withClient(free) { client in
            let error = await rpcError { try await TrialClient(client).echo(EchoRequest()) }
            #expect(error?.code == .unavailable)
            #expect(error?.executed == .no)
            #expect(error?.origin == .local)
        }
    }

    @Test func aLostConnectionLeavesSentCallsMaybeExecuted() async throws {
        try await RawPeer.serve({ peer in
            try await peer.send(RawPeer.hello())
            var all = ByteBuffer()
            for try await part in peer.inbound {
                all.writeImmutableBuffer(part)
                if try frames(all).contains(where: { $0.header.kind == .call }) { return }
            }
        }) { address in
            // Without a hello no call is sent, and its loss is no "maybe": a slow machine gets its time.
            var options = ClientOptions.defaults
            options.limits.helloTimeout = .seconds(60)
            try await withClient(address, options: options) { client in
                let error = await rpcError { try await TrialClient(client).echo(EchoRequest()) }
                #expect(error?.code == .unavailable)
                #expect(error?.executed == .maybe)
            }
        }
    }

    @Test func callsAboveAGoawaysLastIdAreNotExecuted() async throws {
        try await RawPeer.serve({ peer in
            try await peer.send(RawPeer.hello())
            var all = ByteBuffer()
            for try await part in peer.inbound {
                all.writeImmutableBuffer(part)
                guard try frames(all).contains(where: { $0.header.kind == .call }) else { continue }
                var goaway = ByteBuffer()
                GoawayFrame(lastStreamID: 0, code: .none, reason: "leaving").write(into: &goaway)
                try await peer.send(goaway)
            }
        }) { address in
            try await withClient(address) { client in
                let error = await rpcError { try await TrialClient(client).echo(EchoRequest()) }
                #expect(error?.code == .unavailable)
                #expect(error?.executed == .no)
                #expect(error?.message.contains("leaving") == true)
            }
        }
    }

    @Test func connectsAgainWithTheNextCallAfterALoss() async throws {
        let path = temporarySocketPath()
        try await withClient(.unix(path: path), options: .impatient) { client in
            let trial = TrialClient(client)
            for round in 0..<3 as Range<UInt8> {
                try await withServer([TestServer()], on: .unix(path: path)) { _, _ in
                    var options = CallOptions.defaults
                    options.waitForReady = true
                    try await trial.expectsEcho(of: [round], options: options)
                }
            }
        }
    }

    @Test func waitForReadyWaitsForAServer() async throws {
        let path = temporarySocketPath()
        try await withClient(.unix(path: path), options: .impatient) { client in
            let trial = TrialClient(client)
            let failed = await rpcError { try await trial.echo(EchoRequest()) }
            #expect(failed?.code == .unavailable)
            var options = CallOptions.timeout(.seconds(20))
            options.waitForReady = true
            let waiting = Task { [options] in try await trial.expectsEcho(of: [1], options: options) }
            try await withServer([TestServer()], on: .unix(path: path)) { _, _ in try await waiting.value }
        }
    }

    @Test func aClosedClientFailsItsCalls() async throws {
        let server = TestServer()
        try await withServer([server]) { _, address in
            let client = try Client(address)
            let trial = TrialClient(client)
            async let hanging = rpcError {
                try await trial.hang(HangRequest(), options: .timeout(.seconds(50)))
            }
            await server.started.wait()
            await client.close()
            let ended = await hanging
            #expect(ended?.code == .unavailable)
            let after = await rpcError { try await trial.echo(EchoRequest()) }
            #expect(after?.message.contains("closed") == true)
            #expect(after?.executed == .no)
            await server.returned.wait()
        }
    }

    @Test func aClientMovesToAnotherConnectionWhenItsIdsAreUsed() async throws {
        var options = ClientOptions.defaults
        options.limits.streamIDMax = 3
        try await Transport.tcp.withChannel([TestServer()], client: options) { channel in
            for number in 0..<10 as Range<UInt8> {
                try await TrialClient(channel).expectsEcho(of: [number])
            }
        }
    }

    // MARK: Stopping

    @Test func aStoppingServerFinishesItsCallsAndTakesNoOthers() async throws {
        let service = TestServer()
        let server = try Server([service], on: .tcp(host: "127.0.0.1", port: 0))
        let address = try await server.start()
        try await withClient(address) { client in
            let trial = TrialClient(client)
            async let running = trial.hang(HangRequest(), options: .timeout(.seconds(50)))
            await service.started.wait()
            async let stopped: Void = server.stop()
            // The goaway has arrived when the client tries, and fails, to connect anew.
            var refused: RPCError?
            while refused == nil {
                do throws(RPCError) { _ = try await trial.echo(EchoRequest()) } catch { refused = error }
            }
            #expect(refused?.executed == .no)
            service.release.open()
            let finished = try await running
            #expect(finished == EchoResponse())
            await stopped
            #expect(server.address == nil)
        }
    }

    @Test func aStoppingServerCancelsWhatDoesNotFinish() async throws {
        let service = TestServer()
        var options = ServerOptions.defaults
        options.drainTimeout = .milliseconds(20)
        let server = try Server([service], on: .tcp(host: "127.0.0.1", port: 0), options: options)
        let address = try await server.start()
        try await withClient(address) { client in
            async let running = rpcError {
                try await TrialClient(client).hang(HangRequest(), options: .timeout(.seconds(50)))
            }
            await service.started.wait()
            await server.stop()
            let ended = await running
            #expect(ended?.code == .unavailable)
            await service.returned.wait()
        }
    }

    @Test func aServerRunsAsAServiceUntilShutdown() async throws {
        let server = try Server([TestServer()], on: .tcp(host: "127.0.0.1", port: 0))
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let group = ServiceGroup(services: [server], logger: logger)
        async let running: Void = group.run()
        let client = try Client(try await server.boundAddress())
        try await TrialClient(client).expectsEcho(of: [1])
        await group.triggerGracefulShutdown()
        try await running
        #expect(server.address == nil)
        var stopped: RuntimeError?
        do throws(RuntimeError) { _ = try await server.boundAddress() } catch { stopped = error }
        #expect(stopped?.code == .stopped)
        await client.close()
    }

    @Test func aPortInUseIsNamed() async throws {
        try await withServer([TestServer()]) { _, address in
            let second = try Server([TestServer()], on: address)
            var refused: RuntimeError?
            do throws(RuntimeError) { _ = try await second.start() } catch { refused = error }
            #expect(refused?.code == .cannotBind)
            #expect(refused?.message.contains(address.description) == true)
        }
    }

    @Test func servicesGivenTwiceAreRefused() {
        #expect(throws: RuntimeError.self) {
            try Server([TestServer(), TestServer()], on: .tcp(host: "127.0.0.1", port: 0))
        }
    }

    // MARK: Wrong and hostile peers

    @Test func anHTTPClientIsToldInHTTP() async throws {
        try await withServer([TestServer()]) { _, address in
            let answer = try await RawPeer.connect(to: address) { peer in
                try await peer.send(ByteBuffer(string: "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"))
                return try await peer.readToEnd()
            }
            let text = String(buffer: answer)
            #expect(text.hasPrefix("HTTP/1.1 400 Bad Request\r\n"))
            #expect(text.contains("ravioli/1"))
        }
    }

    @Test func aClientSaysThatItsServerSpeaksAnotherProtocol() async throws {
        try await RawPeer.serve({ peer in
            try await peer.send(ByteBuffer(string: "HTTP/1.1 400 Bad Request\r\n\r\n"))
            _ = try await peer.readToEnd()
        }) { address in
            try await withClient(address) { client in
                let error = await rpcError { try await TrialClient(client).echo(EchoRequest()) }
                #expect(error?.code == .unavailable)
                #expect(error?.message.contains("HTTP/1") == true)
            }
        }
    }

    @Test func aLengthOfFourGigabytesEndsTheConnectionAlone() async throws {
        try await withServer([TestServer()]) { _, address in
            try await withClient(address) { client in
                try await TrialClient(client).expectsEcho(of: [1])
                let answer = try await RawPeer.connect(to: address) { peer in
                    var bytes = RawPeer.hello()
                    FrameHeader(payloadBytes: .max, streamID: 1, kind: .call, flags: [.last, .message])
                        .write(into: &bytes)
                    try await peer.send(bytes)
                    return try await peer.readToEnd()
                }
                #expect(try frames(answer).goaway() == .frameTooLarge)
                try await TrialClient(client).expectsEcho(of: [2])
            }
        }
    }

    @Test func aPeersMetadataOverTheLimitIsRefusedAndTheConnectionSurvives() async throws {
        try await withServer([TestServer()]) { _, address in
            let answer = try await RawPeer.connect(to: address) { peer in
                let echo = "ravioli.trial.v1.Trial/Echo"
                var bytes = RawPeer.hello()
                bytes.writeImmutableBuffer(
                    RawPeer.call(1, echo, metadata: ByteBuffer(repeating: 0, count: 9000)))
                bytes.writeImmutableBuffer(RawPeer.call(2, echo, metadata: ByteBuffer(bytes: [0x0A, 0x7F])))
                var many = ByteBuffer()
                for _ in 0..<65 { many.writeBytes([0x0A, 3, 0x0A, 1, 0x61]) }
                bytes.writeImmutableBuffer(RawPeer.call(3, echo, metadata: many))
                bytes.writeImmutableBuffer(RawPeer.call(4, echo, message: [0x0A, 1, 9]))
                try await peer.send(bytes)
                var all = ByteBuffer()
                for try await part in peer.inbound {
                    all.writeImmutableBuffer(part)
                    if try frames(all).ends().count == 4 { break }
                }
                return all
            }
            let ends = try frames(answer).ends()
            #expect(ends[1]?.code == StatusCode.resourceExhausted.rawValue)
            #expect(ends[2]?.code == StatusCode.invalidArgument.rawValue)
            #expect(ends[3]?.code == StatusCode.resourceExhausted.rawValue)
            #expect(ends[1]?.executed == .no && ends[2]?.executed == .no && ends[3]?.executed == .no)
            #expect(ends[4]?.code == 0)
        }
    }

    /// Metadata is within the limit that a server names for it, and longer than the frames that it accepts.
    @Test(arguments: Transport.allCases)
    func metadataThatDoesNotFitThePeersFramesIsRefused(_ transport: Transport) async throws {
        let hello = Wire.hello { $0.frame = 1024 }
        let connections = try await transport.withScript { frame, _ in
            if frame.header.kind == .hello { return .send(hello) }
            #expect(frame.payload.readableBytes <= 1024)
            return frame.header.kind == .call ? .send(Wire.end(frame.header.streamID, message: [])) : nil
        } _: { channel in
            let trial = TrialClient(channel)
            for (bytes, isFitting) in [(5000, false), (760, false), (740, true)] {
                let metadata: Metadata = ["long": String(repeating: "x", count: bytes)]
                let request = EchoRequest(payload: [UInt8](repeating: 0, count: 3000))
                if isFitting {
                    _ = try await trial.echo(request, options: .metadata(metadata))
                } else {
                    let error = await rpcError { try await trial.echo(request, options: .metadata(metadata)) }
                    #expect(error?.code == .resourceExhausted && error?.executed == .no)
                }
            }
        }
        #expect(connections == 1)
    }

    /// The same the other way about: an error arrives, with as much of its text and details as fits.
    @Test func endsKeepToTheFramesOfAPeer() async throws {
        try await withServer([TestServer()]) { _, address in
            let answers = try await RawPeer.connect(to: address) { peer in
                let long = Wire.pair("x-long", String(repeating: "v", count: 600))
                let fail = Wire.field(1, 5) + Wire.field(2, Wire.text(String(repeating: "t", count: 900)))
                let calls = [
                    Wire.call(1, "Fail", fail + Wire.field(4, 1)), Wire.call(2, metadata: long),
                    Wire.call(3, metadata: Wire.pair("x-short", "v")),
                ]
                let all = Wire.hello { $0.frame = 1024 } + calls.flatMap(\.self)
                try await peer.send(ByteBuffer(bytes: all))
                var answers = WireAnswers()
                for try await part in peer.inbound {
                    answers.append(part)
                    if answers.ends.count == 3 { break }
                }
                return answers
            }
            #expect(answers.frames.dropFirst().allSatisfy { $0.payload.count <= 1024 })
            #expect(
                Set(answers.ends) == [.init(1, 5, .yes), .init(2, 8, .yes), .init(3, 0, .yes)])
        }
    }

    @Test func aSilentPeerIsClosedAfterTheHelloTimeout() async throws {
        var options = ServerOptions.defaults
        options.limits.helloTimeout = .milliseconds(30)
        try await withServer([TestServer()], options: options) { _, address in
            let answer = try await RawPeer.connect(to: address) { try await $0.readToEnd() }
            var payload = answer
            payload.moveReaderIndex(forwardBy: FrameHeader.bytes)
            #expect(try GoawayFrame(payload: payload, textBytesMax: 100).code == .timeout)
        }
    }

    @Test func aFrameThatDripsIsClosedAfterItsTimeout() async throws {
        var options = ServerOptions.defaults
        options.limits.frameTimeout = .milliseconds(30)
        try await withServer([TestServer()], options: options) { _, address in
            let answer = try await RawPeer.connect(to: address) { peer in
                var bytes = RawPeer.hello()
                bytes.writeBytes([0, 0, 1])
                try await peer.send(bytes)
                return try await peer.readToEnd()
            }
            #expect(try frames(answer).goaway() == .timeout)
        }
    }

    @Test func aConversationDrippedByteByByteWorks() async throws {
        try await withServer([TestServer()]) { _, address in
            let answer = try await RawPeer.connect(to: address) { peer in
                var bytes = RawPeer.hello()
                bytes.writeImmutableBuffer(
                    RawPeer.call(1, "ravioli.trial.v1.Trial/Echo", message: [0x0A, 1, 9]))
                for byte in bytes.readableBytesView { try await peer.send(ByteBuffer(bytes: [byte])) }
                var all = ByteBuffer()
                for try await part in peer.inbound {
                    all.writeImmutableBuffer(part)
                    if try frames(all).ends()[1] != nil { break }
                }
                return all
            }
            #expect(try frames(answer).ends()[1]?.code == 0)
        }
    }
}
