// SPDX-License-Identifier: Apache-2.0

import RavioliSchema
import Yams

/// A file of rules in YAML, in the form of Google's service configuration:
///
///     http:
///       rules:
///         - selector: library.v1.Library.GetBook
///           get: /v1/{name=shelves/*/books/*}
///           additional_bindings:
///             - get: /v1/books/{name}
package struct RESTRuleFile: Sendable {
    /// The rules by the full name of their method. Of several for one method the last one holds, with those added to it.
    package private(set) var rules: [String: [HTTPRule]] = [:]

    /// Whether the file says `fully_decode_reserved_expansion: false`.
    package private(set) var keepsReserved = false

    /// A file without rules.
    package init() {}

    /// Reads a file.
    ///
    /// - Parameters:
    ///   - yaml: the text.
    ///   - name: the file's name, for errors.
    /// - Throws: what is wrong and in which line. Keys that no rule has are refused, not passed over.
    package init(yaml: String, name: String) throws(RESTRuleError) {
        let root: Node?
        do { root = try Yams.compose(yaml: yaml) } catch let error as YamlError {
            throw RESTRuleError("\(name) is no YAML: \(Self.firstLine(error))")
        } catch {
            throw RESTRuleError("\(name) is no YAML")
        }
        guard let root else { return }
        var reader = Reader(name: name)
        let found = try reader.rules(root)
        keepsReserved = reader.keepsReserved
        for rule in found {
            let origin = "\(name), line \(rule.line)"
            do throws(SchemaError) {
                rules[rule.selector] = try rule.parts.rules(rule.selector, origin: origin)
            } catch {
                throw RESTRuleError("\(origin): \(error.message)")
            }
        }
    }

    private static func firstLine(_ error: YamlError) -> String {
        "\(error)".split(separator: "\n").first.map(String.init) ?? ""
    }
}

/// Walks the file's nodes.
private struct Reader {
    let name: String
    private(set) var keepsReserved = false

    init(name: String) { self.name = name }

    struct Rule {
        var selector: String
        var line: Int
        var parts: RuleParts
    }

    private func failure(_ node: Node, _ what: String) -> RESTRuleError {
        RESTRuleError("\(name), line \(node.mark?.line ?? 1): \(what)")
    }

    mutating func rules(_ root: Node) throws(RESTRuleError) -> [Rule] {
        var rules: [Rule] = []
        for (key, value) in try members(root, "the file") {
            switch key.string ?? "" {
            case "http":
                for (key, value) in try members(value, "http") {
                    switch key.string ?? "" {
                    case "rules": for node in try elements(value, "rules") { rules.append(try rule(node)) }
                    case "fully_decode_reserved_expansion", "fullyDecodeReservedExpansion":
                        keepsReserved = try !flag(value, "fully_decode_reserved_expansion")
                    default: throw unknown(key, "http", "rules, fully_decode_reserved_expansion")
                    }
                }
            case "type", "config_version", "name": break
            default: throw unknown(key, "the file", "http")
            }
        }
        return rules
    }

    private func rule(_ node: Node) throws(RESTRuleError) -> Rule {
        var selector: String?
        var parts = RuleParts()
        for (key, value) in try members(node, "a rule") {
            if key.string == "selector" {
                selector = try text(value, "selector")
            } else {
                try read(key, value, into: &parts, isNested: false)
            }
        }
        guard let selector, !selector.isEmpty else { throw failure(node, "a rule has a selector") }
        return Rule(selector: selector, line: node.mark?.line ?? 1, parts: parts)
    }

    private func read(
        _ key: Node, _ value: Node, into parts: inout RuleParts, isNested: Bool
    ) throws(RESTRuleError) {
        let name = key.string ?? ""
        switch name {
        case "get", "put", "post", "delete", "patch":
            parts.patterns.append((name.uppercased(), try text(value, name)))
        case "custom": parts.patterns.append(try custom(value))
        case "body": parts.body = try text(value, name)
        case "response_body", "responseBody": parts.responseBody = try text(value, name)
        case "additional_bindings", "additionalBindings":
            if isNested { throw failure(key, "additional_bindings are one level deep") }
            for node in try elements(value, name) {
                var inner = RuleParts()
                for (key, value) in try members(node, "a rule") {
                    try read(key, value, into: &inner, isNested: true)
                }
                parts.additional.append(inner)
            }
        default:
            throw unknown(
                key, "a rule",
                "selector, get, put, post, delete, patch, custom, body, response_body, additional_bindings")
        }
    }

    private func custom(_ node: Node) throws(RESTRuleError) -> (String?, String) {
        var (kind, path) = ("", "")
        for (key, value) in try members(node, "custom") {
            switch key.string ?? "" {
            case "kind": kind = try text(value, "kind")
            case "path": path = try text(value, "path")
            default: throw unknown(key, "custom", "kind, path")
            }
        }
        return (kind == "*" ? nil : kind, path)
    }

    // MARK: Nodes

    private func unknown(_ key: Node, _ place: String, _ known: String) -> RESTRuleError {
        failure(
            key, "\(place) has no key \"\(SchemaError.excerpt(key.string ?? ""))\"; there are \(known)")
    }

    private func members(_ node: Node, _ what: String) throws(RESTRuleError) -> [(Node, Node)] {
        guard let mapping = node.mapping else { throw failure(node, "\(what) is a mapping") }
        return mapping.map { ($0.key, $0.value) }
    }

    private func elements(_ node: Node, _ what: String) throws(RESTRuleError) -> [Node] {
        guard let sequence = node.sequence else { throw failure(node, "\(what) is a list") }
        return Array(sequence)
    }

    private func flag(_ node: Node, _ what: String) throws(RESTRuleError) -> Bool {
        guard let value = node.bool else { throw failure(node, "\(what) is true or false") }
        return value
    }

    private func text(_ node: Node, _ what: String) throws(RESTRuleError) -> String {
        guard let scalar = node.scalar else { throw failure(node, "\(what) is a text") }
        return scalar.string
    }
}
