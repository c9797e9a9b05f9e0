// SPDX-License-Identifier: Apache-2.0

import RavioliSchema

/// Checks a plan against schemas, so that nothing but the servers' answers is left to go wrong when it runs.
struct PlanChecker {
    private let source: PlanSource
    private let routes: [Route]
    private let numbers: [String: Int]
    private let scope: PlanScope

    init(
        _ source: PlanSource, _ parameters: PlanParameters, routes table: RouteTable, options: PlanOptions
    ) throws(PlanError) {
        self.source = source
        guard source.steps.count <= options.stepsMax else {
            throw PlanError(
                "\(source.steps.count) steps are over the \(options.stepsMax) that a plan may have"
            )
            .at(source.place(line: source.line))
        }
        var routes: [Route] = []
        var numbers: [String: Int] = [:]
        var steps: [String: PlanScope.Step] = [:]
        for (number, step) in source.steps.enumerated() {
            do throws(PlanError) {
                try Self.checkName(step.name, numbers, parameters)
                let route = try Self.route(step, table)
                numbers[step.name] = number
                steps[step.name] = PlanScope.Step(
                    output: route.method.output, isList: step.each != nil,
                    mayBeAbsent: !step.isRequired || step.condition != nil)
                routes.append(route)
            } catch {
                throw error.at("step \(step.name)").at(source.place(line: step.line))
            }
        }
        self.routes = routes
        self.numbers = numbers
        scope = PlanScope(parameters: parameters, steps: steps)
    }

    private static func checkName(
        _ name: String, _ taken: [String: Int], _ parameters: PlanParameters
    ) throws(PlanError) {
        let isTaken = taken[name] != nil || parameters.field(name) != nil
        let isReserved = name == "errors" || name == PlanSource.eachName
        guard PlanReference.isName(name), !isTaken, !isReserved else {
            throw PlanError("\"\(SchemaError.excerpt(name))\" cannot name a step: taken, reserved or no name")
        }
    }

    private static func route(_ step: PlanSource.Step, _ table: RouteTable) throws(PlanError) -> Route {
        let parts = step.call.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2, let route = table.route(service: parts[0], method: parts[1]) else {
            throw PlanError(
                "no server behind the edge has the method \"\(SchemaError.excerpt(step.call))\"",
                isUnknownMethod: true)
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
        var steps: [Plan.Step] = []
        for number in source.steps.indices {
            do throws(PlanError) { steps.append(try step(number)) } catch {
                let step = source.steps[number]
                throw error.at("step \(step.name)").at(source.place(line: step.line))
            }
        }
        do throws(PlanError) {
            try checkCycles(steps)
            let response = try response()
            return Plan(
                source: source, scope: scope, steps: steps, response: response, numbers: numbers)
        } catch {
            throw error.at(source.place(line: source.line))
        }
    }

    // MARK: Steps

    private func step(_ number: Int) throws(PlanError) -> Plan.Step {
        let step = source.steps[number]
        guard case .object(let members) = step.request else {
            throw PlanError("request is a mapping of fields")
        }
        var scope = scope
        var references: [PlanReference] = []
        if let each = step.each {
            scope.each = try element(of: each)
            references.append(each)
        }
        var request = PlanRequest(scope)
        let fixed = try request.message(members, routes[number].method.input, below: [])
        references += request.inputs.map(\.source)
        let takes = Set(references.compactMap { numbers[$0.name] })
        if let condition = step.condition {
            _ = try self.scope.meaning(of: condition)
            references.append(condition)
        }
        let needs = Set(references.compactMap { numbers[$0.name] })
        try checkNeeds(step, needs)
        return Plan.Step(
            source: step, route: routes[number], fixed: fixed, inputs: request.inputs, needs: needs.sorted(),
            takes: takes.sorted())
    }

    /// What `$each` is: an element of the list.
    private func element(of each: PlanReference) throws(PlanError) -> PlanScope.Meaning {
        let list = try scope.meaning(of: each)
        guard list.type.isList else { throw PlanError("each: \(each) is \(list.type.name) and no list") }
        return PlanScope.Meaning(
            type: PlanType(list.type.element), field: list.field, mayBeAbsent: false)
    }

    /// What the whole cannot do without cannot hang on what it can do without.
    private func checkNeeds(_ step: PlanSource.Step, _ needs: Set<Int>) throws(PlanError) {
        guard step.isRequired else { return }
        for number in needs.sorted() where !source.steps[number].isRequired {
            throw PlanError(
                "is required, but needs \(source.steps[number].name), which is not; say required: false here too"
            )
        }
    }

    // MARK: The response

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
            do throws(PlanError) { _ = try scope.meaning(of: reference) } catch { throw error.at("response") }
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
