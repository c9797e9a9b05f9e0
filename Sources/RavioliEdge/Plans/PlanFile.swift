// SPDX-License-Identifier: Apache-2.0

import RavioliSchema
import Yams

/// A file of plans in YAML:
///
///     plans:
///       VehiclePage:
///         description: What the page of one vehicle shows.
///         get: /v1/pages/vehicles/{vin}
///         timeout: 2s
///         parameters:
///           vin:
///           limit: { type: int32, default: 5 }
///         steps:
///           vehicle:
///             call: showroom.catalog.v1.Catalog/GetVehicle
///             request: { vin: $vin }
///           value:
///             call: showroom.pricing.v1.Pricing/ValueVehicle
///             request: { vin: $vehicle.vin }
///             required: false
///         response:
///           vehicle: $vehicle
///           worth: $value.median
package struct PlanFile: Sendable {
    /// The plans in the file's order.
    package private(set) var plans: [PlanSource] = []

    /// Reads a file.
    ///
    /// - Parameters:
    ///   - yaml: the text.
    ///   - name: the file's name, for errors.
    /// - Throws: what is wrong and in which line. Keys that have no meaning are refused, not passed over.
    package init(yaml: String, name: String) throws(PlanError) {
        let root: Node?
        do { root = try Yams.compose(yaml: yaml) } catch {
            let text = "\(error)".split(separator: "\n").first.map(String.init) ?? ""
            throw PlanError("\(name) is no YAML: \(text)")
        }
        guard let root else { return }
        let reader = PlanReader(file: name)
        for (key, value) in try reader.members(root, "the file") {
            guard key == "plans" else {
                throw reader.failure(value, "the file has no key \"\(key)\"; there is plans")
            }
            for (name, node) in try reader.members(value, "plans") {
                plans.append(try reader.plan(name, node))
            }
        }
    }
}

/// Walks the file's nodes.
private struct PlanReader {
    let file: String

    func failure(_ node: Node, _ what: String) -> PlanError {
        PlanError("\(file), line \(node.mark?.line ?? 1): \(what)")
    }

    func plan(_ name: String, _ node: Node) throws(PlanError) -> PlanSource {
        guard PlanReference.isName(name) else { throw failure(node, "\"\(name)\" cannot name a plan") }
        var plan = PlanSource(name: name, path: "")
        plan.line = node.mark?.line ?? 1
        for (key, value) in try members(node, "a plan") {
            switch key {
            case "description": plan.description = try text(value, key)
            case "get": plan.path = try text(value, key)
            case "timeout": plan.timeout = try duration(value)
            case "parameters":
                for (name, node) in try members(value, key) {
                    plan.parameters.append(try parameter(name, node))
                }
            case "steps":
                for (name, node) in try members(value, key) { plan.steps.append(try step(name, node)) }
            case "response": plan.response = try expression(value)
            default:
                throw unknown(value, "a plan", key, "description, get, timeout, parameters, steps, response")
            }
        }
        if plan.path.isEmpty { throw failure(node, "the plan \(name) has no get") }
        if plan.steps.isEmpty { throw failure(node, "the plan \(name) has no steps") }
        return plan
    }

    private func parameter(_ name: String, _ node: Node) throws(PlanError) -> PlanSource.Parameter {
        var parameter = PlanSource.Parameter(name: name)
        if node.null != nil { return parameter }
        if let type = node.scalar?.string {
            parameter.type = try scalar(type, node)
            return parameter
        }
        for (key, value) in try members(node, "a parameter") {
            switch key {
            case "type": parameter.type = try scalar(try text(value, key), value)
            case "default":
                let text = try text(value, key)
                guard parameter.type.value(text) != nil else {
                    throw failure(
                        value, "the default of \(name) is no \(parameter.type.rawValue); type comes first")
                }
                parameter.defaultText = text
            default: throw unknown(value, "a parameter", key, "type, default")
            }
        }
        return parameter
    }

    private func scalar(_ text: String, _ node: Node) throws(PlanError) -> PlanScalar {
        if let type = PlanScalar(rawValue: text) { return type }
        let known = PlanScalar.allCases.map(\.rawValue).joined(separator: ", ")
        throw failure(node, "\"\(text)\" is no type of a parameter; there are \(known)")
    }

    private func step(_ name: String, _ node: Node) throws(PlanError) -> PlanSource.Step {
        var step = PlanSource.Step(name: name, call: "", request: .object([]), line: node.mark?.line ?? 1)
        for (key, value) in try members(node, "a step") {
            switch key {
            case "call": step.call = try text(value, key)
            case "request": step.request = try expression(value)
            case "required":
                guard let required = value.bool else { throw failure(value, "required is true or false") }
                step.isRequired = required
            case "timeout": step.timeout = try duration(value)
            case "list_max":
                guard let most = value.int, (1...10_000).contains(most) else {
                    throw failure(value, "list_max is a number from 1 to 10000")
                }
                step.listMax = most
            case "when":
                guard case .reference(let reference) = try expression(value) else {
                    throw failure(value, "when is a reference, such as $step.field")
                }
                step.condition = reference
            default: throw unknown(value, "a step", key, "call, request, required, timeout, list_max, when")
            }
        }
        if step.call.isEmpty { throw failure(node, "the step \(name) has no call") }
        return step
    }

    // MARK: Values

    private func expression(_ node: Node) throws(PlanError) -> PlanExpression {
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
        case .scalar(let scalar):
            return try value(scalar, node)
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

    private func duration(_ node: Node) throws(PlanError) -> Duration {
        let text = try text(node, "a duration")
        let units: [(String, Double)] = [("ms", 0.001), ("s", 1), ("m", 60)]
        for (unit, seconds) in units where text.hasSuffix(unit) {
            guard let number = Double(text.dropLast(unit.count)), number > 0, number * seconds <= 600 else {
                continue
            }
            return .milliseconds(Int(number * seconds * 1000))
        }
        throw failure(node, "\"\(text)\" is no duration, such as 500ms, 2s or 1m; ten minutes at most")
    }

    // MARK: Nodes

    private func unknown(_ node: Node, _ place: String, _ key: String, _ known: String) -> PlanError {
        failure(node, "\(place) has no key \"\(SchemaError.excerpt(key))\"; there are \(known)")
    }

    func members(_ node: Node, _ what: String) throws(PlanError) -> [(String, Node)] {
        guard let mapping = node.mapping else { throw failure(node, "\(what) is a mapping") }
        var members: [(String, Node)] = []
        for (key, value) in mapping { members.append((try text(key, "a key"), value)) }
        return members
    }

    private func text(_ node: Node, _ what: String) throws(PlanError) -> String {
        guard let scalar = node.scalar else { throw failure(node, "\(what) is a text") }
        return scalar.string
    }
}
