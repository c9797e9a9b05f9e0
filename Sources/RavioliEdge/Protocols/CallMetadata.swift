// SPDX-License-Identifier: Apache-2.0

package import HTTPTypes
package import Ravioli
import RavioliSchema

/// Metadata of a call from the fields of a request.
package enum RequestMetadata {
    /// The fields that may pass. Names of bytes carry base64, several values of one field parted by commas.
    ///
    /// - Throws: `invalid_argument` for what should be base64 and is not.
    package static func read(_ fields: HTTPFields, rules: HeaderRules) throws(RPCError) -> Metadata {
        var metadata = Metadata()
        for field in fields where rules.allow(field.name.canonicalName) {
            let name = field.name.canonicalName
            if name.hasSuffix("-bin") {
                for part in field.value.split(separator: ",", omittingEmptySubsequences: false) {
                    guard let bytes = Base64.decode(String(part).trimmed) else {
                        throw RPCError(refused: "the header \(SchemaError.excerpt(name)) is not base64")
                    }
                    metadata.add(name, bytes: bytes)
                }
            } else if field.value.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) {
                metadata.add(name, field.value)
            }
        }
        return metadata
    }
}

/// What a service sent beside its answer, parted into what goes ahead of it and what follows it.
///
/// A unary answer has one block of metadata. Pairs whose names begin with `trailer-` are its trailers, which travel
/// without that prefix where a protocol has trailers; Connect's unary calls have none and keep the prefix. A stream's
/// metadata comes in two blocks, and so needs no prefixes.
package struct ResponseMetadata: Sendable, Hashable {
    /// Names and values, in order.
    package typealias Fields = [(name: HTTPField.Name, value: String)]

    package static let trailerPrefix = "trailer-"

    package var leading: Fields { fields(of: leadingPairs) }
    package var trailing: Fields { fields(of: trailingPairs) }
    private var leadingPairs: [Metadata.Pair] = []
    private var trailingPairs: [Metadata.Pair] = []

    /// The pairs of a unary answer that the rules let out.
    package init(_ metadata: Metadata, rules: HeaderRules) {
        for pair in metadata {
            if pair.name.hasPrefix(Self.trailerPrefix) {
                let name = String(pair.name.dropFirst(Self.trailerPrefix.count))
                if rules.allow(name) { trailingPairs.append(.init(name: name, value: pair.value)) }
            } else if rules.allow(pair.name) {
                leadingPairs.append(pair)
            }
        }
    }

    /// The pairs that came with the end of a stream, or with an error, that the rules let out. All of them follow, unless
    /// nothing was sent before and their names tell the two kinds apart.
    package init(end metadata: Metadata, isFirst: Bool, rules: HeaderRules) {
        self.init(metadata, rules: rules)
        if isFirst, !trailingPairs.isEmpty { return }
        trailingPairs = leadingPairs + trailingPairs
        leadingPairs = []
    }

    package var isEmpty: Bool { leadingPairs.isEmpty && trailingPairs.isEmpty }

    /// Bytes as unpadded base64, as the protocols ask for.
    private func fields(of pairs: [Metadata.Pair]) -> Fields {
        pairs.compactMap { pair in
            HTTPField.Name(pair.name).map { ($0, pair.text ?? Base64.encode(pair.value, padded: false)) }
        }
    }
}
