// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Ravioli

/// How a command reaches servers that require TLS.
struct TLSArguments: ParsableArguments {
    @Flag(help: "Speak TLS. Each of the other TLS options implies it.")
    var tls = false

    @Option(
        help: ArgumentHelp(
            "The roots that the server's certificate must lead to, in PEM, instead of the system's.",
            valueName: "file"), completion: .file())
    var tlsCA: String?

    @Option(
        help: ArgumentHelp("The certificate to show to the server, in PEM.", valueName: "file"),
        completion: .file())
    var tlsCert: String?

    @Option(
        help: ArgumentHelp("The private key of --tls-cert, in PEM.", valueName: "file"), completion: .file())
    var tlsKey: String?

    @Option(
        help: ArgumentHelp(
            "Whom the server's certificate must name, if not the host of the address: a host, or spiffe://….",
            valueName: "name"))
    var tlsServer: String?

    func validate() throws {
        if (tlsCert == nil) != (tlsKey == nil) {
            throw ValidationError("--tls-cert and --tls-key are given together.")
        }
    }

    /// What a client is told; nil when it is to do without TLS.
    var options: ClientTLSOptions? {
        guard tls || [tlsCA, tlsCert, tlsServer].contains(where: { $0 != nil }) else { return nil }
        var options = ClientTLSOptions.defaults
        options.trustRootsFile = tlsCA
        options.certificateChainFile = tlsCert
        options.privateKeyFile = tlsKey
        if let tlsServer {
            options.expectedServer =
                tlsServer.hasPrefix("spiffe:") ? .identity(tlsServer) : .hostName(tlsServer)
        }
        return options
    }
}
