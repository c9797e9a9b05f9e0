// SPDX-License-Identifier: Apache-2.0

import Ravioli
import RavioliSchema

/// Checks a plan against schemas, so that nothing but the servers' answers is left to go wrong when it runs.
struct PlanChecker {
    private let source: PlanSource
    private let routes: [Route]
    private let numbers: [String: Int]

    init(_ source: PlanSource, routes table: RouteTable) throws(PlanError) {
        self.source = source
        guard source.steps.count <= PlanSource.stepsMax else {
            throw PlanError(
                "\(source.steps.count) steps are over the \(PlanSource.stepsMax) that a plan may have")
        }
        var routes: [Route] = []
        var numbers: [String: Int] = [:]
        for (number, step) in source.steps.enumerated() {
            let isTaken = numbers[step.name] != nil || source.parameters.contains { $0.name == step.name }
            guard PlanReference.isName(step.name), !isTaken, step.name != "errors" else {
                throw PlanError("\"\(step.name)\" cannot name a step: taken, reserved or no name")
            }
            numbers[step.name] = number
            do throws(PlanError) { routes.append(try Self.route(step, table)) } catch {
                throw error.at("step \(step.name)")
            }
        }
        self.routes = routes
        self.numbers = numbers
    }

    private static func route(_ step: PlanSource.Step, _ table: RouteTable) throws(PlanError) -> Route {
        let parts = step.call.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2, let route = table.route(service: parts[0], method: parts[1]) else {
            throw PlanError("no server behind the edge has the method \"\(SchemaError.excerpt(step.call))\"")
        }
        guard !route.method.clientStreaming, !route.method.serverStreaming else {
            throw PlanError("\(step.call) has streams; a step is one request and one response")
        }
        guard route.method.idempotency == .noSideEffects else {
            throw PlanError(
                "\(step.call) may have side effects; a plan calls methods marked NO_SIDE_EFFECTS alone")
        }
        return route
    }

    func checked() throws(PlanError) -> Plan {
        for parameter in source.parameters where !PlanReference.isName(parameter.name) {
            throw PlanError("\"\(parameter.name)\" cannot name a parameter")
        }
        var steps: [Plan.Step] = []
        for number in source.steps.indices {
            do throws(PlanError) { steps.append(try step(number)) } catch {
                throw error.at("step \(source.steps[number].name)")
            }
        }
        try checkCycles(steps)
        return Plan(source: source, steps: steps, response: try response())
    }

    // MARK: Steps

    private func step(_ number: Int) throws(PlanError) -> Plan.Step {
        let step = source.steps[number]
        let input = routes[number].method.input
        guard case .object(let members) = step.request else {
            throw PlanError("request is a mapping of fields")
        }
        var inputs: [Plan.Input] = []
        let fixed = try literal(members, input, below: [], &inputs)
        var references = inputs.map(\.source)
        if let condition = step.condition {
            _ = try type(of: condition)
            references.append(condition)
        }
        let needs = Set(references.compactMap { numbers[$0.name] })
        return Plan.Step(
            source: step, route: routes[number], fixed: fixed, inputs: inputs, needs: needs.sorted())
    }

    /// Splits the fields of a request into those that are known now and those that come from elsewhere.
    private func literal(
        _ members: [PlanExpression.Member], _ type: MessageDescriptor, below: [FieldDescriptor],
        _ inputs: inout [Plan.Input]
    ) throws(PlanError) -> DynamicMessage {
        var message = DynamicMessage(type)
        for member in members {
            guard let field = type.field(named: member.name) else {
                throw PlanError("\(type.fullName) has no field \"\(SchemaError.excerpt(member.name))\"")
            }
            let path = below + [field]
            switch member.value {
            case .reference(let reference):
                try checkFit(reference, field)
                inputs.append(Plan.Input(target: path, source: reference))
            case .object(let inner) where !member.value.references.isEmpty:
                guard let type = field.messageType, !field.isRepeated, !field.isMap else {
                    throw PlanError(
                        "\(field.name) is no message of its own, so it takes no references inside")
                }
                let fixed = try literal(inner, type, below: path, &inputs)
                try set(&message, field, .message(fixed))
            default: try setLiteral(&message, field, member)
            }
        }
        return message
    }

    private func setLiteral(
        _ message: inout DynamicMessage, _ field: FieldDescriptor, _ member: PlanExpression.Member
    ) throws(PlanError) {
        guard member.value.references.isEmpty else {
            throw PlanError("\(field.name): references stand for whole lists, not for elements of one")
        }
        do throws(SchemaError) {
            let json = "{" + JSONText.quoted(member.name) + ":" + member.value.json + "}"
            let parsed = try DynamicMessage(json: json, as: message.type)
            try message.set(numbered: field.number, to: try parsed.value(numbered: field.number))
        } catch {
            throw PlanError("\(field.name): \(error.message)")
        }
    }

    private func set(
        _ message: inout DynamicMessage, _ field: FieldDescriptor, _ value: DynamicValue
    ) throws(PlanError) {
        do throws(SchemaError) { try message.set(numbered: field.number, to: value) } catch {
            throw PlanError("\(field.name): \(error.message)")
        }
    }

    private func checkFit(_ reference: PlanReference, _ field: FieldDescriptor) throws(PlanError) {
        let (found, wanted) = (try type(of: reference), PlanType(field))
        guard found.fits(wanted) else {
            throw PlanError("\(reference) is \(found.name), and \(field.name) is \(wanted.name)")
        }
    }

    // MARK: References

    /// The type of what a reference stands for.
    private func type(of reference: PlanReference) throws(PlanError) -> PlanType {
        if let parameter = source.parameters.first(where: { $0.name == reference.name }) {
            guard reference.path.isEmpty else { throw PlanError("\(reference): a parameter has no fields") }
            return PlanType(parameter.type)
        }
        guard let number = numbers[reference.name] else {
            throw PlanError("\(reference) names no parameter and no step")
        }
        var type = PlanType(.message(routes[number].method.output))
        for name in reference.path {
            guard case .message(let message) = type.element, let field = message.field(named: name) else {
                throw PlanError("\(reference): \(type.name) has no field \"\(SchemaError.excerpt(name))\"")
            }
            let isList = type.isList
            type = PlanType(field)
            guard !(isList && type.element == .map) else {
                throw PlanError("\(reference): a map inside a list has no form of its own")
            }
            type.isList = type.isList || isList
        }
        return type
    }

    private func response() throws(PlanError) -> PlanExpression {
        guard let response = source.response else {
            return .object(
                try source.steps.map { step throws(PlanError) in
                    guard let reference = try PlanReference("$" + step.name) else {
                        throw PlanError("\(step.name) cannot be referred to")
                    }
                    return .init(name: step.name, value: .reference(reference))
                })
        }
        guard case .object(let members) = response else { throw PlanError("response is a mapping") }
        if members.contains(where: { $0.name == "errors" }) {
            throw PlanError("response: the name errors is that of the list of what is missing")
        }
        for reference in response.references {
            do throws(PlanError) { _ = try type(of: reference) } catch { throw error.at("response") }
        }
        return response
    }

    // MARK: Order

    private func checkCycles(_ steps: [Plan.Step]) throws(PlanError) {
        var isDone = [Bool](repeating: false, count: steps.count)
        var left = Array(steps.indices)
        while !left.isEmpty {
            let ready = left.filter { steps[$0].needs.allSatisfy { isDone[$0] } }
            guard !ready.isEmpty else {
                let names = left.map { steps[$0].source.name }.joined(separator: ", ")
                throw PlanError("the steps \(names) wait for each other")
            }
            for number in ready { isDone[number] = true }
            left.removeAll { isDone[$0] }
        }
    }
}
