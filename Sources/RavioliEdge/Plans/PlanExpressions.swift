// SPDX-License-Identifier: Apache-2.0

import RavioliSchema
import Yams

/// Reads the values of a file of plans; what is wrong is told with its line.
struct PlanNodes {
    let file: String

    func line(_ node: Node) -> Int { node.mark?.line ?? 1 }

    func failure(_ node: Node, _ what: String) -> PlanError {
        PlanError("\(file), line \(line(node)): \(what)")
    }

    /// A key that has no meaning where it stands.
    func unknown(_ node: Node, _ place: String, _ key: String, _ known: String) -> PlanError {
        failure(node, "\(place) has no key \"\(SchemaError.excerpt(key))\"; there are \(known)")
    }

    // MARK: Nodes

    /// The members of a mapping: the key, the value, and the key's node, which has the line.
    func members(_ node: Node, _ what: String) throws(PlanError) -> [(String, Node, Node)] {
        guard let mapping = node.mapping else { throw failure(node, "\(what) is a mapping") }
        var members: [(String, Node, Node)] = []
        for (key, value) in mapping { members.append((try text(key, "a key"), value, key)) }
        return members
    }

    func text(_ node: Node, _ what: String) throws(PlanError) -> String {
        guard let scalar = node.scalar else { throw failure(node, "\(what) is a text") }
        return scalar.string
    }

    func bool(_ node: Node, _ what: String) throws(PlanError) -> Bool {
        guard let value = node.bool else { throw failure(node, "\(what) is true or false") }
        return value
    }

    func number(_ node: Node, _ what: String, _ range: ClosedRange<Int>) throws(PlanError) -> Int {
        guard let number = node.int, range.contains(number) else {
            throw failure(node, "\(what) is a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    func duration(_ node: Node) throws(PlanError) -> Duration {
        let text = try text(node, "a duration")
        let units: [(String, Double)] = [("ms", 0.001), ("s", 1), ("m", 60)]
        for (unit, seconds) in units where text.hasSuffix(unit) {
            guard let number = Double(text.dropLast(unit.count)), number > 0, number * seconds <= 600 else {
                continue
            }
            return .milliseconds(max(1, Int(number * seconds * 1000)))
        }
        throw failure(
            node,
            "\"\(SchemaError.excerpt(text))\" is no duration, such as 500ms, 2s or 1m; ten minutes at most")
    }

    // MARK: Expressions

    func reference(_ node: Node, _ what: String) throws(PlanError) -> PlanReference {
        guard case .reference(let reference) = try expression(node) else {
            throw failure(node, "\(what) is a reference, such as $step.field")
        }
        return reference
    }

    func expression(_ node: Node) throws(PlanError) -> PlanExpression {
        switch node {
        case .mapping(let mapping):
            var members: [PlanExpression.Member] = []
            for (key, value) in mapping {
                members.append(.init(name: try text(key, "a key"), value: try expression(value)))
            }
            return .object(members)
        case .sequence(let sequence):
            var elements: [PlanExpression] = []
            for element in sequence { elements.append(try expression(element)) }
            return .list(elements)
        case .scalar(let scalar): return try value(scalar, node)
        case .alias: throw failure(node, "aliases are not read")
        }
    }

    private func value(_ scalar: Node.Scalar, _ node: Node) throws(PlanError) -> PlanExpression {
        let isPlain = scalar.style == .plain || scalar.style == .any
        if isPlain, node.null != nil { return .literal("null", isText: false) }
        if isPlain, let value = node.bool { return .literal(value ? "true" : "false", isText: false) }
        if isPlain, let value = node.int { return .literal("\(value)", isText: false) }
        if isPlain, let value = node.float, value.isFinite { return .literal("\(value)", isText: false) }
        do throws(PlanError) {
            if let reference = try PlanReference(scalar.string) { return .reference(reference) }
        } catch {
            throw failure(node, error.description)
        }
        let isEscaped = scalar.string.hasPrefix("$$")
        return .literal(isEscaped ? String(scalar.string.dropFirst()) : scalar.string, isText: true)
    }
}
