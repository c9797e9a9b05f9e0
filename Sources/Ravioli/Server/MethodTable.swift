// SPDX-License-Identifier: Apache-2.0

import RavioliSchema

/// Everything a server serves, by name. Looked at once per method and connection; calls use its numbers.
struct MethodTable: Sendable {
    let handlers: [MethodHandler]
    private let numbers: [String: Int]
    private let services: Set<String>

    /// - Throws: `invalidConfiguration` when a service or method is given twice.
    init(_ services: [any Service]) throws(RuntimeError) {
        var handlers: [MethodHandler] = []
        var numbers: [String: Int] = [:]
        var names: Set<String> = []
        for service in services {
            guard names.insert(service.descriptor.fullName).inserted else {
                throw RuntimeError(
                    .invalidConfiguration, "the service \(service.descriptor.fullName) is given twice")
            }
            for handler in service.methods {
                guard numbers.updateValue(handlers.count, forKey: handler.name.fullName) == nil else {
                    throw RuntimeError(.invalidConfiguration, "the method \(handler.name) is given twice")
                }
                handlers.append(handler)
            }
        }
        self.handlers = handlers
        self.numbers = numbers
        self.services = names
    }

    /// The number of a method's handler.
    func number(of name: String) -> Int? { numbers[name] }

    /// What is wrong with a name nothing is served under.
    func explanation(for name: String) -> String {
        let shown = String(
            String.UnicodeScalarView(name.unicodeScalars.map { $0.isASCII && $0.value > 31 ? $0 : "?" }))
        let service = shown.prefix { $0 != "/" }
        if services.contains(String(service)) {
            return "the service \(service) has no method '\(shown.dropFirst(service.count + 1))'"
        }
        return "the service '\(service)' is not served here (method '\(shown)')"
    }
}
