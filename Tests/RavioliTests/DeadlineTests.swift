// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Ravioli
import RavioliWire
import Testing

/// Deadlines and cancellation, the same over every transport.
@Suite(.timeLimit(.minutes(1)))
struct DeadlineTests {
    @Test(arguments: Transport.allCases)
    func theClientEnforcesTheDeadline(_ transport: Transport) async throws {
        let server = TestServer()
        try await transport.withChannel([server]) { channel in
            let client = TrialClient(channel)
            try await client.expectsEcho(of: [1])
            let request = HangRequest(ignoresCancellation: true)
            let error = await rpcError {
                try await client.hang(request, options: .timeout(.seconds(2)))
            }
            #expect(error?.code == .deadlineExceeded)
            #expect(error?.executed == .maybe)
            server.release.open()
        }
    }

    @Test(arguments: Transport.allCases)
    func theServerCancelsTheHandlerAtTheDeadline(_ transport: Transport) async throws {
        let server = TestServer()
        try await transport.withChannel([server]) { channel in
            let client = TrialClient(channel)
            try await client.expectsEcho(of: [1])
            let error = await rpcError {
                try await client.hang(HangRequest(), options: .timeout(.seconds(2)))
            }
            #expect(error?.code == .deadlineExceeded)
            await server.returned.wait()
            #expect(server.cancelled.isOpen)
        }
    }

    @Test func theServerEnforcesTheDeadlineOfAPeerThatDoesNot() async throws {
        let server = TestServer()
        try await withServer([server]) { _, address in
            let end = try await RawPeer.connect(to: address) { peer in
                var bytes = RawPeer.hello()
                bytes.writeImmutableBuffer(
                    RawPeer.call(1, "ravioli.trial.v1.Trial/Hang", remaining: 2_000_000_000))
                try await peer.send(bytes)
                var all = ByteBuffer()
                for try await part in peer.inbound {
                    all.writeImmutableBuffer(part)
                    if let end = try frames(all).ends()[1] { return end }
                }
                throw UnknownTestError(text: "no end")
            }
            #expect(end.code == StatusCode.deadlineExceeded.rawValue)
            #expect(end.executed == .maybe)
            await server.returned.wait()
        }
    }

    @Test(arguments: Transport.allCases)
    func aDeadlineThatHasPassedSendsNothing(_ transport: Transport) async throws {
        let server = TestServer()
        try await transport.withChannel([server]) { channel in
            let error = await rpcError {
                try await TrialClient(channel).hang(HangRequest(), options: .timeout(.zero))
            }
            #expect(error?.code == .deadlineExceeded)
            #expect(error?.executed == .no)
            #expect(!server.started.isOpen)
        }
    }

    @Test func theDeadlineCoversConnecting() async throws {
        // A server that accepts and says nothing.
        try await RawPeer.serve({ peer in _ = try await peer.readToEnd() }) { address in
            try await withClient(address) { client in
                let error = await rpcError {
                    try await TrialClient(client).echo(EchoRequest(), options: .timeout(.seconds(2)))
                }
                #expect(error?.code == .deadlineExceeded)
                #expect(error?.executed == .no)
                #expect(error?.message.contains("connecting") == true)
            }
        }
    }

    @Test func theDeadlineCoversQueueing() async throws {
        var options = ServerOptions.defaults
        options.limits.callsRunningMax = 1
        let server = TestServer()
        try await Transport.tcp.withChannel([server], options: options) { channel in
            let client = TrialClient(channel)
            async let first = client.hang(HangRequest(), options: .timeout(.seconds(50)))
            await server.started.wait()
            let error = await rpcError {
                try await client.echo(EchoRequest(), options: .timeout(.seconds(2)))
            }
            #expect(error?.code == .deadlineExceeded)
            #expect(error?.executed == .no)
            #expect(error?.message.contains("queued") == true)
            server.release.open()
            let finished = try await first
            #expect(finished == EchoResponse())
        }
    }

    @Test(arguments: Transport.allCases)
    func aCallHasFifteenSecondsUnlessTold(_ transport: Transport) async throws {
        try await transport.withChannel([TestServer()]) { channel in
            let described = try await TrialClient(channel).describe(DescribeRequest())
            #expect((1...15_000_000).contains(described.remainingMicroseconds))
        }
    }

    @Test func aChildCallInheritsDeadlineCriticalityAndListedMetadata() async throws {
        try await withServer([TestServer()]) { _, childAddress in
            try await withClient(childAddress) { childClient in
                let parent = TestServer(child: TrialClient(childClient))
                try await withServer([parent]) { _, address in
                    try await withClient(address) { client in
                        var options = CallOptions.timeout(.seconds(60))
                        options.criticality = .sheddable
                        options.metadata = ["x-request-id": "42", "x-private": "no"]
                        let trial = TrialClient(client)
                        let child = try await trial.describe(DescribeRequest(ofChild: true), options: options)
                        // More than a call has that inherits nothing.
                        #expect((15_000_001...60_000_000).contains(child.remainingMicroseconds))
                        #expect(child.criticality == 0)
                        #expect(child.metadata == ["x-request-id=42"])

                        let detached = try await trial.describe(
                            DescribeRequest(ofChild: true, detached: true), options: options)
                        #expect((1...15_000_000).contains(detached.remainingMicroseconds))
                        #expect(detached.criticality == 2)
                        #expect(detached.metadata.isEmpty)
                    }
                }
            }
        }
    }

    // MARK: Cancellation

    @Test(arguments: Transport.allCases)
    func cancellingTheTaskCancelsTheHandler(_ transport: Transport) async throws {
        let server = TestServer()
        try await transport.withChannel([server]) { channel in
            let client = TrialClient(channel)
            let task = Task { try await client.hang(HangRequest(), options: .timeout(.seconds(50))) }
            await server.started.wait()
            task.cancel()
            let error = await rpcError { try await task.value }
            #expect(error?.code == .cancelled)
            #expect(error?.executed == .maybe)
            await server.returned.wait()
            #expect(server.cancelled.isOpen)
            try await client.expectsEcho(of: [5])
        }
    }

    @Test(arguments: Transport.allCases)
    func aTaskCancelledBeforeTheCallSendsNothing(_ transport: Transport) async throws {
        let server = TestServer()
        try await transport.withChannel([server]) { channel in
            let client = TrialClient(channel)
            let go = Gate()
            let task = Task {
                await go.wait()
                return try await client.hang(HangRequest())
            }
            task.cancel()
            go.open()
            let error = await rpcError { try await task.value }
            #expect(error?.code == .cancelled)
            #expect(error?.executed == .no)
            #expect(!server.started.isOpen)
        }
    }

    @Test(arguments: Transport.allCases)
    func aCancelledCallHoldsItsPlaceUntilItsHandlerReturns(_ transport: Transport) async throws {
        var options = ServerOptions.defaults
        options.limits.callsRunningMax = 1
        let server = TestServer()
        try await transport.withChannel([server], options: options) { channel in
            let client = TrialClient(channel)
            let task = Task { try await client.hang(HangRequest(ignoresCancellation: true)) }
            await server.started.wait()
            task.cancel()
            _ = await rpcError { try await task.value }
            await server.cancelled.wait()
            // The place is taken: the next call waits on the server until its deadline.
            let waiting = await rpcError {
                try await client.echo(EchoRequest(), options: .timeout(.milliseconds(30)))
            }
            #expect(waiting?.code == .deadlineExceeded)
            server.release.open()
            try await client.expectsEcho(of: [6])
        }
    }

    @Test func losingTheConnectionCancelsTheHandler() async throws {
        let server = TestServer()
        try await withServer([server]) { _, address in
            try await RawPeer.connect(to: address) { peer in
                var bytes = RawPeer.hello()
                bytes.writeImmutableBuffer(RawPeer.call(1, "ravioli.trial.v1.Trial/Hang"))
                try await peer.send(bytes)
                await server.started.wait()
            }
            await server.returned.wait()
            #expect(server.cancelled.isOpen)
        }
    }
}
