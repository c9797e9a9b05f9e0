// SPDX-License-Identifier: Apache-2.0

public import RavioliWire

/// What a client decides for its connection.
public struct ClientOptions: Sendable {
    /// The defaults.
    public static var defaults: ClientOptions { ClientOptions() }

    /// The client's own name in its hello. Default empty.
    public var name = ""
    /// What it accepts from the server.
    public var limits = WireLimits.defaults
    /// Time for one attempt to connect, hello included. Default 20 s; a call's own deadline ends its wait earlier.
    public var connectTimeout: Duration = .seconds(20)
    /// Whom the client trusts and who it is; nil for no encryption. Default nil: for networks that are trusted, and
    /// Unix-domain sockets. A server without TLS is refused when it is given.
    public var tls: ClientTLSOptions?
    /// The pause between attempts to connect.
    public var backoff = Backoff()
    /// When the server is asked for a sign of life. Default: after 30 s of silence while calls run, with 20 s to answer.
    public var keepalive = KeepaliveOptions(interval: .seconds(30))
    /// Time without a call after which the connection is closed; the next call connects again. Default 30 min. Nil: never.
    public var idleTimeout: Duration? = .seconds(1800)
    /// Calls that wait for a connection or for a place on it. Default 10,000: a fan-out of thousands is legal, and each
    /// waiting call has a deadline. Above it calls fail with `resource_exhausted`.
    public var callsQueuedMax = 10_000

    /// The pause between failed attempts to connect: grows until a connection has served a call.
    ///
    /// The defaults are gRPC's, for servers far away and clients without number. Inside one system, where a server that
    /// restarts is back within seconds, shorter pauses find it sooner.
    public struct Backoff: Sendable, Hashable {
        /// After the first failure. Default 1 s.
        public var initial: Duration = .seconds(1)
        /// Growth per failure. Default 1.6.
        public var multiplier = 1.6
        /// Part of the pause that is random, up and down. Default 0.2.
        public var jitter = 0.2
        /// The longest pause before jitter. Default 120 s.
        public var max: Duration = .seconds(120)

        /// The defaults.
        public init() {}

        /// Pauses from `initial` to `max`, otherwise the defaults.
        public init(initial: Duration, max: Duration) {
            self.initial = initial
            self.max = max
        }

        /// The pause after a number of failures in a row.
        func pause(failures: Int, random: Double) -> Duration {
            var pause = Double(initial.clampedNanoseconds)
            let longest = Double(max.clampedNanoseconds)
            for _ in 1..<Swift.max(2, Swift.min(failures, 64)) where failures > 1 { pause *= multiplier }
            pause = Swift.min(pause, longest) * (1 + jitter * (2 * random - 1))
            return .nanoseconds(Int64(Swift.max(0, Swift.min(pause, 9e18))))
        }
    }

    /// The defaults.
    public init() {}
}
