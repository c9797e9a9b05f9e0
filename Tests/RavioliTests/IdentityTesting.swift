// SPDX-License-Identifier: Apache-2.0

import Logging
import Ravioli
import Synchronization
import Testing

/// Answers `describe` with the caller's identity.
struct IdentityServer: Service {
    let descriptor = Trial.descriptor
    let methods: [MethodHandler] = [
        .unary(Trial.echo) { request, _ in EchoResponse(payload: request.payload) },
        .unary(Trial.describe) { _, context in DescribeResponse(peer: context.peer.identity ?? "nobody") },
    ]
}

extension TrialClient {
    /// Who the server says is calling.
    func identity() async throws -> String { try await describe(DescribeRequest()).peer }

    func expectsIdentity(
        _ expected: String, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        #expect(try await identity() == expected, sourceLocation: sourceLocation)
    }
}

/// A log that tests wait for.
final class WatchedLog: Sendable {
    private struct State: Sendable {
        var lines: [String] = []
        var waiters: [(text: String, gate: Gate)] = []
    }
    private let state = Mutex(State())

    var logger: Logger { Logger(label: "test") { _ in Handler(log: self) } }
    var lines: [String] { state.withLock { $0.lines } }

    /// Waits until a line with this text has been logged.
    func line(with text: String) async {
        let gate = Gate()
        state.withLock { state in
            if state.lines.contains(where: { $0.contains(text) }) {
                gate.open()
            } else {
                state.waiters.append((text, gate))
            }
        }
        await gate.wait()
    }

    private func add(_ line: String) {
        let gates = state.withLock { state in
            state.lines.append(line)
            return state.waiters.filter { line.contains($0.text) }.map(\.gate)
        }
        for gate in gates { gate.open() }
    }

    private struct Handler: LogHandler {
        let log: WatchedLog
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace
        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }
        func log(event: LogEvent) { log.add("\(event.message) \(event.metadata ?? [:])") }
    }
}
