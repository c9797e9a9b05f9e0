// SPDX-License-Identifier: Apache-2.0

/// What a client accepts: the `Accept` field. Source: RFC 9110, section 12.5.1.
package struct AcceptedTypes: Sendable {
    private struct Range {
        var type: Substring
        var subtype: Substring
        /// In thousandths, 0 to 1000.
        var quality: Int
    }

    private var ranges: [Range] = []

    /// Reads the field's values. No value at all accepts everything; what is malformed is passed over.
    package init(_ values: [String]) {
        for value in values {
            for part in value.split(separator: ",") {
                if let range = Self.range(part) { ranges.append(range) }
            }
        }
        if values.isEmpty { ranges = [Range(type: "*", subtype: "*", quality: 1000)] }
    }

    private static func range(_ text: Substring) -> Range? {
        let parts = text.split(separator: ";").map { String($0).trimmed.lowercased() }
        guard let names = parts.first?.split(separator: "/"), names.count == 2 else { return nil }
        var quality = 1000
        for part in parts.dropFirst() where part.hasPrefix("q=") {
            guard let value = Double(part.dropFirst(2)), value >= 0, value <= 1 else { return nil }
            quality = Int(value * 1000)
        }
        return Range(type: names[0], subtype: names[1], quality: quality)
    }

    /// How much a type is wanted: 0 if not at all, the nearest range deciding; and how near that is, 0 to 2.
    private func wish(for type: String) -> (quality: Int, nearness: Int, place: Int) {
        let names = type.split(separator: "/")
        var best = (quality: 0, nearness: -1, place: Int.max)
        for (place, range) in ranges.enumerated() {
            let nearness: Int
            switch (range.type, range.subtype) {
            case (names[0], names[1]): nearness = 2
            case (names[0], "*"): nearness = 1
            case ("*", "*"): nearness = 0
            default: continue
            }
            if nearness > best.nearness { best = (range.quality, nearness, place) }
        }
        return best
    }

    /// Whether a type may be answered.
    package func allow(_ type: String) -> Bool { wish(for: type).quality > 0 }

    /// Whether a type is named itself, and wanted.
    package func name(_ type: String) -> Bool {
        let wish = wish(for: type)
        return wish.quality > 0 && wish.nearness == 2
    }

    /// The type that is wanted most; of equals the one that is named, then the one that is named first, then the first
    /// of `types`. Nil if none is accepted.
    package func best(of types: [String]) -> String? {
        var best: (type: String, wish: (quality: Int, nearness: Int, place: Int))?
        for type in types {
            let wish = wish(for: type)
            guard wish.quality > 0 else { continue }
            guard let other = best?.wish else {
                best = (type, wish)
                continue
            }
            let isBetter =
                (wish.quality, wish.nearness) > (other.quality, other.nearness)
                || (wish.quality, wish.nearness) == (other.quality, other.nearness)
                    && wish.place < other.place
            if isBetter { best = (type, wish) }
        }
        return best?.type
    }
}
