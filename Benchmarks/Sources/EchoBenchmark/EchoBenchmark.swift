// SPDX-License-Identifier: Apache-2.0

// Unary echo of 64 bytes over one TCP connection on loopback, 64 calls in flight, client and server one event-loop
// thread each, messages encoded and decoded on both sides. Each line is one round; look at the best, because other processes share the machine.
//
//     swift run -c release --package-path Benchmarks --scratch-path .build-release EchoBenchmark [rounds] [calls]

import NIOCore
import NIOPosix
import Ravioli
import RavioliSchema
import TrialContract

@main
struct EchoBenchmark {
    static let inFlight = 64

    /// Answers what it is asked.
    struct Echo: TrialService {
        func echo(_ request: EchoRequest, context: CallContext) async throws -> EchoResponse {
            EchoResponse(payload: request.payload)
        }
        func fail(_ request: FailRequest, context: CallContext) async throws -> EchoResponse {
            EchoResponse()
        }
        func describe(_ request: DescribeRequest, context: CallContext) async throws -> DescribeResponse {
            DescribeResponse()
        }
        func watch(
            _ request: AnswerRequest, responses: MessageWriter<EchoResponse>, context: CallContext
        ) async throws {
            let answer = EchoResponse(payload: request.payload)
            for count in request.answerBytes {
                for _ in 0..<count { try await responses.send(answer) }
            }
        }

        func collect(
            _ requests: MessageStream<AnswerRequest>, context: CallContext
        ) async throws -> CollectResponse {
            var response = CollectResponse()
            for try await request in requests {
                response.requests += 1
                response.bytes += Int64(request.payload.count)
            }
            return response
        }

        func converse(
            _ requests: MessageStream<AnswerRequest>, responses: MessageWriter<EchoResponse>,
            context: CallContext
        ) async throws {
            for try await request in requests {
                try await responses.send(EchoResponse(payload: request.payload))
            }
        }

        func hang(_ request: HangRequest, context: CallContext) async throws -> EchoResponse {
            EchoResponse()
        }
    }

    /// The same service with its handlers on the global pool.
    struct Offloaded: Service {
        let service = Echo()
        var descriptor: ServiceDescriptor { service.descriptor }
        var methods: [MethodHandler] { service.methods.map { $0.execution(.offloaded) } }
    }

    static func main() async throws {
        let arguments = CommandLine.arguments.dropFirst().compactMap { Int($0) }
        let rounds = arguments.first ?? 5
        let calls = arguments.dropFirst().first ?? 300_000
        try await measure("on the loop", Echo(), rounds: rounds, calls: calls)
        try await measure("offloaded", Offloaded(), rounds: rounds, calls: calls)
    }

    static func measure(_ handlers: String, _ service: any Service, rounds: Int, calls: Int) async throws {
        let serverGroup = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let clientGroup = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let server = try Server([service], on: .tcp(host: "127.0.0.1", port: 0), group: serverGroup)
        let address = try await server.start()
        let client = try Client(address, eventLoop: clientGroup.next())
        let trial = TrialClient(client)
        try await round(trial, calls: calls / 10)
        var best = (pool: 0.0, loop: 0.0)
        for _ in 0..<rounds {
            let pool = try await round(trial, calls: calls)
            let loop = try await client.withLoop { try await round(trial, calls: calls) }
            print("handlers \(handlers): callers on the pool \(Int(pool))/s, on the loop \(Int(loop))/s")
            best = (max(best.pool, pool), max(best.loop, loop))
        }
        print("handlers \(handlers): best: pool \(Int(best.pool))/s, loop \(Int(best.loop))/s")
        await client.close()
        await server.stop()
        try await serverGroup.shutdownGracefully()
        try await clientGroup.shutdownGracefully()
    }

    /// Calls a second.
    @discardableResult
    static func round(_ client: TrialClient, calls: Int) async throws -> Double {
        let request = EchoRequest(payload: [UInt8](repeating: 7, count: 64))
        let clock = ContinuousClock()
        let start = clock.now
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<inFlight {
                group.addTask {
                    for _ in 0..<(calls / inFlight) {
                        let answer = try await client.echo(request)
                        precondition(answer.payload.count == 64)
                    }
                }
            }
            try await group.waitForAll()
        }
        let elapsed = clock.now - start
        return Double(calls)
            / (Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) / 1e18)
    }
}
