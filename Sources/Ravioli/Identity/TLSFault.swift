// SPDX-License-Identifier: Apache-2.0

import NIOSSL

/// Why TLS did not come about, in words for a person. Texts of the TLS library name its source files and numbers;
/// what is kept of them is the reason.
struct TLSFault: Error, Hashable, CustomStringConvertible {
    let description: String

    init(_ text: String) { description = text }

    /// The fault behind an error of the TLS library.
    init(_ error: any Error) {
        switch error {
        case let fault as TLSFault: self = fault
        case NIOSSLError.handshakeFailed(let reason): self.init(handshake: Self.reasons(reason))
        case let reason as BoringSSLError: self.init(handshake: Self.reasons(reason))
        case let reason as NIOSSLExtraError where reason == .failedToValidateHostname:
            self.init("the server's certificate is for other hosts")
        default: self.init("\(error)")
        }
    }

    private init(handshake reasons: [String]) {
        let known = reasons.lazy.compactMap { Self.texts[$0] }.first
        self.init(known ?? "the TLS handshake failed: \(reasons.joined(separator: ", ").lowercased())")
    }

    /// The names of the reasons in an error, for instance `WRONG_VERSION_NUMBER`.
    private static func reasons(_ error: BoringSSLError) -> [String] {
        guard case .sslError(let stack) = error else { return ["\(error)"] }
        return stack.map { entry in
            // Error: 268435703 error:100000f7:SSL routines:OPENSSL_internal:WRONG_VERSION_NUMBER at FILE:LINE
            let parts = "\(entry)".split(separator: ":", maxSplits: 5)
            if parts.count == 6 { return String(parts[5].prefix { $0 != " " }) }
            return String((parts.last ?? "").drop { $0 == " " })
        }
    }

    private static let texts = [
        "WRONG_VERSION_NUMBER": "the peer does not speak TLS",
        "HTTP_REQUEST": "the peer speaks HTTP, not TLS",
        "UNSUPPORTED_PROTOCOL": "the peer does not speak TLS 1.3",
        "TLSV1_ALERT_PROTOCOL_VERSION": "the peer does not speak TLS 1.3",
        "SSLV3_ALERT_HANDSHAKE_FAILURE":
            "the peer refused the TLS handshake (handshake_failure); a server without TLS does that, too",
        "CERTIFICATE_VERIFY_FAILED":
            "the peer's certificate does not hold up: not from a trusted root, expired, or made for another use",
        "PEER_DID_NOT_RETURN_A_CERTIFICATE": "the peer showed no certificate",
        "TLSV1_ALERT_CERTIFICATE_REQUIRED": "the peer requires a certificate",
        "TLSV1_CERTIFICATE_REQUIRED": "the peer requires a certificate",
        "TLSV1_ALERT_UNKNOWN_CA": "the peer does not trust the root of our certificate",
        "SSLV3_ALERT_CERTIFICATE_EXPIRED": "our certificate has expired, the peer says",
        "TLSV1_ALERT_DECRYPT_ERROR": "the peer could not verify our certificate",
        "SSLV3_ALERT_BAD_CERTIFICATE": "the peer does not accept our certificate",
        "SSLV3_ALERT_CERTIFICATE_UNKNOWN": "the peer does not accept our certificate",
        "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE": "our certificate is not made for this use, the peer says",
        "EOF during handshake": "the peer closed the connection during the TLS handshake",
    ]
}
