// SPDX-License-Identifier: Apache-2.0

/// What one end of a connection is willing to hold, count or wait for.
///
/// Every limit of the protocol lives here, with its unit in its name. An end announces the first group in its
/// hello, so the peer keeps to them; the second group is kept silently. A refusal names the limit and its value.
/// ``check()`` states how the limits depend on each other.
public struct WireLimits: Sendable, Hashable {
    /// The limits a client or server has unless told otherwise.
    public static var defaults: WireLimits { WireLimits() }

    // MARK: Announced in the hello

    /// Payload of one frame, in bytes. Default 65,536; larger messages travel as several frames.
    public var frameBytesMax: Int = 65_536
    /// One message, in bytes. Default 4 MiB.
    public var messageBytesMax: Int = 4 * 1024 * 1024
    /// Calls that may run on one connection at the same time. Default 100; the peer queues above it.
    public var callsRunningMax: Int = 100
    /// One metadata block, in encoded bytes. Default 8 KiB.
    public var metadataBytesMax: Int = 8 * 1024
    /// Bytes of unread messages per stream (level 2) at its start. Default 256 KiB.
    public var streamCreditBytes: Int = 256 * 1024
    /// Bytes of unread messages per connection (level 2) at its start, and of unwritten output at any level. Default 1 MiB.
    public var connectionCreditBytes: Int = 1024 * 1024

    // MARK: Kept silently

    /// What a stream's credit grows to while its reader keeps up and the credit holds the peer up, as it does where much
    /// is under way at any time. Default 4 MiB; a value below `streamCreditBytes` keeps the credit as it is.
    public var streamCreditBytesMax: Int = 4 * 1024 * 1024
    /// The same for the connection's credit. Default 8 MiB.
    public var connectionCreditBytesMax: Int = 8 * 1024 * 1024
    /// Pairs in one metadata block. Default 64.
    public var metadataPairsMax: Int = 64
    /// The status block of an end frame, in bytes. Default 8 KiB.
    public var statusBytesMax: Int = 8 * 1024
    /// Text a peer may make us keep or show: a status message, the reason of a goaway. Default 1,024 bytes.
    public var textBytesMax: Int = 1024
    /// The payload of a hello, in bytes. Default 2 KiB.
    public var helloBytesMax: Int = 2048
    /// Calls that wait for a place on the server because handlers of ended calls still run. Default 256.
    public var callsQueuedMax: Int = 256
    /// Method numbers bound on one connection. Default 512; further methods are called by name.
    public var methodsMax: Int = 512
    /// Messages under assembly from chunks on one connection, together, in declared bytes. Default 64 MiB.
    public var assemblyBytesMax: Int = 64 * 1024 * 1024
    /// Time for the peer's hello to arrive. Default 5 s.
    public var helloTimeout: Duration = .seconds(5)
    /// Time for a frame to be complete once its first byte has come. Default 20 s.
    public var frameTimeout: Duration = .seconds(20)
    /// Time a server that leaves gives a client to say that it has read so. Default 5 s.
    public var drainAnswerTimeout: Duration = .seconds(5)
    /// Time a server that leaves gives a client to close by itself once its calls have ended. Default 1 s.
    public var drainCloseTimeout: Duration = .seconds(1)
    /// Cancel frames: 1,000 at once, 33 more a second.
    public var cancels = Rate(burst: 1000, perSecond: 33)
    /// Pings, goaways and skipped frames: 100 at once, 10 more a second.
    public var controlFrames = Rate(burst: 100, perSecond: 10)
    /// Least time between two pings of a client, unless something was sent for a call in between. Default 10 s.
    public var pingIntervalMin: Duration = .seconds(10)
    /// Pings that may come earlier than that. Default 2; one more ends the connection.
    public var pingStrikesMax = 2
    /// Suspicious but legal events: 10,000 at once, 330 more a second.
    public var glitches = Rate(burst: 10_000, perSecond: 330)
    /// Highest stream id a client opens before it moves to a new connection: 75 % of the space.
    public var streamIDMax: UInt32 = 3_221_225_472

    /// A bucket's size and refill.
    public struct Rate: Sendable, Hashable {
        /// Events allowed at once.
        public var burst: Int
        /// Events a second allowed in the long run.
        public var perSecond: Int
        /// A bucket of `burst` events, refilled by `perSecond`.
        public init(burst: Int, perSecond: Int) {
            self.burst = burst
            self.perSecond = perSecond
        }
    }

    /// The most that a server holds for one connection, in bytes: messages of several frames, unread messages of streams,
    /// the frame that is arriving, and one write of output beside one long message for each running call. Tasks and
    /// sockets are not counted.
    public var connectionBytesMax: Int {
        assemblyBytesMax + max(connectionCreditBytes, connectionCreditBytesMax) + 2 * frameBytesMax
            + callsRunningMax * messageBytesMax
    }

    /// The default limits.
    public init() {}

    /// Checks each value and how the values depend on each other.
    ///
    /// - Throws: `limitsInvalid`, naming the relation that does not hold.
    public func check() throws(WireError) {
        try require(frameBytesMax >= 1024 && frameBytesMax <= 1 << 20, "frameBytesMax is 1 KiB to 1 MiB")
        try require(messageBytesMax >= 0 && messageBytesMax <= 1 << 30, "messageBytesMax is at most 1 GiB")
        try require(callsRunningMax >= 1 && callsRunningMax <= 1 << 20, "callsRunningMax is 1 to 1,048,576")
        try require(callsQueuedMax >= 0 && callsQueuedMax <= 1 << 20, "callsQueuedMax is at most 1,048,576")
        try require(metadataBytesMax >= 0 && metadataPairsMax >= 0, "metadata limits are not negative")
        try require(statusBytesMax >= 256 && textBytesMax >= 64, "a status has room for its text")
        try require(textBytesMax <= statusBytesMax, "textBytesMax fits in statusBytesMax")
        let head = CallFrame.fixedBytes + 1 + MethodBinding.nameBytesMax + 2 + metadataBytesMax + 4
        try require(head < frameBytesMax, "metadataBytesMax and a method's name fit in one frame")
        try require(
            EndFrame.fixedBytes + 2 + metadataBytesMax + 2 + statusBytesMax < frameBytesMax,
            "metadataBytesMax and statusBytesMax fit in one frame")
        try require(metadataBytesMax <= 65_535 && statusBytesMax <= 65_535, "blocks have 16-bit lengths")
        try require(
            helloBytesMax >= Hello.fixedBytes && helloBytesMax <= frameBytesMax, "a hello fits in a frame")
        try require(assemblyBytesMax >= messageBytesMax, "assemblyBytesMax holds one whole message")
        try require(methodsMax >= 1 && methodsMax < Int(MethodBinding.unbound), "methodsMax is 1 to 65,534")
        try require(streamCreditBytes >= frameBytesMax, "streamCreditBytes holds one frame")
        try require(
            connectionCreditBytes >= streamCreditBytes && connectionCreditBytes <= 1 << 30,
            "connectionCreditBytes holds one stream's credit and is at most 1 GiB")
        try require(
            max(streamCreditBytesMax, connectionCreditBytesMax) <= 1 << 30,
            "credit grows to 1 GiB at most")
        try require(helloTimeout > .zero && frameTimeout > .zero, "timeouts are positive")
        try require(drainAnswerTimeout > .zero && drainCloseTimeout > .zero, "drain timeouts are positive")
        for rate in [cancels, controlFrames, glitches] {
            try require(rate.burst >= 1 && rate.perSecond >= 0, "a rate allows at least one event")
            try require(rate.burst <= 1 << 30 && rate.perSecond <= 1 << 30, "a rate is at most 2^30")
        }
        try require(
            pingIntervalMin >= .zero && pingIntervalMin <= .seconds(86_400), "pingIntervalMin is 0 to one day"
        )
        try require(pingStrikesMax >= 0, "pingStrikesMax is not negative")
        try require(streamIDMax >= 1, "streamIDMax leaves room for a call")
    }

    private func require(_ holds: Bool, _ relation: String) throws(WireError) {
        if !holds { throw WireError(.limitsInvalid, "wire limits: " + relation) }
    }
}
