// SPDX-License-Identifier: Apache-2.0

import LoadDriver
import Logging
import Ravioli
import RavioliEdge

/// Ravioli's edge in front of a load server, with its defaults: it learns the schema from the server's reflection.
@main
struct LoadEdge {
    static func main() async throws {
        var listen: Address?
        var upstream: Address?
        var arguments = CommandLine.arguments.dropFirst()
        while let name = arguments.popFirst() {
            guard let (host, port) = arguments.popFirst().flatMap(LoadOptions.address) else {
                LoadOptions.refuse(name)
            }
            switch name {
            case "--listen": listen = .tcp(host: host, port: port)
            case "--upstream": upstream = .tcp(host: host, port: port)
            default: LoadOptions.refuse(name)
            }
        }
        guard let listen, let upstream else { LoadOptions.refuse("--listen or --upstream is missing") }
        allowFiles()
        var logger = Logger(label: "load-edge")
        logger.logLevel = .error
        // As the command `ravioli edge` does: each loop has a connection of its own.
        let server = try LoopLocalClient(upstream, logger: logger)
        let edge = try EdgeServer(
            [Upstream(name: "load", channel: server, schema: nil)], on: listen, logger: logger
        ) { address in
            guard case .tcp(_, let port) = address else { return }
            sayListening(port: port)
        }
        try await edge.run()
    }
}
