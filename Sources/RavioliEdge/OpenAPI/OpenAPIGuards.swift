// SPDX-License-Identifier: Apache-2.0

package import Ravioli
import RavioliSchema

/// What the document says about tokens and limits.
package struct OpenAPIGuards: Sendable {
    private static let scheme = "bearer"

    /// A refusal that the guards may answer with.
    private enum Refusal: String, CaseIterable {
        case unauthenticated = "401"
        case permissionDenied = "403"
        case resourceExhausted = "429"

        func name(isConnect: Bool) -> String {
            let name: String
            switch self {
            case .unauthenticated: name = "Unauthenticated"
            case .permissionDenied: name = "PermissionDenied"
            case .resourceExhausted: name = "ResourceExhausted"
            }
            return isConnect ? "Connect" + name : name
        }
    }

    private var access: AccessRules?
    private var limits: [RoutePattern] = []

    /// Nobody guards anything.
    package init() {}

    /// What the options of an edge ask for.
    ///
    /// - Throws: `invalidConfiguration` for a pattern that is none.
    package init(_ options: EdgeOptions) throws(RuntimeError) {
        if let jwt = options.jwt { access = try AccessRules(jwt) }
        for rule in options.rateLimits {
            limits.append(try RoutePattern(method: rule.method, path: rule.path))
        }
    }

    private var refusals: [Refusal] {
        (access == nil ? [] : [.unauthenticated, .permissionDenied])
            + (limits.isEmpty ? [] : [.resourceExhausted])
    }

    // MARK: The whole document

    /// How callers say who they are.
    package var securitySchemes: [String: JSONNode] {
        if access == nil { return [:] }
        return [Self.scheme: ["type": "http", "scheme": "bearer", "bearerFormat": "JWT"]]
    }

    /// The refusals, for operations to refer to.
    func responses(includesConnect: Bool) -> [String: JSONNode] {
        var responses: [String: JSONNode] = [:]
        for refusal in refusals {
            responses[refusal.name(isConnect: false)] = Self.response(refusal, OpenAPIErrors.content)
            if includesConnect {
                responses[refusal.name(isConnect: true)] = Self.response(
                    refusal, OpenAPIErrors.connectContent)
            }
        }
        return responses
    }

    private static func response(_ refusal: Refusal, _ content: JSONNode) -> JSONNode {
        let text: JSONNode = ["type": "string"]
        let seconds: JSONNode = ["type": "integer", "minimum": 1]
        switch refusal {
        case .unauthenticated:
            return [
                "description": "There is no token, or it is not valid.",
                "headers": ["WWW-Authenticate": ["schema": text]], "content": content,
            ]
        case .permissionDenied:
            return ["description": "The token does not allow this.", "content": content]
        case .resourceExhausted:
            return [
                "description": "There were too many requests.",
                "headers": [
                    "Retry-After": ["description": "Seconds.", "schema": seconds],
                    "RateLimit": ["schema": text], "RateLimit-Policy": ["schema": text],
                ], "content": content,
            ]
        }
    }

    // MARK: Operations

    /// The operation with what its callers need and may be told; nil for one that nobody may call.
    ///
    /// - Parameters:
    ///   - method: what it leads to; nil for no method.
    ///   - form: its path, as OpenAPI writes it.
    func guarded(
        _ operation: JSONNode, _ method: MethodDescriptor?, form: String, isConnect: Bool
    ) -> JSONNode? {
        guard case .object(var members) = operation else { return operation }
        var answers: [Refusal] = []
        if let need = access?.need(method, form: form) {
            switch need.access {
            case .nobody: return nil
            case .everybody: members.append(("security", []))
            case .token:
                if !need.scopes.isEmpty {
                    members.append(
                        ("security", [.object([(Self.scheme, .array(need.scopes.map { .string($0) }))])]))
                }
                answers = [.unauthenticated, .permissionDenied]
            }
        }
        if limits.contains(where: { $0.matches(method, form: form) }) { answers.append(.resourceExhausted) }
        let more = answers.map { refusal -> (name: String, value: JSONNode) in
            let name = refusal.name(isConnect: isConnect)
            return (refusal.rawValue, ["$ref": .string("#/components/responses/" + name)])
        }
        for index in members.indices where members[index].name == "responses" && !more.isEmpty {
            members[index].value = members[index].value.adding(more)
        }
        return .object(members)
    }
}
