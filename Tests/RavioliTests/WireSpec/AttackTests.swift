// SPDX-License-Identifier: Apache-2.0

import Foundation
import NIOCore
import Ravioli
import RavioliWire
import Testing

/// Attackers against those who share a server with them. They keep a machine busy, so `Scripts/test` runs them apart from
/// calls with short times.
@Suite(.timeLimit(.minutes(3)))
struct AttackTests {
    /// What attackers send, each on a connection of its own, and how that ends; nil: they are held up, not thrown out.
    private static let attacks: [(bytes: [UInt8], end: WireError.Code?)] = [
        (Wire.times(200) { Wire.open($0) + Wire.cancel($0) }, .flood),
        (Wire.times(300) { _ in Wire.ping() }, .tooManyPings),
        (Wire.times(300) { _ in Wire.frame(200, 0, 0) }, .flood),
        (Wire.times(400) { Wire.chunkedCall($0, total: .max, [1]) }, .flood),
        (Wire.times(300) { Wire.call($0, metadata: Wire.zeros(8193)) }, .flood),
        (Wire.times(400) { _ in Wire.credit(0, 1) }, .flood),
        (Wire.header(.max, 1, 2, 3), .frameTooLarge),
        (Wire.times(90) { Wire.call($0, "Hang", []) }, nil),
        (Wire.times(400) { Wire.call($0, "Echo", Wire.field(2, 1_000_000)) }, nil),
    ]

    /// How often an attacker comes.
    private static let visits = 12

    /// Each attacker comes again as soon as it has been thrown out; what an honest client calls is answered, and nobody makes
    /// the server hold more than its limits say.
    @Test func honestCallsAreAnsweredMeanwhile() async throws {
        var options = ServerOptions.defaults
        options.drainTimeout = .zero
        options.limits.cancels.burst = 100
        options.limits.glitches = .init(burst: 200, perSecond: 0)
        let ends = Ends()
        try await withServer([TestServer()], options: options) { server, address in
            let times = try await withThrowingTaskGroup(of: Void.self) { group in
                for attack in Self.attacks {
                    group.addTask {
                        for _ in 0..<Self.visits where !Task.isCancelled {
                            await Self.attack(address, attack.bytes, attack.end, ends)
                        }
                    }
                }
                let times = try await honestCalls(address) {
                    for (peer, bytes) in await server.bytesHeld() {
                        #expect(bytes <= options.limits.connectionBytesMax, "\(peer)")
                    }
                } until: {
                    ends.count == Self.visits * Self.attacks.count { $0.end != nil }
                }
                group.cancelAll()
                return times.sorted()
            }
            #expect(times.count >= 300)
            // Honest calls take a millisecond where nothing else runs; a machine that runs all tests is allowed for.
            let slow = times[times.count * 99 / 100]
            #expect(slow < .seconds(5), "the 99th percentile is \(slow)")
        }
    }

    /// Calls until there are 300 and every attacker has been thrown out each time.
    private func honestCalls(
        _ address: Address, check: () async -> Void, until isOver: () -> Bool
    ) async throws -> [Duration] {
        var times: [Duration] = []
        try await withClient(address) { client in
            let trial = TrialClient(client)
            while times.count < 300 || !isOver() {
                let start = ContinuousClock.now
                try await trial.expectsEcho(of: [1], options: .timeout(.seconds(30)))
                times.append(.now - start)
                if times.count % 50 == 0 { await check() }
                try Task.checkCancellation()
            }
        }
        return times
    }

    private static func attack(
        _ address: Address, _ bytes: [UInt8], _ end: WireError.Code?, _ ends: Ends
    ) async {
        let answers = try? await RawPeer.connect(to: address) { peer in
            var answers = WireAnswers()
            try? await peer.send(ByteBuffer(bytes: Wire.hello() + bytes))
            if end == nil {
                // Reads nothing more: only the end of the test ends it.
                let never = Gate()
                await never.wait()
            } else {
                do {
                    for try await part in peer.inbound { answers.append(part) }
                } catch {
                    // Thrown out while it wrote; what the server said before is here.
                }
            }
            return answers
        }
        guard end != nil else { return }
        // Whoever is thrown out while it still writes may lose what the server said.
        if let code = answers?.goaway { #expect(code == end) }
        ends.meet()
    }

    /// How attackers were thrown out.
    private final class Ends: Sendable {
        private let visits = Counter()
        var count: Int { visits.count }
        func meet() { visits.add() }
    }

    @Test func textsAboutHostileNamesAreShortAndClean() async throws {
        let name = "ravioli.trial.v1.Trial/" + String(repeating: "\u{1B}[31m\n\u{202E}ß", count: 18)
        let all =
            Wire.hello()
            + Wire.frame(2, 1, Wire.last | Wire.message | Wire.name, Wire.head() + Wire.named(name))
        try await withServer([TestServer()]) { _, address in
            let status = try await RawPeer.connect(to: address) { peer in
                try await peer.send(ByteBuffer(bytes: all))
                var answers = WireAnswers()
                for try await part in peer.inbound {
                    answers.append(part)
                    if let end = answers.frames.first(where: { $0.kind == 4 }) { return end.payload }
                }
                return []
            }
            #expect(status.prefix(2) == [12, 0])
            #expect((7..<1032).contains(status.count))
            // Code, mark, two lengths and a tag; then text.
            #expect(status.dropFirst(7).allSatisfy { (0x20..<0x7F).contains($0) }, "\(status)")
        }
    }

    @Test func coversEveryAttack() throws {
        let known = Set(WireSpec.all.map(\.number) + ClientWireSpec.all.map(\.number))
        let tests = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let files = FileManager.default.enumerator(at: tests, includingPropertiesForKeys: nil)?.compactMap {
            $0 as? URL
        }
        let text = try (files ?? []).filter { $0.pathExtension == "swift" }
            .map { try String(contentsOf: $0, encoding: .utf8) }.joined()
        for row in AttackTable.rows {
            #expect(Set(row.cases).subtracting(known) == [], "\(row.attack)")
            #expect(!row.bound.isEmpty && !(row.cases.isEmpty && row.tests.isEmpty))
            for name in row.tests { #expect(text.contains("func \(name)("), "\(row.attack): \(name)") }
        }
        #expect(AttackTable.rows.count >= 13)
    }
}
