// SPDX-License-Identifier: Apache-2.0

import Ravioli
import RavioliWire
import Testing

/// Calls with streams as callers see them, the same over every transport. Names and sizes of the first are those of
/// gRPC's interoperability tests.
@Suite(.timeLimit(.minutes(1)))
struct StreamTests {
    private static let requestSizes = [27_182, 8, 1_828, 45_904]
    private static let responseSizes: [Int32] = [31_415, 9, 2_653, 58_979]

    private static func request(_ size: Int) -> AnswerRequest {
        AnswerRequest(payload: [UInt8](repeating: 0, count: size))
    }

    @Test(arguments: Transport.allCases)
    func client_streaming(_ transport: Transport) async throws {
        try await transport.withChannel([TestServer()]) { channel in
            let response = try await TrialClient(channel).collect { requests in
                for size in Self.requestSizes { try await requests.send(Self.request(size)) }
            }
            #expect(response == CollectResponse(bytes: 74_922, requests: 4))
        }
    }

    @Test(arguments: Transport.allCases)
    func server_streaming(_ transport: Transport) async throws {
        try await transport.withChannel([TestServer()]) { channel in
            let responses = TrialClient(channel).watch(AnswerRequest(answerBytes: Self.responseSizes))
            var sizes: [Int32] = []
            for try await response in responses { sizes.append(Int32(response.payload.count)) }
            #expect(sizes == Self.responseSizes)
        }
    }

    @Test(arguments: Transport.allCases)
    func ping_pong(_ transport: Transport) async throws {
        try await transport.withChannel([TestServer()]) { channel in
            let call = TrialClient(channel).converse()
            let responses = call.responses.makeAsyncIterator()
            for (size, answer) in zip(Self.requestSizes, Self.responseSizes) {
                // The server answers with the payload as well.
                var request = Self.request(size)
                request.answerBytes = [answer]
                try await call.send(request)
                #expect(try await responses.next()?.payload.count == size)
                #expect(try await responses.next()?.payload.count == Int(answer))
            }
            call.finish()
            #expect(try await responses.next() == nil)
        }
    }

    @Test(arguments: Transport.allCases)
    func empty_stream(_ transport: Transport) async throws {
        try await transport.withChannel([TestServer()]) { channel in
            let client = TrialClient(channel)
            let call = client.converse()
            call.finish()
            let answer = try await call.responses.makeAsyncIterator().next()
            #expect(answer == nil)
            let collected = try await client.collect { _ in }
            #expect(collected == CollectResponse())
            let watched = try await client.watch(AnswerRequest()).makeAsyncIterator().next()
            #expect(watched == nil)
        }
    }

    @Test(arguments: Transport.allCases)
    func custom_metadata(_ transport: Transport) async throws {
        try await transport.withChannel([TestServer()]) { channel in
            var metadata: Metadata = ["x-grpc-test-echo-initial": "test_initial_metadata_value"]
            metadata.add("x-grpc-test-echo-trailing-bin", bytes: [0xAB, 0xAB, 0xAB])
            let call = TrialClient(channel).converse(options: .metadata(metadata))
            try await call.send(AnswerRequest(answerBytes: [314_159], ends: true))
            let responses = call.responses.makeAsyncIterator()
            #expect(await call.responses.metadata == metadata.filter { $0.name.hasSuffix("-initial") })
            #expect(try await responses.next()?.payload.count == 314_159)
            #expect(try await responses.next() == nil)
            #expect(call.responses.trailers == metadata.filter { $0.isBinary })
        }
    }

    @Test(arguments: Transport.allCases)
    func status_code_and_message(_ transport: Transport) async throws {
        let text = "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n"
        try await transport.withChannel([TestServer()]) { channel in
            let call = TrialClient(channel).converse()
            try await call.send(AnswerRequest(answerBytes: [5], code: 2, message: text))
            let responses = call.responses.makeAsyncIterator()
            #expect(try await responses.next()?.payload.count == 5)
            let error = await rpcError { try await responses.next() }
            #expect(error?.code == .unknown && error?.message == text && error?.executed == .yes)
            #expect(error?.metadata["failed-by"] == "test")
        }
    }

    @Test(arguments: Transport.allCases)
    func cancel_after_begin(_ transport: Transport) async throws {
        let server = TestServer()
        try await transport.withChannel([server]) { channel in
            let call = TrialClient(channel).converse()
            call.cancel()
            let error = await rpcError { try await call.responses.makeAsyncIterator().next() }
            #expect(error?.code == .cancelled)
            let refused = await rpcError { try await call.send(AnswerRequest()) }
            #expect(refused?.code == .cancelled)
        }
    }

    /// Open upstream: the first request is with the handler, and no answer has come.
    @Test(arguments: Transport.allCases)
    func cancel_after_first_request(_ transport: Transport) async throws {
        let server = TestServer()
        try await transport.withChannel([server]) { channel in
            let call = TrialClient(channel).converse()
            try await call.send(AnswerRequest(hangs: true))
            await server.started.wait()
            call.cancel()
            let error = await rpcError { try await call.responses.makeAsyncIterator().next() }
            #expect(error?.code == .cancelled && error?.executed == .maybe)
            await server.returned.wait()
            #expect(server.cancelled.isOpen)
        }
    }

    @Test(arguments: Transport.allCases)
    func cancel_after_first_response(_ transport: Transport) async throws {
        let server = TestServer()
        try await transport.withChannel([server]) { channel in
            let call = TrialClient(channel).converse()
            try await call.send(AnswerRequest(answerBytes: [31_415], hangs: true))
            let responses = call.responses.makeAsyncIterator()
            #expect(try await responses.next()?.payload.count == 31_415)
            await server.started.wait()
            call.cancel()
            #expect(await rpcError { try await responses.next() }?.code == .cancelled)
            await server.returned.wait()
        }
    }

    /// What has arrived and was not read counts no more, wherever it lies.
    @Test(arguments: Transport.allCases)
    func cancelling_overtakes_what_was_not_read(_ transport: Transport) async throws {
        let server = TestServer()
        try await transport.withChannel([server]) { channel in
            let request = AnswerRequest(answerBytes: [Int32](repeating: 10, count: 500), hangs: true)
            let responses = TrialClient(channel).watch(request)
            for _ in 0..<2 {
                let response = try await responses.makeAsyncIterator().next()
                #expect(response?.payload.count == 10)
            }
            responses.cancel()
            await server.cancelled.wait()
            let error = await rpcError { while try await responses.makeAsyncIterator().next() != nil {} }
            #expect(error?.code == .cancelled)
        }
    }

    /// What one iterator has not read is there for the next one.
    @Test(arguments: Transport.allCases)
    func iterators_go_on_where_the_last_one_stopped(_ transport: Transport) async throws {
        try await transport.withChannel([TestServer()]) { channel in
            let sizes = (0..<600).map { Int32($0) }
            let responses = TrialClient(channel).watch(AnswerRequest(answerBytes: sizes))
            var found: [Int32] = []
            while let response = try await responses.makeAsyncIterator().next() {
                found.append(Int32(response.payload.count))
            }
            #expect(found == sizes)
        }
    }

    @Test(arguments: Transport.allCases)
    func timeout_on_sleeping_server(_ transport: Transport) async throws {
        let server = TestServer()
        try await transport.withChannel([server]) { channel in
            let call = TrialClient(channel).converse(options: .timeout(.milliseconds(50)))
            var request = Self.request(27_182)
            request.payload = []
            request.hangs = true
            try? await call.send(request)
            let error = await rpcError { try await call.responses.makeAsyncIterator().next() }
            #expect(error?.code == .deadlineExceeded)
        }
    }

    @Test(arguments: Transport.allCases)
    func answer_before_requests_end(_ transport: Transport) async throws {
        try await transport.withChannel([TestServer()]) { channel in
            let response = try await TrialClient(channel).collect { requests in
                try await requests.send(AnswerRequest(payload: [1], ends: true))
                // Goes on until the answer makes it stop.
                while true { try await requests.send(AnswerRequest(payload: [2])) }
            }
            #expect(response == CollectResponse(bytes: 1, requests: 1))
        }
    }

    @Test(arguments: Transport.allCases)
    func whatTheCallerThrowsCancelsTheCall(_ transport: Transport) async throws {
        let server = TestServer()
        try await transport.withChannel([server]) { channel in
            await #expect(throws: UnknownTestError.self) {
                try await TrialClient(channel).collect { requests in
                    try await requests.send(AnswerRequest(hangs: true))
                    await server.started.wait()
                    throw UnknownTestError(text: "changed my mind")
                }
            }
            await server.cancelled.wait()
        }
    }

    @Test(arguments: Transport.allCases)
    func aStreamThatIsLetGoIsCancelled(_ transport: Transport) async throws {
        let server = TestServer()
        try await transport.withChannel([server]) { channel in
            do {
                let responses = TrialClient(channel).watch(AnswerRequest(answerBytes: [1], hangs: true))
                for try await _ in responses { break }
                await server.started.wait()
            }
            await server.cancelled.wait()
        }
    }

    @Test(arguments: Transport.allCases)
    func cancellingTheReaderCancelsTheCall(_ transport: Transport) async throws {
        let server = TestServer()
        try await transport.withChannel([server]) { channel in
            let reader = Task {
                for try await _ in TrialClient(channel).watch(AnswerRequest(hangs: true)) {}
            }
            await server.started.wait()
            reader.cancel()
            await server.cancelled.wait()
            #expect(await rpcError { try await reader.value }?.code == .cancelled)
        }
    }

    @Test(arguments: Transport.allCases)
    func messagesLongerThanTheCreditArrive(_ transport: Transport) async throws {
        try await transport.withChannel([TestServer()]) { channel in
            let call = TrialClient(channel).converse()
            let responses = call.responses.makeAsyncIterator()
            for size in [65_519, 65_520, 262_128, 262_144, 262_200, 1_048_576, 4_000_000, 300_000] {
                let payload = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31) }
                try await call.send(AnswerRequest(payload: payload))
                #expect(try await responses.next()?.payload == payload)
            }
            call.finish()
            #expect(try await responses.next() == nil)
        }
    }

    @Test(arguments: Transport.allCases)
    func manyMessagesKeepTheirOrder(_ transport: Transport) async throws {
        try await transport.withChannel([TestServer()]) { channel in
            let call = TrialClient(channel).converse()
            let writer = Task {
                for index in 0..<5_000 {
                    let bytes = withUnsafeBytes(of: UInt32(index).bigEndian) { Array($0) }
                    try await call.send(
                        AnswerRequest(payload: bytes + [UInt8](repeating: 0, count: index % 700)))
                }
                call.finish()
            }
            var expected: UInt32 = 0
            for try await response in call.responses {
                let index = response.payload.prefix(4).reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
                try #require(index == expected && response.payload.count == 4 + Int(index) % 700)
                expected += 1
            }
            #expect(expected == 5_000)
            try await writer.value
        }
    }

    @Test(arguments: Transport.allCases)
    func aHundredStreamsShareTheConnectionsCredit(_ transport: Transport) async throws {
        try await transport.withChannel([TestServer()]) { channel in
            let client = TrialClient(channel)
            try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<100 {
                    group.addTask {
                        var bytes = 0
                        let request = AnswerRequest(
                            answerBytes: [Int32](repeating: 10_000, count: 10) + [150_000])
                        for try await response in client.watch(request) { bytes += response.payload.count }
                        return bytes
                    }
                }
                for try await bytes in group { #expect(bytes == 250_000) }
            }
        }
    }
}
