// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Ravioli
import RavioliSchema

struct CallCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "call",
        abstract: "Calls a method with a request in JSON and prints the response as JSON.",
        discussion: """
            The response goes to standard output, everything else to standard error, so that both can be piped.

            Examples:
              ravioli call 127.0.0.1:7001 showroom.catalog.v1.Catalog/GetVehicle \\
                -d '{"vin": "1HGCM82633A004352"}'
              ravioli call 127.0.0.1:7001 showroom.catalog.v1.Catalog/AddVehicle \\
                -d @vehicle.json --timeout 2s
              echo '{}' | ravioli call unix:/run/shop.sock shop.v1.Orders/List -d - -v
              ravioli call 127.0.0.1:7001 shop.v1.Orders/Place -d '{"sku": "7"}' \\
                -H x-tenant:north -H trace-bin:AAEC

            Exit codes are listed in `ravioli --help`; with --json an error is one JSON object on standard error: \
            code, message, details, executed, origin.
            """)

    @OptionGroup var arguments: ServerArguments

    @Argument(help: ArgumentHelp("The method, as package.Service/Method.", valueName: "method"))
    var method: String

    @Option(
        name: [.short, .long],
        help: ArgumentHelp(
            "The request in JSON; @FILE reads it from a file, - from standard input.", valueName: "json"))
    var data = "{}"

    @Option(
        name: [.customShort("H"), .long],
        help: ArgumentHelp(
            "Metadata to send, as name:value; repeatable. Values of names that end in -bin are base64.",
            valueName: "name:value"))
    var header: [MetadataPair] = []

    @Flag(help: "Print an error as JSON.")
    var json = false

    @Flag(name: [.short, .long], help: "Also print the response's metadata and how long the call took.")
    var verbose = false

    @Flag(help: "Also print fields that are at their default.")
    var defaults = false

    func run() async throws {
        var types = DescriptorPool()
        do throws(Failure) {
            let name = try Self.methodName(method)
            let metadata = try Self.metadata(header)
            let request = try Terminal.request(data, bytesMax: SchemaLimits.defaults.jsonBytesMax)
            let result = await withFailure {
                try await arguments.withClient { try await call($0, name, metadata, request, types: &types) }
            }
            try result.get()
        } catch {
            throw Terminal.exit(error, asJSON: json, types: types)
        }
    }

    private func call(
        _ client: Client, _ name: MethodName, _ metadata: Metadata, _ request: [UInt8],
        types: inout DescriptorPool
    ) async throws(Failure) {
        let (method, pool) = try await ServerSchema(client, timeout: arguments.timeout.duration).method(name)
        types = pool
        guard !method.clientStreaming, !method.serverStreaming else {
            throw .call(
                RPCError(.unimplemented, "\(name) is a stream; this command makes unary calls", executed: .no)
            )
        }
        let message = try Self.encoded(request, method, types: pool)
        var options = CallOptions.timeout(arguments.timeout.duration)
        options.metadata = metadata
        let start = ContinuousClock.now
        do throws(RPCError) {
            let response = try await client.unary(UnaryRequest(name, message: message, options: options))
            if verbose { report(response.metadata, start.duration(to: .now)) }
            Terminal.answer(PrettyJSON.print(try text(response, method, types: pool)))
        } catch {
            if verbose { report(error.metadata, start.duration(to: .now)) }
            throw .call(error)
        }
    }

    // MARK: Requests

    private static func methodName(_ text: String) throws(Failure) -> MethodName {
        if let name = MethodName(text) { return name }
        let dotted = text.lastIndex(of: ".").map { text[..<$0] + "/" + text[text.index(after: $0)...] }
        let hint = text.contains("/") ? "" : dotted.map { "; did you mean \($0)?" } ?? ""
        throw .usage("'\(SchemaError.excerpt(text))' is no method: write package.Service/Method\(hint)")
    }

    private static func metadata(_ pairs: [MetadataPair]) throws(Failure) -> Metadata {
        var metadata = Metadata()
        for pair in pairs {
            if pair.name.hasSuffix("-bin") {
                guard let bytes = Base64.decode(pair.value) else {
                    throw .usage("the value of \(pair.name) is not base64")
                }
                metadata.add(pair.name, bytes: bytes)
            } else {
                metadata.add(pair.name, pair.value)
            }
        }
        return metadata
    }

    private static func encoded(
        _ json: [UInt8], _ method: MethodDescriptor, types: DescriptorPool
    ) throws(Failure) -> [UInt8] {
        var options = JSONDecodingOptions.defaults
        options.types = types
        do throws(SchemaError) {
            return try JSONTranscoder.encoded(fromJSON: json, as: method.input, options: options)
        } catch {
            throw .request(error)
        }
    }

    // MARK: Responses

    private func text(
        _ response: UnaryResponse, _ method: MethodDescriptor, types: DescriptorPool
    ) throws(RPCError) -> String {
        var options = JSONEncodingOptions.defaults
        options.emitsFieldsWithoutPresence = defaults
        options.printsUnresolvedAnyAsBase64 = true
        options.types = types
        do throws(SchemaError) {
            let json = try JSONTranscoder.json(
                fromEncoded: response.message, as: method.output, options: options)
            return String(decoding: json, as: UTF8.self)
        } catch {
            throw RPCError(.internal, "the response cannot be shown: \(error)", cause: error)
        }
    }

    private func report(_ metadata: Metadata, _ time: Duration) {
        for pair in metadata {
            Terminal.note("\(pair.name): \(pair.text ?? Base64.encode(pair.value))")
        }
        let microseconds = time / .microseconds(1)
        Terminal.note("took \((microseconds / 10).rounded() / 100) ms")
    }
}

/// Runs what may throw anything; failures of the commands' own come through, errors of calls keep their code.
func withFailure<Success>(_ body: () async throws -> Success) async -> Result<Success, Failure> {
    do {
        return .success(try await body())
    } catch let failure as Failure {
        return .failure(failure)
    } catch let error as RPCError {
        return .failure(.call(error))
    } catch {
        return .failure(.other("\(error)"))
    }
}
