// SPDX-License-Identifier: Apache-2.0

import Foundation
package import Logging
package import Ravioli
import RavioliSchema
import ServiceLifecycle
import UnixSignals

/// Runs one Showroom service as a process.
///
/// Its log goes to standard error. Standard output carries one line only, `listening on ADDRESS`, once calls are
/// accepted there: with port 0, nobody can know the address before.
package enum ServiceProcess {
    /// Serves until SIGTERM or SIGINT, then lets the calls in flight end. SIGHUP makes it read its certificates and its
    /// policy again at once; changed files are noticed within a minute anyway.
    ///
    /// - Parameters:
    ///   - clients: The clients of other services that this one calls. They outlive its last call.
    ///   - security: Who the service is and who may call it; nil for nobody in particular and everybody.
    /// - Throws: What keeps the server from listening, or ends it before its time.
    package static func serve(
        _ service: any Ravioli.Service, on address: Address, clients: [Client] = [],
        security: SecurityArguments? = nil, logger: Logger
    ) async throws {
        var options = ServerOptions.defaults
        options.name = service.descriptor.fullName
        try security?.secure(&options)
        let server = try Server([service], on: address, options: options, logger: logger)
        // Services are stopped last first: the server, and then what its calls made use of.
        let services: [any ServiceLifecycle.Service] =
            clients + [Listening(server: server), Reloading(server: server, logger: logger)]
        let group = ServiceGroup(
            services: services, gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        try await group.run()
    }

    /// A server that says where it listens.
    private struct Listening: ServiceLifecycle.Service {
        let server: Server

        func run() async throws {
            let address = try await server.start()
            FileHandle.standardOutput.write(Data("listening on \(address)\n".utf8))
            try? await gracefulShutdown()
            await server.stop()
        }
    }

    /// A server that reads its files when it is told to.
    private struct Reloading: ServiceLifecycle.Service {
        let server: Server
        let logger: Logger

        func run() async throws {
            for await _ in await UnixSignalsSequence(trapping: .sighup).cancelOnGracefulShutdown() {
                // Both are tried: what is wrong with one is not wrong with the other.
                await attempt { () async throws(RuntimeError) in try await server.reloadCertificates() }
                await attempt { () async throws(RuntimeError) in try await server.reloadPolicy() }
            }
        }

        private func attempt(_ reload: () async throws(RuntimeError) -> Void) async {
            do throws(RuntimeError) {
                try await reload()
            } catch {
                logger.error("not reloaded; what was good stays", metadata: ["error": "\(error)"])
            }
        }
    }

    /// Why a process could not start, for the person who started it.
    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    /// Opens what a process needs; a failure says what it was and why.
    package static func open<Resource>(_ what: String, _ body: () throws -> Resource) throws -> Resource {
        do {
            return try body()
        } catch {
            throw Failure(description: "cannot open \(what): \(error)")
        }
    }
}
