// SPDX-License-Identifier: Apache-2.0

import Ravioli

/// Which calls are made at most once for each `Idempotency-Key`, and how long and how much the edge remembers.
///
/// <doc:Idempotency> says what a key means, and what clients are answered. Streams, GET and HEAD, and methods with
/// `NO_SIDE_EFFECTS` have no keys, whatever the patterns say.
public struct IdempotencyOptions: Sendable, Hashable {
    /// The SQLite file that remembers; made when there is none. Several edges on one machine may share it.
    public var file: String
    /// The methods whose keys count, as in ``AccessRule/method``; for others a key is passed over.
    /// Default `*`.
    public var methods: [String] = ["*"]
    /// The methods that are refused without a key, in the same form. They need not be named in ``methods`` as well.
    /// Default none.
    public var required: [String] = []
    /// The names of verified metadata that say who calls: a key belongs to its caller. Callers of whom nothing is
    /// verified share their keys, but never an answer: what they present as `Authorization` is part of what a repeat
    /// must be equal in. Default `ravioli-claim-sub` and `ravioli-client-identity`, of which those that are there count.
    public var callers: [String] = ["ravioli-claim-sub", "ravioli-client-identity"]
    /// For how long a key is remembered, from its first request on. Default 24 h; at least a minute more than
    /// ``EdgeLimits/timeoutMax``, at most 366 days.
    public var lifetime: Duration = .seconds(24 * 3600)
    /// The longest key, in bytes. Default 255, 16 to 4,096. Above it: 400.
    public var keyBytesMax = 255
    /// The longest answer that is kept, in bytes. Default 1 MiB, up to 64 MiB. The first client gets a longer one as
    /// well, but whoever repeats the request is told that it cannot be repeated.
    public var answerBytesMax = 1 << 20
    /// How many keys are remembered. Default 1,000,000. Above it requests with new keys are refused as `unavailable`.
    public var rowsMax = 1_000_000
    /// All answers together, in bytes. Default 1 GiB. Once it is reached requests with new keys are refused as
    /// `unavailable`.
    public var bytesMax = 1 << 30

    /// The defaults, for a file.
    public init(file: String) { self.file = file }

    /// - Throws: `invalidConfiguration`, naming what does not hold.
    func check(_ limits: EdgeLimits) throws(RuntimeError) {
        try require(!file.isEmpty, "file names a file")
        try require(
            lifetime >= limits.timeoutMax + .seconds(60) && lifetime <= .seconds(366 * 24 * 3600),
            "lifetime is at least a minute more than timeoutMax, at most 366 days")
        try require((16...4096).contains(keyBytesMax), "keyBytesMax is 16 to 4,096")
        try require((1...(64 << 20)).contains(answerBytesMax), "answerBytesMax is 1 byte to 64 MiB")
        try require(rowsMax > 0 && bytesMax >= answerBytesMax, "the store holds at least one answer")
        _ = try RoutePattern.methods(methods + required)
    }

    private func require(_ holds: Bool, _ relation: String) throws(RuntimeError) {
        if !holds { throw RuntimeError(.invalidConfiguration, "idempotency: " + relation) }
    }
}
