// SPDX-License-Identifier: Apache-2.0

package import NIOSSL

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The certificates of callers of other protocols than our own, judged by the same rules.
package enum CallerCertificate {
    /// Whose certificate it is: the SPIFFE ID if it names one, else a host name.
    ///
    /// - Parameter certificate: One that TLS has verified on this connection or, for a session that was resumed, before.
    /// - Throws: When it names nobody, must not speak for anybody, or has expired since.
    package static func identity(_ certificate: NIOSSLCertificate) throws -> String {
        guard certificate.notValidAfter >= time(nil) else {
            throw TLSFault("the caller's certificate has expired")
        }
        guard let identity = try PeerCertificate(der: try certificate.toDERBytes()).identity() else {
            throw TLSFault("the caller's certificate names neither a SPIFFE ID nor a host")
        }
        return identity
    }
}
