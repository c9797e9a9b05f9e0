// SPDX-License-Identifier: Apache-2.0

import RavioliSchema

/// Splits the request of a step into what is known when the plan is checked and what comes from elsewhere.
struct PlanRequest {
    private let scope: PlanScope
    private(set) var inputs: [Plan.Input] = []

    init(_ scope: PlanScope) { self.scope = scope }

    /// The message of the fields that are known.
    ///
    /// - Throws: for fields that there are not or that are given twice, and for values of other types.
    mutating func message(
        _ members: [PlanExpression.Member], _ type: MessageDescriptor, below: [FieldDescriptor]
    ) throws(PlanError) -> DynamicMessage {
        var message = DynamicMessage(type)
        var given: Set<Int32> = []
        var oneofs: [Int: String] = [:]
        for member in members {
            guard let field = type.field(named: member.name) else {
                throw PlanError("\(type.fullName) has no field \"\(SchemaError.excerpt(member.name))\"")
            }
            guard given.insert(field.number).inserted else {
                throw PlanError("\(field.name) is given by both of its names")
            }
            if let oneof = field.oneofIndex, let other = oneofs.updateValue(field.name, forKey: oneof) {
                throw PlanError("\(other) and \(field.name) are members of one oneof; only one can be set")
            }
            try add(member, field, to: &message, below: below)
        }
        return message
    }

    private mutating func add(
        _ member: PlanExpression.Member, _ field: FieldDescriptor, to message: inout DynamicMessage,
        below: [FieldDescriptor]
    ) throws(PlanError) {
        let path = below + [field]
        switch member.value {
        case .reference(let reference):
            try checkFit(reference, field)
            inputs.append(Plan.Input(target: path, source: reference))
        case .object(let inner) where !member.value.references.isEmpty:
            guard let type = field.messageType, type.form == .ordinary, !field.isRepeated, !field.isMap else {
                throw PlanError("\(field.name) is no message of its own, so it takes no references inside")
            }
            let fixed = try self.message(inner, type, below: path)
            do throws(SchemaError) { try message.set(numbered: field.number, to: .message(fixed)) } catch {
                throw PlanError("\(field.name): \(error.message)")
            }
        default: try setLiteral(member, field, &message)
        }
    }

    private func setLiteral(
        _ member: PlanExpression.Member, _ field: FieldDescriptor, _ message: inout DynamicMessage
    ) throws(PlanError) {
        guard member.value.references.isEmpty else {
            throw PlanError("\(field.name): references stand for whole lists, not for elements of one")
        }
        do throws(SchemaError) {
            let json = "{" + JSONText.quoted(member.name) + ":" + member.value.json + "}"
            let parsed = try DynamicMessage(json: json, as: message.type)
            guard try parsed.has(numbered: field.number) else { return }
            try message.set(numbered: field.number, to: try parsed.value(numbered: field.number))
        } catch {
            throw PlanError("\(field.name): \(error.message)")
        }
    }

    private func checkFit(_ reference: PlanReference, _ field: FieldDescriptor) throws(PlanError) {
        let (found, wanted) = (try scope.meaning(of: reference).type, PlanType(field))
        guard found.fits(wanted) else {
            throw PlanError("\(reference) is \(found.name), and \(field.name) is \(wanted.name)")
        }
    }
}
