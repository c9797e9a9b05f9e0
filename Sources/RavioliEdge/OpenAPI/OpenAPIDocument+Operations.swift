// SPDX-License-Identifier: Apache-2.0

import RavioliSchema

// MARK: REST

extension OpenAPIDocument {
    /// OpenAPI has no place for other methods.
    private static let httpMethods: Set<String> = [
        "GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE",
    ]

    /// Describes one rule.
    mutating func add(_ binding: RESTBinding) {
        guard let httpMethod = binding.rule.httpMethod, Self.httpMethods.contains(httpMethod) else { return }
        let method = binding.method
        let suffix = binding.rule.number == 0 ? "" : "_\(binding.rule.number)"
        var operation = opening(method, id: operationID(method) + suffix)
        let (path, places) = restPaths.path(of: binding)
        var parameters = places.map { pathParameter($0, binding) }
        if case .all = binding.body {} else { parameters += queryParameters(binding) }
        if !parameters.isEmpty { operation.append(("parameters", .array(parameters))) }
        if let body = requestBody(binding) { operation.append(("requestBody", body)) }
        operation.append(
            (
                "responses",
                [
                    "200": ["description": "What the call answers.", "content": content(binding)],
                    "default": OpenAPIErrors.response,
                ]
            ))
        add(.object(operation), httpMethod.lowercased(), path, of: method)
    }

    private mutating func pathParameter(
        _ place: OpenAPIPaths.Parameter, _ binding: RESTBinding
    ) -> JSONNode {
        var texts: [String] = []
        var schema: JSONNode = ["type": "string"]
        if let variable = place.variable, let field = variable.path.last {
            let owner = variable.path.dropLast().last?.messageType ?? binding.method.input
            if let comment = comments["\(owner.fullName).\(field.name)"] { texts.append(comment) }
            if variable.place.takesSeveral {
                texts.append("A part of `\(variable.name)`.")
            } else {
                schema = schemas.schema(of: field)
            }
        }
        if place.isRest { texts.append("May be several segments, parted by `/`.") }
        var members: [(name: String, value: JSONNode)] = [
            ("name", .string(place.name)), ("in", "path"), ("required", true),
        ]
        if !texts.isEmpty { members.append(("description", .string(texts.joined(separator: "\n\n")))) }
        return .object(members + [("schema", schema)])
    }

    // MARK: Queries

    private mutating func queryParameters(_ binding: RESTBinding) -> [JSONNode] {
        var parameters: [JSONNode] = []
        var open: [MessageDescriptor] = []
        addParameters(of: binding.method.input, [], binding, &open, &parameters)
        return parameters
    }

    /// Every leaf that neither path nor body binds. A type inside itself is not gone into again.
    private mutating func addParameters(
        of type: MessageDescriptor, _ path: [FieldDescriptor], _ binding: RESTBinding,
        _ open: inout [MessageDescriptor], _ parameters: inout [JSONNode]
    ) {
        open.append(type)
        defer { open.removeLast() }
        for field in type.fields where field.slot != nil && !isBound(path + [field], binding) {
            if FieldText.canRead(field) {
                parameters.append(queryParameter(path + [field], in: type))
            } else if !field.isRepeated, let inner = field.messageType, inner.form == .ordinary,
                !open.contains(inner)
            {
                addParameters(of: inner, path + [field], binding, &open, &parameters)
            }
        }
    }

    private func isBound(_ path: [FieldDescriptor], _ binding: RESTBinding) -> Bool {
        if case .field(let field) = binding.body, path.first === field { return true }
        return binding.variables.contains {
            $0.path.count == path.count && zip($0.path, path).allSatisfy { $0 === $1 }
        }
    }

    private mutating func queryParameter(_ path: [FieldDescriptor], in type: MessageDescriptor) -> JSONNode {
        var members: [(name: String, value: JSONNode)] = [
            ("name", .string(path.map(\.jsonName).joined(separator: "."))), ("in", "query"),
        ]
        if let field = path.last {
            if let comment = comments["\(type.fullName).\(field.name)"] {
                members.append(("description", .string(comment)))
            }
            if field.isDeprecated { members.append(("deprecated", true)) }
            members.append(("schema", schemas.schema(of: field)))
        }
        return .object(members)
    }

    // MARK: Bodies

    private mutating func requestBody(_ binding: RESTBinding) -> JSONNode? {
        if binding.takesRaw { return ["content": ["*/*": [:]]] }
        switch binding.body {
        case .none: return nil
        case .all:
            let schema = schemas.schema(of: binding.method.input)
            return ["content": ["application/json": ["schema": schema]]]
        case .field(let field):
            let schema = schemas.described(field, in: binding.method.input)
            return ["content": ["application/json": ["schema": schema]]]
        }
    }

    private mutating func content(_ binding: RESTBinding) -> JSONNode {
        if binding.answersRaw { return ["*/*": [:]] }
        var schema = schemas.schema(of: binding.method.output)
        if let field = binding.responseField { schema = schemas.schema(of: field) }
        guard binding.method.serverStreaming else { return ["application/json": ["schema": schema]] }
        return [
            "application/json": ["schema": ["type": "array", "items": schema]],
            "application/x-ndjson": [
                "schema": [
                    "description": "A line for each message; an error is the last.", "type": "object",
                    "properties": [
                        "result": schema, "error": OpenAPISchemas.reference(OpenAPIErrors.statusName),
                    ],
                ]
            ],
            "text/event-stream": [
                "schema": [
                    "description": "`data` of each event is a message; `end` or `error` is the last event.",
                    "type": "string",
                ]
            ],
        ]
    }
}

// MARK: Connect

extension OpenAPIDocument {
    /// Describes a method as Connect serves it.
    mutating func addConnect(_ method: MethodDescriptor) {
        let isStream = method.clientStreaming || method.serverStreaming
        let (input, output) = (schemas.schema(of: method.input), schemas.schema(of: method.output))
        let parts = options.prefix.split(separator: "/").map { "/\($0)" }.joined()
        let path = "\(parts)/\(method.path)"
        var operation = opening(method, id: operationID(method) + "_connect")
        operation.append(("x-ravioli", facts(method, path, input, output)))
        operation.append(("parameters", [OpenAPIErrors.timeoutParameter]))
        let type = isStream ? "application/connect+json" : "application/json"
        operation.append(
            ("requestBody", ["required": true, "content": .object([(type, Self.media(input, isStream))])]))
        operation.append(("responses", Self.connectResponses(type, output, isStream)))
        add(.object(operation), "post", path, of: method, isConnect: true)
        if !isStream, method.idempotency == .noSideEffects { addConnectGet(method, path, input, output) }
    }

    private mutating func addConnectGet(
        _ method: MethodDescriptor, _ path: String, _ input: JSONNode, _ output: JSONNode
    ) {
        var operation = opening(method, id: operationID(method) + "_connectGet")
        operation.append(
            (
                "parameters",
                [
                    ["name": "encoding", "in": "query", "required": true, "schema": ["const": "json"]],
                    [
                        "name": "message", "in": "query", "required": true,
                        "content": ["application/json": ["schema": input]],
                    ],
                    ["name": "connect", "in": "query", "schema": ["const": "v1"]],
                    OpenAPIErrors.timeoutParameter,
                ]
            ))
        operation.append(("responses", Self.connectResponses("application/json", output, false)))
        add(.object(operation), "get", path, of: method, isConnect: true)
    }

    /// For the page: what kind of call it is, and the types of its messages, which streams hide in envelopes.
    private func facts(
        _ method: MethodDescriptor, _ path: String, _ input: JSONNode, _ output: JSONNode
    ) -> JSONNode {
        [
            "method": .string(method.path), "clientStreaming": .bool(method.clientStreaming),
            "serverStreaming": .bool(method.serverStreaming), "request": input, "response": output,
        ]
    }

    private static func media(_ schema: JSONNode, _ isStream: Bool) -> JSONNode {
        guard isStream else { return ["schema": schema] }
        return [
            "schema": [
                "description":
                    "Envelopes of Connect's protocol: a byte of flags, four of length, and a message as JSON.",
                "type": "string", "contentMediaType": "application/connect+json",
            ]
        ]
    }

    private static func connectResponses(_ type: String, _ output: JSONNode, _ isStream: Bool) -> JSONNode {
        [
            "200": [
                "description": .string(
                    isStream ? "The messages; the last envelope says how it ended." : "What the call answers."
                ),
                "content": .object([(type, media(output, isStream))]),
            ],
            "default": OpenAPIErrors.connectResponse,
        ]
    }
}
