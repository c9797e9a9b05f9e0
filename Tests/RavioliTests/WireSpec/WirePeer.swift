// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOPosix
import Ravioli
import RavioliWire
import Testing

/// What a server sent, cut into frames by hand.
struct WireAnswers {
    struct Frame {
        let stream: UInt32
        let kind: UInt8
        let flags: UInt8
        let payload: [UInt8]
    }

    private(set) var bytes: [UInt8] = []
    private(set) var frames: [Frame] = []
    private var cut = 0

    mutating func append(_ part: ByteBuffer) {
        bytes += part.readableBytesView
        while bytes.count - cut >= 10 {
            let length = Int(number(at: cut))
            guard bytes.count - cut - 10 >= length else { return }
            let payload = Array(bytes[(cut + 10)..<(cut + 10 + length)])
            frames.append(
                Frame(
                    stream: number(at: cut + 4), kind: bytes[cut + 8], flags: bytes[cut + 9], payload: payload
                ))
            cut += 10 + length
        }
    }

    private func number(at index: Int) -> UInt32 {
        bytes[index..<(index + 4)].reduce(0) { $0 << 8 | UInt32($1) }
    }

    /// The calls that ended, in the order of their ends.
    var ends: [WireCase.End] {
        frames.filter { $0.kind == 4 && $0.payload.count >= 2 }
            .map { WireCase.End(stream: $0.stream, code: $0.payload[0], executed: $0.payload[1]) }
    }

    /// The last goaway's code.
    var goaway: WireError.Code? {
        frames.last { $0.kind == 8 && $0.payload.count >= 5 }.map { WireError.Code(rawValue: $0.payload[4]) }
    }

    func hasPingAnswer(_ token: [UInt8]) -> Bool {
        frames.contains { $0.kind == 7 && $0.flags == 1 && $0.payload == token }
    }
}

extension WireCase {
    /// A call id that no case uses, below three quarters of them all.
    private static let probeStream: UInt32 = 0xBFFF_FFF0
    private static let probeToken: [UInt8] = Wire.text("wirespec")

    private var probeBytes: [UInt8] {
        let echo = probe == .echo ? Wire.call(Self.probeStream) : []
        return echo + Wire.ping(Self.probeToken)
    }

    /// Sends the bytes to a server of its own, and checks what comes back.
    func run() async throws {
        var options = ServerOptions.defaults
        options.limits = limits
        options.drainTimeout = .seconds(60)
        let server = TestServer()
        try await withServer([server], options: options) { _, address in
            // Whoever does not mind being cancelled is let go, so that the server can stop.
            defer { server.release.open() }
            let peer = Task { try await RawPeer.connect(to: address) { try await answers(from: $0) } }
            // What has come by then is judged, so that a case which waits in vain says for what.
            let watchdog = MultiThreadedEventLoopGroup.singleton.next().scheduleTask(in: .seconds(60)) {
                peer.cancel()
            }
            let received = try await peer.value
            watchdog.cancel()
            check(received)
        }
    }

    private func answers(from peer: RawPeer) async throws -> WireAnswers {
        var answers = WireAnswers()
        let goesOn = if case .ends = expected { true } else { false }
        do {
            let all = (greets ? Wire.hello() : []) + bytes + (goesOn ? probeBytes : [])
            if !all.isEmpty { try await peer.send(ByteBuffer(bytes: all)) }
            for try await part in peer.inbound {
                answers.append(part)
                if goesOn, isComplete(answers) { return answers }
            }
        } catch is IOError {
            // The server closed while we were writing; what it said before is here.
        } catch is ChannelError {
        } catch is CancellationError {
        }
        return answers
    }

    private func isComplete(_ answers: WireAnswers) -> Bool {
        guard case .ends(let wanted) = expected else { return false }
        let ends = answers.ends
        return answers.hasPingAnswer(Self.probeToken) && wanted.allSatisfy(ends.contains)
            && (probe == .ping || ends.contains { $0.stream == Self.probeStream })
    }

    private func check(_ answers: WireAnswers) {
        switch expected {
        case .goaway(let code):
            #expect(answers.goaway == code, "case \(number): \(describe(answers))")
            #expect(answers.frames.last?.kind == 8, "case \(number): something follows the goaway")
        case .ends(let wanted):
            #expect(answers.goaway == nil, "case \(number): \(describe(answers))")
            let calls = answers.ends.filter { $0.stream != Self.probeStream }
            #expect(
                calls.sorted { $0.stream < $1.stream } == wanted.sorted { $0.stream < $1.stream },
                "case \(number): \(describe(answers))")
            let echo = WireCase.End(Self.probeStream, 0, .yes)
            #expect(probe == .ping || answers.ends.contains(echo), "case \(number): \(describe(answers))")
        case .closes(let prefix):
            #expect(Array(answers.bytes.prefix(prefix.count)) == prefix, "case \(number)")
            #expect(prefix.isEmpty == answers.bytes.isEmpty, "case \(number): \(answers.bytes)")
        }
    }

    private func describe(_ answers: WireAnswers) -> String {
        "goaway \(answers.goaway?.name ?? "none"), \(answers.ends.map(\.description)), kinds \(answers.frames.map(\.kind))"
    }
}
