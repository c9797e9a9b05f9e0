// SPDX-License-Identifier: Apache-2.0

public import RavioliSchema
import Synchronization

/// Tells whether a server, and each of its services, can take calls: answers `ravioli.health.v1.Health`.
///
/// Give it to the server beside the services it speaks for, with the server's ``ServingState``: while the server does not
/// serve, neither does any of its services, so a probe or a balancer turns away before calls are refused. Any thread may
/// set a status at any time.
public final class ServerHealth: Service {
    /// Whether a service can take calls.
    public enum Status: Sendable, Hashable {
        /// It can.
        case serving
        /// It cannot now, for instance because what it needs is gone.
        case notServing
    }

    private struct State: Sendable {
        var statuses: [String: Status]
        var watchers: [Int: AsyncStream<Void>.Continuation] = [:]
        var watchersMade = 0
    }

    private let serving: ServingState
    private let state: Mutex<State>

    /// Watches at the same time, on all connections together.
    static let watchersMax = 1_000

    /// Speaks for services, which serve until told otherwise.
    ///
    /// - Parameter servingState: the one that the server is given too.
    public init(_ services: [any Service], servingState: ServingState) {
        serving = servingState
        let names = services.map { ($0.descriptor.fullName, Status.serving) }
        state = Mutex(State(statuses: Dictionary(names) { first, _ in first }))
    }

    /// Sets the status of a service by its full name; a name it has not had before is one more service.
    public func set(_ status: Status, for service: String) {
        let watchers = state.withLock { state in
            state.statuses[service] = status
            return Array(state.watchers.values)
        }
        for watcher in watchers { watcher.yield() }
    }

    /// What a service's callers are told now; nil for one that is not known. The empty name is the whole server.
    public func status(of service: String) -> Status? {
        let own: Status? = service.isEmpty ? .serving : state.withLock { $0.statuses[service] }
        return own.map { serving.isServing ? $0 : .notServing }
    }

    // MARK: Service

    /// The schema of `ravioli.health.v1.Health`.
    public var descriptor: ServiceDescriptor { Health.descriptor }

    /// Check and Watch.
    public var methods: [MethodHandler] {
        [
            .unary(Health.check) { [self] request, _ in
                guard let status = status(of: request.service) else {
                    throw RPCError(
                        .notFound, "the service '\(SchemaError.excerpt(request.service))' is not known here")
                }
                return HealthResponse(status: status.asServingStatus)
            },
            .serverStreaming(Health.watch) { [self] request, responses, _ in
                try await watch(request.service, responses)
            },
        ]
    }

    private func watch(_ service: String, _ responses: MessageWriter<HealthResponse>) async throws {
        let (signals, signal) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let id = try register(signal)
        defer { state.withLock { $0.watchers[id] = nil } }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { [serving] in
                for await _ in serving.phases { signal.yield() }
            }
            signal.yield()
            var told: ServingStatus?
            for await _ in signals {
                let status = status(of: service)?.asServingStatus ?? .serviceUnknown
                if status != told { try await responses.send(HealthResponse(status: status)) }
                told = status
                // A server that leaves waits for its calls: this one has said what there was to say.
                if [.draining, .stopped].contains(serving.phase) { break }
            }
            group.cancelAll()
        }
    }

    private func register(_ signal: AsyncStream<Void>.Continuation) throws(RPCError) -> Int {
        let id = state.withLock { state -> Int? in
            guard state.watchers.count < Self.watchersMax else { return nil }
            state.watchersMade += 1
            state.watchers[state.watchersMade] = signal
            return state.watchersMade
        }
        guard let id else {
            throw RPCError(.resourceExhausted, "over \(Self.watchersMax) watches", executed: .no)
        }
        return id
    }
}

extension ServerHealth.Status {
    var asServingStatus: ServingStatus {
        switch self {
        case .serving: .serving
        case .notServing: .notServing
        }
    }
}
