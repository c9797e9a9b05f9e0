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

    /// Checks a plan.
    ///
    /// - Throws: what does not hold, with the step's name: an unknown method, field or reference, a type that does not fit,
    ///   a cycle, a limit.
    package init(_ source: PlanSource, routes: RouteTable) throws(PlanError) {
        do throws(PlanError) {
            self = try PlanChecker(source, routes: routes).checked()
        } catch {
            throw error.at("the plan \(source.name)")
        }
    }

    init(source: PlanSource, steps: [Step], response: PlanExpression) {
        self.source = source
        self.steps = steps
        self.response = response
    }
}
