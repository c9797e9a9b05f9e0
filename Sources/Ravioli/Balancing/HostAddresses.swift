// SPDX-License-Identifier: Apache-2.0

import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// All addresses of a host, from the system's resolver.
enum HostAddresses {
    /// Blocks for as long as the resolver takes.
    ///
    /// - Throws: `invalidConfiguration` with the resolver's reason.
    static func of(_ host: String, port: Int) throws(RuntimeError) -> [Address] {
        var hints = addrinfo()
        #if canImport(Glibc)
            hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
        #else
            hints.ai_socktype = SOCK_STREAM
        #endif
        var list: UnsafeMutablePointer<addrinfo>?
        let status = getaddrinfo(host, nil, &hints, &list)
        guard status == 0 else {
            let reason = String(cString: gai_strerror(status))
            throw RuntimeError(.invalidConfiguration, "cannot resolve \(host): \(reason)")
        }
        defer { freeaddrinfo(list) }
        var addresses: [Address] = []
        for entry in sequence(first: list, next: { $0?.pointee.ai_next }) {
            guard let entry, let text = numeric(entry.pointee) else { continue }
            addresses.append(.tcp(host: text, port: port))
        }
        return addresses
    }

    private static func numeric(_ entry: addrinfo) -> String? {
        // The longest: an IPv6 address with the name of an interface.
        var text = [CChar](repeating: 0, count: 128)
        let status = getnameinfo(
            entry.ai_addr, entry.ai_addrlen, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST)
        guard status == 0 else { return nil }
        return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
