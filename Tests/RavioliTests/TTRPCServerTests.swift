// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Ravioli
import RavioliSchema
import RavioliWire
import Testing

/// ttrpc clients on a server's own port, in raw bytes over real sockets.
@Suite(.timeLimit(.minutes(1)))
struct TTRPCServerTests {
    private func withPeer<Result: Sendable>(
        options: ServerOptions = .withTTRPC, service: TestServer = TestServer(),
        _ body: @Sendable (inout TTRPCPeer) async throws -> Result
    ) async throws -> Result {
        try await withServer([service], options: options) { _, address in
            try await Self.connect(to: address, body)
        }
    }

    private static func connect<Result: Sendable>(
        to address: Address, _ body: @Sendable (inout TTRPCPeer) async throws -> Result
    ) async throws -> Result {
        try await RawPeer.connect(to: address) { raw in
            var peer = TTRPCPeer(raw)
            return try await body(&peer)
        }
    }

    private func payload(_ message: some Message) throws -> [UInt8] { try message.encoded() }

    private func answers(of sizes: [Int32], then code: Int32 = 0) throws -> [UInt8] {
        try payload(AnswerRequest(answerBytes: sizes, code: code, message: code == 0 ? "" : "as told"))
    }

    /// An encoded response of so many zero bytes.
    private func zeros(_ count: Int) throws -> [UInt8] {
        try payload(EchoResponse(payload: [UInt8](repeating: 0, count: count)))
    }

    @Test func unaryCallsOfBothProtocolsOnOnePort() async throws {
        let echo = try payload(EchoRequest(payload: [1, 2, 3]))
        try await withServer([TestServer()], options: .withTTRPC) { _, address in
            try await withClient(address) { try await TrialClient($0).expectsEcho(of: [1, 2, 3]) }
            let answers = try await Self.connect(to: address) { peer in
                try await peer.send([.request(1, "Echo", payload: echo), .request(3, "Echo", payload: echo)])
                return try await peer.messages(2)
            }
            // An EchoResponse has the field of an EchoRequest.
            #expect(Set(answers) == [.answer(1, echo), .answer(3, echo)])
        }
    }

    @Test func withoutTheOptionTheClientIsToldWhatThePortSpeaks() async throws {
        let answer = try await withPeer(options: .defaults) { peer in
            try await peer.send([.request(7, "Echo")])
            return try await peer.messagesToEnd()
        }
        #expect(answer.map(\.id) == [7] && answer.map(\.code) == [12])
    }

    @Test func errorsTimeoutsAndMetadata() async throws {
        let fail = try payload(FailRequest(code: 5, message: "no such car"))
        let service = TestServer()
        let answers = try await withPeer(service: service) { peer in
            try await peer.send([
                .request(1, "Fail", payload: fail), .request(3, "Nothing"), .request(5, "Echo", timeout: -5),
                .request(7, "Echo", metadata: [("Upper", "x")]), .request(9, "Hang", timeout: 1_000_000),
            ])
            return try await peer.messages(5).sorted { $0.id < $1.id }
        }
        #expect(answers.first == .error(1, 5, "no such car"))
        #expect(answers.map(\.id) == [1, 3, 5, 7, 9] && answers.map(\.code) == [5, 12, 4, 3, 4])
        await service.cancelled.wait()
    }

    @Test func metadataArrives() async throws {
        let answers = try await withPeer { peer in
            try await peer.send([
                .request(1, "Describe", timeout: 60_000_000_000, metadata: [("car", "Beetle")])
            ])
            return try await peer.messages(1)
        }
        let body = try #require(answers.first?.payload)
        // Behind the empty status, the payload's tag and its length of one byte.
        let described = try DescribeResponse(decoding: Array(body.dropFirst(4)))
        #expect(described.metadata == ["car=Beetle"])
        #expect((1...60_000_000).contains(described.remainingMicroseconds))
    }

    @Test func longMessages() async throws {
        let echo = try payload(EchoRequest(payload: [UInt8](repeating: 7, count: 4_000_000)))
        let answers = try await withPeer { peer in
            try await peer.send([.request(1, "Echo", payload: echo)])
            return try await peer.messages(1)
        }
        #expect(answers == [.answer(1, echo)])
    }

    @Test func anAnswerOverTheLimit() async throws {
        let request = try payload(EchoRequest(answerBytes: 4 << 20))
        var options = ServerOptions.withTTRPC
        options.limits.messageBytesMax = 16 << 20
        let found = try await withPeer(options: options) { peer in
            try await peer.send([
                .request(1, "Echo", payload: request),
                .request(3, "Watch", flags: 1, payload: try answers(of: [10, 5 << 20, 10])),
            ])
            return try await peer.messages(3)
        }
        #expect(found.filter { $0.id == 1 }.map(\.code) == [8])
        #expect(found.filter { $0.id == 3 }.map(\.kind) == [3, 2])
        #expect(found.filter { $0.id == 3 }.map(\.code) == [nil, 8])
    }

    // MARK: Streams

    @Test func aStreamOfAnswers() async throws {
        let found = try await withPeer { peer in
            try await peer.send([.request(1, "Watch", flags: 1, payload: try answers(of: [3, 300_000, 0]))])
            return try await peer.messages(4)
        }
        #expect(
            found == [.data(1, try zeros(3)), .data(1, try zeros(300_000)), .data(1, []), .close(1)])
    }

    @Test func aStreamOfAnswersThatFails() async throws {
        let found = try await withPeer { peer in
            try await peer.send([.request(1, "Watch", flags: 1, payload: try answers(of: [3], then: 9))])
            return try await peer.messages(2)
        }
        #expect(found == [.data(1, try zeros(3)), .error(1, 9, "as told")])
    }

    @Test func aStreamOfRequests() async throws {
        let piece = try payload(AnswerRequest(payload: [UInt8](repeating: 7, count: 1000)))
        let found = try await withPeer { peer in
            try await peer.send([
                .request(1, "Collect", flags: 2), .data(1, piece), .data(1, []), .data(1, piece),
            ])
            try await peer.send([.close(1)])
            return try await peer.messages(1)
        }
        #expect(found == [.answer(1, try payload(CollectResponse(bytes: 2000, requests: 3)))])
    }

    @Test func streamsBothWays() async throws {
        let found = try await withPeer { peer in
            try await peer.send([.request(1, "Converse", flags: 2), .data(1, try answers(of: [5]))])
            let first = try await peer.messages(1)
            try await peer.send([.data(1, try answers(of: [6, 7]), flags: 1)])
            return first + (try await peer.messages(3))
        }
        #expect(found == [.data(1, try zeros(5)), .data(1, try zeros(6)), .data(1, try zeros(7)), .close(1)])
    }

    /// Many times the server's credit, in messages of all sizes: the socket waits for the handler, and nothing is lost.
    @Test func moreThanTheCreditThatThereIs() async throws {
        let sizes = (0..<60).map { $0 % 6 == 5 ? 900_000 : $0 * 1500 }
        let pieces = try sizes.map { try payload(AnswerRequest(payload: [UInt8](repeating: 1, count: $0))) }
        let found = try await withPeer { peer in
            try await peer.send([.request(1, "Collect", flags: 2), .request(3, "Collect", flags: 2)])
            for piece in pieces { try await peer.send([.data(1, piece), .data(3, piece)]) }
            try await peer.send([.close(1), .close(3)])
            return try await peer.messages(2)
        }
        let total = CollectResponse(bytes: Int64(sizes.reduce(0, +)), requests: Int32(sizes.count))
        #expect(Set(found) == [.answer(1, try payload(total)), .answer(3, try payload(total))])
    }

    /// While nobody reads a stream, the socket is not read; the end of the call opens it again.
    @Test func aStreamThatNobodyReadsHoldsTheSocketUntilItsCallEnds() async throws {
        let hang = try payload(AnswerRequest(hangs: true))
        let piece = try payload(AnswerRequest(payload: [UInt8](repeating: 1, count: 100_000)))
        let found = try await withPeer { peer in
            try await peer.send([.request(1, "Collect", flags: 2, timeout: 500_000_000), .data(1, hang)])
            for _ in 0..<200 { try await peer.send([.data(1, piece)]) }
            try await peer.send([.request(3, "Echo")])
            return try await peer.messages(2)
        }
        #expect(found.map(\.code) == [4, 0] && found.last == .answer(3, []))
    }

    // MARK: Ends

    @Test func aRequestThatIsTooLongEndsTheConnection() async throws {
        let found = try await withPeer { peer in
            try await peer.send([.request(1, "Echo")])
            _ = try await peer.messages(1)
            try await peer.raw.send(ByteBuffer(hex: "00500000 00000003 01 00"))
            return try await peer.messagesToEnd()
        }
        #expect(found.map(\.id) == [3] && found.map(\.code) == [8])
    }

    @Test func nonsenseIsAnsweredAndThenEndsTheConnection() async throws {
        let found = try await withPeer { peer in
            try await peer.send([.request(1, "Echo")])
            try await peer.send((0..<1000).map { _ in TTRPCMessage.request(2, "Echo") })
            return try await peer.messagesToEnd()
        }
        #expect(found.first == .answer(1, []))
        #expect(found.count > 50 && found.count < 400)
        #expect(found.dropFirst().allSatisfy { $0.id == 2 && $0.code == 3 })
    }

    @Test func aServerThatStopsLetsCallsEndAndRefusesOthers() async throws {
        let service = TestServer()
        let server = try Server([service], on: .tcp(host: "127.0.0.1", port: 0), options: .withTTRPC)
        let address = try await server.start()
        let found = try await Self.connect(to: address) { peer in
            try await peer.send([.request(1, "Hang", timeout: 60_000_000_000)])
            await service.started.wait()
            async let stopped: Void = server.stop()
            // Calls are accepted until the server has named its last one, and refused from then on.
            var id: UInt32 = 3
            while true {
                try await peer.send([.request(id, "Echo")])
                if try await peer.messages(1).first?.code == 14 { break }
                id += 2
            }
            service.release.open()
            let last = try await peer.messagesToEnd()
            await stopped
            return last
        }
        #expect(found == [.answer(1, [])])
    }
}
