// SPDX-License-Identifier: Apache-2.0

import Ravioli
import RavioliWire
import TestCertificates
import Testing
import X509

/// gRPC's unary interoperability cases, with its names and sizes. What each of gRPC's cases is here, is listed in the
/// article `Interop` of Ravioli's documentation.
@Suite(.timeLimit(.minutes(2)))
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

    @Test(arguments: Transport.allCases)
    func custom_metadata(_ transport: Transport) async throws {
        var metadata: Metadata = ["x-grpc-test-echo-initial": "test_initial_metadata_value"]
        metadata.add("x-grpc-test-echo-trailing-bin", bytes: [0xAB, 0xAB, 0xAB])
        try await transport.withChannel([TestServer()]) { channel in
            let response = try await channel.response(Trial.echo, Self.large, options: .metadata(metadata))
            #expect(response.message.payload.count == 314_159)
            #expect(response.metadata == metadata)
        }
    }

    @Test(arguments: Transport.allCases)
    func status_code_and_message(_ transport: Transport) async throws {
        try await transport.withChannel([TestServer()]) { channel in
            let error = await rpcError {
                try await TrialClient(channel).fail(FailRequest(code: 2, message: "test status message"))
            }
            #expect(error?.code == .unknown && error?.message == "test status message")
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

    @Test(arguments: Transport.allCases)
    func unimplemented_method(_ transport: Transport) async throws {
        try await expectUnimplemented("ravioli.trial.v1.Trial/UnimplementedCall", transport)
    }

    @Test(arguments: Transport.allCases)
    func unimplemented_service(_ transport: Transport) async throws {
        try await expectUnimplemented("ravioli.trial.v1.UnimplementedService/Echo", transport)
    }

    private func expectUnimplemented(_ name: String, _ transport: Transport) async throws {
        let method = try #require(MethodName(name))
        try await transport.withChannel([TestServer()]) { channel in
            let error = await rpcError { try await channel.unary(UnaryRequest(method, message: [])) }
            #expect(error?.code == .unimplemented && error?.executed == .no)
            try await TrialClient(channel).expectsEcho(of: [1])
        }
    }

    // MARK: Open upstream

    @Test(arguments: Transport.allCases)
    func cancel_before_start(_ transport: Transport) async throws {
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

    /// The call is answered within its time; that time then passes over a call that is gone, and another one whose handler
    /// completes after its time is up: its answer is nobody's.
    @Test(arguments: Transport.allCases)
    func timeout_but_completed(_ transport: Transport) async throws {
        let service = TestServer()
        try await transport.withChannel([service]) { channel in
            let trial = TrialClient(channel)
            try await trial.expectsEcho(of: [1], options: .timeout(.seconds(60)))
            let late = HangRequest(ignoresCancellation: true)
            let error = await rpcError { try await trial.hang(late, options: .timeout(.seconds(2))) }
            #expect(error?.code == .deadlineExceeded && error?.executed == .maybe)
            await service.cancelled.wait()
            service.release.open()
            await service.returned.wait()
            for number in 0..<10 as Range<UInt8> {
                try await trial.expectsEcho(of: [number], options: .timeout(.seconds(60)))
            }
        }
    }

    /// A header of 63 KB is refused, and the connection goes on.
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

    /// A certificate of the right authority for another host: no byte of a call is sent.
    @Test func wrong_host_name() async throws {
        let authority = try Transport.authority.get()
        let service = TestServer()
        let files = try authority.issue("another-host", .dnsName("another.example"))
        try await withServer([service], options: authority.server(files, .ignored)) { _, address in
            for expected in [ClientTLSOptions.ExpectedServer.addressHost, .hostName("localhost")] {
                try await withClient(address, options: authority.client(expecting: expected)) { client in
                    let error = await rpcError { try await TrialClient(client).hang(HangRequest()) }
                    #expect(error?.code == .unavailable && error?.executed == .no)
                }
            }
        }
        #expect(!service.started.isOpen)
    }
}
