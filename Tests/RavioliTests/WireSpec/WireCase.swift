// SPDX-License-Identifier: Apache-2.0
//
// wirespec: what a server answers to bytes, legal or not, statement by statement. Each case says what is sent and what
// must come back, and is numbered for good, so that a report names it. The bytes are put together by hand here, not by
// the code under test.

import RavioliWire
import Testing

/// One statement of the protocol, as bytes and what they are answered with.
struct WireCase: Sendable, CustomTestStringConvertible {
    enum Expectation: Sendable {
        /// A goaway with this code, then the connection ends.
        case goaway(WireError.Code)
        /// Exactly these calls end, and the connection goes on.
        case ends([End])
        /// These bytes come first, then the connection ends; none: it ends in silence.
        case closes([UInt8])
    }

    /// The end of a call.
    struct End: Sendable, Hashable, CustomStringConvertible {
        let stream: UInt32
        let code: UInt8
        let executed: UInt8
        var description: String { "end \(stream) code \(code) executed \(executed)" }
    }

    /// How it is shown that the connection goes on.
    enum Probe: Sendable {
        /// An echo comes back.
        case echo
        /// A ping is answered; for servers that run no further call.
        case ping
    }

    let number: Int
    let section: String
    let title: String
    /// What is sent after a hello, or from the first byte on.
    let bytes: [UInt8]
    let greets: Bool
    let expected: Expectation
    let probe: Probe
    let limits: WireLimits

    var testDescription: String { "\(number) \(section): \(title)" }

    /// A case that begins with an ordinary hello.
    init(
        _ number: Int, _ section: String, _ title: String, _ bytes: [UInt8]..., expects: Expectation,
        probe: Probe = .echo, limits: WireLimits = .defaults
    ) {
        self.init(number, section, title, bytes.flatMap(\.self), true, expects, probe, limits)
    }

    /// A case whose bytes are a connection's first.
    init(
        _ number: Int, _ section: String, _ title: String, raw: [UInt8]..., expects: Expectation,
        probe: Probe = .echo, limits: WireLimits = .defaults
    ) {
        self.init(number, section, title, raw.flatMap(\.self), false, expects, probe, limits)
    }

    private init(
        _ number: Int, _ section: String, _ title: String, _ bytes: [UInt8], _ greets: Bool,
        _ expected: Expectation, _ probe: Probe, _ limits: WireLimits
    ) {
        self.number = number
        self.section = section
        self.title = title
        self.bytes = bytes
        self.greets = greets
        self.expected = expected
        self.probe = probe
        self.limits = limits
    }
}

extension WireCase.Expectation {
    /// Nothing is answered, and the connection goes on.
    static let nothing = Self.ends([])
    /// Stream 1 ends well.
    static let ok = Self.end(1, 0, .yes)
    static let malformed = Self.goaway(.malformedFrame)
    static let outOfOrder = Self.goaway(.outOfOrder)

    static func end(_ stream: UInt32, _ code: UInt8, _ executed: Executed) -> Self {
        .ends([.init(stream, code, executed)])
    }
}

/// The executed mark of an end.
enum Executed: UInt8, Sendable { case no, maybe, yes }

extension WireCase.End {
    init(_ stream: UInt32, _ code: UInt8, _ executed: Executed) {
        self.init(stream: stream, code: code, executed: executed.rawValue)
    }
}

extension WireLimits {
    /// Limits so low that a case which breaks them fits in a few kilobytes; what is empty stays empty.
    static let small = {
        var limits = WireLimits.defaults
        limits.frameBytesMax = 4096
        limits.metadataBytesMax = 512
        limits.statusBytesMax = 512
        limits.textBytesMax = 256
        limits.messageBytesMax = 16_384
        limits.assemblyBytesMax = 32_768
        limits.callsRunningMax = 2
        limits.callsQueuedMax = 2
        limits.methodsMax = 4
        limits.streamCreditBytes = 8192
        limits.connectionCreditBytes = 16_384
        limits.cancels = Rate(burst: 10, perSecond: 0)
        limits.controlFrames = Rate(burst: 10, perSecond: 0)
        limits.glitches = Rate(burst: 10, perSecond: 0)
        return limits
    }()

    /// Little time for a hello, and for each frame.
    static let hasty = {
        var limits = WireLimits.defaults
        limits.helloTimeout = .milliseconds(100)
        limits.frameTimeout = .milliseconds(100)
        return limits
    }()
}
