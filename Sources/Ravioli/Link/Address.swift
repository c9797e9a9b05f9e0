// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// Where a server listens.
public enum Address: Sendable, Hashable, CustomStringConvertible {
    /// A host name or IP address, and a port; port 0 lets the system choose.
    case tcp(host: String, port: Int)
    /// The path of a Unix-domain socket.
    case unix(path: String)

    /// Reads `host:port`, `[v6]:port` or `unix:/path`; nil for anything else.
    public init?(_ text: String) {
        if text.hasPrefix("unix:") {
            let path = String(text.dropFirst(5))
            guard !path.isEmpty else { return nil }
            self = .unix(path: path)
            return
        }
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else {
            return nil
        }
        var host = String(text[..<colon])
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = String(host.dropFirst().dropLast())
        } else if host.contains(":") {
            return nil
        }
        guard !host.isEmpty else { return nil }
        self = .tcp(host: host, port: Int(port))
    }

    init?(_ address: SocketAddress?) {
        guard let address else { return nil }
        if let path = address.pathname {
            self = .unix(path: path)
        } else if let host = address.ipAddress, let port = address.port {
            self = .tcp(host: host, port: port)
        } else {
            return nil
        }
    }

    /// As ``init(_:)`` reads it.
    public var description: String {
        switch self {
        case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        case .unix(let path): "unix:\(path)"
        }
    }
}
