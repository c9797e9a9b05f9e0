// SPDX-License-Identifier: Apache-2.0
//
// YAML as the edge's files have it: one document, small, without anchors and aliases. A few aliases of aliases stand for
// billions of nodes, and whoever compares or walks them never ends; nothing here needs them.

import Yams

/// What is wrong with a text of YAML, for whoever wrote it.
struct YAMLFault: Error, Sendable, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// Reads a text of YAML.
enum YAMLText {
    /// The longest text, in bytes: 1 MiB.
    static let bytesMax = 1 << 20
    /// How deep lists and mappings may stand in each other.
    static let depthMax = 64

    /// The root of the only document; nil for a text without any, or that says `null`.
    ///
    /// - Parameter file: the file's name, for errors.
    static func root(_ yaml: String, file: String) throws(YAMLFault) -> Node? {
        do throws(YAMLFault) {
            guard let root = try root(yaml), root.null == nil else { return nil }
            return root
        } catch {
            throw YAMLFault("\(file) \(error)")
        }
    }

    private static func root(_ yaml: String) throws(YAMLFault) -> Node? {
        guard yaml.utf8.count <= bytesMax else { throw YAMLFault("is over \(bytesMax) bytes") }
        if hasAliases(yaml) { throw YAMLFault("has anchors and aliases (& and *), which are not read") }
        let root: Node?
        do { root = try Yams.compose(yaml: yaml) } catch let YamlError.duplicatedKeysInMapping(keys, context)
        {
            let names = keys.map { "\"\($0.prefix(64))\"" }.joined(separator: ", ")
            throw YAMLFault("is no YAML: line \(context.mark.line) has a key that is there already: \(names)")
        } catch {
            let text = "\(error)".split(separator: "\n").first.map { String($0.prefix(256)) } ?? ""
            throw YAMLFault("is no YAML: \(text)")
        }
        if let root { try checkDepth(root, 0) }
        return root
    }

    private static func checkDepth(_ node: Node, _ depth: Int) throws(YAMLFault) {
        guard depth <= depthMax else {
            throw YAMLFault("is nested deeper than \(depthMax) levels in line \(node.mark?.line ?? 1)")
        }
        switch node {
        case .mapping(let mapping):
            for (key, value) in mapping {
                try checkDepth(key, depth + 1)
                try checkDepth(value, depth + 1)
            }
        case .sequence(let sequence): for element in sequence { try checkDepth(element, depth + 1) }
        case .scalar, .alias: break
        }
    }

    /// Whether the text looks as if it had both: where a value may begin, `&` and `*` with a name. Found before anything
    /// is parsed, because the parser itself compares keys; prose in which both stand is refused as well.
    private static func hasAliases(_ yaml: String) -> Bool {
        var (anchors, aliases) = (false, false)
        var previous = UInt8(ascii: "\n")
        var sign: UInt8 = 0
        for byte in yaml.utf8 {
            let isBlank = byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D
            if sign != 0, !isBlank {
                if sign == UInt8(ascii: "&") { anchors = true } else { aliases = true }
            }
            let opens = previous <= 0x20 || "[{,:\"'".utf8.contains(previous)
            sign = opens && (byte == UInt8(ascii: "&") || byte == UInt8(ascii: "*")) ? byte : 0
            previous = byte
        }
        return anchors && aliases
    }
}
