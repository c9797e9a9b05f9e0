// SPDX-License-Identifier: Apache-2.0

import RavioliSchema
import Yams

/// What only plans have.
extension YAMLNodes {
    /// How long a plan or a step may take.
    func timeout(_ node: Node) throws(YAMLFault) -> Duration {
        let time = try duration(node, "timeout")
        guard time > .zero, time <= .seconds(600) else {
            throw failure(node, "timeout is more than nothing, and ten minutes at most")
        }
        return time
    }

    func reference(_ node: Node, _ what: String) throws(YAMLFault) -> PlanReference {
        guard case .reference(let reference) = try expression(node) else {
            throw failure(node, "\(what) is a reference, such as $step.field")
        }
        return reference
    }

    func expression(_ node: Node) throws(YAMLFault) -> PlanExpression {
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

    private func value(_ scalar: Node.Scalar, _ node: Node) throws(YAMLFault) -> PlanExpression {
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
