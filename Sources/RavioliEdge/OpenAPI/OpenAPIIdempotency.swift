// SPDX-License-Identifier: Apache-2.0

package import Ravioli
import RavioliSchema

/// What the document says about `Idempotency-Key`.
package struct OpenAPIIdempotency: Sendable {
    private var methods: [RoutePattern] = []
    private var required: [RoutePattern] = []
    private var keyBytesMax = 0

    /// No call has a key.
    package init() {}

    /// What the options of an edge ask for.
    ///
    /// - Throws: `invalidConfiguration` for a pattern that is none.
    package init(_ options: IdempotencyOptions?) throws(RuntimeError) {
        guard let options else { return }
        methods = try RoutePattern.methods(options.methods)
        required = try RoutePattern.methods(options.required)
        keyBytesMax = options.keyBytesMax
    }

    /// The operation with the header that names a key, and what keys are refused with.
    func keyed(
        _ operation: JSONNode, _ httpMethod: String, _ method: MethodDescriptor?, isConnect: Bool
    ) -> JSONNode {
        guard case .object(var members) = operation, let method, httpMethod != "get", httpMethod != "head",
            !method.clientStreaming, !method.serverStreaming, method.idempotency != .noSideEffects
        else { return operation }
        let isRequired = required.contains { $0.matches(method, nil) }
        guard isRequired || methods.contains(where: { $0.matches(method, nil) }) else { return operation }
        if let index = members.firstIndex(where: { $0.name == "parameters" }),
            case .array(let others) = members[index].value
        {
            members[index].value = .array(others + [parameter(isRequired: isRequired)])
        } else {
            let place = members.firstIndex { $0.name == "requestBody" || $0.name == "responses" }
            members.insert(("parameters", [parameter(isRequired: isRequired)]), at: place ?? members.endIndex)
        }
        for index in members.indices where members[index].name == "responses" {
            members[index].value = members[index].value.adding(Self.refusals(isConnect: isConnect))
        }
        return .object(members)
    }

    private func parameter(isRequired: Bool) -> JSONNode {
        [
            "name": "Idempotency-Key", "in": "header",
            "description":
                "Chosen anew for each thing that shall happen once; a repeat with it gets the first answer.",
            "required": .bool(isRequired),
            "schema": ["type": "string", "minLength": 1, "maxLength": .integer(keyBytesMax)],
        ]
    }

    private static func refusals(isConnect: Bool) -> [(name: String, value: JSONNode)] {
        let content = isConnect ? OpenAPIErrors.connectContent : OpenAPIErrors.content
        let conflict: JSONNode = [
            "description": "The first request with this key still runs, or its answer is not known.",
            "content": content,
        ]
        if isConnect { return [("409", conflict)] }
        return [
            ("409", conflict),
            ("422", ["description": "The key stands for another request.", "content": content]),
        ]
    }
}
