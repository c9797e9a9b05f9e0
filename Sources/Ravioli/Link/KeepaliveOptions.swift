// SPDX-License-Identifier: Apache-2.0

import RavioliWire

/// When one end of a connection asks the other for a sign of life.
///
/// Any byte that arrives is a sign of life, so a busy connection is never asked. Over TCP on Linux the timeout also bounds
/// how long sent bytes may stay unacknowledged (`TCP_USER_TIMEOUT`).
public struct KeepaliveOptions: Sendable, Hashable {
    /// Silence after which the other end is asked; up to a tenth is added at random. Nil: it is never asked.
    ///
    /// At least ``RavioliWire/WireLimits/pingIntervalMin`` of this end's own limits, 10 s by default: servers close
    /// connections of clients that ask more often than they allow.
    public var interval: Duration?
    /// Time for the sign of life, before the connection is given up. Above zero.
    public var timeout: Duration
    /// Whether the other end is asked while no call is open, too.
    public var pingsWithoutCalls: Bool

    /// When to ask, how long to wait, and whether also without calls.
    public init(interval: Duration?, timeout: Duration = .seconds(20), pingsWithoutCalls: Bool = false) {
        self.interval = interval
        self.timeout = timeout
        self.pingsWithoutCalls = pingsWithoutCalls
    }

    var terms: Keepalive.Terms {
        Keepalive.Terms(
            interval: interval?.clampedNanoseconds, timeout: timeout.clampedNanoseconds,
            pingsWithoutCalls: pingsWithoutCalls)
    }

    /// - Throws: `invalidConfiguration` naming what does not hold.
    func check(limits: WireLimits, idleTimeout: Duration?) throws(RuntimeError) {
        guard timeout > .zero else {
            throw RuntimeError(.invalidConfiguration, "keepalive: timeout is positive")
        }
        if let interval, interval < limits.pingIntervalMin || interval <= .zero {
            throw RuntimeError(
                .invalidConfiguration,
                "keepalive: interval is at least limits.pingIntervalMin = \(limits.pingIntervalMin)")
        }
        if let idleTimeout, idleTimeout <= .zero {
            throw RuntimeError(.invalidConfiguration, "idleTimeout is positive, or nil")
        }
    }
}
