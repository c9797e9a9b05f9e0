// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Ravioli
import RavioliSchema
import RavioliWire
import Synchronization
import Testing

/// gRPC's negative interoperability cases, by their names there: a scripted server leaves, breaks off, pings and refuses.
@Suite(.timeLimit(.minutes(2)))
struct InteropNegativeTests {
    /// What breaks off: gRPC resets the call's stream, which with us is an end at an odd moment; and the whole connection.
    enum Reset: CaseIterable, Sendable { case call, connection }

    private static func isCall(_ frame: Frame) -> Bool { frame.header.kind == .call }

    /// Two calls, two connections: the server leaves after each answer.
    @Test(arguments: Transport.allCases)
    func goaway(_ transport: Transport) async throws {
        let connections = try await transport.withScript { frame, _ in
            guard Self.isCall(frame) else { return nil }
            let id = frame.header.streamID
            return .send(Wire.end(id, message: []), Wire.frame(8, 0, 0, Wire.u32(id) + [0]))
        } _: { channel in
            for _ in 0..<2 { _ = try await TrialClient(channel).echo(EchoRequest()) }
        }
        #expect(connections == 2)
    }

    /// The server answers the first call so, and every later one as it should; what the first becomes is checked.
    private func expectReset(
        _ reset: Reset, _ transport: Transport, after answer: @escaping @Sendable (UInt32) -> [UInt8],
        _ firstCall: (TrialClient) async throws -> Void
    ) async throws {
        let calls = Counter()
        let connections = try await transport.withScript { frame, _ in
            guard Self.isCall(frame) else { return nil }
            calls.add()
            let id = frame.header.streamID
            if calls.count > 1 { return .send(Wire.end(id, message: Wire.hi)) }
            return reset == .call
                ? .send(answer(id), Wire.end(id, 13, .maybe)) : .send(answer(id), then: .resets)
        } _: { channel in
            let trial = TrialClient(channel)
            let error = await rpcError { try await firstCall(trial) }
            #expect(error?.code == (reset == .call ? .internal : .unavailable))
            #expect(error?.executed == .maybe)
            var patient = CallOptions.timeout(.seconds(60))
            patient.waitForReady = true
            try await trial.expectsHi(options: patient)
        }
        #expect(calls.count == 2 && connections == (reset == .call ? 1 : 2))
    }

    @Test(arguments: Transport.allCases, Reset.allCases)
    func rst_after_header(_ transport: Transport, _ reset: Reset) async throws {
        let header = Wire.pair("x-header", "came")
        try await expectReset(reset, transport) { id in
            Wire.data(id, Wire.metadata, Wire.u16(UInt16(header.count)) + header)
        } _: { trial in
            let responses = trial.watch(AnswerRequest())
            let iterator = responses.makeAsyncIterator()
            #expect(await responses.metadata == ["x-header": "came"])
            while try await iterator.next() != nil {}
        }
    }

    /// Half of the answer has come.
    @Test(arguments: Transport.allCases, Reset.allCases)
    func rst_during_data(_ transport: Transport, _ reset: Reset) async throws {
        try await expectReset(reset, transport) { id in
            Wire.data(id, Wire.message | Wire.chunked, Wire.u32(314_159) + Wire.zeros(60_000))
                + Wire.times(2) { _ in Wire.data(id, 0, Wire.zeros(50_000)) }
        } _: { trial in
            _ = try await trial.echo(EchoRequest())
        }
    }

    /// The same in the midst of a frame: its length is announced, and half of it comes.
    @Test(arguments: Transport.allCases)
    func rst_within_a_frame(_ transport: Transport) async throws {
        try await expectReset(.connection, transport) { id in
            Wire.header(10_000, id, 4, Wire.message) + [0, 2] + Wire.zeros(4998)
        } _: { trial in
            _ = try await trial.echo(EchoRequest())
        }
    }

    /// The whole answer has come, and no end: what the caller is told is that it may have been executed.
    @Test(arguments: Transport.allCases, Reset.allCases)
    func rst_after_data(_ transport: Transport, _ reset: Reset) async throws {
        try await expectReset(reset, transport) { id in
            Wire.data(id, Wire.message, Wire.hi)
        } _: { trial in
            _ = try await trial.echo(EchoRequest())
        }
    }

    /// Of a stream, the messages that came are the caller's; then it is told of the end.
    @Test(arguments: Transport.allCases, Reset.allCases)
    func rst_after_data_of_a_stream(_ transport: Transport, _ reset: Reset) async throws {
        try await expectReset(reset, transport) { id in
            Wire.request(id) + Wire.request(id)
        } _: { trial in
            let responses = trial.watch(AnswerRequest()).makeAsyncIterator()
            for _ in 0..<2 {
                let response = try await responses.next()
                #expect(response?.payload == Wire.text("hi"))
            }
            _ = try await responses.next()
        }
    }

    /// Pings in the midst of calls; none stays unanswered.
    @Test(arguments: Transport.allCases)
    func ping(_ transport: Transport) async throws {
        let answered = Mutex<[[UInt8]]>([])
        let all = Gate()
        let tokens = (1...50 as ClosedRange<UInt8>).map { [UInt8](repeating: $0, count: 8) }
        try await transport.withScript { frame, _ in
            switch frame.header.kind {
            case .hello: return .send(Wire.hello(), tokens.flatMap { Wire.ping($0) })
            case .call: return .send(Wire.end(frame.header.streamID, message: []))
            case .ping where frame.header.flags == .ack:
                let known = answered.withLock { known in
                    known.append(Array(frame.payload.readableBytesView))
                    return known
                }
                if known == tokens { all.open() }
                return nil
            default: return nil
            }
        } _: { channel in
            for _ in 0..<3 { _ = try await TrialClient(channel).echo(EchoRequest()) }
            await all.wait()
        }
        #expect(answered.withLock { $0 } == tokens)
    }

    /// A server that runs one call at a time is sent one at a time; ten at once all pass.
    @Test(arguments: Transport.allCases)
    func max_streams(_ transport: Transport) async throws {
        let service = OneAtATime()
        var options = ServerOptions.defaults
        options.limits.callsRunningMax = 1
        options.limits.callsQueuedMax = 0
        try await transport.withChannel([service], options: options) { channel in
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

    /// Frames have no padding here; what a peer may put between them is skipped, in lengths as the padding has there.
    @Test(arguments: Transport.allCases)
    func data_frame_padding(_ transport: Transport) async throws {
        let padding = Wire.frame(200, 0, 0, Wire.zeros(5)) + Wire.frame(255, 0, 0xFF, Wire.zeros(255))
        try await transport.withScript { frame, _ in
            guard Self.isCall(frame) else { return nil }
            let id = frame.header.streamID
            let first = Wire.data(id, Wire.message | Wire.chunked, Wire.u32(4) + Wire.hi.prefix(2))
            return .send(
                padding, first, padding, Wire.data(id, 0, Wire.hi.suffix(2) + []), padding, Wire.end(id))
        } _: { channel in
            for _ in 0..<5 {
                try await TrialClient(channel).expectsHi()
            }
        }
    }

    @Test(arguments: Transport.allCases)
    func reconnect_after_transport_failure(_ transport: Transport) async throws {
        let connections = try await transport.withScript { frame, connection in
            guard Self.isCall(frame) else { return nil }
            // The first connection breaks with a call half answered: a frame's header, and no more.
            if connection == 1 { return .send(Wire.header(9, 1, 4, 0).dropLast(), then: .resets) }
            return .send(Wire.end(frame.header.streamID, message: []))
        } _: { channel in
            let trial = TrialClient(channel)
            let lost = await rpcError { try await trial.echo(EchoRequest()) }
            #expect(lost?.code == .unavailable && lost?.executed == .maybe)
            var waiting = CallOptions.timeout(.seconds(60))
            waiting.waitForReady = true
            for _ in 0..<2 { _ = try await trial.echo(EchoRequest(), options: waiting) }
        }
        #expect(connections == 2)
    }

    /// The server has its answer with the first of sixty chunks. The caller gets it, and the connection goes on.
    @Test(arguments: Transport.allCases)
    func answer_before_request_ends(_ transport: Transport) async throws {
        let connections = try await transport.withScript { frame, _ in
            guard Self.isCall(frame) else { return nil }
            return .send(Wire.end(frame.header.streamID, message: Wire.hi))
        } _: { channel in
            let trial = TrialClient(channel)
            for _ in 0..<3 {
                let long = EchoRequest(payload: [UInt8](repeating: 1, count: 4_000_000))
                try await trial.expectsHi(long)
                try await trial.expectsHi()
            }
        }
        #expect(connections == 1)
    }

    /// The caller gives up when it has read the metadata, and nothing else; the server hears of it.
    @Test(arguments: Transport.allCases)
    func cancel_after_headers(_ transport: Transport) async throws {
        let header = Wire.pair("x-header", "came")
        let cancelled = Gate()
        try await transport.withScript { frame, _ in
            let id = frame.header.streamID
            switch frame.header.kind {
            case .call:
                return .send(Wire.data(id, Wire.metadata, Wire.u16(UInt16(header.count)) + header))
            case .cancel:
                #expect(frame.payload.readableBytesView.elementsEqual([1]))
                cancelled.open()
                return .send(Wire.end(id, 1, .maybe))
            default: return nil
            }
        } _: { channel in
            let call = TrialClient(channel).converse()
            #expect(await call.responses.metadata == ["x-header": "came"])
            call.cancel()
            let error = await rpcError { try await call.responses.makeAsyncIterator().next() }
            #expect(error?.code == .cancelled && error?.executed == .maybe)
            await cancelled.wait()
        }
        #expect(cancelled.isOpen)
    }

    /// The caller of gRPC's negative test asks for what no server may do: here a frame that claims compression is
    /// malformed while none was agreed on, and ends the connection.
    @Test(arguments: Transport.allCases)
    func client_compressed_unary(_ transport: Transport) async throws {
        let told = Mutex<WireError.Code?>(nil)
        let gone = Gate()
        try await transport.withScript { frame, _ in
            let id = frame.header.streamID
            switch frame.header.kind {
            case .call: return .send(Wire.frame(4, id, Wire.message | Wire.compressed, [0, 2] + Wire.hi))
            case .goaway:
                let goaway = try? GoawayFrame(payload: frame.payload, textBytesMax: 100)
                told.withLock { $0 = goaway?.code }
                gone.open()
                return nil
            default: return nil
            }
        } _: { channel in
            let error = await rpcError { try await TrialClient(channel).echo(EchoRequest()) }
            #expect(error?.code == .unavailable && error?.executed == .maybe)
            await gone.wait()
        }
        #expect(told.withLock { $0 } == .malformedFrame)
    }
}

extension TrialClient {
    /// A scripted server answers everything with "hi".
    fileprivate func expectsHi(
        _ request: EchoRequest = EchoRequest(), options: CallOptions = .timeout(.seconds(60))
    ) async throws {
        let answer = try await echo(request, options: options)
        #expect(answer.payload == Wire.text("hi"))
    }
}

/// Counts, from any thread.
final class Counter: Sendable {
    private let value = Atomic<Int>(0)
    var count: Int { value.load(ordering: .relaxed) }
    @discardableResult
    func add(_ number: Int = 1) -> Int { value.add(number, ordering: .relaxed).newValue }
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
                most.raise(to: running.add())
                for _ in 0..<10 { await Task.yield() }
                running.add(-1)
                return EchoResponse(payload: request.payload)
            }
        ]
    }
}
