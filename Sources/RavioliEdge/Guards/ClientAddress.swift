// SPDX-License-Identifier: Apache-2.0

package import HTTPTypes
package import Ravioli
import RavioliSchema

/// Finds out who a client is behind trusted proxies. Pure: peer and header in, address out.
package struct ClientAddress: Sendable {
    private let networks: [IPNetwork]
    private let trustsSocketFiles: Bool
    private let header: HTTPField.Name

    /// Entries that are looked at, from the right.
    private static let hopsMax = 32

    /// - Throws: `invalidConfiguration` for what is no network.
    package init(_ proxies: TrustedProxies) throws(RuntimeError) {
        var networks: [IPNetwork] = []
        for text in proxies.networks where text != "unix" {
            guard let network = IPNetwork(text) else {
                throw RuntimeError(
                    .invalidConfiguration,
                    "trusted proxies: \(SchemaError.excerpt(text)) is no address and no network")
            }
            networks.append(network)
        }
        self.networks = networks
        trustsSocketFiles = proxies.networks.contains("unix")
        header = proxies.header == .forwarded ? .forwarded : .forwardedFor
    }

    /// The address of whoever asks; nil if it came over a socket file and no trusted proxy names one.
    ///
    /// - Parameter peer: where the connection comes from; nil for a socket file.
    package func of(_ peer: String?, _ fields: HTTPFields) -> String? {
        if networks.isEmpty, !trustsSocketFiles { return peer }
        var client: IPAddress?
        if let peer {
            guard let address = IPAddress(peer.prefix { $0 != "%" }) else { return peer }
            client = address
            guard isTrusted(address) else { return address.description }
        } else if !trustsSocketFiles {
            return nil
        }
        let hops = header == .forwarded ? Self.forwarded(fields) : Self.forwardedFor(fields)
        for hop in hops.reversed().prefix(Self.hopsMax) {
            guard let address = hop else { break }
            client = address
            guard isTrusted(address) else { break }
        }
        return client?.description
    }

    private func isTrusted(_ address: IPAddress) -> Bool { networks.contains { $0.contains(address) } }

    // MARK: Headers

    /// The entries from left to right, nil for what is no address.
    private static func forwardedFor(_ fields: HTTPFields) -> [IPAddress?] {
        fields[values: .forwardedFor].flatMap { value in
            value.split(separator: ",", omittingEmptySubsequences: false).map { node(String($0).trimmed) }
        }
    }

    /// The `for` of each element, from left to right; nil for what is no address, or malformed.
    private static func forwarded(_ fields: HTTPFields) -> [IPAddress?] {
        fields[values: .forwarded].flatMap { value -> [IPAddress?] in
            // With a quote that is never closed nothing says where an element ends.
            guard let elements = parts(value[...], ",") else { return [nil] }
            return elements.map { element in
                guard let pairs = parts(element, ";") else { return nil }
                let names = pairs.compactMap { pair -> String? in
                    let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                    guard sides.count == 2, String(sides[0]).trimmed.lowercased() == "for" else { return nil }
                    return String(sides[1]).trimmed
                }
                guard names.count == 1 else { return nil }
                return node(unquoted(names[0]))
            }
        }
    }

    /// Splits where the separator stands outside of quotes; nil if a quote stays open.
    private static func parts(_ text: Substring, _ separator: Character) -> [Substring]? {
        var parts: [Substring] = []
        var start = text.startIndex
        var isQuoted = false
        var isEscaped = false
        for index in text.indices {
            let character = text[index]
            if isEscaped {
                isEscaped = false
            } else if isQuoted, character == "\\" {
                isEscaped = true
            } else if character == "\"" {
                isQuoted.toggle()
            } else if !isQuoted, character == separator {
                parts.append(text[start..<index])
                start = text.index(after: index)
            }
        }
        return isQuoted ? nil : parts + [text[start...]]
    }

    /// No address needs an escape inside its quotes.
    private static func unquoted(_ text: String) -> String {
        guard text.count >= 2, text.hasPrefix("\""), text.hasSuffix("\"") else { return text }
        return String(text.dropFirst().dropLast())
    }

    /// An address, with or without a port; one of IPv6 with a port is in brackets.
    private static func node(_ text: String) -> IPAddress? {
        if text.hasPrefix("[") {
            guard let end = text.firstIndex(of: "]") else { return nil }
            let port = text[text.index(after: end)...]
            guard port.isEmpty || isPort(port) else { return nil }
            let address = IPAddress(text[text.index(after: text.startIndex)..<end])
            return address.flatMap { $0.isV4 ? nil : $0 }
        }
        if let address = IPAddress(text) { return address }
        guard let colon = text.lastIndex(of: ":"), isPort(text[colon...]),
            let address = IPAddress(text[..<colon]), address.isV4, !text[..<colon].contains(":")
        else { return nil }
        return address
    }

    private static func isPort(_ text: Substring) -> Bool {
        text.hasPrefix(":") && (2...6).contains(text.utf8.count)
            && text.utf8.dropFirst().allSatisfy { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }
    }
}

extension HTTPField.Name {
    static let forwardedFor = HTTPField.Name("X-Forwarded-For")!
    static let forwarded = HTTPField.Name("Forwarded")!
}
