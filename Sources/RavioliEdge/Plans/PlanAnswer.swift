// SPDX-License-Identifier: Apache-2.0

import Ravioli
import RavioliSchema

/// Prints what a plan answers: the members of its response, and `errors` with an entry for each part that is missing.
struct PlanAnswer {
    private let plan: Plan
    private let values: PlanValues
    private let scope: PlanScope
    private let missing: [PlanRun.Missing]
    private let options: JSONEncodingOptions
    private let bytesMax: Int

    init(
        _ plan: Plan, _ outcomes: [PlanRun.Outcome?], _ parameters: DynamicMessage,
        missing: [PlanRun.Missing], options: JSONEncodingOptions, bytesMax: Int
    ) {
        self.plan = plan
        self.missing = missing
        self.options = options
        self.bytesMax = bytesMax
        values = PlanValues(plan, outcomes, parameters)
        scope = plan.scope
    }

    /// The answer.
    ///
    /// - Throws: `internal` for a response that has no form as JSON, `resource_exhausted` for an answer that is too long.
    func json() throws(RPCError) -> [UInt8] {
        guard case .object(let members) = plan.response else { return Array("{}".utf8) }
        var text = Array("{".utf8)
        do throws(SchemaError) {
            for member in members {
                text += Array((JSONText.quoted(member.name) + ":").utf8)
                try append(member.value, to: &text)
                text.append(UInt8(ascii: ","))
            }
        } catch {
            if error.code == .limitExceeded {
                throw RPCError(.resourceExhausted, "the answer is over \(bytesMax) bytes", executed: .yes)
            }
            throw RPCError(.internal, "the answer has no JSON form", executed: .yes, cause: error)
        }
        let errors = missing.map { Self.entry($0, plan.steps[$0.step].source.name) }
        text += Array("\"errors\":[\(errors.joined(separator: ","))]}".utf8)
        return text
    }

    private static func entry(_ missing: PlanRun.Missing, _ step: String) -> String {
        let index = missing.index.map { "\"index\":\($0)," } ?? ""
        return "{\"step\":\(JSONText.quoted(step)),\(index)\"code\":\(JSONText.quoted(missing.code.name)),"
            + "\"message\":\(JSONText.quoted(missing.message))}"
    }

    // MARK: Expressions

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
        guard text.count <= bytesMax else { throw SchemaError(.limitExceeded, "the answer is too long") }
    }

    private func append<Part>(
        _ parts: [Part], _ open: String, _ close: String, to text: inout [UInt8],
        _ body: (Part, inout [UInt8]) throws(SchemaError) -> Void
    ) throws(SchemaError) {
        text += Array(open.utf8)
        for (index, part) in parts.enumerated() {
            if index > 0 { text.append(UInt8(ascii: ",")) }
            try body(part, &text)
        }
        text += Array(close.utf8)
    }

    private func append(_ reference: PlanReference, to text: inout [UInt8]) throws(SchemaError) {
        // The plan was checked, so what has no meaning has no value either.
        let field = (try? scope.meaning(of: reference))?.field
        var options = options
        if let number = plan.number(of: reference.name) { options.types = plan.steps[number].route.types }
        try append(values.part(reference), field, options, to: &text)
    }

    // MARK: Values

    private func append(
        _ part: PlanPart, _ field: (FieldDescriptor, MessageDescriptor)?, _ options: JSONEncodingOptions,
        to text: inout [UInt8]
    ) throws(SchemaError) {
        switch part {
        case .absent: text += Array("null".utf8)
        case .value(let value): try append(value, field, options, to: &text)
        case .list(let parts):
            try append(parts, "[", "]", to: &text) { part, text throws(SchemaError) in
                try append(part, field, options, to: &text)
                guard text.count <= bytesMax else {
                    throw SchemaError(.limitExceeded, "the answer is too long")
                }
            }
        }
    }

    private func append(
        _ value: DynamicValue, _ field: (FieldDescriptor, MessageDescriptor)?,
        _ options: JSONEncodingOptions, to text: inout [UInt8]
    ) throws(SchemaError) {
        switch value {
        case .string(let value): text += Array(JSONText.quoted(value).utf8)
        case .bool(let value): text += Array("\(value)".utf8)
        case .int32(let number): text += Array("\(number)".utf8)
        case .uint32(let number): text += Array("\(number)".utf8)
        case .message(let message): text += try message.jsonUTF8Bytes(options: options)
        case .list(let elements) where field?.0.isRepeated != true:
            try append(elements, "[", "]", to: &text) { element, text throws(SchemaError) in
                try append(element, field, options, to: &text)
            }
        default:
            guard let (field, type) = field else {
                throw SchemaError(.invalidValue, "a value of no field")
            }
            text += try Self.json(value, field, type, options)
        }
    }

    /// A field's value by the rules of JSON for its type. Of an element of a list, the list around it is taken off.
    private static func json(
        _ value: DynamicValue, _ field: FieldDescriptor, _ type: MessageDescriptor,
        _ options: JSONEncodingOptions
    ) throws(SchemaError) -> [UInt8] {
        var isElement = false
        if field.isRepeated, !field.isMap {
            if case .list = value {} else { isElement = true }
        }
        var parent = DynamicMessage(type)
        try parent.set(numbered: field.number, to: isElement ? .list([value]) : value)
        let printed = try parent.withEncodedBytes { Array($0) }
        let json = try printed.span.bytes.withUnsafeBytes { bytes throws(SchemaError) in
            try JSONTranscoder.json(fromEncoded: bytes, of: field, in: type, options: options)
        }
        return isElement ? Array(json.dropFirst().dropLast()) : json
    }
}
