// SPDX-License-Identifier: Apache-2.0

/// Writes a service's stand-in for tests: it answers what it was told to and notes what it was asked.
struct FakeGenerator {
    /// The full name of the service.
    let service: String
    /// What the names of the service's types start with.
    let base: String
    let visibility: String
    /// What Swift's `Void` is called where the schema may have a type of that name.
    let void: String
    let methods: [ServiceGenerator.Method]

    func write(to code: inout CodeWriter) {
        code.gap()
        code.line(
            "/// A stand-in for `\(service)` in tests. A method answers what it was told to with its `on…`; one that"
        )
        code.line("/// was told nothing answers `unimplemented` and says its name.")
        code.block("\(visibility)final class \(base)Fake: \(base)Service") { code in
            for method in methods where !isUnary(method) { writeBodyType(method, &code) }
            code.gap()
            for method in methods {
                code.list(
                    "private let \(recorder(method)) = Ravioli.\(recorderType(method))",
                    ["\"\(base)Fake.\(method.bare)\""], "")
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
    private func recorder(_ method: ServiceGenerator.Method) -> String { "_" + method.bare }

    private func recorderType(_ method: ServiceGenerator.Method) -> String {
        isUnary(method)
            ? "FakeMethod<\(method.input), \(method.output)>"
            : "FakeStream<\(method.input), \(bodyType(method))>"
    }

    private func isUnary(_ method: ServiceGenerator.Method) -> Bool {
        !method.streamsRequests && !method.streamsResponses
    }

    /// The type of a closure in the method's place; that of a stream is long enough to have a name.
    private func bodyType(_ method: ServiceGenerator.Method) -> String {
        guard isUnary(method) else {
            return "_" + method.bare.prefix(1).uppercased() + method.bare.dropFirst() + "Body"
        }
        return "@Sendable (\(method.parameterTypes)) async throws -> \(method.output)"
    }

    private func writeBodyType(_ method: ServiceGenerator.Method, _ code: inout CodeWriter) {
        code.gap()
        code.line("/// What runs in the place of `\(method.bare)`.")
        code.line("\(visibility)typealias \(bodyType(method)) = @Sendable (")
        code.line("    \(method.parameterTypes)")
        code.line(") async throws -> \(method.streamsResponses ? void : method.output)")
    }

    private func write(_ method: ServiceGenerator.Method, _ code: inout CodeWriter) {
        let upper = method.bare.prefix(1).uppercased() + method.bare.dropFirst()
        code.gap()
        code.line("/// Sets what `\(method.bare)` \(method.streamsResponses ? "does" : "answers").")
        code.list("\(visibility)func on\(upper)", ["_ body: @escaping \(bodyType(method))"], " {")
        code.body { $0.line("\(recorder(method)).respond(body)") }
        code.gap()
        writeCalls(method, &code)
        code.gap()
        code.list(
            "\(visibility)func \(method.name)", method.parameters, " async throws\(method.result) {")
        code.body { writeBody(method, &$0) }
    }

    private func writeCalls(_ method: ServiceGenerator.Method, _ code: inout CodeWriter) {
        let calls = "\(recorder(method)).calls"
        if method.streamsRequests {
            code.line(
                "/// The requests of each call of `\(method.bare)`, in order, as far as they were read.")
            code.line("\(visibility)var \(method.bare)Calls: [[\(method.input)]] { \(calls) }")
        } else {
            let requests = isUnary(method) ? calls : "\(calls).flatMap(\\.self)"
            code.line("/// The requests that `\(method.bare)` has received, in order.")
            code.line("\(visibility)var \(method.bare)Calls: [\(method.input)] { \(requests) }")
        }
    }

    private func writeBody(_ method: ServiceGenerator.Method, _ code: inout CodeWriter) {
        if isUnary(method) { return code.line("try await \(recorder(method)).call(request, context)") }
        let responses = method.streamsResponses ? "responses, " : ""
        guard method.streamsRequests else {
            return code.line("try await \(recorder(method)).begin(request)(request, \(responses)context)")
        }
        code.line("let (body, recorded) = try \(recorder(method)).begin(requests)")
        code.line("\(method.streamsResponses ? "" : "return ")try await body(recorded, \(responses)context)")
    }
}
