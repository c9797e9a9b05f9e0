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
        do throws(YAMLFault) {
            guard let root = try YAMLText.root(yaml, file: name) else { return }
            plans = try PlanReader(nodes: YAMLNodes(file: name)).plans(root)
        } catch {
            throw PlanError(error.description)
        }
    }
}

/// Walks the file's nodes.
private struct PlanReader {
    let nodes: YAMLNodes

    func plans(_ root: Node) throws(YAMLFault) -> [PlanSource] {
        var plans: [PlanSource] = []
        for (key, value, place) in try nodes.members(root, "the file") {
            guard key == "plans" else { throw nodes.unknown(place, "the file", key, "plans") }
            for (name, node, place) in try nodes.members(value, key) {
                plans.append(try plan(name, node, place))
            }
        }
        return plans
    }

    func plan(_ name: String, _ node: Node, _ place: Node) throws(YAMLFault) -> PlanSource {
        guard PlanReference.isName(name) else {
            throw nodes.failure(place, "\"\(SchemaError.excerpt(name))\" cannot name a plan")
        }
        var plan = PlanSource(name: name, path: "")
        (plan.file, plan.line) = (nodes.file, nodes.line(place))
        for (key, value, place) in try nodes.members(node, "a plan") {
            switch key {
            case "description": plan.description = try nodes.text(value, key)
            case "get", "post":
                guard plan.path.isEmpty else { throw nodes.failure(place, "a plan has one of get and post") }
                plan.path = try nodes.text(value, key)
                plan.httpMethod = key.uppercased()
            case "timeout": plan.timeout = try nodes.timeout(value)
            case "parameters":
                for (name, node, place) in try nodes.members(value, key) {
                    plan.parameters.append(try parameter(name, node, place))
                }
            case "steps":
                for (name, node, place) in try nodes.members(value, key) {
                    plan.steps.append(try step(name, node, place))
                }
            case "response": plan.response = try nodes.expression(value)
            default:
                throw nodes.unknown(
                    place, "a plan", key, "description, get, post, timeout, parameters, steps, response")
            }
        }
        if plan.path.isEmpty { throw nodes.failure(place, "the plan \(name) has no get and no post") }
        if plan.steps.isEmpty { throw nodes.failure(place, "the plan \(name) has no steps") }
        return plan
    }

    private func parameter(
        _ name: String, _ node: Node, _ place: Node
    ) throws(YAMLFault) -> PlanSource.Parameter {
        var parameter = PlanSource.Parameter(name: name, line: nodes.line(place))
        if node.null != nil { return parameter }
        if let type = node.scalar?.string {
            parameter.type = try scalar(type, node)
            return parameter
        }
        for (key, value, place) in try nodes.members(node, "a parameter") {
            switch key {
            case "type": parameter.type = try scalar(try nodes.text(value, key), value)
            case "repeated": parameter.isRepeated = try nodes.bool(value, key)
            case "required": parameter.isRequired = try nodes.bool(value, key)
            case "description": parameter.description = try nodes.text(value, key)
            case "default": parameter.defaultText = try nodes.text(value, key)
            default:
                throw nodes.unknown(
                    place, "a parameter", key, "type, repeated, required, default, description")
            }
        }
        if parameter.defaultText != nil {
            parameter.isRequired = false
            if parameter.isRepeated { throw nodes.failure(place, "\(name) is a list, which has no default") }
        }
        return parameter
    }

    private func scalar(_ text: String, _ node: Node) throws(YAMLFault) -> PlanScalar {
        if let type = PlanScalar(rawValue: text) { return type }
        let known = PlanScalar.allCases.map(\.rawValue).joined(separator: ", ")
        throw nodes.failure(
            node, "\"\(SchemaError.excerpt(text))\" is no type of a parameter; there are \(known)")
    }

    private func step(_ name: String, _ node: Node, _ place: Node) throws(YAMLFault) -> PlanSource.Step {
        var step = PlanSource.Step(name: name, call: "", request: .object([]), line: nodes.line(place))
        var parallel: Node?
        for (key, value, place) in try nodes.members(node, "a step") {
            switch key {
            case "call": step.call = try nodes.text(value, key)
            case "request": step.request = try nodes.expression(value)
            case "each": step.each = try nodes.reference(value, key)
            case "parallel":
                step.parallel = try nodes.number(value, key, 1...32)
                parallel = place
            case "required": step.isRequired = try nodes.bool(value, key)
            case "timeout": step.timeout = try nodes.timeout(value)
            case "list_max": step.listMax = try nodes.number(value, key, 1...10_000)
            case "when": step.condition = try nodes.reference(value, key)
            default:
                throw nodes.unknown(
                    place, "a step", key, "call, request, each, parallel, required, timeout, list_max, when")
            }
        }
        if step.call.isEmpty { throw nodes.failure(place, "the step \(name) has no call") }
        if let parallel, step.each == nil {
            throw nodes.failure(parallel, "parallel is for a step that makes calls for each of a list")
        }
        return step
    }
}
