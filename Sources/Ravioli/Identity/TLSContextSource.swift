// SPDX-License-Identifier: Apache-2.0

// Certificates live for hours, servers for months. Each connection takes the context that is current when it begins, so
// new files are used without a restart and without touching a connection that stands. Files are told apart by their
// stamps, taken before they are read: what is written meanwhile is seen by the next look. A certificate and its key
// are two files, so a look may fall between their replacements; they do not fit together then, the last good pair
// stays, and the next look finds the second file changed.

package import Logging
package import NIOSSL
import Synchronization

/// The TLS context for the next connection, made again when its files change.
package final class TLSContextSource: Sendable {
    private struct State: Sendable {
        var context: NIOSSLContext
        /// The files when they were last tried, whether they were any good or not: each fault is logged once.
        var stamps: [SmallFile.Stamp?]
    }

    private let files: TLSFiles
    private let configuration: TLSConfiguration
    private let logger: Logger
    private let state: Mutex<State>

    /// Reads the files for the first time.
    ///
    /// - Throws: `invalidConfiguration` when they cannot be used.
    package init(_ files: TLSFiles, _ configuration: TLSConfiguration, logger: Logger) throws(RuntimeError) {
        self.files = files
        self.configuration = configuration
        self.logger = logger
        let stamps = files.stamps
        state = Mutex(State(context: try Self.context(files, configuration), stamps: stamps))
    }

    private static func context(
        _ files: TLSFiles, _ configuration: TLSConfiguration
    ) throws(RuntimeError) -> NIOSSLContext {
        var configuration = configuration
        try files.load(into: &configuration)
        do {
            return try NIOSSLContext(configuration: configuration)
        } catch {
            let text = "the certificates cannot be used, or the key is not that of the certificate"
            throw RuntimeError(.invalidConfiguration, text, cause: TLSFault(error))
        }
    }

    /// What the next connection uses.
    package var current: NIOSSLContext { state.withLock { $0.context } }

    /// Reads the files, whether they have changed or not. Blocks while it reads: not for event loops.
    ///
    /// - Throws: `invalidConfiguration` when they cannot be used; the last good ones stay.
    package func reload() throws(RuntimeError) {
        let stamps = files.stamps
        state.withLock { $0.stamps = stamps }
        let context = try Self.context(files, configuration)
        state.withLock { $0.context = context }
        logger.info("certificates reloaded", metadata: ["file": "\(files.certificateChain ?? "none")"])
    }

    /// Reads the files if they have changed since they were last tried. Blocks while it does: not for event loops.
    package func reloadIfChanged() {
        let stamps = files.stamps
        guard state.withLock({ $0.stamps != stamps }) else { return }
        do throws(RuntimeError) {
            try reload()
        } catch {
            logger.error(
                "certificates not reloaded; the last good ones stay", metadata: ["error": "\(error)"])
        }
    }
}
