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
        var reader = RuleReader(nodes: YAMLNodes(file: name))
        let found: [RuleReader.Rule]
        do throws(YAMLFault) {
            guard let root = try YAMLText.root(yaml, file: name) else { return }
            found = try reader.rules(root)
        } catch {
            throw RESTRuleError(error.description)
        }
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
}

/// Walks the file's nodes.
private struct RuleReader {
    let nodes: YAMLNodes
    private(set) var keepsReserved = false

    init(nodes: YAMLNodes) { self.nodes = nodes }

    struct Rule {
        var selector: String
        var line: Int
        var parts: RuleParts
    }

    mutating func rules(_ root: Node) throws(YAMLFault) -> [Rule] {
        var rules: [Rule] = []
        for (key, value, place) in try nodes.members(root, "the file") {
            switch key {
            case "http": rules += try http(value)
            case "type", "config_version", "name": break
            default: throw nodes.unknown(place, "the file", key, "http")
            }
        }
        return rules
    }

    private mutating func http(_ node: Node) throws(YAMLFault) -> [Rule] {
        var rules: [Rule] = []
        for (key, value, place) in try nodes.members(node, "http") {
            switch key {
            case "rules": for node in try nodes.elements(value, key) { rules.append(try rule(node)) }
            case "fully_decode_reserved_expansion", "fullyDecodeReservedExpansion":
                keepsReserved = try !nodes.bool(value, "fully_decode_reserved_expansion")
            default: throw nodes.unknown(place, "http", key, "rules, fully_decode_reserved_expansion")
            }
        }
        return rules
    }

    private func rule(_ node: Node) throws(YAMLFault) -> Rule {
        var selector = ""
        var parts = RuleParts()
        for (key, value, place) in try nodes.members(node, "a rule") {
            if key == "selector" {
                selector = try nodes.text(value, key)
            } else {
                try read(key, value, place, into: &parts, isNested: false)
            }
        }
        if selector.isEmpty { throw nodes.failure(node, "a rule has a selector") }
        return Rule(selector: selector, line: nodes.line(node), parts: parts)
    }

    private func read(
        _ key: String, _ value: Node, _ place: Node, into parts: inout RuleParts, isNested: Bool
    ) throws(YAMLFault) {
        switch key {
        case "get", "put", "post", "delete", "patch":
            parts.patterns.append((key.uppercased(), try nodes.text(value, key)))
        case "custom": parts.patterns.append(try custom(value))
        case "body": parts.body = try nodes.text(value, key)
        case "response_body", "responseBody": parts.responseBody = try nodes.text(value, key)
        case "additional_bindings", "additionalBindings":
            if isNested { throw nodes.failure(place, "additional_bindings are one level deep") }
            for node in try nodes.elements(value, key) {
                var inner = RuleParts()
                for (key, value, place) in try nodes.members(node, "a rule") {
                    try read(key, value, place, into: &inner, isNested: true)
                }
                parts.additional.append(inner)
            }
        default:
            throw nodes.unknown(
                place, "a rule", key,
                "selector, get, put, post, delete, patch, custom, body, response_body, additional_bindings")
        }
    }

    private func custom(_ node: Node) throws(YAMLFault) -> (String?, String) {
        var (kind, path) = ("", "")
        for (key, value, place) in try nodes.members(node, "custom") {
            switch key {
            case "kind": kind = try nodes.text(value, key)
            case "path": path = try nodes.text(value, key)
            default: throw nodes.unknown(place, "custom", key, "kind, path")
            }
        }
        return (kind == "*" ? nil : kind, path)
    }
}
