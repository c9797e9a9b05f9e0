// SPDX-License-Identifier: Apache-2.0

import RavioliSchema

/// What references stand for, as far as the steps have ended.
struct PlanValues {
    private let outcomes: [PlanRun.Outcome?]
    private let parameters: [String: DynamicValue]
    private let plan: Plan

    init(_ outcomes: [PlanRun.Outcome?], _ parameters: [String: DynamicValue], _ plan: Plan) {
        self.outcomes = outcomes
        self.parameters = parameters
        self.plan = plan
    }

    /// The response of a step; nil when there is none.
    func response(of name: String) -> DynamicMessage? {
        guard let number = plan.steps.firstIndex(where: { $0.source.name == name }),
            case .answered(let message)? = outcomes[number]
        else { return nil }
        return message
    }

    /// The value of a reference; nil when a message on the way, or the step's response, is absent.
    func value(of reference: PlanReference) -> DynamicValue? {
        if let value = parameters[reference.name] { return value }
        guard let response = response(of: reference.name) else { return nil }
        return Self.value(reference.path[...], in: .message(response))
    }

    private static func value(_ path: ArraySlice<String>, in value: DynamicValue) -> DynamicValue? {
        guard let name = path.first else { return value }
        switch value {
        case .message(let message):
            guard let field = message.type.field(named: name) else { return nil }
            // What has presence and is absent stands for nothing; other fields have a default.
            if field.presence == .explicit, (try? message.has(numbered: field.number)) != true { return nil }
            guard let inner = try? message.value(numbered: field.number) else { return nil }
            return Self.value(path.dropFirst(), in: inner)
        case .list(let elements):
            // Of each element; a list of lists is one list.
            let found = elements.compactMap { Self.value(path, in: $0) }
            return .list(
                found.flatMap { element in if case .list(let inner) = element { inner } else { [element] } })
        default: return nil
        }
    }

    /// Whether a condition holds: the value is there, and neither empty nor zero nor false.
    func holds(_ condition: PlanReference) -> Bool {
        switch value(of: condition) {
        case nil: false
        case .bool(let value)?: value
        case .string(let value)?: !value.isEmpty
        case .bytes(let value)?: !value.isEmpty
        case .list(let values)?: !values.isEmpty
        case .map(let entries)?: !entries.isEmpty
        case .int32(let number)?, .enumeration(let number)?: number != 0
        case .int64(let number)?: number != 0
        case .uint32(let number)?: number != 0
        case .uint64(let number)?: number != 0
        case .float(let number)?: number != 0
        case .double(let number)?: number != 0
        case .message?: true
        }
    }

    /// The request of a step, and the fields whose lists were cut.
    func request(of step: Plan.Step) throws(SchemaError) -> (DynamicMessage, cut: [String]) {
        var message = step.fixed
        var cut: [String] = []
        for input in step.inputs {
            guard var value = value(of: input.source), let field = input.target.last else { continue }
            if case .list(let elements) = value, elements.count > step.source.listMax {
                value = .list(Array(elements.prefix(step.source.listMax)))
                cut.append(field.name)
            }
            let converted = PlanType.convert(value, to: PlanType(field).element)
            message = try Self.setting(input.target[...], of: message, to: converted)
        }
        return (message, cut)
    }

    private static func setting(
        _ path: ArraySlice<FieldDescriptor>, of message: DynamicMessage, to value: DynamicValue
    ) throws(SchemaError) -> DynamicMessage {
        guard let field = path.first else { return message }
        var message = message
        guard path.count > 1 else {
            try message.set(numbered: field.number, to: value)
            return message
        }
        guard case .message(let inner) = try message.value(numbered: field.number) else { return message }
        let changed = try setting(path.dropFirst(), of: inner, to: value)
        try message.set(numbered: field.number, to: .message(changed))
        return message
    }
}
