// SPDX-License-Identifier: Apache-2.0

package import RavioliSchema

/// Which rules hold for which methods.
package enum RESTRules {
    /// Binds the rules of all methods: their own, or those of a file where it has some for the method, since a file is
    /// written by whoever runs the edge.
    ///
    /// - Parameters:
    ///   - services: those that can be called, in order.
    ///   - file: the rules of a file, which come before the methods' own.
    ///   - exposure: which methods clients find; rules for others do not count.
    ///   - isComplete: whether `services` are all there are, so that a rule of the file without a method is a mistake.
    /// - Throws: the first thing that is wrong, naming the rule.
    package static func bindings(
        _ services: [ServiceDescriptor], file: RESTRuleFile = RESTRuleFile(), exposure: Exposure = .all,
        isComplete: Bool = true
    ) throws(RESTRuleError) -> [RESTBinding] {
        var bindings: [RESTBinding] = []
        var unused = Set(file.rules.keys)
        for service in services {
            for method in service.methods {
                let selector = "\(service.fullName).\(method.name)"
                unused.remove(selector)
                guard exposure.includes(method) else { continue }
                var rules = file.rules[selector] ?? []
                if file.rules[selector] == nil { rules = try HTTPRule.annotated(method) }
                for var rule in rules {
                    rule.keepsReserved = file.keepsReserved
                    bindings.append(try RESTBinding(rule, method: method))
                }
            }
        }
        if isComplete, let selector = unused.min(), let rule = file.rules[selector]?.first {
            throw RESTRuleError("\(rule.name): there is no such method")
        }
        return bindings
    }
}
