// SPDX-License-Identifier: Apache-2.0

import NIOCore
import RavioliWire
import Testing

@testable import Ravioli

/// The translator between ttrpc and a server's connection, byte for byte and without a socket.
struct TTRPCTests {
    private static let name = "ravioli.trial.v1.Trial/Echo"

    /// A translator whose hello has been taken.
    private func translator(_ limits: WireLimits = .defaults) throws -> TTRPCTranslator {
        var translator = TTRPCTranslator(limits: limits)
        guard case .frame(let hello)? = try translator.next(), hello.header.kind == .hello else {
            Issue.record("the first frame is no hello")
            return translator
        }
        return translator
    }

    private func inputs(
        _ translator: inout TTRPCTranslator, _ messages: TTRPCMessage...
    ) throws -> [TTRPCTranslator.Input] {
        var bytes = ByteBuffer()
        for message in messages { bytes.writeImmutableBuffer(message.bytes) }
        return try inputs(&translator, bytes)
    }

    private func inputs(
        _ translator: inout TTRPCTranslator, _ bytes: ByteBuffer = ByteBuffer()
    ) throws -> [TTRPCTranslator.Input] {
        translator.append(bytes)
        var inputs: [TTRPCTranslator.Input] = []
        while let input = try translator.next() { inputs.append(input) }
        return inputs
    }

    private func frames(_ inputs: [TTRPCTranslator.Input]) -> [Frame] {
        inputs.compactMap { if case .frame(let frame) = $0 { frame } else { nil } }
    }

    private func call(_ frame: Frame?) throws -> (CallFrame, ByteBuffer) {
        let frame = try #require(frame)
        #expect(frame.header.kind == .call && Int(frame.header.payloadBytes) == frame.payload.readableBytes)
        var payload = frame.payload
        return (try CallFrame(from: &payload, flags: frame.header.flags), payload)
    }

    private func end(
        _ id: UInt32, code: UInt8 = 0, status: ByteBuffer? = nil, metadata: ByteBuffer? = nil,
        message: [UInt8]? = nil
    ) -> ByteBuffer {
        let end = EndFrame(code: code, executed: .yes, metadata: metadata, status: status)
        var payload = ByteBuffer()
        end.write(into: &payload)
        payload.writeBytes(message ?? [])
        return bytes(
            Frame(
                streamID: id, kind: .end, flags: message == nil ? end.flags : end.flags.union(.message),
                payload: payload))
    }

    private func bytes(_ frames: Frame...) -> ByteBuffer {
        var buffer = ByteBuffer()
        for frame in frames {
            frame.header.write(into: &buffer)
            buffer.writeImmutableBuffer(frame.payload)
        }
        return buffer
    }

    private func data(_ id: UInt32, _ message: [UInt8], _ flags: FrameFlags = [.message, .counted]) -> Frame {
        Frame(streamID: id, kind: .data, flags: flags, payload: ByteBuffer(bytes: message))
    }

    // MARK: Requests

    /// What Go's client wrote for a call with a timeout of a second and one pair of metadata.
    private static let golden = """
        00000039 00000001 01 00 0a16 726176696f6c692e747269616c2e76312e547269616c 1204 4563686f
        1a04 0a026869 20 eb99e2dc03 2a0d 0a03636172 1206426565746c65
        """

    @Test func unaryRequest() throws {
        var translator = try translator()
        let (head, message) = try call(frames(try inputs(&translator, ByteBuffer(hex: Self.golden))).first)
        #expect(head.name == ByteBuffer(string: Self.name) && head.method == MethodBinding.unbound)
        #expect(head.remaining == RemainingTime(nanoseconds: 999_853_291))
        #expect(message == ByteBuffer(bytes: [0x0A, 2, 0x68, 0x69]))
        let metadata = try Metadata(block: try #require(head.metadata), limits: .defaults)
        #expect(metadata == ["car": "Beetle"])
    }

    @Test func theSameInSingleBytes() throws {
        var whole = try translator()
        var dripping = try translator()
        let expected = try inputs(&whole, ByteBuffer(hex: Self.golden))
        var found: [TTRPCTranslator.Input] = []
        for byte in ByteBuffer(hex: Self.golden).readableBytesView {
            #expect(found.isEmpty)
            found += try inputs(&dripping, ByteBuffer(bytes: [byte]))
        }
        #expect(found == expected && found.count == 1 && dripping.bytesIncomplete == 0)
    }

    @Test func timeouts() throws {
        var translator = try translator()
        let calls = frames(
            try inputs(
                &translator, .request(1, "Echo"), .request(3, "Watch", flags: 1),
                .request(5, "Collect", flags: 2), .request(7, "Echo", timeout: -1),
                .request(9, "Collect", flags: 2, timeout: 2_000_000)))
        let remaining = try calls.map { try call($0).0.remaining.nanoseconds }
        #expect(remaining == [15_000_000_000, nil, nil, 0, 2_000_000])
    }

    @Test func streamKinds() throws {
        var translator = try translator()
        let opened = frames(
            try inputs(
                &translator, .request(1, "Watch", flags: 1, payload: [8, 1]),
                .request(3, "Collect", flags: 2), .data(3, [1, 2]), .data(3, []), .data(3, [3], flags: 1),
                .request(5, "Converse", flags: 2), .close(5)))
        let flags = opened.map(\.header.flags)
        #expect(try call(opened[0]).1 == ByteBuffer(bytes: [8, 1]))
        #expect(opened.map(\.header.streamID) == [1, 3, 3, 3, 3, 3, 5, 5])
        #expect(
            flags == [
                [.last, .message, .name], .name, [.message, .counted], [.message, .counted],
                [.message, .counted], .last, .name, .last,
            ])
        #expect(
            opened.map(\.payload.readableBytes).suffix(6) == [2, 0, 1, 0, opened[6].payload.readableBytes, 0])
    }

    /// A message that is longer than a frame, and than the credit there is, goes as credit comes.
    @Test func longMessagesWaitForCredit() throws {
        var limits = WireLimits.defaults
        limits.frameBytesMax = 32_768
        limits.streamCreditBytes = 40_000
        limits.connectionCreditBytes = 80_000
        var translator = try translator(limits)
        let message = (0..<100_000).map { UInt8(truncatingIfNeeded: $0) }
        var sent = frames(
            try inputs(&translator, .request(1, "Collect", flags: 2), .data(1, message), .close(1)))
        #expect(sent.map(\.header.payloadBytes).dropFirst() == [32_768, 7_220])
        #expect(sent[1].header.flags == [.message, .chunked, .counted] && sent[2].header.flags == .counted)
        translator.granted([.init(streamID: 1, bytes: 100_000)])
        sent += frames(try inputs(&translator))
        #expect(sent.map(\.header.payloadBytes).dropFirst(3) == [32_768, 7_232])
        translator.granted([.init(streamID: 0, bytes: 80_000)])
        sent += frames(try inputs(&translator))
        #expect(sent.last?.header.flags == .last)
        var assembled = sent[1].payload
        #expect(assembled.readInteger(as: UInt32.self) == 100_000)
        for frame in sent[2...] { assembled.writeImmutableBuffer(frame.payload) }
        #expect(assembled == ByteBuffer(bytes: message))
    }

    @Test func whatWaitsIsBounded() throws {
        var translator = try translator()
        _ = try inputs(&translator, .request(1, "Collect", flags: 2))
        let piece = TTRPCMessage.data(1, [UInt8](repeating: 7, count: 100_000))
        var sent = 0
        for _ in 0..<40 where !translator.holdsTooMuch {
            _ = try inputs(&translator, piece)
            sent += 1
        }
        // 256 KiB of credit, then 1 MiB that waits.
        #expect(translator.holdsTooMuch && sent == 13 && translator.bytesIncomplete == 0)
        // What was read all the same is kept unread, and goes on when there is room.
        #expect(try inputs(&translator, .request(3, "Echo")).isEmpty)
        _ = translator.translated(end(1))
        #expect(!translator.holdsTooMuch)
        #expect(frames(try inputs(&translator)).map(\.header.streamID) == [3])
    }

    // MARK: What clients do wrong

    private func refusals(_ inputs: [TTRPCTranslator.Input]) -> [UInt32: StatusCode] {
        var refusals: [UInt32: StatusCode] = [:]
        for case .refuse(let id, let code, _) in inputs { refusals[id] = code }
        return refusals
    }

    @Test func idsThatMayNotBe() throws {
        var translator = try translator()
        let even = try inputs(&translator, .request(2, "Echo"), .data(4, []), .request(0, "Echo"))
        #expect(refusals(even) == [2: .invalidArgument, 4: .invalidArgument, 0: .invalidArgument])
        // Each costs the connection a frame that is skipped, of which the state machine allows few.
        #expect(frames(even).map(\.header.kind.isIgnorable) == [true, true, true])
        _ = try inputs(&translator, .request(5, "Echo"))
        #expect(
            refusals(try inputs(&translator, .request(5, "Echo"), .request(3, "Echo"), .data(9, [])))
                == [5: .invalidArgument, 3: .invalidArgument, 9: .invalidArgument])
    }

    @Test func requestsThatCannotBeRead() throws {
        var translator = try translator()
        let long = String(repeating: "x", count: 300)
        let pairs = (0..<100).map { ("key\($0)", String(repeating: "v", count: 1000)) }
        let found = try inputs(
            &translator, TTRPCMessage(id: 1, kind: 1, payload: [0x0A, 0xFF]),
            TTRPCMessage(id: 3, kind: 1, payload: [0x20, 0x80]), .request(5, long),
            .request(7, "Echo", metadata: pairs), .request(9, "Echo", flags: 3))
        #expect(
            refusals(found) == [
                1: .invalidArgument, 3: .invalidArgument, 5: .invalidArgument, 7: .resourceExhausted,
                9: .invalidArgument,
            ])
        #expect(frames(found).allSatisfy { $0.header.kind.isIgnorable })
    }

    @Test func unknownKindsAreSkippedAndCounted() throws {
        var translator = try translator()
        let found = try inputs(
            &translator, TTRPCMessage(id: 1, kind: 9, payload: [1]), TTRPCMessage(id: 1, kind: 2))
        #expect(frames(found).map(\.header.kind.rawValue) == [0x80, 0x80] && refusals(found).isEmpty)
    }

    @Test func aMessageThatIsTooLongIsAnsweredBeforeTheEnd() throws {
        var translator = try translator()
        _ = try inputs(&translator, .request(1, "Echo"))
        #expect(throws: WireError.self) {
            _ = try inputs(&translator, ByteBuffer(hex: "00400001 00000003 01 00"))
        }
        var goaway = ByteBuffer()
        GoawayFrame(lastStreamID: 1, code: .frameTooLarge, reason: "too long").write(into: &goaway)
        #expect(TTRPCMessage.all(translator.translated(goaway)) == [.error(3, 8, "too long")])
    }

    @Test func dataWhereNoneMayComeEndsTheCall() throws {
        var translator = try translator()
        _ = try inputs(&translator, .request(1, "Echo"), .request(3, "Collect", flags: 2), .close(3))
        let found = frames(try inputs(&translator, .data(1, [1]), .data(3, [1]), .data(3, [1])))
        #expect(found.map(\.header.kind) == [.cancel, .cancel] && found.map(\.header.streamID) == [1, 3])
        var ends = end(1, code: 1)
        ends.writeImmutableBuffer(end(3, code: 1))
        let answers = TTRPCMessage.all(translator.translated(ends))
        #expect(answers.map(\.code) == [3, 3] && answers.map(\.id) == [1, 3])
        // The call is gone, and its client may not know.
        #expect(try inputs(&translator, .data(3, [1])).isEmpty)
    }

    /// Whatever comes: an answer, an error, and never a trap. Seeded, so that a failure can be repeated.
    @Test(arguments: 1...100 as ClosedRange<UInt64>)
    func garbage(seed: UInt64) throws {
        var random = Seeded(state: seed)
        var translator = try translator()
        do throws(WireError) {
            for _ in 0..<60 {
                translator.append(random.ttrpc())
                while let input = try translator.next() {
                    guard case .frame(let frame) = input, frame.header.kind == .call else { continue }
                    _ = translator.translated(
                        end(frame.header.streamID, code: UInt8.random(in: 0...16, using: &random)))
                }
            }
        } catch {
            #expect(error.code == .frameTooLarge)
        }
    }

    // MARK: Answers

    private func answers(_ request: TTRPCMessage, _ frames: ByteBuffer) throws -> ByteBuffer {
        var translator = try translator()
        _ = try inputs(&translator, request)
        return translator.translated(frames)
    }

    @Test func anAnswer() throws {
        let metadata = Metadata.trace
        let found = try answers(
            .request(1, "Echo"), end(1, metadata: metadata, message: [0x0A, 2, 0x68, 0x69]))
        #expect(found == ByteBuffer(hex: "00000008 00000001 02 00 0a00 1204 0a026869"))
        // An empty answer is none that is missing.
        #expect(
            try answers(.request(1, "Echo"), end(1, message: []))
                == ByteBuffer(hex: "00000002 00000001 02 00 0a00"))
    }

    @Test func anErrorWithDetails() throws {
        let status = StatusBlock(message: "gone", details: [StatusDetail(typeURL: "a/b.C", value: [8, 1])])
        let found = try answers(.request(1, "Echo"), end(1, code: 5, status: status.block(limits: .defaults)))
        #expect(
            found
                == ByteBuffer(
                    hex: "00000017 00000001 02 00 0a15 0805 1204 676f6e65 1a0b 0a05612f622e43 12020801"))
    }

    @Test func aStreamOfAnswers() throws {
        var frames = bytes(
            Frame(streamID: 1, kind: .data, flags: .metadata, payload: ByteBuffer(bytes: [0, 0])),
            data(1, [1, 2]), data(1, []))
        frames.writeImmutableBuffer(end(1))
        #expect(
            try answers(.request(1, "Watch", flags: 1), frames)
                == ByteBuffer(
                    hex: "00000002 00000001 0300 0102 00000000 00000001 0300 00000000 00000001 0305"))
    }

    @Test func oneAnswerToAStreamOfRequestsIsAResponse() throws {
        #expect(
            try answers(.request(1, "Collect", flags: 2), end(1, message: [8, 3]))
                == ByteBuffer(hex: "00000006 00000001 02 00 0a00 1202 0803"))
    }

    @Test func aStreamForWhoAskedForOneAnswer() throws {
        var translator = try translator()
        _ = try inputs(&translator, .request(1, "Watch"))
        #expect(translator.translated(bytes(data(1, [1]), data(1, [2]))).readableBytes == 0)
        #expect(translator.hasInjected)
        #expect(frames(try inputs(&translator)).map(\.header.kind) == [.cancel])
        #expect(TTRPCMessage.all(translator.translated(end(1, code: 1))).map(\.code) == [12])
        #expect(TTRPCMessage.all(try answers(.request(1, "Watch"), end(1))).map(\.code) == [12])
    }

    @Test func anAnswerTooLongForTTRPC() throws {
        var translator = try translator()
        _ = try inputs(&translator, .request(1, "Watch", flags: 1))
        let largest = [UInt8](repeating: 0, count: 4 << 20)
        #expect(translator.translated(bytes(data(1, largest))).readableBytes == largest.count + 10)
        #expect(translator.translated(bytes(data(1, largest + [0]), data(1, [1]))).readableBytes == 0)
        #expect(frames(try inputs(&translator)).map(\.header.kind) == [.cancel])
        #expect(TTRPCMessage.all(translator.translated(end(1, code: 1))).map(\.code) == [8])
    }

    /// The server sends as much as it likes: its credit comes back long before it is used up.
    @Test func creditComesBack() throws {
        var translator = try translator()
        _ = try inputs(&translator, .request(1, "Watch", flags: 1), .request(3, "Watch", flags: 1))
        let frame = bytes(data(1, [UInt8](repeating: 0, count: 4 << 20)))
        for _ in 0..<255 { _ = translator.translated(frame) }
        #expect(!translator.hasInjected)
        _ = translator.translated(frame)
        let grants = frames(try inputs(&translator))
        #expect(grants.map(\.header.kind) == [.credit, .credit] && grants.map(\.header.streamID) == [0, 1])
        let bytes = try grants.map { try CreditFrame(payload: $0.payload).bytes }
        #expect(bytes == [256 * ((4 << 20) + 16), 256 * ((4 << 20) + 16)])
    }

    @Test func pingsAreAnsweredAndGoawaysDropped() throws {
        var translator = try translator()
        var frames = ByteBuffer()
        PingFrame(token: 5).write(into: &frames)
        GoawayFrame(lastStreamID: .max, code: .none, reason: "bye").write(into: &frames)
        #expect(translator.translated(frames).readableBytes == 0)
        let answer = try #require(self.frames(try inputs(&translator)).first)
        #expect(
            try PingFrame(payload: answer.payload, flags: answer.header.flags)
                == PingFrame(token: 5, isAnswer: true))
    }
}

extension Metadata {
    /// A block with one pair.
    fileprivate static var trace: ByteBuffer? {
        try? (["trace": "1"] as Metadata).block(bytesMax: 8192, pairsMax: 64)
    }
}

/// A generator whose numbers follow from its seed (SplitMix64).
private struct Seeded: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// A message that may be right, or wrong in any part, and at times bytes that are none.
    mutating func ttrpc() -> ByteBuffer {
        let noise = (0..<Int.random(in: 0...60, using: &self)).map { _ in
            UInt8.random(in: 0...255, using: &self)
        }
        let (id, flags) = (UInt32.random(in: 0...90, using: &self), UInt8.random(in: 0...7, using: &self))
        var buffer = ByteBuffer()
        if Bool.random(using: &self) {
            buffer = TTRPCMessage.request(id, "Collect", flags: flags, payload: noise).bytes
        } else {
            let kind = UInt8.random(in: 0...4, using: &self)
            buffer = TTRPCMessage(id: id, kind: kind, flags: flags, payload: noise).bytes
        }
        if Int.random(in: 0..<50, using: &self) == 0 { buffer.writeBytes(noise) }
        return buffer
    }
}
