// SPDX-License-Identifier: Apache-2.0

// How a server's connection is kept alive, ages, and is left: what `ConnectionLife` decides, carried out.

import RavioliWire

extension ServerConnection: WatchedConnection {
    func carryOut(_ action: ConnectionLife.Action) {
        switch action {
        case .none: break
        case .sendPing(let token): sendPing(token: token)
        case .peerIsDead: violated(WireError(.timeout, "a ping was not answered in time"))
        case .leaveIdle: drain(reason: "the connection was idle")
        case .retire: drain(reason: "the connection has reached its largest age")
        case .graceOver: abort()
        case .drain(let ending): carryOut(ending)
        }
    }

    private func carryOut(_ ending: ConnectionDrain.Action) {
        switch ending {
        case .none: break
        case .announce:
            GoawayFrame(lastStreamID: .max, code: .none, reason: drainReason).write(into: &link.out)
            sendPing(token: ConnectionDrain.pingToken)
        case .sendLastID:
            sendLastID()
            closeIfDone()
        case .close: abort()
        }
    }

    /// Takes no further calls, finishes those that run, and closes; see `ConnectionDrain`.
    func drain(reason: String) {
        guard !isStopping, !isClosed else { return }
        isStopping = true
        drainReason = reason
        // Without a hello there is nobody to tell; `greet` begins the drain, unless the hello is late.
        if helloReceived { drainBegan() } else { awaitHelloBriefly() }
    }

    func drainBegan() {
        let now = WireInstant(nanoseconds: link.context.now)
        if let action = watch?.life.drainBegan(now: now) { carryOut(action) }
        armLife()
    }

    func pingAnswered(token: UInt64) {
        if let action = watch?.life.pingAnswered(token: token) { carryOut(action) }
    }

    /// The client has all its answers, and closes; if it does not, we do.
    func callsEnded() {
        watch?.life.callsEnded(now: WireInstant(nanoseconds: link.context.now))
        armLife()
    }
}

extension ServerOptions {
    var lifeTerms: ConnectionLife.Terms {
        var terms = ConnectionLife.Terms(
            keepalive: keepalive.terms, idleTimeout: idleTimeout?.clampedNanoseconds)
        terms.ageMax = connectionAgeMax?.clampedNanoseconds
        terms.ageGrace = connectionAgeGrace.clampedNanoseconds
        terms.drainAnswerTimeout = limits.drainAnswerTimeout.clampedNanoseconds
        terms.drainCloseTimeout = limits.drainCloseTimeout.clampedNanoseconds
        return terms
    }

    /// - Throws: `invalidConfiguration` naming what does not hold.
    func check() throws(RuntimeError) {
        do throws(WireError) {
            try limits.check()
        } catch {
            throw RuntimeError(.invalidConfiguration, error.message)
        }
        try keepalive.check(limits: limits, idleTimeout: idleTimeout)
        guard connectionAgeMax ?? .seconds(1) > .zero, connectionAgeGrace >= .zero, drainTimeout >= .zero,
            policyReloadInterval > .zero
        else { throw RuntimeError(.invalidConfiguration, "server options: a time is out of range") }
    }

    /// For a connection inside the process: its peer cannot vanish, and nobody else waits for its place.
    var withoutConnectionLife: ServerOptions {
        var options = self
        options.keepalive.interval = nil
        options.idleTimeout = nil
        options.connectionAgeMax = nil
        return options
    }
}
