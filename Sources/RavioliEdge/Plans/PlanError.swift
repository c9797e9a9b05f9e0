// SPDX-License-Identifier: Apache-2.0

/// What is wrong with a plan, and where: found when it is read or checked, never while it runs.
package struct PlanError: Error, Sendable, Hashable, CustomStringConvertible {
    /// For the person who wrote the plan.
    package let description: String
    /// Whether all that is wrong is a method that no server has, which one that is not known yet may have.
    let isUnknownMethod: Bool

    init(_ description: String, isUnknownMethod: Bool = false) {
        self.description = description
        self.isUnknownMethod = isUnknownMethod
    }

    /// The same, at a place in the plan.
    func at(_ place: String) -> PlanError {
        PlanError("\(place): \(description)", isUnknownMethod: isUnknownMethod)
    }
}
