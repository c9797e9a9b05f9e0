// SPDX-License-Identifier: Apache-2.0

public import Ravioli

/// What the edge is willing to hold, count or wait for on behalf of clients it knows nothing about.
///
/// Every limit of the edge lives here, with its unit in its name; a refusal names the limit and its value.
/// ``check()`` states how the limits depend on each other.
public struct EdgeLimits: Sendable, Hashable {
    /// One request body and one response message, in bytes. Default 4 MiB. Above it: `resource_exhausted`.
    public var messageBytesMax = 4 << 20
    /// One header field, name and value, in bytes. Default 8 KiB. Above it: HTTP 431.
    public var headerFieldBytesMax = 8 << 10
    /// All header fields of a request together, in bytes. Default 32 KiB. Above it: HTTP 431.
    public var headerListBytesMax = 32 << 10
    /// Header fields of a request. Default 100. Above it: HTTP 431.
    public var headersMax = 100
    /// Time for a call whose client named none. Default 15 s.
    public var timeoutDefault: Duration = .seconds(15)
    /// The longest time a client may ask for; what exceeds it is clamped. Default 60 s.
    public var timeoutMax: Duration = .seconds(60)
    /// The longest time of a call with streams, and the time of one whose client named none. Default 1 h.
    public var streamTimeoutMax: Duration = .seconds(3600)
    /// Time for a client to take what was sent to it before its stream, or its connection, is given up. Default 30 s.
    public var writeTimeout: Duration = .seconds(30)
    /// Time for running calls to end once the edge is told to stop. Default 30 s.
    public var drainTimeout: Duration = .seconds(30)
    /// Connections at a time; more are closed at once. Default 10,000.
    public var connectionsMax = 10_000
    /// Streams of one HTTP/2 connection at a time, counted until their calls have ended. Default 100.
    public var streamsMax = 100
    /// Streams that the client of a connection may reset, or provoke us to reset, within 30 s. Default 1,000. Above it the
    /// connection is closed.
    public var streamResetsMax = 1_000
    /// PING, SETTINGS and PRIORITY frames of a connection within 30 s. Default 400. Above it the connection is closed.
    public var controlFramesMax = 400
    /// Time for a request's body to arrive once its head has. Default 15 s. Then: `deadline_exceeded`, and the
    /// connection is closed.
    public var bodyTimeout: Duration = .seconds(15)
    /// Time for the TLS handshake of a new connection. Default 10 s. Then the connection is closed.
    public var handshakeTimeout: Duration = .seconds(10)
    /// Time a connection may be silent while no call runs on it, also within a request's head. Default 60 s.
    public var idleTimeout: Duration = .seconds(60)
    /// How much of a refused body is read beyond ``messageBytesMax``, in bytes, before the connection is closed instead.
    /// Default 1 MiB.
    public var skippedBytesMax = 1 << 20
    /// Time for an upstream to tell its schema, or that it is well. Default 5 s.
    public var schemaTimeout: Duration = .seconds(5)
    /// How often at most an upstream is asked for its schema because of what clients send. Default once a second.
    public var schemaPauseMin: Duration = .seconds(1)
    /// How often an upstream is asked whether its schema has changed. Default every 5 s.
    public var schemaInterval: Duration = .seconds(5)

    /// Buckets that rate limits remember, of callers who made a request a while ago. Default 100,000, some 8 MB. While all
    /// of them are in use, callers that are not among them share one for each rule.
    public var rateLimitBucketsMax = 100_000

    /// The defaults.
    public static var defaults: EdgeLimits { EdgeLimits() }

    /// The defaults.
    public init() {}

    /// Checks each value and how the values depend on each other.
    ///
    /// - Throws: `invalidConfiguration`, naming the relation that does not hold.
    public func check() throws(RuntimeError) {
        try require(
            messageBytesMax >= 1024 && messageBytesMax <= 1 << 30, "messageBytesMax is 1 KiB to 1 GiB")
        try require(headerFieldBytesMax >= 256, "headerFieldBytesMax is at least 256")
        try require(headerListBytesMax >= headerFieldBytesMax, "headerListBytesMax holds one whole field")
        try require(headersMax >= 8, "headersMax is at least 8")
        try require(
            timeoutDefault > .zero && timeoutDefault <= timeoutMax, "timeoutDefault is at most timeoutMax")
        try require(bodyTimeout > .zero && idleTimeout >= bodyTimeout, "idleTimeout is at least bodyTimeout")
        try require(
            streamTimeoutMax > .zero && writeTimeout > .zero && handshakeTimeout > .zero
                && drainTimeout >= .zero, "times are positive")
        try require(
            connectionsMax > 0 && streamsMax > 0 && streamResetsMax >= streamsMax && controlFramesMax > 0,
            "a connection may reset all of its streams")
        try require(skippedBytesMax >= 0 && skippedBytesMax <= 1 << 30, "skippedBytesMax is 0 to 1 GiB")
        try require(
            schemaTimeout > .zero && schemaPauseMin >= .zero && schemaInterval > .zero,
            "schema times are positive")
        try require(
            (16...10_000_000).contains(rateLimitBucketsMax), "rateLimitBucketsMax is 16 to 10,000,000")
    }

    private func require(_ holds: Bool, _ relation: String) throws(RuntimeError) {
        if !holds { throw RuntimeError(.invalidConfiguration, "edge limits: " + relation) }
    }
}
