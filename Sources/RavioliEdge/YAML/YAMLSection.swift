// SPDX-License-Identifier: Apache-2.0

import Ravioli
import RavioliSchema
import Yams

/// A mapping of a YAML file on its way into options. Whoever reads it asks for each key that has a meaning, and what nobody
/// asked for is refused at the end: a key that is misspelt must not pass for a default.
struct YAMLSection {
    /// The file's name, for errors.
    let file: String
    /// What it is, for errors: `limits`.
    let place: String
    private let line: Int
    private let members: [(key: String, node: Node)]
    private var asked: [String] = []

    /// The file itself.
    ///
    /// - Throws: `invalidConfiguration` for a text that is no YAML, or no mapping.
    init(yaml: String, file: String) throws(RuntimeError) {
        let root: Node?
        do { root = try Yams.compose(yaml: yaml) } catch {
            let reason = "\(error)".split(separator: "\n").first.map(String.init) ?? ""
            throw RuntimeError(.invalidConfiguration, "\(file) is no YAML: \(reason)")
        }
        try self.init(root ?? Node([(Node, Node)]()), file: file, place: "the file")
    }

    private init(_ node: Node, file: String, place: String) throws(RuntimeError) {
        self.file = file
        self.place = place
        line = node.mark?.line ?? 1
        guard let mapping = node.mapping else {
            throw Self.failure(file, node, "\(place) is a mapping of keys to values")
        }
        var members: [(String, Node)] = []
        for (key, value) in mapping {
            guard let name = key.scalar?.string else { throw Self.failure(file, key, "a key is a text") }
            members.append((name, value))
        }
        self.members = members
    }

    // MARK: Errors

    private static func failure(_ file: String, _ node: Node, _ what: String) -> RuntimeError {
        RuntimeError(.invalidConfiguration, "\(file), line \(node.mark?.line ?? 1): \(what)")
    }

    /// What is wrong with the section as a whole.
    func failure(_ what: String) -> RuntimeError {
        RuntimeError(.invalidConfiguration, "\(file), line \(line): \(what)")
    }

    /// What is wrong with the value of a key.
    func failure(_ key: String, _ what: String) -> RuntimeError {
        guard let node = members.first(where: { $0.key == key })?.node else { return failure(what) }
        return Self.failure(file, node, what)
    }

    /// - Throws: the first key that nobody asked for.
    func end() throws(RuntimeError) {
        guard let unknown = members.first(where: { !asked.contains($0.key) }) else { return }
        throw Self.failure(
            file, unknown.node,
            "\(place) has no key \"\(SchemaError.excerpt(unknown.key))\"; there are \(asked.joined(separator: ", "))"
        )
    }

    // MARK: Values

    private mutating func node(_ key: String) -> Node? {
        asked.append(key)
        return members.first { $0.key == key }?.node
    }

    private mutating func scalar<Value>(
        _ key: String, _ what: String, _ read: (Node) -> Value?
    ) throws(RuntimeError) -> Value? {
        guard let node = node(key) else { return nil }
        guard node.scalar != nil, let value = read(node) else {
            throw Self.failure(file, node, "\(key) is \(what)")
        }
        return value
    }

    /// A text that is not empty.
    mutating func text(_ key: String) throws(RuntimeError) -> String? {
        try scalar(key, "a text") { $0.string.flatMap { $0.isEmpty ? nil : $0 } }
    }

    /// A flag.
    mutating func flag(_ key: String) throws(RuntimeError) -> Bool? {
        try scalar(key, "true or false") { $0.bool }
    }

    /// A number.
    mutating func count(_ key: String) throws(RuntimeError) -> Int? {
        try scalar(key, "a whole number") { $0.int.flatMap { $0 >= 0 ? $0 : nil } }
    }

    /// A size.
    mutating func bytes(_ key: String) throws(RuntimeError) -> Int? {
        try scalar(key, "a size, such as 512, 64KiB or 4MiB") { $0.string.flatMap(ConfigurationUnits.bytes) }
    }

    /// A time.
    mutating func time(_ key: String) throws(RuntimeError) -> Duration? {
        try scalar(key, "a time, such as 500ms, 2s, 10m or 24h") {
            $0.string.flatMap(ConfigurationUnits.duration)
        }
    }

    /// One of the values that a word stands for.
    mutating func choice<Value>(
        _ key: String, _ words: KeyValuePairs<String, Value>
    ) throws(RuntimeError) -> Value? {
        let known = words.map(\.key).joined(separator: ", ")
        return try scalar(key, "one of \(known)") { node in words.first { $0.key == node.string }?.value }
    }

    /// Texts: a list of them, or a single one.
    mutating func texts(_ key: String) throws(RuntimeError) -> [String]? {
        guard let node = node(key) else { return nil }
        let elements = node.sequence.map(Array.init) ?? [node]
        var texts: [String] = []
        for element in elements {
            guard let text = element.scalar?.string, !text.isEmpty else {
                throw Self.failure(file, element, "\(key) is a text or a list of texts")
            }
            texts.append(text)
        }
        return texts
    }

    /// Texts by names.
    mutating func table(_ key: String) throws(RuntimeError) -> [(String, String)]? {
        guard let node = node(key) else { return nil }
        let section = try YAMLSection(node, file: file, place: key)
        var pairs: [(String, String)] = []
        for (name, node) in section.members {
            guard let text = node.scalar?.string, !text.isEmpty else {
                throw Self.failure(file, node, "\(key) has a text for each name")
            }
            pairs.append((name, text))
        }
        return pairs
    }

    // MARK: Sections

    /// Reads a section if there is one, with all of its keys.
    ///
    /// - Returns: Whether there is one.
    @discardableResult
    mutating func section(
        _ key: String, _ read: (inout YAMLSection) throws(RuntimeError) -> Void
    ) throws(RuntimeError) -> Bool {
        guard let node = node(key) else { return false }
        var section = try YAMLSection(node, file: file, place: key)
        try read(&section)
        try section.end()
        return true
    }

    /// Reads a list of sections.
    mutating func sections(
        _ key: String, each place: String, _ read: (inout YAMLSection) throws(RuntimeError) -> Void
    ) throws(RuntimeError) {
        guard let node = node(key) else { return }
        guard let sequence = node.sequence else { throw Self.failure(file, node, "\(key) is a list") }
        for element in sequence {
            var section = try YAMLSection(element, file: file, place: place)
            try read(&section)
            try section.end()
        }
    }

    // MARK: Into options

    mutating func set(_ key: String, flag value: inout Bool) throws(RuntimeError) {
        if let found = try flag(key) { value = found }
    }

    mutating func set(_ key: String, count value: inout Int) throws(RuntimeError) {
        if let found = try count(key) { value = found }
    }

    mutating func set(_ key: String, bytes value: inout Int) throws(RuntimeError) {
        if let found = try bytes(key) { value = found }
    }

    mutating func set(_ key: String, time value: inout Duration) throws(RuntimeError) {
        if let found = try time(key) { value = found }
    }

    mutating func set(_ key: String, text value: inout String) throws(RuntimeError) {
        if let found = try text(key) { value = found }
    }
}
