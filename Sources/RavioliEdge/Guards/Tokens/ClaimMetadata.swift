// SPDX-License-Identifier: Apache-2.0

package import Ravioli

/// Claims as metadata of calls.
///
/// Texts go as they are, numbers as they are written in the token, booleans as `true` and `false`, arrays and objects as compact
/// JSON with names in order; `null` and what is not there do not go. What is not printable ASCII then goes as UTF-8 under
/// the name with `-bin` behind it, and a name that ends so itself always carries UTF-8.
package struct ClaimMetadata: Sendable {
    private let names: [(claim: String, name: String)]

    package init(_ claims: [String: String]) {
        names = claims.sorted { $0.key < $1.key }.map { ($0.key, $0.value.lowercased()) }
    }

    /// The names that clients cannot set, in lower case.
    package var reserved: Set<String> {
        Set(names.flatMap { [Self.text($0.name), Self.text($0.name) + "-bin"] })
    }

    private static func text(_ name: String) -> String {
        name.hasSuffix("-bin") ? String(name.dropLast(4)) : name
    }

    /// What of the claims goes along.
    package func metadata(_ claims: [String: ClaimValue]) -> Metadata {
        var metadata = Metadata()
        for (claim, name) in names {
            guard let value = claims.value(at: claim), let text = value.plain else { continue }
            let isPrintable = text.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F }
            if isPrintable, !name.hasSuffix("-bin") {
                metadata.add(name, text)
            } else {
                metadata.add(Self.text(name) + "-bin", bytes: Array(text.utf8))
            }
        }
        return metadata
    }
}

extension [String: ClaimValue] {
    /// The claim of that name; or, with dots, the one inside another.
    func value(at name: String) -> ClaimValue? {
        if let value = self[name] { return value }
        var members = self
        let parts = name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        for part in parts.dropLast() {
            guard let inner = members[part]?.object else { return nil }
            members = inner
        }
        return parts.count > 1 ? members[parts[parts.count - 1]] : nil
    }

    /// The words of a claim: a text with blanks between them, or an array of texts.
    func words(of name: String) -> [String] {
        switch value(at: name) {
        case .string(let text): text.split(separator: " ").map(String.init)
        case .array(let values): values.compactMap(\.string)
        default: []
        }
    }
}

extension ClaimValue {
    /// As metadata and keys have it; nil for null.
    var plain: String? {
        switch self {
        case .null: nil
        case .string(let text): text
        default: json
        }
    }
}
