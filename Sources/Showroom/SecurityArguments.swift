// SPDX-License-Identifier: Apache-2.0

package import ArgumentParser
package import Ravioli

/// Who a service is, whom it trusts and who may call it: the same options for every service.
package struct SecurityArguments: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The service's certificate in PEM, for both ends it speaks on. Without it there is no TLS.",
            valueName: "file"), completion: .file())
    package var tlsCert: String?

    @Option(
        help: ArgumentHelp("The private key of --tls-cert, in PEM.", valueName: "file"), completion: .file())
    package var tlsKey: String?

    @Option(
        help: ArgumentHelp(
            "The roots that certificates of callers, who must have one, and of called services lead to, in PEM.",
            valueName: "file"), completion: .file())
    package var tlsCA: String?

    @Option(
        help: ArgumentHelp(
            "A file of rules, who may call what; everything else is denied. It is read again when it "
                + "changes. Without it everything is allowed.",
            valueName: "file"), completion: .file())
    package var policy: String?

    package init() {}

    package func validate() throws {
        let given = [tlsCert, tlsKey, tlsCA].filter { $0 != nil }.count
        guard given == 0 || given == 3 else {
            throw ArgumentParser.ValidationError("--tls-cert, --tls-key and --tls-ca are given together.")
        }
    }

    /// Makes a server of it.
    ///
    /// - Throws: What is wrong with the policy.
    package func secure(_ options: inout ServerOptions) throws {
        if let tlsCert, let tlsKey, let tlsCA {
            options.tls = ServerTLSOptions(
                certificateChainFile: tlsCert, privateKeyFile: tlsKey, requiringClientsFrom: tlsCA)
        }
        if let policy { options.policy = try AccessPolicy(contentsOfFile: policy) }
    }

    /// Makes a client of another service, which must be who it is said to be.
    ///
    /// - Parameter server: The other's host name or SPIFFE ID; nil for the host of its address.
    package func secure(_ options: inout ClientOptions, server: String?) {
        guard let tlsCert, let tlsKey, let tlsCA else { return }
        var tls = ClientTLSOptions(
            trustRootsFile: tlsCA, certificateChainFile: tlsCert, privateKeyFile: tlsKey)
        if let server {
            tls.expectedServer = server.hasPrefix("spiffe:") ? .identity(server) : .hostName(server)
        }
        options.tls = tls
    }
}
