// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// A value that is set once, and those who wait for it.
final class FirstValue<Value: Sendable>: Sendable {
    private struct State: Sendable {
        var value: Value?
        var waiters: [UnsafeContinuation<Value, Never>] = []
    }

    private let state = Mutex(State())

    var isSet: Bool { state.withLock { $0.value != nil } }

    /// Sets the value; the first one counts.
    func set(_ value: Value) {
        let waiters = state.withLock { state -> [UnsafeContinuation<Value, Never>] in
            guard state.value == nil else { return [] }
            state.value = value
            defer { state.waiters = [] }
            return state.waiters
        }
        SanitizedHandover.given(self)
        for waiter in waiters { waiter.resume(returning: value) }
    }

    /// The value; waits until it is set. Whoever makes one sees to it that it is.
    func value() async -> Value {
        let value = await withUnsafeContinuation { waiter in
            let known = state.withLock { state in
                if state.value == nil { state.waiters.append(waiter) }
                return state.value
            }
            if let known { waiter.resume(returning: known) }
        }
        SanitizedHandover.taken(self)
        return value
    }
}
