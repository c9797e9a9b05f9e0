// SPDX-License-Identifier: Apache-2.0

import RavioliSchema

/// What the names in a plan mean: its parameters, its steps, and `$each` inside a step that has one.
struct PlanScope: Sendable {
    /// A step as others see it.
    struct Step: Sendable {
        let output: MessageDescriptor
        /// Whether there is a response for each element of a list.
        let isList: Bool
        /// Whether its response may be absent.
        let mayBeAbsent: Bool
    }

    /// What a reference stands for.
    struct Meaning: Sendable {
        var type: PlanType
        /// The field that it ends at, and the message it is in; nil for a whole response or element.
        var field: (FieldDescriptor, MessageDescriptor)?
        /// Whether there may be nothing.
        var mayBeAbsent: Bool
        /// For a list: whether some of it may be nothing.
        var elementsMayBeAbsent = false
    }

    let parameters: PlanParameters
    let steps: [String: Step]
    /// What `$each` means; nil where there is none.
    var each: Meaning?

    /// What a reference means.
    ///
    /// - Throws: for a name or field that there is not.
    func meaning(of reference: PlanReference) throws(PlanError) -> Meaning {
        if reference.name == PlanSource.eachName {
            guard let each else { throw PlanError("\(reference): there is $each only in a step with each") }
            return try follow(reference, from: each)
        }
        if let field = parameters.field(reference.name) {
            guard reference.path.isEmpty else { throw PlanError("\(reference): a parameter has no fields") }
            return Meaning(
                type: PlanType(field), field: (field, parameters.type),
                mayBeAbsent: parameters.mayBeAbsent(field.name))
        }
        guard let step = steps[reference.name] else {
            throw PlanError("\(reference) names no parameter and no step")
        }
        let type = PlanType(.message(step.output), isList: step.isList)
        let whole = Meaning(
            type: type, field: nil, mayBeAbsent: step.mayBeAbsent, elementsMayBeAbsent: step.isList)
        return try follow(reference, from: whole)
    }

    private func follow(_ reference: PlanReference, from start: Meaning) throws(PlanError) -> Meaning {
        var meaning = start
        for name in reference.path {
            guard case .message(let message) = meaning.type.element, let field = message.field(named: name)
            else {
                throw PlanError(
                    "\(reference): \(meaning.type.name) has no field \"\(SchemaError.excerpt(name))\"")
            }
            let isList = meaning.type.isList
            meaning.type = PlanType(field)
            guard !(isList && meaning.type.element == .map) else {
                throw PlanError("\(reference): a map inside a list has no form of its own")
            }
            let mayBeAbsent = field.presence == .explicit
            if isList {
                meaning.elementsMayBeAbsent = meaning.elementsMayBeAbsent || mayBeAbsent
            } else {
                meaning.mayBeAbsent = meaning.mayBeAbsent || mayBeAbsent
            }
            meaning.type.isList = meaning.type.isList || isList
            meaning.field = (field, message)
        }
        return meaning
    }
}
