// SPDX-License-Identifier: Apache-2.0

import RavioliSchema

/// A plan that has been checked against the schemas of the servers it calls.
package struct Plan: Sendable {
    /// A step, ready to run.
    package struct Step: Sendable {
        package let source: PlanSource.Step
        package let route: Route
        /// The parts of the request that never change.
        let fixed: DynamicMessage
        /// The parts that come from the request or other steps.
        let inputs: [Input]
        /// Numbers of the steps that must have ended before, ascending.
        package let needs: [Int]
        /// Those of them that its request takes something from: without them there is nothing to ask for.
        let takes: [Int]
    }

    /// A field of a step's request, and where its value comes from.
    struct Input: Sendable {
        /// The field, as a path of field numbers through messages.
        let target: [FieldDescriptor]
        let source: PlanReference
    }

    package let source: PlanSource
    package let steps: [Step]
    /// What is answered.
    package let response: PlanExpression
    let scope: PlanScope
    private let numbers: [String: Int]

    /// Checks a plan.
    ///
    /// - Parameter parameters: the plan's own, if they are made already.
    /// - Throws: what does not hold, with the file, the line and the step's name: an unknown method, field or reference, a
    ///   type that does not fit, a cycle, a limit.
    package init(
        _ source: PlanSource, _ parameters: PlanParameters? = nil, routes: RouteTable,
        options: PlanOptions = .defaults
    ) throws(PlanError) {
        let own: PlanParameters
        if let parameters { own = parameters } else { own = try PlanParameters(source) }
        let checker = try PlanChecker(source, own, routes: routes, options: options)
        self = try checker.checked()
    }

    init(
        source: PlanSource, scope: PlanScope, steps: [Step], response: PlanExpression, numbers: [String: Int]
    ) {
        (self.source, self.scope, self.steps) = (source, scope, steps)
        (self.response, self.numbers) = (response, numbers)
    }

    var parameters: PlanParameters { scope.parameters }

    /// The number of the step of this name; nil for a parameter's.
    func number(of name: String) -> Int? { numbers[name] }
}
