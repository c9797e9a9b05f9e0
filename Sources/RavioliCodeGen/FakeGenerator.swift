// SPDX-License-Identifier: Apache-2.0

/// Writes a service's stand-in for tests: it answers what it was told to and notes what it was asked.
struct FakeGenerator {
    struct Method {
        /// The name in lower camel case, without backticks.
        var name: String
        var input: String
        var output: String
    }

    /// The full name of the service.
    let service: String
    /// What the names of the service's types start with.
    let base: String
    let visibility: String
    let methods: [Method]

    func write(to code: inout CodeWriter) {
        code.gap()
        code.line(
            "/// A stand-in for `\(service)` in tests. A method answers what it was told to with its `on…`; one that"
        )
        code.line("/// was told nothing answers `unimplemented` and says its name.")
        code.block("\(visibility)final class \(base)Fake: \(base)Service") { code in
            for method in methods {
                code.list(
                    "private let \(recorder(method)) = Ravioli.FakeMethod<\(method.input), \(method.output)>",
                    ["\"\(base)Fake.\(method.name)\""], "")
            }
            code.gap()
            code.line("\(visibility)init() {}")
            code.gap()
            code.line("/// A client whose calls this fake answers, in process.")
            code.line(
                "\(visibility)var client: \(base)Client { \(base)Client(Ravioli.InProcessChannel(self)) }")
            for method in methods { write(method, &code) }
        }
    }

    /// The property that answers and notes; no method's name starts with an underscore and a letter.
    private func recorder(_ method: Method) -> String { "_" + method.name }

    private func write(_ method: Method, _ code: inout CodeWriter) {
        let upper = method.name.prefix(1).uppercased() + method.name.dropFirst()
        code.gap()
        code.line("/// Sets what `\(method.name)` answers.")
        code.list(
            "\(visibility)func on\(upper)",
            [
                "_ body: @escaping @Sendable (\(method.input), Ravioli.CallContext) async throws -> \(method.output)"
            ], " {")
        code.body { $0.line("\(recorder(method)).respond(body)") }
        code.gap()
        code.line("/// The requests that `\(method.name)` has received, in order.")
        code.line("\(visibility)var \(method.name)Calls: [\(method.input)] { \(recorder(method)).calls }")
        code.gap()
        code.list(
            "\(visibility)func \(SwiftNames.escaped(method.name))",
            ["_ request: \(method.input)", "context: Ravioli.CallContext"],
            " async throws -> \(method.output) {")
        code.body { $0.line("try await \(recorder(method)).call(request, context)") }
    }
}
