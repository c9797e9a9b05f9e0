// SPDX-License-Identifier: Apache-2.0

// Stands between a TLS handshake and the endpoint above it: nothing of Ravioli's protocol is sent or read before the
// handshake is complete, the application protocol is ours, and the other end's certificate names whom it must. The TLS
// library has verified the certificate by then: that it leads to a trusted root, is valid now and is made for this use.

import NIOCore
import NIOSSL

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Judges one connection's handshake. Loop only.
final class TLSGate {
    /// The name of the protocol in the handshake (ALPN).
    static let applicationProtocol = "ravioli/1"

    /// Has a configuration speak TLS 1.3 at least, and our protocol.
    static func prepare(_ configuration: inout TLSConfiguration) {
        configuration.minimumTLSVersion = .tlsv13
        configuration.applicationProtocols = [applicationProtocol]
    }

    /// What the certificate at the other end must be.
    enum Requirement: Sendable, Hashable {
        /// A caller's: none, or one that names an identity.
        case caller
        /// A server's, which names this host.
        case host(String)
        /// A server's, which names the IP address that was connected to; the TLS library has compared it.
        case address
        /// A server's, which names this workload.
        case workload(SPIFFEID)
    }

    private let requirement: Requirement
    private let timeout: TimeAmount
    private let refused: (TLSFault, _ peer: String) -> Void
    private var timer: Scheduled<Void>?
    private var isOver = false

    /// - Parameters:
    ///   - timeout: The time from the connection's beginning to the handshake's end.
    ///   - refused: Hears, once, why the connection does not come about.
    init(
        _ requirement: Requirement, timeout: Duration,
        refused: @escaping (TLSFault, _ peer: String) -> Void = { _, _ in }
    ) {
        self.requirement = requirement
        self.timeout = .nanoseconds(timeout.clampedNanoseconds)
        self.refused = refused
    }

    /// The connection stands and the handshake begins; an error comes down the pipeline when it takes too long.
    func handshakeBegan(_ channel: any NIOCore.Channel) {
        let pipeline = channel.pipeline
        timer = channel.eventLoop.scheduleTask(in: timeout) {
            pipeline.fireErrorCaught(TLSFault("the TLS handshake was not completed in time"))
        }
    }

    /// The handshake is complete: returns the verified identity of the other end, if it has one.
    ///
    /// - Throws: ``TLSFault`` when the connection must end.
    func handshakeCompleted(
        applicationProtocol: String?, certificate: NIOSSLCertificate?, now: time_t = time(nil)
    ) throws(TLSFault) -> String? {
        timer?.cancel()
        guard applicationProtocol == Self.applicationProtocol else {
            let name = applicationProtocol.map { "'\($0.prefix(32))'" } ?? "none"
            throw TLSFault(
                "the peer did not agree on the protocol \(Self.applicationProtocol) (ALPN: \(name))")
        }
        // A session that was resumed is not verified again; its certificate may have expired since.
        if let certificate, certificate.notValidAfter < now {
            throw TLSFault("the peer's certificate has expired")
        }
        let identity = try identity(certificate)
        isOver = true
        return identity
    }

    private func identity(_ certificate: NIOSSLCertificate?) throws(TLSFault) -> String? {
        guard let certificate else {
            guard requirement == .caller else { throw TLSFault("the server showed no certificate") }
            return nil
        }
        guard let bytes = try? certificate.toDERBytes() else {
            throw TLSFault("the peer's certificate cannot be read")
        }
        let known = try PeerCertificate(der: bytes)
        switch requirement {
        case .caller:
            guard let identity = try known.identity() else {
                throw TLSFault("the caller's certificate names neither a SPIFFE ID nor a host")
            }
            return identity
        case .host(let name):
            // The library has looked for the name, but is content with the connection's IP address, or, without
            // alternative names, with the common name. RFC 9525 forbids both.
            guard known.names(host: name) else {
                throw TLSFault("the server's certificate is for other hosts than \(name)")
            }
            return name
        case .address:
            guard known.namesAddresses else { throw TLSFault("the server's certificate names no IP address") }
            return nil
        case .workload(let expected):
            let identity = try known.identity()
            guard identity == expected.description else {
                throw TLSFault("the server is \(identity ?? "nobody"), not \(expected)")
            }
            return identity
        }
    }

    /// What an error of the connection means; the first before the handshake is complete is told to who refuses.
    func failed(_ error: any Error, peer: String) -> any Error {
        timer?.cancel()
        let isTLS =
            error is TLSFault || error is NIOSSLError || error is BoringSSLError || error is NIOSSLExtraError
        let fault: any Error = isTLS ? TLSFault(error) : error
        if !isOver {
            isOver = true
            refused(fault as? TLSFault ?? TLSFault("\(error)"), peer)
        }
        return fault
    }

    /// The connection is gone.
    func ended() { timer?.cancel() }
}
