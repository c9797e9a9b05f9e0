// SPDX-License-Identifier: Apache-2.0

import GRPCCore
import GRPCNIOTransportHTTP2Posix
import LoadDriver
import LoadSchema

/// The load server on grpc-swift-2, with its defaults (windows of 8 MiB) as in its own performance tests.
@main
struct GRPCSwiftServer {
    static func main() async throws {
        let arguments = CommandLine.arguments
        guard let index = arguments.firstIndex(of: "--listen"), index + 1 < arguments.count,
            let (host, port) = LoadOptions.address(arguments[index + 1])
        else { LoadOptions.refuse("--listen is missing") }
        allowFiles()
        var config = HTTP2ServerTransport.Posix.Config.defaults
        config.rpc.maxRequestPayloadSize = .max
        let server = GRPCServer(
            transport: HTTP2ServerTransport.Posix(
                address: .ipv4(host: host, port: port), transportSecurity: .plaintext, config: config),
            services: [Answers()])
        try await withThrowingDiscardingTaskGroup { group in
            group.addTask { try await server.serve() }
            guard let address = try await server.listeningAddress?.ipv4 else { return }
            sayListening(port: address.port)
        }
    }
}

struct Answers: Ravioli_Benchmark_V1_Load.SimpleServiceProtocol {
    typealias Request = Ravioli_Benchmark_V1_LoadRequest
    typealias Response = Ravioli_Benchmark_V1_LoadResponse

    func unary(request: Request, context: ServerContext) async throws -> Response {
        if request.delayMicroseconds > 0 {
            try await Task.sleep(for: .microseconds(Int(request.delayMicroseconds)))
        }
        return .with { $0.payload = request.payload }
    }

    func download(request: Request, response: RPCWriter<Response>, context: ServerContext) async throws {
        let message = Response.with { $0.payload = request.payload }
        for _ in 0..<request.messages { try await response.write(message) }
    }

    func upload(
        request: RPCAsyncSequence<Request, any Error>, context: ServerContext
    ) async throws -> Response {
        var response = Response()
        for try await _ in request { response.messages += 1 }
        return response
    }

    func converse(
        request: RPCAsyncSequence<Request, any Error>, response: RPCWriter<Response>, context: ServerContext
    ) async throws {
        for try await message in request { try await response.write(.with { $0.payload = message.payload }) }
    }

    func pi(
        request: Ravioli_Benchmark_V1_PiRequest, context: ServerContext
    ) async throws -> Ravioli_Benchmark_V1_PiResponse {
        .with { $0.pi = leibnizPi(rounds: Int(request.rounds)) }
    }
}
