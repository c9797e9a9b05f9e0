// SPDX-License-Identifier: Apache-2.0

import Ravioli
package import RavioliSchema

/// Which methods there are for clients: those that are exposed and not hidden. For plans there are all.
package struct Exposure: Sendable {
    private let exposed: [RoutePattern]
    private let hidden: [RoutePattern]

    /// All methods.
    package static let all = Exposure()

    private init() { (exposed, hidden) = ([], []) }

    /// - Throws: `invalidConfiguration` for what is no pattern.
    init(_ options: EdgeOptions) throws(RuntimeError) {
        exposed = try Self.patterns(options.exposedMethods, "exposed methods")
        hidden = try Self.patterns(options.hiddenMethods, "hidden methods")
    }

    private static func patterns(_ texts: [String], _ name: String) throws(RuntimeError) -> [RoutePattern] {
        do throws(RuntimeError) { return try RoutePattern.methods(texts) } catch {
            throw RuntimeError(.invalidConfiguration, "\(name): \(error.message)")
        }
    }

    /// Whether clients find a method.
    package func includes(_ method: MethodDescriptor) -> Bool {
        guard exposed.isEmpty || exposed.contains(where: { $0.matches(method, nil) }) else { return false }
        return !hidden.contains { $0.matches(method, nil) }
    }
}
