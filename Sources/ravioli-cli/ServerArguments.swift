// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Ravioli
import RavioliEdge

/// `HOST:PORT` or `unix:PATH`, as an argument.
struct ServerAddress: ExpressibleByArgument, Sendable {
    let address: Address

    init?(argument: String) {
        guard let address = Address(argument) else { return nil }
        self.address = address
    }

    var defaultValueDescription: String { address.description }
}

/// A span of time as people write it, of at most a day: `500ms`, `2s`, `1.5s`, `1m`.
struct TimeSpan: ExpressibleByArgument, Sendable {
    let duration: Duration
    let defaultValueDescription: String

    init?(argument: String) {
        guard let duration = WrittenUnits.duration(argument), duration > .zero, duration <= .seconds(86_400)
        else { return nil }
        self.duration = duration
        defaultValueDescription = argument
    }
}

/// One pair of metadata, `name:value`; the value of a name that ends in `-bin` is base64.
struct MetadataPair: ExpressibleByArgument, Sendable {
    let name: String
    let value: String

    init?(argument: String) {
        guard let colon = argument.firstIndex(of: ":"), colon != argument.startIndex else { return nil }
        name = String(argument[..<colon]).lowercased()
        value = String(argument[argument.index(after: colon)...].drop { $0 == " " })
    }
}

/// Which server, and how long it may take: what every command that asks a server has.
struct ServerArguments: ParsableArguments {
    @Argument(help: "Where the server listens: HOST:PORT, [V6]:PORT, or unix:PATH for a socket file.")
    var server: ServerAddress

    @Option(help: ArgumentHelp("Time for the whole, as 500ms, 2s or 1m.", valueName: "time"))
    var timeout = TimeSpan(argument: "15s")!

    @OptionGroup(title: "TLS") var tls: TLSArguments

    /// Runs `body` with a client of the server.
    func withClient<Result>(_ body: (Client) async throws -> Result) async throws -> Result {
        var options = ClientOptions.defaults
        options.name = "ravioli"
        options.connectTimeout = timeout.duration
        options.tls = tls.options
        return try await Ravioli.withClient(server.address, options: options, body)
    }
}
