// SPDX-License-Identifier: Apache-2.0

import Ravioli
import RavioliWire
import Testing

/// What a caller sees, the same over every transport.
@Suite(.timeLimit(.minutes(1)))
struct CallTests {
    @Test(arguments: Transport.allCases)
    func echoes(_ transport: Transport) async throws {
        try await transport.withChannel([TestServer()]) { channel in
            let client = TrialClient(channel)
            try await client.expectsEcho(of: [1, 2, 3])
            try await client.expectsEcho(of: [])
        }
    }

    @Test(arguments: Transport.allCases)
    func carriesLongMessagesBothWays(_ transport: Transport) async throws {
        try await transport.withChannel([TestServer()]) { channel in
            let client = TrialClient(channel)
            for size in [65_500, 65_518, 65_519, 65_536, 271_828, 4_000_000] {
                let payload = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31) }
                try await client.expectsEcho(of: payload)
            }
        }
    }

    @Test(arguments: Transport.allCases)
    func runsSixtyFourCallsAtOnce(_ transport: Transport) async throws {
        try await transport.withChannel([TestServer()]) { channel in
            let client = TrialClient(channel)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for task in 0..<64 {
                    group.addTask {
                        for call in 0..<20 {
                            let payload = [UInt8(task), UInt8(call)]
                            try await client.expectsEcho(of: payload)
                        }
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    @Test(arguments: Transport.allCases)
    func mixesLongAndShortMessages(_ transport: Transport) async throws {
        try await transport.withChannel([TestServer()]) { channel in
            let client = TrialClient(channel)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for task in 0..<40 {
                    group.addTask {
                        let payload = [UInt8](repeating: UInt8(task), count: task % 4 == 0 ? 500_000 : 10)
                        try await client.expectsEcho(of: payload)
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    @Test(arguments: Transport.allCases)
    func waitsForAPlaceWhenTheServersLimitIsReached(_ transport: Transport) async throws {
        var options = ServerOptions.defaults
        options.limits.callsRunningMax = 1
        try await transport.withChannel([TestServer()], options: options) { channel in
            let client = TrialClient(channel)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for task in 0..<10 {
                    group.addTask {
                        try await client.expectsEcho(of: [UInt8(task)])
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    // MARK: Metadata

    @Test(arguments: Transport.allCases)
    func carriesMetadataBothWays(_ transport: Transport) async throws {
        try await transport.withChannel([TestServer()]) { channel in
            var metadata: Metadata = ["X-Test": "a value", "x-test": "another"]
            metadata.add("x-trailing-bin", bytes: [0, 0xAB, 0xFF])
            let response = try await channel.response(
                Trial.echo, EchoRequest(), options: .metadata(metadata))
            #expect(response.metadata == metadata)
            #expect(response.metadata.values(of: "x-test") == ["a value", "another"])
            #expect(response.metadata.bytes(of: "X-Trailing-Bin") == [0, 0xAB, 0xFF])
        }
    }

    @Test(arguments: Transport.allCases)
    func refusesMetadataOverTheLimitAndGoesOn(_ transport: Transport) async throws {
        try await transport.withChannel([TestServer()]) { channel in
            let client = TrialClient(channel)
            let long: Metadata = ["x-long": String(repeating: "a", count: 9000)]
            let error = await rpcError { try await client.echo(EchoRequest(), options: .metadata(long)) }
            #expect(error?.code == .resourceExhausted)
            #expect(error?.executed == .no)
            #expect(error?.message.contains("metadataBytesMax = 8192") == true)

            var many = Metadata()
            for number in 0..<65 { many.add("n\(number)", "v") }
            let second = await rpcError { try await client.echo(EchoRequest(), options: .metadata(many)) }
            #expect(second?.message.contains("metadataPairsMax = 64") == true)
            try await client.expectsEcho(of: [1])
        }
    }

    @Test func refusesMetadataThatCannotTravel() async throws {
        let client = TrialClient(InProcessChannel(TestServer()))
        for metadata: Metadata in [["": "x"], ["with space": "x"], ["x": "ümlaut"], ["x": "line\nbreak"]] {
            let error = await rpcError { try await client.echo(EchoRequest(), options: .metadata(metadata)) }
            #expect(error?.code == .invalidArgument)
            #expect(error?.executed == .no)
        }
    }

    // MARK: Errors

    @Test(arguments: Transport.allCases)
    func carriesCodeMessageDetailsAndMetadataOfAnError(_ transport: Transport) async throws {
        try await transport.withChannel([TestServer()]) { channel in
            let client = TrialClient(channel)
            let text = "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n"
            let request = FailRequest(code: 2, message: text, withDetail: true)
            let error = await rpcError { try await client.fail(request) }
            #expect(error?.code == .unknown)
            #expect(error?.message == text)
            #expect(error?.origin == .peer)
            #expect(error?.executed == .yes)
            #expect(error?.metadata["failed-by"] == "test")
            let detail = try error?.details.first?.message(as: FailRequest.self)
            #expect(detail == request)
            let other = try error?.details.first?.message(as: EchoRequest.self)
            #expect(other == nil)
        }
    }

    @Test(arguments: Transport.allCases)
    func anUnknownErrorBecomesInternalWithoutItsText(_ transport: Transport) async throws {
        try await transport.withChannel([TestServer()]) { channel in
            let request = FailRequest(message: "secret password", throwsUnknownError: true)
            let error = await rpcError { try await TrialClient(channel).fail(request) }
            #expect(error?.code == .internal)
            #expect(error?.description.contains("secret") == false)
        }
    }

    @Test(arguments: Transport.allCases)
    func unknownMethodsAndServicesAreUnimplementedByName(_ transport: Transport) async throws {
        try await transport.withChannel([TestServer()]) { channel in
            let names = ["ravioli.trial.v1.Trial/Nothing", "no.such.Service/Echo"]
            for name in names {
                for _ in 0..<2 {
                    let method = try #require(MethodName(name))
                    let error = await rpcError { try await channel.unary(UnaryRequest(method, message: [])) }
                    #expect(error?.code == .unimplemented)
                    #expect(error?.executed == .no)
                    #expect(error?.message.contains(method.method) == true)
                    #expect(error?.message.contains(method.service) == true)
                }
            }
        }
    }

    @Test(arguments: Transport.allCases)
    func aStreamThatWasNotAskedForFailsItsCallAlone(_ transport: Transport) async throws {
        try await transport.withChannel([TestServer()]) { channel in
            let error = await rpcError {
                try await channel.call(Trial.watch, StreamRequest(answerBytes: [7]))
            }
            #expect(error?.code == .unimplemented)
            try await TrialClient(channel).expectsEcho(of: [1])
        }
    }

    @Test(arguments: Transport.allCases)
    func aRequestThatCannotBeDecodedIsInvalid(_ transport: Transport) async throws {
        try await transport.withChannel([TestServer()]) { channel in
            let error = await rpcError {
                try await channel.unary(UnaryRequest(Trial.echo.name, message: [0x0A, 0xFF]))
            }
            #expect(error?.code == .invalidArgument)
            #expect(error?.executed == .no)
        }
    }

    @Test(arguments: Transport.allCases)
    func messagesOverTheLimitFailTheirCallAlone(_ transport: Transport) async throws {
        var options = ServerOptions.defaults
        options.limits.messageBytesMax = 100_000
        var client = ClientOptions.defaults
        client.limits.messageBytesMax = 100_000
        try await transport.withChannel([TestServer()], options: options, client: client) { channel in
            let trial = TrialClient(channel)
            let long = EchoRequest(payload: [UInt8](repeating: 1, count: 100_000))
            let tooLong = await rpcError { try await trial.echo(long) }
            #expect(tooLong?.code == .resourceExhausted)
            #expect(tooLong?.executed == .no)
            let answer = await rpcError { try await trial.echo(EchoRequest(answerBytes: 200_000)) }
            #expect(answer?.code == .resourceExhausted)
            #expect(answer?.executed == .yes)
            try await trial.expectsEcho(of: [1])
        }
    }
}
