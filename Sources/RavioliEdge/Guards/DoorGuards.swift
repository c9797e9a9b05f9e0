// SPDX-License-Identifier: Apache-2.0

import Logging
import Ravioli

/// The edge's own guards.
enum DoorGuards {
    /// Those that options ask for, in the order in which they look: limits come before tokens, so that trying out invalid
    /// ones is limited too, and limits by claims behind them.
    static func own(
        _ options: EdgeOptions, _ store: KeyStore?, clock: GuardClock, logger: Logger
    ) throws(RuntimeError) -> [any DoorGuard] {
        var guards: [any DoorGuard] = []
        let buckets = Buckets(bucketsMax: options.limits.rateLimitBucketsMax)
        let limits = try RateLimitGuard(options.rateLimits, byClaims: false, buckets: buckets, clock: clock)
        if !limits.isEmpty { guards.append(limits) }
        if let jwt = options.jwt, let store {
            guards.append(try JWTGuard(jwt, store: store, clock: clock, logger: logger))
        }
        let later = try RateLimitGuard(options.rateLimits, byClaims: true, buckets: buckets, clock: clock)
        if !later.isEmpty { guards.append(later) }
        return guards
    }
}

extension EdgeOptions {
    /// The same, but that no header of a client becomes what a claim is passed on as.
    var withholdingClaims: EdgeOptions {
        guard let jwt else { return self }
        var options = self
        options.requestHeaders = requestHeaders.withholding(ClaimMetadata(jwt.claims).reserved)
        return options
    }
}
