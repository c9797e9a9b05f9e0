// SPDX-License-Identifier: Apache-2.0

import Ravioli
import RavioliSchema
import Yams

/// A mapping of a YAML file on its way into options. Whoever reads it asks for each key that has a meaning, and what nobody
/// asked for is refused at the end: a key that is misspelt must not pass for a default.
struct YAMLSection {
    /// What it is, for errors: `limits`.
    let place: String
    private let nodes: YAMLNodes
    private let line: Int
    private let members: [(key: String, node: Node, place: Node)]
    private var asked: [String] = []

    /// The file itself.
    ///
    /// - Throws: `invalidConfiguration` for a text that is no YAML, or no mapping.
    init(yaml: String, file: String) throws(RuntimeError) {
        let root = try Self.told { () throws(YAMLFault) in try YAMLText.root(yaml, file: file) }
        try self.init(root ?? Node([(Node, Node)]()), YAMLNodes(file: file), place: "the file")
    }

    private init(_ node: Node, _ nodes: YAMLNodes, place: String) throws(RuntimeError) {
        self.nodes = nodes
        self.place = place
        line = nodes.line(node)
        members = try Self.told { () throws(YAMLFault) in try nodes.members(node, place) }
    }

    // MARK: Errors

    private static func told<Result>(
        _ read: () throws(YAMLFault) -> Result
    ) throws(RuntimeError) -> Result {
        do throws(YAMLFault) { return try read() } catch {
            throw RuntimeError(.invalidConfiguration, error.description)
        }
    }

    private func failure(_ node: Node, _ what: String) -> RuntimeError {
        RuntimeError(.invalidConfiguration, nodes.failure(node, what).description)
    }

    /// What is wrong with the section as a whole.
    func failure(_ what: String) -> RuntimeError {
        RuntimeError(.invalidConfiguration, nodes.failure(line: line, what).description)
    }

    /// What is wrong with the value of a key.
    func failure(_ key: String, _ what: String) -> RuntimeError {
        guard let node = members.first(where: { $0.key == key })?.node else { return failure(what) }
        return failure(node, what)
    }

    /// - Throws: the first key that nobody asked for.
    func end() throws(RuntimeError) {
        guard let unknown = members.first(where: { !asked.contains($0.key) }) else { return }
        let fault = nodes.unknown(unknown.place, place, unknown.key, asked.joined(separator: ", "))
        throw RuntimeError(.invalidConfiguration, fault.description)
    }

    // MARK: Values

    private mutating func node(_ key: String) -> Node? {
        asked.append(key)
        return members.first { $0.key == key }?.node
    }

    private mutating func value<Value>(
        _ key: String, _ read: (YAMLNodes, Node) throws(YAMLFault) -> Value
    ) throws(RuntimeError) -> Value? {
        guard let node = node(key) else { return nil }
        return try Self.told { () throws(YAMLFault) in try read(nodes, node) }
    }

    /// A text that is not empty.
    mutating func text(_ key: String) throws(RuntimeError) -> String? {
        try value(key) { (nodes, node) throws(YAMLFault) in
            try nodes.scalar(node, key, "a text") { $0.string.flatMap { $0.isEmpty ? nil : $0 } }
        }
    }

    /// A flag.
    mutating func flag(_ key: String) throws(RuntimeError) -> Bool? {
        try value(key) { (nodes, node) throws(YAMLFault) in try nodes.bool(node, key) }
    }

    /// A number.
    mutating func count(_ key: String) throws(RuntimeError) -> Int? {
        try value(key) { (nodes, node) throws(YAMLFault) in
            try nodes.scalar(node, key, "a whole number") { $0.int.flatMap { $0 >= 0 ? $0 : nil } }
        }
    }

    /// A size.
    mutating func bytes(_ key: String) throws(RuntimeError) -> Int? {
        try value(key) { (nodes, node) throws(YAMLFault) in try nodes.bytes(node, key) }
    }

    /// A time.
    mutating func time(_ key: String) throws(RuntimeError) -> Duration? {
        try value(key) { (nodes, node) throws(YAMLFault) in try nodes.duration(node, key) }
    }

    /// One of the values that a word stands for.
    mutating func choice<Value>(
        _ key: String, _ words: KeyValuePairs<String, Value>
    ) throws(RuntimeError) -> Value? {
        let known = words.map(\.key).joined(separator: ", ")
        return try value(key) { (nodes, node) throws(YAMLFault) in
            try nodes.scalar(node, key, "one of \(known)") { node in
                words.first { $0.key == node.string }?.value
            }
        }
    }

    /// Texts: a list of them, or a single one.
    mutating func texts(_ key: String) throws(RuntimeError) -> [String]? {
        guard let node = node(key) else { return nil }
        let elements = node.sequence.map(Array.init) ?? [node]
        var texts: [String] = []
        for element in elements {
            guard let text = element.scalar?.string, !text.isEmpty else {
                throw failure(element, "\(key) is a text or a list of texts")
            }
            texts.append(text)
        }
        return texts
    }

    /// Texts by names.
    mutating func table(_ key: String) throws(RuntimeError) -> [(String, String)]? {
        guard let node = node(key) else { return nil }
        let section = try YAMLSection(node, nodes, place: key)
        var pairs: [(String, String)] = []
        for (name, node, _) in section.members {
            guard let text = node.scalar?.string, !text.isEmpty else {
                throw failure(node, "\(key) has a text for each name")
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
        var section = try YAMLSection(node, nodes, place: key)
        try read(&section)
        try section.end()
        return true
    }

    /// Reads a list of sections.
    mutating func sections(
        _ key: String, each place: String, _ read: (inout YAMLSection) throws(RuntimeError) -> Void
    ) throws(RuntimeError) {
        guard let node = node(key) else { return }
        guard let sequence = node.sequence else { throw failure(node, "\(key) is a list") }
        for element in sequence {
            var section = try YAMLSection(element, nodes, place: place)
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
