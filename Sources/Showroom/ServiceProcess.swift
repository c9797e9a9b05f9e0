// SPDX-License-Identifier: Apache-2.0

package import Logging
package import Ravioli
import RavioliSchema
import ServiceLifecycle
import UnixSignals

/// Runs one Showroom service as a process.
package enum ServiceProcess {
    /// Serves until SIGTERM or SIGINT, then lets the calls in flight end.
    ///
    /// - Parameter clients: The clients of other services that this one calls. They outlive its last call.
    /// - Throws: What keeps the server from listening, or ends it before its time.
    package static func serve(
        _ service: any Ravioli.Service, on address: Address, clients: [Client] = [], logger: Logger
    ) async throws {
        var options = ServerOptions.defaults
        options.name = service.descriptor.fullName
        let server = try Server(services: [service], on: address, options: options, logger: logger)
        // Services are stopped last first: the announcement, the server, and then what its calls made use of.
        let services: [any ServiceLifecycle.Service] =
            clients + [server, Announcement(server: server, logger: logger)]
        let group = ServiceGroup(
            services: services, gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        try await group.run()
        logger.info("stopped")
    }

    /// Says where the server listens, once it does: with port 0, nobody can know before.
    private struct Announcement: ServiceLifecycle.Service {
        let server: Server
        let logger: Logger

        func run() async throws {
            let address = try await server.boundAddress()
            logger.info("listening on \(address)")
            try? await gracefulShutdown()
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
