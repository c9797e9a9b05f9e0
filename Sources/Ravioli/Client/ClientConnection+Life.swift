// SPDX-License-Identifier: Apache-2.0

// How a client's connection is kept alive and left when nobody calls: what `ConnectionLife` decides, carried out.

import RavioliWire

extension ClientConnection: WatchedConnection {
    func carryOut(_ action: ConnectionLife.Action) {
        switch action {
        case .sendPing(let token): sendPing(token: token)
        case .peerIsDead: close("the server gave no sign of life for \(keepaliveTimeout) after a ping")
        case .leaveIdle: leaveIdle()
        // A client's connection has no age, and no drain of its own.
        case .none, .retire, .graceOver, .drain: break
        }
    }
}

extension ClientOptions {
    var lifeTerms: ConnectionLife.Terms {
        ConnectionLife.Terms(keepalive: keepalive.terms, idleTimeout: idleTimeout?.clampedNanoseconds)
    }
}
