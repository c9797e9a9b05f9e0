// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Logging
import Ravioli
import RavioliSchema
import Synchronization
import Testing

@testable import RavioliEdge

/// SplitMix64: the same numbers for the same seed.
struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}

/// Whatever strangers write, the readers at the door neither trap nor let it pass.
@Suite struct GuardFuzzTests {
    private func text(of alphabet: String, _ random: inout SeededRandom) -> String {
        let digits = Array(alphabet)
        let count = Int.random(in: 0...60, using: &random)
        return String((0..<count).map { _ in digits[Int.random(in: digits.indices, using: &random)] })
    }

    @Test func readersOfAddressesTakeAnyText() throws {
        let seed = UInt64.random(in: .min ... .max)
        var random = SeededRandom(seed)
        var forwarded = TrustedProxies(["10.0.0.0/8"])
        forwarded.header = .forwarded
        let readers = [try ClientAddress(TrustedProxies(["10.0.0.0/8"])), try ClientAddress(forwarded)]
        for _ in 0..<4_000 {
            let text = text(of: "0123456789abcf.:,;= \"\\[]for%é", &random)
            if let address = IPAddress(text) {
                #expect(IPAddress(address.description) == address, "seed \(seed): \(text)")
            }
            _ = IPNetwork(text)
            for reader in readers {
                var fields: HTTPFields = [:]
                for name in [HTTPField.Name.forwarded, .forwardedFor] {
                    fields.append(HTTPField(name: name, value: text))
                }
                let client = reader.of("10.0.0.1", fields)
                #expect(client.flatMap { IPAddress($0) } != nil, "seed \(seed): \(text)")
                #expect(reader.of("192.0.2.1", fields) == "192.0.2.1", "seed \(seed): \(text)")
            }
        }
    }

    @Test func readersOfTokensTakeAnyText() async throws {
        let seed = UInt64.random(in: .min ... .max)
        var random = SeededRandom(seed)
        let issuer = try await TestIssuer.es256()
        let keys = try await TokenKeys(
            jwks: "{\"keys\":[\(issuer.jwk)]}".utf8, algorithms: [.es256], allowsSecrets: false, keysMax: 1)
        let verifier = TokenVerifier(.test())
        let good = Array(try issuer.token().utf8)
        for _ in 0..<1_500 {
            var bytes = good
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let index = Int.random(in: bytes.indices, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: bytes[index] = UInt8.random(in: .min ... .max, using: &random)
                case 1: bytes.remove(at: index)
                default: bytes.insert(UInt8.random(in: .min ... .max, using: &random), at: index)
                }
            }
            guard bytes != good else { continue }
            #expect(throws: TokenFault.self, "seed \(seed)") {
                try verifier.claims(of: try verifier.read(bytes), keys: keys, now: Double(TestIssuer.now))
            }
        }
    }

    @Test func jsonThatIsReadIsPrintedAsTheSame() {
        let seed = UInt64.random(in: .min ... .max)
        var random = SeededRandom(seed)
        var count = 0
        for _ in 0..<30_000 {
            guard let value = ClaimValue(json: text(of: "[]{}:,\"a\\u0e-.1 tn", &random).utf8) else {
                continue
            }
            count += 1
            #expect(ClaimValue(json: value.json.utf8) == value, "seed \(seed)")
        }
        #expect(count > 0)
    }
}

/// What the log has of all this.
@Suite struct GuardLogTests {
    private final class Lines: Sendable {
        let lines = Mutex<[String]>([])
        var text: String { lines.withLock { $0.joined(separator: "\n") } }
    }

    private struct Recorder: LogHandler {
        let lines: Lines
        var logLevel = Logger.Level.trace
        var metadata: Logger.Metadata = [:]

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            lines.lines.withLock { $0.append("\(event.message) \(event.metadata ?? [:])") }
        }
    }

    @Test func theLogKnowsClientsAndReasonsButNoTokens() async throws {
        let lines = Lines()
        let logger = Logger(label: "test") { _ in Recorder(lines: lines) }
        let issuer = try await TestIssuer.es256()
        let keys = try TestFile("{\"keys\":[\(issuer.jwk)]}")
        var options = EdgeOptions.defaults
        options.jwt = .test { $0.keys = .file(keys.path) }
        options.trustedProxies = TrustedProxies(["10.0.0.0/8"])
        let edge = try Edge([], options: options, clock: TestClock().clock, logger: logger)
        let expired = try issuer.token(#""sub":"wilhelmina""#, expires: 1)
        for token in [expired, try issuer.token(), "nonsense.in.it"] {
            let headers: HTTPFields = [
                .authorization: "Bearer \(token)", .forwardedFor: "6.6.6.6, 203.0.113.9",
                .contentType: "application/json",
            ]
            _ = await edge.answer("/nowhere", headers: headers, bytes: [], peer: "10.0.0.1")
            for part in token.split(separator: ".") { #expect(!lines.text.contains(part)) }
        }
        #expect(lines.text.contains("the token has expired") && lines.text.contains("the token is malformed"))
        #expect(lines.text.contains("203.0.113.9") && !lines.text.contains("6.6.6.6"))
        #expect(!lines.text.contains("wilhelmina"))
    }
}
