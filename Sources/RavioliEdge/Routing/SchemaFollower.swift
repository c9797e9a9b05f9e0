// SPDX-License-Identifier: Apache-2.0
//
// An upstream's schema, kept up to date by reflection. It is asked at the start, then every few seconds, and out of
// turn when a client's request does not fit what is known: an unknown path, an unknown field, a method that the upstream
// no longer has, a connection that broke. Requests out of turn are paced and shared, so that clients cannot make
// an upstream busy with them. A check costs one small call that returns a fingerprint; only another fingerprint makes
// the edge fetch the schema, because descriptors live as long as the process.

import Logging
import NIOPosix
import Ravioli
import RavioliSchema
import Synchronization

/// Follows the schema of one upstream.
final class SchemaFollower: Sendable {
    private struct State {
        var pool: DescriptorPool?
        var fingerprint: UInt64 = 0
        /// What the file looked like when it was read.
        var stamp: SmallFile.Stamp?
        /// Whether a call failed in a way that another schema may explain.
        var isDoubtful = false
        var notBefore: Int64 = .min
        var isAsking = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    let upstream: Upstream
    private let limits: EdgeLimits
    private let logger: Logger
    private let state: Mutex<State>

    init(_ upstream: Upstream, limits: EdgeLimits, logger: Logger) {
        self.upstream = upstream
        self.limits = limits
        self.logger = logger
        state = Mutex(State(pool: upstream.schema))
    }

    /// What is known; nil before the upstream has told anything.
    var pool: DescriptorPool? { state.withLock { $0.pool } }

    /// A call failed as it would if the upstream had been replaced.
    func doubt() { state.withLock { $0.isDoubtful = true } }
    var isDoubtful: Bool { state.withLock { $0.isDoubtful } }

    /// Asks the upstream, or waits for whoever is asking.
    ///
    /// - Parameter paced: Whether to leave it when the upstream was asked a moment ago.
    /// - Returns: Whether another schema is known than `before`.
    func refresh(paced: Bool, now: Int64 = Deadline.nowNanoseconds) async {
        guard upstream.schema == nil else { return }
        guard begin(paced: paced, now: now) else { return await othersEnd() }
        let found = if let file = upstream.schemaFile { await read(file) } else { await ask() }
        let waiting = state.withLock { state in
            if let found {
                (state.pool, state.fingerprint) = found
                state.isDoubtful = false
            }
            state.notBefore = Deadline(now: now, after: limits.schemaPauseMin).uptimeNanoseconds
            state.isAsking = false
            defer { state.waiting = [] }
            return state.waiting
        }
        for waiter in waiting { waiter.resume() }
    }

    private func begin(paced: Bool, now: Int64) -> Bool {
        state.withLock { state in
            guard !state.isAsking, !paced || now >= state.notBefore else { return false }
            state.isAsking = true
            return true
        }
    }

    /// Bounded, because whoever asks has a deadline.
    private func othersEnd() async {
        await withCheckedContinuation { continuation in
            let isOver = state.withLock { state in
                if state.isAsking { state.waiting.append(continuation) }
                return !state.isAsking
            }
            if isOver { continuation.resume() }
        }
    }

    /// The schema in a file, on another thread since that blocks; nil if it is what is known, or unusable.
    private func read(_ path: String) async -> (DescriptorPool, UInt64)? {
        let known = state.withLock { $0.stamp }
        do {
            let found = try await NIOThreadPool.singleton.runIfActive {
                let stamp = SmallFile.stamp(of: path)
                if stamp != nil, stamp == known { return (nil as DescriptorPool?, stamp) }
                return (try DescriptorPool(contentsOfFile: path), stamp)
            }
            state.withLock { $0.stamp = found.1 }
            guard let pool = found.0 else { return nil }
            let services = pool.allServices.count
            logger.info("schema read", metadata: ["file": "\(path)", "services": "\(services)"])
            return (pool, 0)
        } catch {
            logger.warning("schema not read", metadata: ["file": "\(path)", "error": "\(error)"])
            return nil
        }
    }

    /// The present schema; nil if the upstream cannot tell.
    private func ask() async -> (DescriptorPool, UInt64)? {
        let known = state.withLock { ($0.pool, $0.fingerprint) }
        let reflection = ReflectionClient(upstream.channel)
        let options = CallOptions.timeout(limits.schemaTimeout)
        do {
            let only = GetSchemaRequest(services: [Reflection.descriptor.fullName])
            let check = try await reflection.getSchema(only, options: options)
            if let pool = known.0, check.fingerprint == known.1 { return (pool, known.1) }
            let answer = try await reflection.getSchema(GetSchemaRequest(), options: options)
            let pool = try DescriptorPool(fileDescriptorSet: answer.fileDescriptorSet)
            let services = pool.allServices.count
            logger.info("schema read", metadata: ["upstream": "\(upstream.name)", "services": "\(services)"])
            return (pool, answer.fingerprint)
        } catch {
            logger.warning(
                "schema not read", metadata: ["upstream": "\(upstream.name)", "error": "\(error)"])
            return nil
        }
    }
}

extension DescriptorPool {
    /// Reads a descriptor set, of at most 64 MiB. Blocks.
    ///
    /// - Throws: `invalidConfiguration` for a file that cannot be read, or is none.
    init(contentsOfFile path: String) throws(RuntimeError) {
        let bytes = try SmallFile.read(path, bytesMax: 64 << 20)
        do { try self.init(fileDescriptorSet: bytes) } catch {
            throw RuntimeError(.invalidConfiguration, "\(path) is no descriptor set", cause: error)
        }
    }
}
