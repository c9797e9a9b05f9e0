// SPDX-License-Identifier: Apache-2.0

package import RavioliSchema

/// A rule bound to its method: every name in it found in the schema, so that a request can only fail by its own fault.
package struct RESTBinding: Sendable {
    /// A part of the path and the field that it is the value of.
    package struct Variable: Sendable {
        /// The fields from the request down to the value.
        package var path: [FieldDescriptor]
        package var place: PathTemplate.Variable
        /// The path of names in the `.proto` file, with dots.
        package var name: String { path.map(\.name).joined(separator: ".") }
    }

    /// What the body of a request is.
    package enum Body: Sendable {
        case none
        /// The request itself.
        case all
        /// One of its fields.
        case field(FieldDescriptor)
    }

    package let rule: HTTPRule
    package let method: MethodDescriptor
    package let template: PathTemplate
    package let variables: [Variable]
    package let body: Body
    /// The response's field that the answer is; nil for all of it.
    package let responseField: FieldDescriptor?
    /// The field that says which fields a PATCH changes, if the body can tell; nil if there is none, or several.
    package let maskField: FieldDescriptor?
    /// The number of the plan that answers instead of the method; nil for a rule.
    var plan: Int?

    /// Checks a rule against its method.
    ///
    /// - Throws: what is wrong, naming the rule and the field.
    package init(_ rule: HTTPRule, method: MethodDescriptor) throws(RESTRuleError) {
        self.rule = rule
        self.method = method
        do throws(RESTRuleError) {
            template = try PathTemplate(rule.path)
            if method.clientStreaming {
                throw RESTRuleError("a method that takes a stream cannot be reached by REST")
            }
            var variables: [Variable] = []
            for variable in template.variables {
                variables.append(try Self.variable(variable, of: method.input))
            }
            self.variables = variables
            body = try Self.body(rule, method.input, variables)
            responseField = try Self.responseField(rule, method.output)
        } catch {
            throw RESTRuleError("\(rule.name): \(error.description)")
        }
        maskField = Self.maskField(rule, method.input, body)
    }

    /// Whether the answer is bytes of the service's own choice and no JSON.
    package var answersRaw: Bool { HTTPBody.isType(responseField?.messageType ?? responseTypeIfWhole) }
    private var responseTypeIfWhole: MessageDescriptor? { responseField == nil ? method.output : nil }

    /// Whether the body is taken as it is and no JSON.
    package var takesRaw: Bool {
        switch body {
        case .none: false
        case .all: HTTPBody.isType(method.input)
        case .field(let field): !field.isRepeated && HTTPBody.isType(field.messageType)
        }
    }

    // MARK: Checks

    private static func variable(
        _ place: PathTemplate.Variable, of type: MessageDescriptor
    ) throws(RESTRuleError) -> Variable {
        let name = place.fieldPath.joined(separator: ".")
        var path: [FieldDescriptor] = []
        var next: MessageDescriptor? = type
        for part in place.fieldPath {
            guard let type = next else {
                throw RESTRuleError("{\(name)} goes through \(path.last?.name ?? ""), which is no message")
            }
            guard let field = type.fields.first(where: { $0.name == part }) else {
                throw RESTRuleError("{\(name)}: \(type.fullName) has no field \"\(part)\"")
            }
            if field.isRepeated {
                throw RESTRuleError("{\(name)}: \(field.name) is \(field.isMap ? "a map" : "repeated")")
            }
            path.append(field)
            next = field.kind == .message ? field.messageType : nil
        }
        if let last = path.last, !FieldText.canRead(last) {
            throw RESTRuleError("{\(name)} is a message, which has no form as a part of a path")
        }
        return Variable(path: path, place: place)
    }

    private static func body(
        _ rule: HTTPRule, _ type: MessageDescriptor, _ variables: [Variable]
    ) throws(RESTRuleError) -> Body {
        if rule.body.isEmpty { return .none }
        if rule.httpMethod == "GET" || rule.httpMethod == "HEAD" {
            throw RESTRuleError("\(rule.httpMethod ?? "") has no body, and body is \"\(rule.body)\"")
        }
        if rule.body == "*" { return .all }
        guard let field = type.fields.first(where: { $0.name == rule.body }) else {
            throw RESTRuleError("body: \(type.fullName) has no field \"\(rule.body)\"")
        }
        if variables.contains(where: { $0.path.count == 1 && $0.path[0] === field }) {
            throw RESTRuleError("body: the path binds \"\(rule.body)\" already")
        }
        return .field(field)
    }

    private static func responseField(
        _ rule: HTTPRule, _ type: MessageDescriptor
    ) throws(RESTRuleError) -> FieldDescriptor? {
        if rule.responseBody.isEmpty { return nil }
        guard let field = type.fields.first(where: { $0.name == rule.responseBody }) else {
            throw RESTRuleError("response_body: \(type.fullName) has no field \"\(rule.responseBody)\"")
        }
        return field
    }

    private static func maskField(
        _ rule: HTTPRule, _ type: MessageDescriptor, _ body: Body
    ) -> FieldDescriptor? {
        guard rule.httpMethod == "PATCH", case .field(let field) = body, !field.isRepeated,
            let bodyType = field.messageType, bodyType.form == .ordinary
        else { return nil }
        let masks = type.fields.filter { !$0.isRepeated && $0.messageType?.form == .fieldMask }
        return masks.count == 1 ? masks[0] : nil
    }
}

extension MessageDescriptor {
    /// How JSON shows a message type.
    enum Form {
        case ordinary, timestamp, duration, fieldMask, wrapper, any, structure, value, listValue
    }

    /// Nothing outside `google.protobuf` is special.
    var form: Form {
        guard fullName.hasPrefix("google.protobuf.") else { return .ordinary }
        return Self.forms[String(fullName.dropFirst("google.protobuf.".count))] ?? .ordinary
    }

    private static let forms: [String: Form] = [
        "Timestamp": .timestamp, "Duration": .duration, "FieldMask": .fieldMask, "Any": .any,
        "Struct": .structure, "Value": .value, "ListValue": .listValue, "BoolValue": .wrapper,
        "StringValue": .wrapper, "BytesValue": .wrapper, "Int32Value": .wrapper, "UInt32Value": .wrapper,
        "Int64Value": .wrapper, "UInt64Value": .wrapper, "FloatValue": .wrapper, "DoubleValue": .wrapper,
    ]
}
