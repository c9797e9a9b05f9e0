// SPDX-License-Identifier: Apache-2.0

import RavioliSchema

/// A part of what a plan knows while it runs.
enum PlanPart: Sendable {
    /// Nothing: a step that has no response, or a field with presence that is not set.
    case absent
    case value(DynamicValue)
    /// Something of each element of a list, in its order.
    case list([PlanPart])

    /// The field's value where a request takes it. What is absent leaves no gap in a list.
    var value: DynamicValue? {
        switch self {
        case .absent: nil
        case .value(let value): value
        case .list(let parts): .list(parts.compactMap(\.value))
        }
    }

    /// The elements that calls can be made for.
    var elements: [DynamicValue] {
        if case .list(let elements)? = value { elements } else { [] }
    }
}

/// What references stand for, as far as the steps have ended.
struct PlanValues {
    private let plan: Plan
    private let outcomes: [PlanRun.Outcome?]
    private let parameters: DynamicMessage

    init(_ plan: Plan, _ outcomes: [PlanRun.Outcome?], _ parameters: DynamicMessage) {
        (self.plan, self.outcomes, self.parameters) = (plan, outcomes, parameters)
    }

    /// What a reference stands for.
    ///
    /// - Parameter each: the element that `$each` is.
    func part(_ reference: PlanReference, each: DynamicValue? = nil) -> PlanPart {
        let path = reference.path[...]
        if let number = plan.number(of: reference.name) {
            switch outcomes[number] {
            case .answered(let message): return Self.part(path, in: .message(message))
            case .answeredEach(let messages):
                return .list(
                    Self.flattened(messages.map { $0.map { Self.part(path, in: .message($0)) } ?? .absent }))
            case .skipped, .failed, nil: return .absent
            }
        }
        if reference.name == PlanSource.eachName { return each.map { Self.part(path, in: $0) } ?? .absent }
        return Self.part([reference.name], in: .message(parameters))
    }

    private static func part(_ path: ArraySlice<String>, in value: DynamicValue) -> PlanPart {
        guard let name = path.first else { return .value(value) }
        switch value {
        case .message(let message):
            guard let field = message.type.field(named: name) else { return .absent }
            // What has presence and is absent stands for nothing; other fields have a default.
            if field.presence == .explicit, (try? message.has(numbered: field.number)) != true {
                return .absent
            }
            guard let inner = try? message.value(numbered: field.number) else { return .absent }
            return part(path.dropFirst(), in: inner)
        case .list(let elements): return .list(flattened(elements.map { part(path, in: $0) }))
        default: return .absent
        }
    }

    /// A list of lists is one list.
    private static func flattened(_ parts: [PlanPart]) -> [PlanPart] {
        parts.flatMap { part -> [PlanPart] in
            switch part {
            case .list(let inner): inner
            case .value(.list(let inner)): inner.map(PlanPart.value)
            case .absent, .value: [part]
            }
        }
    }

    /// Whether a condition holds: the value is there, and neither empty nor zero nor false.
    func holds(_ condition: PlanReference) -> Bool {
        switch part(condition).value {
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
    func request(
        of step: Plan.Step, each: DynamicValue? = nil
    ) throws(SchemaError) -> (DynamicMessage, cut: [String]) {
        var message = step.fixed
        var cut: [String] = []
        for input in step.inputs {
            guard var value = part(input.source, each: each).value, let field = input.target.last else {
                continue
            }
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
