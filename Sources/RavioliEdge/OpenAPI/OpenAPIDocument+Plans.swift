// SPDX-License-Identifier: Apache-2.0

import RavioliSchema

// MARK: Plans

extension OpenAPIDocument {
    static let missingName = "Error.Missing"
    private static let planTag = "Pages"

    /// The tag of all plans, if there are any.
    var planTags: [JSONNode] {
        if options.plans.isEmpty { return [] }
        return [
            [
                "name": .string(Self.planTag),
                "description":
                    "Answers that are put together from several calls. What is missing in one is listed in `errors`.",
            ]
        ]
    }

    /// An entry of a plan's `errors`.
    static let missing: JSONNode = [
        "type": "object", "description": "A part that is missing in the answer, and why.",
        "properties": [
            "step": ["type": "string", "description": "The step of the plan that would have answered it."],
            "index": [
                "type": "integer", "minimum": 0,
                "description": "Which element of the step's list it is, where it is not all of them.",
            ],
            "code": ["type": "string", "enum": .array(OpenAPIErrors.codes)],
            "message": ["type": "string", "description": "For a developer."],
        ],
        "required": ["step", "code", "message"], "additionalProperties": false,
    ]

    /// Describes a plan.
    mutating func add(_ plan: Plan, _ binding: RESTBinding) {
        let source = plan.source
        var operation: [(name: String, value: JSONNode)] = [
            ("tags", [.string(Self.planTag)]), ("operationId", .string("Pages_\(source.name)")),
        ]
        if !source.description.isEmpty {
            operation.append(("summary", .string(Self.firstSentence(source.description))))
            operation.append(("description", .string(source.description)))
        }
        let (path, places) = restPaths.path(of: binding)
        var parameters = places.map { pathParameter($0, source, plan.parameters) }
        let bound = Set(binding.variables.map(\.name))
        let others = source.parameters.filter { !bound.contains($0.name) }
        if source.httpMethod == "GET" {
            parameters += others.map { queryParameter($0, plan.parameters) }
        }
        if !parameters.isEmpty { operation.append(("parameters", .array(parameters))) }
        if source.httpMethod == "POST" {
            operation.append(("requestBody", requestBody(others, plan.parameters)))
        }
        operation.append(
            (
                "responses",
                [
                    "200": [
                        "description": "The parts that could be had, and what is missing.",
                        "content": ["application/json": ["schema": answer(of: plan)]],
                    ],
                    "default": OpenAPIErrors.response,
                ]
            ))
        add(.object(operation), source.httpMethod.lowercased(), path, of: nil)
    }

    // MARK: Parameters

    private mutating func pathParameter(
        _ place: OpenAPIPaths.Parameter, _ source: PlanSource, _ parameters: PlanParameters
    ) -> JSONNode {
        var schema: JSONNode = ["type": "string"]
        let name = place.variable?.name ?? ""
        if let field = parameters.field(name), place.variable?.place.takesSeveral != true {
            schema = schemas.schema(of: field)
        }
        var members: [(name: String, value: JSONNode)] = [
            ("name", .string(place.name)), ("in", "path"), ("required", true),
        ]
        if let text = source.parameters.first(where: { $0.name == name })?.description, !text.isEmpty {
            members.append(("description", .string(text)))
        }
        return .object(members + [("schema", schema)])
    }

    private mutating func queryParameter(
        _ parameter: PlanSource.Parameter, _ parameters: PlanParameters
    ) -> JSONNode {
        var members: [(name: String, value: JSONNode)] = [
            ("name", .string(parameter.name)), ("in", "query"),
        ]
        if parameter.isRequired { members.append(("required", true)) }
        if !parameter.description.isEmpty { members.append(("description", .string(parameter.description))) }
        return .object(members + [("schema", schema(of: parameter, parameters))])
    }

    private mutating func requestBody(
        _ given: [PlanSource.Parameter], _ parameters: PlanParameters
    ) -> JSONNode {
        var properties: [(name: String, value: JSONNode)] = []
        for parameter in given {
            var more: [(name: String, value: JSONNode)] = []
            if !parameter.description.isEmpty { more = [("description", .string(parameter.description))] }
            properties.append((parameter.name, schema(of: parameter, parameters).adding(more)))
        }
        var members: [(name: String, value: JSONNode)] = [
            ("type", "object"), ("properties", .object(properties)),
        ]
        let required = given.filter(\.isRequired).map { JSONNode.string($0.name) }
        if !required.isEmpty { members.append(("required", .array(required))) }
        members.append(("additionalProperties", false))
        return [
            "required": .bool(!required.isEmpty),
            "content": ["application/json": ["schema": .object(members)]],
        ]
    }

    private mutating func schema(
        of parameter: PlanSource.Parameter, _ parameters: PlanParameters
    ) -> JSONNode {
        guard let field = parameters.field(parameter.name) else { return [:] }
        let schema = schemas.schema(of: field)
        guard let text = parameter.defaultText else { return schema }
        switch parameter.type {
        case .bool: return schema.adding([("default", .bool(text == "true"))])
        case .int32, .uint32:
            return schema.adding([("default", Int(text).map(JSONNode.integer) ?? .string(text))])
        case .float, .double: return schema
        case .string, .int64, .uint64, .bytes: return schema.adding([("default", .string(text))])
        }
    }

    // MARK: Answers

    private mutating func answer(of plan: Plan) -> JSONNode {
        guard case .object(let members) = plan.response else { return ["type": "object"] }
        var properties = members.map { ($0.name, schema(of: $0.value, plan.scope)) }
        properties.append(
            ("errors", ["type": "array", "items": OpenAPISchemas.reference(Self.missingName)]))
        return Self.object(properties)
    }

    private static func object(_ properties: [(String, JSONNode)]) -> JSONNode {
        [
            "type": "object", "properties": .object(properties.map { (name: $0.0, value: $0.1) }),
            "required": .array(properties.map { .string($0.0) }), "additionalProperties": false,
        ]
    }

    private mutating func schema(of expression: PlanExpression, _ scope: PlanScope) -> JSONNode {
        switch expression {
        case .literal(let text, let isText): return Self.constant(text, isText: isText)
        case .object(let members): return Self.object(members.map { ($0.name, schema(of: $0.value, scope)) })
        case .list(let elements):
            if elements.isEmpty { return ["type": "array", "maxItems": 0] }
            return [
                "type": "array", "prefixItems": .array(elements.map { schema(of: $0, scope) }),
                "minItems": .integer(elements.count), "maxItems": .integer(elements.count),
            ]
        case .reference(let reference): return schema(of: reference, scope)
        }
    }

    private static func constant(_ text: String, isText: Bool) -> JSONNode {
        if isText { return ["const": .string(text)] }
        switch text {
        case "null": return ["type": "null"]
        case "true", "false": return ["const": .bool(text == "true")]
        default: return Int(text).map { ["const": .integer($0)] } ?? ["type": "number"]
        }
    }

    /// What may be absent may be null, in lists too.
    private mutating func schema(of reference: PlanReference, _ scope: PlanScope) -> JSONNode {
        // The plan was checked, so every reference has a meaning.
        guard let meaning = try? scope.meaning(of: reference) else { return [:] }
        var schema: JSONNode = [:]
        if case .message(let type) = meaning.type.element {
            schema = schemas.schema(of: type)
        } else if let (field, _) = meaning.field {
            schema = schemas.schema(ofElementOf: field)
        }
        if meaning.type.isList {
            if meaning.elementsMayBeAbsent { schema = Self.orNull(schema) }
            schema = ["type": "array", "items": schema]
        }
        return meaning.mayBeAbsent ? Self.orNull(schema) : schema
    }

    private static func orNull(_ schema: JSONNode) -> JSONNode {
        schema.isEmptyObject ? schema : ["anyOf": [schema, ["type": "null"]]]
    }
}
