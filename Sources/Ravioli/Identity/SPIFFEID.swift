// SPDX-License-Identifier: Apache-2.0

/// The name of a workload: `spiffe://trust-domain/path`, in the one spelling that the SPIFFE ID standard allows.
struct SPIFFEID: Sendable, Hashable, CustomStringConvertible {
    static let scheme = "spiffe://"
    private static let bytesMax = 2048
    private static let trustDomainBytesMax = 255

    /// The whole ID.
    let description: String
    /// Begins with `/`, or is empty: the ID of the trust domain itself.
    let path: Substring

    /// The ID, or nil when the text is none: a trust domain in small letters, then segments of letters, digits, `.`,
    /// `-` and `_` that are neither empty nor `.` nor `..`; no port, user, query, fragment or escapes.
    init?(_ text: String) {
        guard text.utf8.count <= Self.bytesMax, text.hasPrefix(Self.scheme) else { return nil }
        let rest = text.dropFirst(Self.scheme.count)
        let trustDomain = rest.prefix { $0 != "/" }
        guard (1...Self.trustDomainBytesMax).contains(trustDomain.utf8.count),
            trustDomain.utf8.allSatisfy(Self.isDomainByte)
        else { return nil }
        path = rest.dropFirst(trustDomain.count)
        description = text
        let segments = path.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        guard path.isEmpty || segments.allSatisfy(Self.isSegment) else { return nil }
    }

    private static func isDomainByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
            UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default: false
        }
    }

    private static func isSegment(_ segment: Substring) -> Bool {
        !segment.isEmpty && segment != "." && segment != ".."
            && segment.utf8.allSatisfy {
                isDomainByte($0) || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0)
            }
    }
}

/// A host name as an identity.
enum HostName {
    /// The name in small letters, or nil when it is none, or a pattern: labels of letters, digits, `-` and `_`, joined
    /// by dots, at most 253 bytes.
    static func normalized(_ text: String) -> String? {
        let name = text.lowercased()
        guard (1...253).contains(name.utf8.count) else { return nil }
        let labels = name.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        let isName = labels.allSatisfy { label in
            (1...63).contains(label.count)
                && label.allSatisfy {
                    switch $0 {
                    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                        UInt8(ascii: "-"), UInt8(ascii: "_"):
                        true
                    default: false
                    }
                }
        }
        return isName ? name : nil
    }
}
