// SPDX-License-Identifier: Apache-2.0

import RavioliSchema
import Yams

/// Reads the values of a file, whichever file that is; what is wrong is told with its line.
struct YAMLNodes {
    /// The file's name, for errors.
    let file: String

    func line(_ node: Node) -> Int { node.mark?.line ?? 1 }

    func failure(_ node: Node, _ what: String) -> YAMLFault { failure(line: line(node), what) }

    func failure(line: Int, _ what: String) -> YAMLFault { YAMLFault("\(file), line \(line): \(what)") }

    /// A key that has no meaning where it stands.
    func unknown(_ node: Node, _ place: String, _ key: String, _ known: String) -> YAMLFault {
        failure(node, "\(place) has no key \"\(SchemaError.excerpt(key))\"; there are \(known)")
    }

    /// The members of a mapping: the key, the value, and the key's node, which has the line.
    func members(_ node: Node, _ what: String) throws(YAMLFault) -> [(String, Node, Node)] {
        guard let mapping = node.mapping else {
            throw failure(node, "\(what) is a mapping of keys to values")
        }
        var members: [(String, Node, Node)] = []
        for (key, value) in mapping { members.append((try text(key, "a key"), value, key)) }
        return members
    }

    func elements(_ node: Node, _ what: String) throws(YAMLFault) -> [Node] {
        guard let sequence = node.sequence else { throw failure(node, "\(what) is a list") }
        return Array(sequence)
    }

    /// A scalar, and what is read of it.
    func scalar<Value>(
        _ node: Node, _ what: String, _ form: String, _ read: (Node) -> Value?
    ) throws(YAMLFault) -> Value {
        guard node.scalar != nil, let value = read(node) else { throw failure(node, "\(what) is \(form)") }
        return value
    }

    func text(_ node: Node, _ what: String) throws(YAMLFault) -> String {
        try scalar(node, what, "a text") { $0.scalar?.string }
    }

    func bool(_ node: Node, _ what: String) throws(YAMLFault) -> Bool {
        try scalar(node, what, "true or false") { $0.bool }
    }

    func number(_ node: Node, _ what: String, _ range: ClosedRange<Int>) throws(YAMLFault) -> Int {
        try scalar(node, what, "a number from \(range.lowerBound) to \(range.upperBound)") {
            $0.int.flatMap { range.contains($0) ? $0 : nil }
        }
    }

    func duration(_ node: Node, _ what: String) throws(YAMLFault) -> Duration {
        try scalar(node, what, "a time, such as 500ms, 2s, 10m or 24h") {
            $0.scalar.flatMap { WrittenUnits.duration($0.string) }
        }
    }

    func bytes(_ node: Node, _ what: String) throws(YAMLFault) -> Int {
        try scalar(node, what, "a size, such as 512, 64KiB or 4MiB") {
            $0.scalar.flatMap { WrittenUnits.bytes($0.string) }
        }
    }
}
