// SPDX-License-Identifier: Apache-2.0

import RavioliSchema

/// Writes what a service consists of in Swift: its methods' handles, a client, a protocol to implement and a fake.
struct ServiceGenerator {
    private let service: ServiceDescriptor
    private let context: GenerationContext
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
        var isUnary: Bool { !descriptor.clientStreaming && !descriptor.serverStreaming }
    }

    init(_ service: ServiceDescriptor, context: GenerationContext) {
        self.service = service
        self.context = context
        base = context.names.services[service.fullName] ?? simpleName(service.fullName)
        var scope = SwiftNames.Scope(["descriptor", "methods", "channel", "client", "self", "init"])
        methods = service.methods.enumerated().map { index, method in
            Method(
                index: index, descriptor: method, bare: scope.claim([SwiftNames.lowerCamel(method.name)]),
                input: context.names.types[method.input.fullName] ?? "",
                output: context.names.types[method.output.fullName] ?? "")
        }
    }

    func write(to code: inout CodeWriter) {
        writeHandles(&code)
        writeClient(&code)
        writeProtocol(&code)
        writeMethods(&code)
        FakeGenerator(
            service: service.fullName, base: base, visibility: visibility,
            methods: methods.filter(\.isUnary).map {
                .init(name: $0.bare, input: $0.input, output: $0.output)
            }
        ).write(to: &code)
    }

    private var visibility: String { context.visibility }

    private func document(_ method: Method, _ code: inout CodeWriter) {
        code.documentation(context.comments["\(service.fullName).\(method.descriptor.name)"])
        if method.descriptor.isDeprecated { code.line("/// - Warning: Deprecated in the schema.") }
    }

    private func writeHandles(_ code: inout CodeWriter) {
        code.gap()
        code.documentation(context.comments[service.fullName] ?? "The methods of `\(service.fullName)`.")
        code.block("\(visibility)enum \(base)") { code in
            code.line(
                "\(visibility)static let descriptor = \(context.schema).file.service(\"\(service.fullName)\")"
            )
            for method in methods {
                code.gap()
                document(method, &code)
                code.list(
                    "\(visibility)static let \(method.name) = Ravioli.Method<\(method.input), \(method.output)>",
                    ["descriptor: descriptor.methods[\(method.index)]"], "")
            }
        }
    }

    private func writeClient(_ code: inout CodeWriter) {
        code.gap()
        code.line("/// Calls `\(service.fullName)` through any channel.")
        code.block("\(visibility)struct \(base)Client: \(context.names.swift("Sendable"))") { code in
            code.line("\(visibility)let channel: any Ravioli.Channel")
            code.gap()
            code.line("\(visibility)init(_ channel: any Ravioli.Channel) { self.channel = channel }")
            for method in methods where method.isUnary {
                code.gap()
                document(method, &code)
                code.line("\(visibility)func \(method.name)(")
                code.line("    _ request: \(method.input), options: Ravioli.CallOptions = .defaults")
                code.block(") async throws(Ravioli.RPCError) -> \(method.output)") { code in
                    code.line("try await channel.call(\(base).\(method.name), request, options: options)")
                }
            }
        }
    }

    private func writeProtocol(_ code: inout CodeWriter) {
        code.gap()
        code.line("/// Implement this to serve `\(service.fullName)`.")
        code.block("\(visibility)protocol \(base)Service: Ravioli.Service") { code in
            for method in methods where method.isUnary {
                code.gap()
                document(method, &code)
                code.list(
                    "func \(method.name)", ["_ request: \(method.input)", "context: Ravioli.CallContext"],
                    " async throws -> \(method.output)")
            }
        }
    }

    private func writeMethods(_ code: inout CodeWriter) {
        code.gap()
        code.block("extension \(base)Service") { code in
            code.line("\(visibility)var descriptor: RavioliSchema.ServiceDescriptor { \(base).descriptor }")
            code.gap()
            code.block("\(visibility)var methods: [Ravioli.MethodHandler]") { code in
                if methods.isEmpty { return code.line("[]") }
                code.line("[")
                for method in methods { code.line("    \(handler(of: method)),") }
                code.line("]")
            }
        }
    }

    private func handler(of method: Method) -> String {
        let handle = "\(base).\(method.name)"
        guard method.isUnary else { return ".unimplemented(\(handle))" }
        return ".unary(\(handle)) { try await self.\(method.name)($0, context: $1) }"
    }
}
