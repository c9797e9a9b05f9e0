// SPDX-License-Identifier: Apache-2.0

import HTTPTypes

/// A request's path, matched as it came: split first, then each segment decoded once, so that an escaped slash is
/// never a separator and nothing is decoded twice.
package struct EdgePath: Sendable, Hashable {
    /// The decoded segments; `//` and a slash at the end make empty ones, which match nothing.
    package let segments: [String]

    /// Reads the raw path of a request; what follows a `?` is left out. Nil for what is no path: not absolute, with an
    /// escape that is cut off or not hexadecimal, or not UTF-8 once decoded.
    package init?(_ raw: String) {
        let path = raw.utf8.prefix { $0 != UInt8(ascii: "?") }
        guard path.first == UInt8(ascii: "/") else { return nil }
        var segments: [String] = []
        for part in path.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
            guard let segment = Self.decoded(part) else { return nil }
            segments.append(segment)
        }
        self.segments = segments
    }

    /// What stands behind the prefix if that is exactly a service and a method.
    package func method(behind prefix: [String]) -> (service: String, method: String)? {
        guard segments.count == prefix.count + 2, segments.starts(with: prefix) else { return nil }
        return (segments[prefix.count], segments[prefix.count + 1])
    }

    /// A configured prefix as segments: slashes around it do not matter.
    package static func prefix(_ text: String) -> [String] { text.split(separator: "/").map(String.init) }

    /// A prefix as text: empty, or beginning with a slash.
    static func text(_ prefix: [String]) -> String { prefix.map { "/" + $0 }.joined() }

    private static func decoded(_ part: Substring.UTF8View.SubSequence) -> String? {
        PercentEncoding.decoded(part).flatMap { String(validating: $0, as: UTF8.self) }
    }
}

extension HTTPRequest {
    /// Whether the path, without its query, is this one as it came.
    func path(is text: String) -> Bool {
        guard let path = path?.utf8, path.starts(with: text.utf8) else { return false }
        let rest = path.dropFirst(text.utf8.count)
        return rest.first == nil || rest.first == UInt8(ascii: "?")
    }
}
