// SPDX-License-Identifier: Apache-2.0

import RavioliSchema

/// Writes what a service consists of in Swift: its methods' handles, a client, a protocol to implement and a fake.
struct ServiceGenerator {
    let service: ServiceDescriptor
    let context: GenerationContext

    private let base: String
    private let methods: [Method]

    private struct Method {
        let index: Int
        let descriptor: MethodDescriptor
        /// The name in lower camel case, without backticks.
        let bare: String
        let input: String
        let output: String

        var name: String { SwiftNames.escaped(bare) }
        var upper: String { bare.prefix(1).uppercased() + bare.dropFirst() }
        var isUnary: Bool { !descriptor.clientStreaming && !descriptor.serverStreaming }
    }

    init(_ service: ServiceDescriptor, context: GenerationContext) {
        self.service = service
        self.context = context
        base = context.names.services[service.fullName] ?? simpleName(service.fullName)
        var scope = SwiftNames.Scope(["descriptor", "methods", "channel", "client", "self", "init"])
        methods = service.methods.enumerated().map { index, method in
            Method(
                index: index, descriptor: method, bare: scope.claim(SwiftNames.lowerCamel(method.name)),
                input: context.names.types[method.input.fullName] ?? "",
                output: context.names.types[method.output.fullName] ?? "")
        }
    }

    func write(to code: inout CodeWriter) {
        writeHandles(&code)
        writeClient(&code)
        writeProtocol(&code)
        writeFake(&code)
    }

    private var visibility: String { context.visibility }
    private func comment(_ method: Method) -> String? {
        context.comments["\(service.fullName).\(method.descriptor.name)"]
    }

    private func writeHandles(_ code: inout CodeWriter) {
        code.documentation(context.comments[service.fullName] ?? "The methods of `\(service.fullName)`.")
        code.block("\(visibility)enum \(base)") { code in
            let schema = TypeNames.schema(of: context.file.name)
            code.line("\(visibility)static let descriptor = \(schema).file.service(\"\(service.fullName)\")")
            for method in methods {
                code.documentation(comment(method))
                code.line(
                    "\(visibility)static let \(method.name) = Ravioli.Method<\(method.input), \(method.output)>"
                        + "(descriptor: descriptor.methods[\(method.index)])")
            }
        }
        code.line()
    }

    private func writeClient(_ code: inout CodeWriter) {
        code.line("/// Calls `\(service.fullName)` through any channel.")
        code.block("\(visibility)struct \(base)Client: Sendable") { code in
            code.line("\(visibility)let channel: any Ravioli.Channel")
            code.line()
            code.line("\(visibility)init(_ channel: any Ravioli.Channel) { self.channel = channel }")
            for method in methods where method.isUnary {
                code.line()
                code.documentation(comment(method))
                code.line("\(visibility)func \(method.name)(")
                code.line("    _ request: \(method.input), options: Ravioli.CallOptions = .defaults")
                code.block(") async throws(Ravioli.RPCError) -> \(method.output)") { code in
                    code.line("try await channel.call(\(base).\(method.name), request, options: options)")
                }
            }
        }
        code.line()
    }

    private func writeProtocol(_ code: inout CodeWriter) {
        code.line("/// Implement this to serve `\(service.fullName)`.")
        code.block("\(visibility)protocol \(base)Service: Ravioli.Service") { code in
            for method in methods where method.isUnary {
                code.documentation(comment(method))
                code.line(
                    "func \(method.name)(_ request: \(method.input), context: Ravioli.CallContext) "
                        + "async throws -> \(method.output)")
            }
        }
        code.line()
        code.block("extension \(base)Service") { code in
            code.line("\(visibility)var descriptor: RavioliSchema.ServiceDescriptor { \(base).descriptor }")
            code.line("\(visibility)var methods: [Ravioli.MethodHandler] {")
            code.line("    [")
            for method in methods {
                let handle = "\(base).\(method.name)"
                code.line(
                    method.isUnary
                        ? "        .unary(\(handle)) { try await self.\(method.name)($0, context: $1) },"
                        : "        .unimplemented(\(handle)),")
            }
            code.line("    ]")
            code.line("}")
        }
        code.line()
    }

    private func writeFake(_ code: inout CodeWriter) {
        code.line("/// A stand-in for `\(service.fullName)` in tests. A method answers what it was told to with its `on…`;")
        code.line("/// one that was told nothing answers `unimplemented` and says its name.")
        code.block("\(visibility)final class \(base)Fake: \(base)Service") { code in
            for method in methods where method.isUnary {
                code.line(
                    "private let \(method.bare)Fake = Ravioli.FakeMethod<\(method.input), \(method.output)>"
                        + "(\"\(base)Fake.\(method.bare)\")")
            }
            code.line()
            code.line("\(visibility)init() {}")
            code.line()
            code.line("/// A client whose calls this fake answers, in process.")
            code.line("\(visibility)var client: \(base)Client { \(base)Client(Ravioli.InProcessChannel(self)) }")
            for method in methods where method.isUnary { writeFakeMethod(method, &code) }
        }
        code.line()
    }

    private func writeFakeMethod(_ method: Method, _ code: inout CodeWriter) {
        code.line()
        code.line("/// Sets what `\(method.bare)` answers.")
        code.line("\(visibility)func on\(method.upper)(")
        code.line(
            "    _ body: @escaping @Sendable (\(method.input), Ravioli.CallContext) async throws -> \(method.output)")
        code.line(") { \(method.bare)Fake.respond(body) }")
        code.line("/// The requests that `\(method.bare)` has received, in order.")
        code.line("\(visibility)var \(method.bare)Calls: [\(method.input)] { \(method.bare)Fake.calls }")
        code.line(
            "\(visibility)func \(method.name)(_ request: \(method.input), context: Ravioli.CallContext) "
                + "async throws -> \(method.output) {")
        code.line("    try await \(method.bare)Fake.call(request, context)")
        code.line("}")
    }
}
