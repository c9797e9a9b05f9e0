// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Ravioli
import RavioliSchema

/// The rules of access, ready to be asked.
struct AccessRules: Sendable {
    /// What a request needs.
    struct Need: Sendable, Hashable {
        var access = AccessRule.Access.token
        var scopes: [String] = []
        var roles: [String] = []
    }

    private let rules: [(pattern: RoutePattern, need: Need)]
    private let documentIsPublic: Bool

    /// - Throws: `invalidConfiguration` for a pattern that is none.
    init(_ options: JWTOptions) throws(RuntimeError) {
        var rules: [(RoutePattern, Need)] = []
        for rule in options.rules {
            let need = Need(access: rule.access, scopes: rule.scopes, roles: rule.roles)
            rules.append((try RoutePattern(method: rule.method, path: rule.path), need))
        }
        self.rules = rules
        documentIsPublic = options.documentIsPublic
    }

    /// What a request needs: what the first rule says that fits it; a token, if none does.
    func need(_ visit: Visit) -> Need {
        if documentIsPublic, case .document? = visit.target { return Need(access: .everybody) }
        let (method, path) = (visit.target?.method, visit.path)
        return rules.first { $0.pattern.matches(method, path) }?.need ?? Need()
    }

    /// What all requests need that have a method and a path of a form, as `/cars/{id}`.
    func need(_ method: MethodDescriptor?, form: String) -> Need {
        rules.first { $0.pattern.matches(method, form: form) }?.need ?? Need()
    }
}
