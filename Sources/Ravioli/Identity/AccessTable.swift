// SPDX-License-Identifier: Apache-2.0

// A policy, compiled for the methods of one server. What a caller may do is worked out once per connection; a call
// costs one look into an array.

import Logging

/// Who may call which of a server's methods.
struct AccessTable: Sendable {
    private var everybody: Grants
    private var anyIdentity: Grants
    private var identities: [String: Grants] = [:]
    private var prefixes: [String: Grants] = [:]
    /// What somebody with the right identity may call.
    private var grantable: Grants
    private let methods: [MethodName]

    /// By a method's number.
    typealias Grants = [Bool]

    init(_ policy: AccessPolicy, methods: [MethodName]) {
        self.methods = methods
        let nothing = Grants(repeating: false, count: methods.count)
        (everybody, anyIdentity, grantable) = (nothing, nothing, nothing)
        for rule in policy.rules {
            let grants = methods.map { name in rule.methods.contains { $0.matches(name) } }
            grantable.formUnion(grants)
            switch rule.principal {
            case .everybody: everybody.formUnion(grants)
            case .anyIdentity: anyIdentity.formUnion(grants)
            case .identity(let name): identities[name, default: nothing].formUnion(grants)
            case .prefix(let prefix): prefixes[prefix, default: nothing].formUnion(grants)
            }
        }
    }

    /// What a caller may do, as long as this policy holds.
    ///
    /// - Parameter policy: the policy's number.
    func permissions(of identity: String?, policy: Int = 0) -> Permissions {
        var grants = everybody
        if let identity {
            grants.formUnion(anyIdentity)
            if let own = identities[identity] { grants.formUnion(own) }
            if !prefixes.isEmpty { addPrefixes(of: identity, to: &grants) }
        }
        return Permissions(
            identity: identity, granted: grants, grantable: grantable, methods: methods, policy: policy)
    }

    /// Every beginning that ends with a slash, as the prefixes do: as many look-ups as the name has segments.
    private func addPrefixes(of identity: String, to grants: inout Grants) {
        guard identity.hasPrefix(SPIFFEID.scheme) else { return }
        for slash in identity.indices.dropFirst(SPIFFEID.scheme.count) where identity[slash] == "/" {
            if let more = prefixes[String(identity[...slash])] { grants.formUnion(more) }
        }
    }

    /// Says which rules allow nothing here: names that are spelled wrong, or of other servers.
    static func warn(of policy: AccessPolicy, methods: [MethodName], _ logger: Logger) {
        for rule in policy.rules {
            for pattern in rule.methods where !methods.contains(where: pattern.matches) {
                logger.warning(
                    "a rule of the policy is about no method of this server",
                    metadata: ["rule": "\(policy.origin):\(rule.line)", "method": "\(pattern)"])
            }
        }
    }
}

/// What one caller may call. A class, so that looking at it costs a call without a policy one comparison with nil.
final class Permissions: Sendable {
    private let identity: String?
    private let granted: AccessTable.Grants
    private let grantable: AccessTable.Grants
    private let methods: [MethodName]
    /// The number of the policy that says so.
    let policy: Int

    fileprivate init(
        identity: String?, granted: AccessTable.Grants, grantable: AccessTable.Grants, methods: [MethodName],
        policy: Int
    ) {
        self.identity = identity
        self.granted = granted
        self.grantable = grantable
        self.methods = methods
        self.policy = policy
    }

    /// - Throws: `permission_denied`, or `unauthenticated` when an identity could help.
    func check(_ number: Int) throws(RPCError) {
        if granted[number] { return }
        guard let identity else {
            if grantable[number] {
                throw RPCError(
                    .unauthenticated, "\(methods[number]) needs a caller with a verified identity",
                    executed: .no)
            }
            throw RPCError(.permissionDenied, "nobody may call \(methods[number]) here", executed: .no)
        }
        throw RPCError(.permissionDenied, "\(identity) may not call \(methods[number])", executed: .no)
    }
}

extension [Bool] {
    fileprivate mutating func formUnion(_ other: [Bool]) {
        for index in indices where other[index] { self[index] = true }
    }
}
