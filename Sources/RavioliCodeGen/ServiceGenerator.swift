// SPDX-License-Identifier: Apache-2.0

import RavioliSchema

/// Writes what a service consists of in Swift: its methods' handles, a client, a protocol to implement and a fake.
struct ServiceGenerator {
    private let service: ServiceDescriptor
    private let context: GenerationContext
    private let base: String
    private let methods: [Method]

    struct Method {
        let index: Int
        let descriptor: MethodDescriptor
        /// The name in lower camel case, without backticks.
        let bare: String
        let input: String
        let output: String

        var name: String { SwiftNames.escaped(bare) }
        var streamsRequests: Bool { descriptor.clientStreaming }
        var streamsResponses: Bool { descriptor.serverStreaming }
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
            service: service.fullName, base: base, visibility: visibility, void: context.names.swift("Void"),
            methods: methods
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
            for method in methods {
                code.gap()
                document(method, &code)
                writeCall(method, &code)
            }
        }
    }

    private func writeCall(_ method: Method, _ code: inout CodeWriter) {
        let handle = "\(base).\(method.name)"
        let start = "\(visibility)func \(method.name)("
        let options = "options: Ravioli.CallOptions = .defaults"
        switch (method.streamsRequests, method.streamsResponses) {
        case (false, false):
            code.line(start)
            code.line("    _ request: \(method.input), \(options)")
            code.block(") async throws(Ravioli.RPCError) -> \(method.output)") { code in
                code.line("try await channel.call(\(handle), request, options: options)")
            }
        case (false, true):
            code.line(start)
            code.line("    _ request: \(method.input), \(options)")
            code.block(") -> Ravioli.ResponseStream<\(method.output)>") { code in
                code.line("channel.responses(\(handle), request, options: options)")
            }
        case (true, false):
            code.line(start)
            code.line("    \(options),")
            code.line(
                "    requests body: (Ravioli.MessageWriter<\(method.input)>) async throws -> \(context.names.swift("Void"))"
            )
            code.block(") async throws -> \(method.output)") { code in
                code.line("try await channel.call(\(handle), options: options, requests: body)")
            }
        case (true, true):
            code.line(start)
            code.line("    \(options)")
            code.block(") -> Ravioli.BidirectionalCall<\(method.input), \(method.output)>") { code in
                code.line("channel.bidirectional(\(handle), options: options)")
            }
        }
    }

    private func writeProtocol(_ code: inout CodeWriter) {
        code.gap()
        code.line("/// Implement this to serve `\(service.fullName)`.")
        code.block("\(visibility)protocol \(base)Service: Ravioli.Service") { code in
            for method in methods {
                code.gap()
                document(method, &code)
                code.list("func \(method.name)", method.parameters, " async throws\(method.result)")
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
        let call = "try await self.\(method.name)"
        switch (method.streamsRequests, method.streamsResponses) {
        case (false, false): return ".unary(\(handle)) { \(call)($0, context: $1) }"
        case (false, true): return ".serverStreaming(\(handle)) { \(call)($0, responses: $1, context: $2) }"
        case (true, false): return ".clientStreaming(\(handle)) { \(call)($0, context: $1) }"
        case (true, true):
            return ".bidirectionalStreaming(\(handle)) { \(call)($0, responses: $1, context: $2) }"
        }
    }
}

extension ServiceGenerator.Method {
    /// What the method that a server implements takes.
    var parameters: [String] {
        var parameters = [
            streamsRequests ? "_ requests: Ravioli.MessageStream<\(input)>" : "_ request: \(input)"
        ]
        if streamsResponses { parameters.append("responses: Ravioli.MessageWriter<\(output)>") }
        return parameters + ["context: Ravioli.CallContext"]
    }

    /// The types of what it takes, for a closure in its place.
    var parameterTypes: String {
        var types = [streamsRequests ? "Ravioli.MessageStream<\(input)>" : input]
        if streamsResponses { types.append("Ravioli.MessageWriter<\(output)>") }
        return (types + ["Ravioli.CallContext"]).joined(separator: ", ")
    }

    /// What it returns: the response, or nothing when responses are sent.
    var result: String { streamsResponses ? "" : " -> \(output)" }
}
