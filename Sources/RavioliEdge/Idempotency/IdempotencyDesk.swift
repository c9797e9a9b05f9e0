// SPDX-License-Identifier: Apache-2.0
//
// Between the protocols and the bridge: whoever has read a request and is about to make its call asks here first. The
// call of a request with a key goes on when its client has gone, because what such a client does next is to ask again.

import HTTPTypes
import Logging
import Ravioli
import RavioliSchema

/// How a call with a key ended, as its client will read it.
struct KeyedEnd: Sendable {
    var answer: StoredAnswer
    /// Why it failed; nil for success.
    var error: RPCError?
}

/// Makes each call with a key once.
final class IdempotencyDesk: Sendable {
    private let options: IdempotencyOptions
    private let methods: [RoutePattern]
    private let required: [RoutePattern]
    private let store: IdempotencyStore
    private let logger: Logger

    /// - Throws: `invalidConfiguration` when the file cannot be used.
    convenience init(_ options: IdempotencyOptions, logger: Logger) throws(RuntimeError) {
        try self.init(options, try IdempotencyStore(options), logger: logger)
    }

    init(
        _ options: IdempotencyOptions, _ store: IdempotencyStore, logger: Logger
    ) throws(RuntimeError) {
        self.options = options
        self.store = store
        self.logger = logger
        methods = try RoutePattern.methods(options.methods)
        required = try RoutePattern.methods(options.required)
    }

    /// The call of a request, if it has a key that counts.
    ///
    /// - Parameter verified: What guards know of the caller.
    /// - Throws: For a key that is none, and when there must be one.
    func call(
        _ head: HTTPRequest, _ route: Route, verified: Metadata
    ) throws(IdempotencyRefusal) -> KeyedCall? {
        guard head.method != .get, head.method != .head, route.method.idempotency != .noSideEffects else {
            return nil
        }
        let isRequired = required.contains { $0.matches(route.method, nil) }
        guard isRequired || methods.contains(where: { $0.matches(route.method, nil) }) else { return nil }
        let values = head.headerFields[values: .idempotencyKey]
        if values.isEmpty {
            if isRequired { throw .missing }
            return nil
        }
        guard let key = IdempotencyKey(values, bytesMax: options.keyBytesMax) else { throw .malformed }
        let caller = verified.filter { names($0.name) }.flatMap {
            [$0.name, $0.text ?? Base64.encode($0.value)]
        }
        let credential =
            caller.isEmpty ? head.headerFields[values: .authorization].joined(separator: "\n") : ""
        return KeyedCall(
            key, method: route.name, caller: caller, credential: credential,
            isIdempotent: route.method.idempotency == .idempotent)
    }

    /// Whether a pair of metadata tells callers apart. What is no ASCII goes under a name that says so.
    private func names(_ name: String) -> Bool {
        options.callers.contains(name)
            || name.hasSuffix("-bin") && options.callers.contains(String(name.dropLast(4)))
    }

    /// Makes the call unless it has been made; returns its answer, and whether that is a replay.
    ///
    /// - Parameter make: Makes the call. It runs to its end, or its deadline, even if the caller's task is cancelled.
    func once(
        _ call: KeyedCall, deadline: Deadline, _ make: @escaping @Sendable () async -> KeyedEnd
    ) async throws(IdempotencyRefusal) -> (answer: StoredAnswer, isReplay: Bool) {
        switch await begin(call, deadline) {
        case .answered(let answer): return (answer, true)
        case .refused(let refusal): throw refusal
        case .new(let run):
            return await Task {
                let end = await make()
                await self.note(end, call, run: run)
                return (end.answer, false)
            }.value
        }
    }

    /// Deletes what has expired, some of it.
    func sweep() async {
        do { try await store.sweep() } catch { note(error) }
    }

    // MARK: The store

    private func begin(_ call: KeyedCall, _ deadline: Deadline) async -> IdempotencyStore.Finding {
        do { return try await store.begin(call, remaining: deadline.remaining) } catch {
            note(error)
            return .refused(.broken)
        }
    }

    /// A call that was surely not made may be made by the next request; so may one that does no harm if it is made
    /// twice, when nobody knows. Everything else is kept, so that it is never made twice. If keeping fails, the row
    /// stays as it is and the next request hears that nothing is known.
    private func note(_ end: KeyedEnd, _ call: KeyedCall, run: Int64) async {
        let mayRunAgain =
            end.error?.executed == .no || (end.error?.executed == .maybe && call.isIdempotent)
        do {
            if mayRunAgain {
                try await store.forget(call, run: run)
            } else {
                try await store.end(call, run: run, end.answer)
            }
        } catch {
            note(error)
        }
    }

    private func note(_ error: any Error) {
        logger.error("idempotency store", metadata: ["error": "\(error)"])
    }
}
