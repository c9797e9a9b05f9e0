// SPDX-License-Identifier: Apache-2.0
//
// The keys in force. They are read at the start, then regularly, and out of turn when a token names a key that is not known, as
// issuers change their keys before they use them, but not always long before. Requests out of turn are paced and
// shared, so that nobody can make the issuer, or the edge, busy with invented names of keys. Keys that were read
// once stay until others have been read.

package import Logging
package import Ravioli
import RavioliSchema
import Synchronization

/// Keeps the keys that tokens are verified with.
package final class KeyStore: Sendable {
    /// Reads the key set.
    package typealias Load = @Sendable () async throws -> [UInt8]

    private struct State {
        var keys: TokenKeys?
        /// What they were made of.
        var source: [UInt8]?
        var notBefore: Int64 = .min
        var isAsking = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let options: JWTOptions
    private let load: Load
    private let logger: Logger
    private let state = Mutex(State())

    package init(_ options: JWTOptions, logger: Logger, load: Load? = nil) {
        self.options = options
        self.logger = logger
        self.load = load ?? Self.load(options)
    }

    private static func load(_ options: JWTOptions) -> Load {
        switch options.keys {
        case .file(let path): { try SmallFile.read(path) }
        case .url(let url): { try await KeyFetch.load(url, options: options) }
        }
    }

    /// What is known; nil before anything has been read.
    package var keys: TokenKeys? { state.withLock { $0.keys } }

    // MARK: Reading

    /// Reads the keys for the first time.
    ///
    /// - Throws: `invalidConfiguration` for a file that cannot be read or has no keys. A URL may answer later.
    package func start() async throws(RuntimeError) {
        await refresh(paced: false)
        guard case .file(let path) = options.keys, keys == nil else { return }
        throw RuntimeError(.invalidConfiguration, "jwt: no keys in \(path); the log says why")
    }

    /// Reads the keys again and again until it is cancelled.
    package func follow() async {
        while (try? await Task.sleep(for: pause(.random(in: 0.9...1.1)))) != nil {
            await refresh(paced: false)
        }
    }

    /// - Parameter jitter: keeps many edges from asking at the same time.
    private func pause(_ jitter: Double) -> Duration {
        if case .file = options.keys { return options.keysPauseMin }
        return (keys == nil ? options.keysPauseMin : options.keysInterval) * jitter
    }

    /// Reads the keys, or waits for whoever is reading them.
    ///
    /// - Parameter paced: Whether to leave it when they were read a moment ago.
    package func refresh(paced: Bool, now: Int64 = Deadline.nowNanoseconds) async {
        guard begin(paced: paced, now: now) else { return await othersEnd() }
        let found = await read()
        let waiting = state.withLock { state in
            if let (keys, source) = found { (state.keys, state.source) = (keys, source) }
            state.notBefore = Deadline(now: now, after: options.keysPauseMin).uptimeNanoseconds
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

    /// Bounded, because reading is.
    private func othersEnd() async {
        await withCheckedContinuation { continuation in
            let isOver = state.withLock { state in
                if state.isAsking { state.waiting.append(continuation) }
                return !state.isAsking
            }
            if isOver { continuation.resume() }
        }
    }

    /// Other keys than those that are known; nil if there are none.
    private func read() async -> (TokenKeys, [UInt8])? {
        let known = state.withLock { $0.source }
        do {
            let source = try await load()
            if source == known { return nil }
            guard source.count <= options.keysBytesMax else {
                throw RuntimeError(
                    .invalidConfiguration, "they are over keysBytesMax = \(options.keysBytesMax)")
            }
            var allowsSecrets = false
            if case .file = options.keys { allowsSecrets = true }
            let keys = try await TokenKeys(
                jwks: source, algorithms: Set(options.algorithms), allowsSecrets: allowsSecrets,
                keysMax: options.keysMax, tokensMax: options.tokensMax)
            logger.info(
                "keys of tokens read", metadata: ["left out": "\(keys.leftOut.joined(separator: ", "))"])
            return (keys, source)
        } catch {
            logger.warning("keys of tokens not read", metadata: ["error": "\(error)"])
            return nil
        }
    }
}
