// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Tells everybody who listens that something has changed; what, they look up themselves.
final class Changes: Sendable {
    private let listeners = Mutex<[Int: AsyncStream<Void>.Continuation]>([:])
    private let names = Atomic<Int>(0)

    /// Yields once at the start, and after every change; changes that come close together may yield once.
    func stream() -> AsyncStream<Void> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let name = names.add(1, ordering: .relaxed).newValue
        continuation.onTermination = { [weak self] _ in self?.remove(name) }
        listeners.withLock { $0[name] = continuation }
        continuation.yield()
        return stream
    }

    /// Something has changed.
    func happened() {
        for listener in listeners.withLock({ Array($0.values) }) { listener.yield() }
    }

    private func remove(_ name: Int) {
        listeners.withLock { $0[name] = nil }
    }
}

/// Something took longer than allowed.
struct TookTooLong: Error, CustomStringConvertible {
    let description: String
}

/// Runs `body`; cancels it and throws when it takes longer than `limit`.
func within<Value: Sendable>(
    _ limit: Duration, _ what: String, _ body: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    try await withThrowingTaskGroup(of: Value.self) { group in
        group.addTask { try await body() }
        group.addTask {
            try await Task.sleep(for: limit)
            throw TookTooLong(description: "\(what) took longer than \(limit)")
        }
        defer { group.cancelAll() }
        guard let value = try await group.next() else { throw CancellationError() }
        return value
    }
}
