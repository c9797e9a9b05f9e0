// SPDX-License-Identifier: Apache-2.0

/// Small facts that travel beside a message: names and values, in order, a name as often as needed.
///
/// Names are lower-case ASCII letters, digits, `-`, `_` and `.`; upper case is lowered when added. A value is printable
/// ASCII, or any bytes when the name ends in `-bin`. One block holds at most 64 pairs and 8 KiB encoded. What breaks a
/// rule can be built but not sent: the call fails with `invalid_argument` or `resource_exhausted` before it leaves.
///
/// It is an array, not a dictionary: there are few pairs, and nothing a peer sends is hashed.
public struct Metadata: Sendable, Hashable {
    /// One name with its value.
    public struct Pair: Sendable, Hashable {
        /// In lower case.
        public let name: String
        /// The value's bytes; for text, its ASCII.
        public let value: [UInt8]

        package init(name: String, value: [UInt8]) {
            self.name = name
            self.value = value
        }

        /// The value as text; nil for a `-bin` name.
        public var text: String? { isBinary ? nil : String(decoding: value, as: UTF8.self) }
        /// Whether the name ends in `-bin`.
        public var isBinary: Bool { name.hasSuffix("-bin") }
    }

    private var pairs: [Pair]

    /// No pairs.
    public init() { pairs = [] }

    package init(pairs: [Pair]) { self.pairs = pairs }

    /// Appends a text value.
    public mutating func add(_ name: String, _ text: String) {
        pairs.append(Pair(name: name.lowercased(), value: Array(text.utf8)))
    }

    /// Appends bytes; the name must end in `-bin`.
    public mutating func add(_ name: String, bytes: [UInt8]) {
        pairs.append(Pair(name: name.lowercased(), value: bytes))
    }

    /// Replaces every value of a name by one.
    public mutating func set(_ name: String, _ text: String) {
        remove(name)
        add(name, text)
    }

    /// Removes every value of a name.
    public mutating func remove(_ name: String) {
        let name = name.lowercased()
        pairs.removeAll { $0.name == name }
    }

    /// The first text value of a name. Setting replaces all values, nil removes them.
    public subscript(name: String) -> String? {
        get {
            let name = name.lowercased()
            return pairs.first { $0.name == name }?.text
        }
        set {
            remove(name)
            if let newValue { add(name, newValue) }
        }
    }

    /// Every text value of a name, in order.
    public func values(of name: String) -> [String] {
        let name = name.lowercased()
        return pairs.compactMap { $0.name == name ? $0.text : nil }
    }

    /// The first value of a `-bin` name.
    public func bytes(of name: String) -> [UInt8]? {
        let name = name.lowercased()
        return pairs.first { $0.name == name }?.value
    }

    /// Appends all pairs of another block.
    public mutating func add(contentsOf other: Metadata) { pairs.append(contentsOf: other.pairs) }

    /// The pairs with one of these names, for what a child call inherits.
    package func restricted(to names: [String]) -> Metadata {
        if pairs.isEmpty { return self }
        return Metadata(pairs: pairs.filter { names.contains($0.name) })
    }
}

extension Metadata: RandomAccessCollection {
    /// Always 0.
    public var startIndex: Int { 0 }
    /// The number of pairs.
    public var endIndex: Int { pairs.count }
    /// A pair by position.
    public subscript(position: Int) -> Pair { pairs[position] }
}

extension Metadata: ExpressibleByDictionaryLiteral {
    /// Text values, in order: `["x-request-id": "7"]`.
    public init(dictionaryLiteral elements: (String, String)...) {
        self.init()
        for (name, text) in elements { add(name, text) }
    }
}
