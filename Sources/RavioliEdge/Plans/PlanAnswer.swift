// SPDX-License-Identifier: Apache-2.0

import Ravioli
import RavioliSchema

/// Prints what a plan answers: the members of its response, and `errors` with an entry for each part that is missing.
struct PlanAnswer {
    private let plan: Plan
    private let values: PlanValues
    private let missing: [PlanRun.Missing]
    private let options: JSONEncodingOptions

    init(
        _ plan: Plan, _ outcomes: [PlanRun.Outcome?], _ parameters: [String: DynamicValue],
        _ missing: [PlanRun.Missing], options: JSONEncodingOptions
    ) {
        self.plan = plan
        self.missing = missing
        self.options = options
        values = PlanValues(outcomes, parameters, plan)
    }

    func json() throws(RPCError) -> [UInt8] {
        guard case .object(let members) = plan.response else { return Array("{}".utf8) }
        var text = Array("{".utf8)
        do throws(SchemaError) {
            for member in members {
                text += Array((JSONText.quoted(member.name) + ":").utf8)
                try append(member.value, to: &text)
                text += Array(",".utf8)
            }
        } catch {
            throw RPCError(call: .internal, "the answer has no JSON form", executed: .yes, cause: error)
        }
        text += Array("\"errors\":[\(missing.map(Self.entry).joined(separator: ","))]}".utf8)
        return text
    }

    private static func entry(_ missing: PlanRun.Missing) -> String {
        let members = [
            ("step", missing.step), ("code", missing.code.name), ("message", missing.message),
        ]
        return "{" + members.map { "\"\($0.0)\":\(JSONText.quoted($0.1))" }.joined(separator: ",") + "}"
    }

    private func append(_ expression: PlanExpression, to text: inout [UInt8]) throws(SchemaError) {
        switch expression {
        case .literal: text += Array(expression.json.utf8)
        case .reference(let reference): try append(reference, to: &text)
        case .object(let members):
            try append(members, "{", "}", to: &text) { member, text throws(SchemaError) in
                text += Array((JSONText.quoted(member.name) + ":").utf8)
                try append(member.value, to: &text)
            }
        case .list(let elements):
            try append(elements, "[", "]", to: &text) { element, text throws(SchemaError) in
                try append(element, to: &text)
            }
        }
    }

    private func append<Part>(
        _ parts: [Part], _ open: String, _ close: String, to text: inout [UInt8],
        _ body: (Part, inout [UInt8]) throws(SchemaError) -> Void
    ) throws(SchemaError) {
        text += Array(open.utf8)
        for (index, part) in parts.enumerated() {
            if index > 0 { text += Array(",".utf8) }
            try body(part, &text)
        }
        text += Array(close.utf8)
    }

    private func append(_ reference: PlanReference, to text: inout [UInt8]) throws(SchemaError) {
        guard let value = values.value(of: reference) else {
            text += Array("null".utf8)
            return
        }
        try append(value, field: field(of: reference), to: &text)
    }

    /// The field that a reference ends at; nil for a parameter or a whole response.
    private func field(of reference: PlanReference) -> (FieldDescriptor, MessageDescriptor)? {
        guard let step = plan.steps.first(where: { $0.source.name == reference.name }) else { return nil }
        var type = step.route.method.output
        var found: (FieldDescriptor, MessageDescriptor)?
        for name in reference.path {
            guard let field = type.field(named: name) else { return nil }
            found = (field, type)
            if let inner = field.messageType { type = inner }
        }
        return found
    }

    private func append(
        _ value: DynamicValue, field: (FieldDescriptor, MessageDescriptor)?, to text: inout [UInt8]
    ) throws(SchemaError) {
        switch (value, field) {
        case (.message(let message), nil): text += try message.jsonUTF8Bytes(options: options)
        case (.list(let elements), let (field, type)?) where !field.isRepeated:
            // One part of each element of a list.
            try append(elements, "[", "]", to: &text) { element, text throws(SchemaError) in
                try append(element, field: (field, type), to: &text)
            }
        case (_, let (field, type)?):
            var parent = DynamicMessage(type)
            try parent.set(numbered: field.number, to: value)
            let printed = try parent.withEncodedBytes { Array($0) }
            text += try printed.span.bytes.withUnsafeBytes { bytes throws(SchemaError) in
                try JSONTranscoder.json(fromEncoded: bytes, of: field, in: type, options: options)
            }
        case (let value, nil): text += Array(Self.json(parameter: value).utf8)
        }
    }

    private static func json(parameter value: DynamicValue) -> String {
        switch value {
        case .string(let text): JSONText.quoted(text)
        case .bool(let value): "\(value)"
        case .int32(let number): "\(number)"
        case .int64(let number): "\"\(number)\""
        case .double(let number): "\(number)"
        default: "null"
        }
    }
}
