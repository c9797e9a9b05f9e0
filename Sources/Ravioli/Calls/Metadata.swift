// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// Small facts that travel beside a message: names and values, in order, a name as often as needed.
///
/// Names are lower-case ASCII letters, digits, `-`, `_` and `.`; upper case is lowered when added. A value is printable
/// ASCII, or any bytes when the name ends in `-bin`. One block holds at most 64 pairs and 8 KiB encoded. What breaks a
/// rule can be built but not sent: the call fails with `invalid_argument` or `resource_exhausted` before it leaves.
///
/// It is kept as it travels, so that neither sending nor receiving it makes a value for each pair. There are few pairs, so
/// looking for one reads them all, and nothing a peer sends is hashed.
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

    /// The pairs, encoded one after the other: see ``PairReader``.
    private(set) var block = ByteBuffer()
    /// The number of pairs.
    public private(set) var count = 0
    /// Whether no pair breaks a rule of names and values.
    private(set) var isSendable = true

    /// No pairs.
    public init() {}

    package init(pairs: [Pair]) {
        for pair in pairs { append(pair) }
    }

    /// Pairs that a peer sent, which have been checked.
    init(checked block: ByteBuffer, count: Int) {
        self.block = block
        self.count = count
    }

    /// Appends a pair.
    mutating func append(_ pair: Pair) {
        block.writePair(pair)
        count += 1
        if isSendable { isSendable = pair.problem == nil }
    }

    /// Appends a text value.
    public mutating func add(_ name: String, _ text: String) {
        append(Pair(name: name.inLowerCase, value: Array(text.utf8)))
    }

    /// Appends bytes; the name must end in `-bin`.
    public mutating func add(_ name: String, bytes: [UInt8]) {
        append(Pair(name: name.inLowerCase, value: bytes))
    }

    /// Replaces every value of a name by one.
    public mutating func set(_ name: String, _ text: String) {
        remove(name)
        add(name, text)
    }

    /// Removes every value of a name.
    public mutating func remove(_ name: String) {
        let name = name.inLowerCase
        guard first(name) != nil else { return }
        self = Metadata(pairs: filter { $0.name != name })
    }

    /// The first text value of a name. Setting replaces all values, nil removes them.
    public subscript(name: String) -> String? {
        get { first(name.inLowerCase)?.text }
        set {
            remove(name)
            if let newValue { add(name, newValue) }
        }
    }

    /// Every text value of a name, in order.
    public func values(of name: String) -> [String] {
        let name = name.inLowerCase
        return compactMap { $0.name == name ? $0.text : nil }
    }

    /// The first value of a `-bin` name.
    public func bytes(of name: String) -> [UInt8]? { first(name.inLowerCase)?.value }

    /// Appends all pairs of another block.
    public mutating func add(contentsOf other: Metadata) {
        if isEmpty {
            self = other
            return
        }
        block.writeImmutableBuffer(other.block)
        count += other.count
        isSendable = isSendable && other.isSendable
    }

    /// The pairs with one of these names, for what a child call inherits.
    package func restricted(to names: [String]) -> Metadata {
        if isEmpty { return self }
        return names.isEmpty ? Metadata() : Metadata(pairs: filter { names.contains($0.name) })
    }

    private func first(_ name: String) -> Pair? {
        var reader = PairReader(block)
        while let pair = reader.next() {
            if reader.isNamed(pair, name) { return reader.pair(pair) }
        }
        return nil
    }
}

extension Metadata: Collection {
    /// Where a pair stands.
    public struct Index: Sendable, Comparable {
        fileprivate let offset: Int
        /// Whether `a` comes first.
        public static func < (a: Index, b: Index) -> Bool { a.offset < b.offset }
    }

    /// The first pair.
    public var startIndex: Index { Index(offset: 0) }
    /// After the last pair.
    public var endIndex: Index { Index(offset: block.readableBytes) }
    /// Whether there are no pairs.
    public var isEmpty: Bool { count == 0 }
    /// The pair at a place.
    public subscript(position: Index) -> Pair {
        var reader = PairReader(block, at: position.offset)
        guard let pair = reader.next() else { preconditionFailure("an index past the end of the metadata") }
        return reader.pair(pair)
    }
    /// The place after another.
    public func index(after position: Index) -> Index {
        var reader = PairReader(block, at: position.offset)
        _ = reader.next()
        return Index(offset: reader.offset)
    }
}

extension String {
    /// Itself, in most cases: names are written in lower case.
    fileprivate var inLowerCase: String {
        utf8.contains { $0 &- UInt8(ascii: "A") < 26 || $0 >= 0x80 } ? lowercased() : self
    }
}

extension Metadata: ExpressibleByDictionaryLiteral {
    /// Text values, in order: `["x-request-id": "7"]`.
    public init(dictionaryLiteral elements: (String, String)...) {
        self.init()
        for (name, text) in elements { add(name, text) }
    }
}
