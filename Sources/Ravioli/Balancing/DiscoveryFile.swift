// SPDX-License-Identifier: Apache-2.0

/// A file that says where services are: a line for each, its name and the addresses of its replicas.
///
///     # name   addresses
///     catalog  10.0.0.4:7001 10.0.0.5:7001
///     pricing  unix:/run/pricing.sock
///
/// Whoever deploys replaces the file as a whole (write another one and rename it). One that cannot be read changes
/// nothing: the addresses that are known stay in use, and the log names the line.
public struct DiscoveryFile: Sendable, Hashable {
    /// The addresses of each service.
    public private(set) var services: [String: [Address]] = [:]

    /// Reads a file's content.
    ///
    /// - Parameters:
    ///   - content: the text, in UTF-8.
    ///   - name: the file's name, for errors.
    /// - Throws: `invalidConfiguration` naming the file and the line.
    public init(_ content: [UInt8], name: String) throws(RuntimeError) {
        guard let text = String(validating: content, as: UTF8.self) else {
            throw RuntimeError(.invalidConfiguration, "\(name) is not UTF-8")
        }
        for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
            .enumerated()
        {
            try read(line, place: "\(name), line \(index + 1)")
        }
    }

    private mutating func read(_ line: Substring, place: String) throws(RuntimeError) {
        let words = line.prefix { $0 != "#" }.split(whereSeparator: \.isWhitespace)
        guard let service = words.first.map(String.init) else { return }
        var addresses: [Address] = []
        for word in words.dropFirst() {
            guard let address = Address(String(word)) else {
                throw RuntimeError(
                    .invalidConfiguration, "\(place): \(word) is neither HOST:PORT nor unix:PATH")
            }
            addresses.append(address)
        }
        guard !addresses.isEmpty else {
            throw RuntimeError(.invalidConfiguration, "\(place): \(service) has no address")
        }
        guard services.updateValue(addresses, forKey: service) == nil else {
            throw RuntimeError(.invalidConfiguration, "\(place): a second line for \(service)")
        }
    }
}
