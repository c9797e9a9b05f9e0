// SPDX-License-Identifier: Apache-2.0

// Unary echo of 64 bytes over one TCP connection on loopback, 64 calls in flight, client and server one event-loop
// thread each. Each line is one round; look at the best, because other processes share the machine.
//
//     swift run -c release --package-path Benchmarks --scratch-path .build-release EchoBenchmark [rounds] [calls]

import NIOCore
import NIOPosix
import Ravioli

@main
struct EchoBenchmark {
    static let inFlight = 64
    static let method = MethodName("ravioli.benchmark.v1.Echo/Echo")

    struct EchoBytes: Service {
        let name = "ravioli.benchmark.v1.Echo"
        let method: MethodName
        let execution: Execution
        var methods: [MethodHandler] {
            [MethodHandler.unaryBytes(method) { request, _ in request }.execution(execution)]
        }
    }

    static func main() async throws {
        let arguments = CommandLine.arguments.dropFirst().compactMap { Int($0) }
        let rounds = arguments.first ?? 5
        let calls = arguments.dropFirst().first ?? 300_000
        guard let method else { return }
        for execution in [Execution.onLoop, .offloaded] {
            try await measure(method, execution, rounds: rounds, calls: calls)
        }
    }

    static func measure(_ method: MethodName, _ execution: Execution, rounds: Int, calls: Int) async throws {
        let serverGroup = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let clientGroup = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let server = try Server(
            [EchoBytes(method: method, execution: execution)], on: .tcp(host: "127.0.0.1", port: 0),
            group: serverGroup)
        let address = try await server.start()
        let client = try Client(address, eventLoop: clientGroup.next())
        try await round(client, method, calls: calls / 10)
        var best = (pool: 0.0, loop: 0.0)
        for _ in 0..<rounds {
            let pool = try await round(client, method, calls: calls)
            let loop = try await client.withLoop { try await round(client, method, calls: calls) }
            print("handler \(execution)  callers on the pool \(Int(pool))/s  on the loop \(Int(loop))/s")
            best = (max(best.pool, pool), max(best.loop, loop))
        }
        print("handler \(execution)  best: pool \(Int(best.pool))/s, loop \(Int(best.loop))/s")
        await client.close()
        await server.stop()
        try await serverGroup.shutdownGracefully()
        try await clientGroup.shutdownGracefully()
    }

    /// Calls a second.
    @discardableResult
    static func round(_ client: Client, _ method: MethodName, calls: Int) async throws -> Double {
        let message = [UInt8](repeating: 7, count: 64)
        let clock = ContinuousClock()
        let start = clock.now
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<inFlight {
                group.addTask {
                    for _ in 0..<(calls / inFlight) {
                        let answer = try await client.unary(UnaryRequest(method, message: message))
                        precondition(answer.message.count == 64)
                    }
                }
            }
            try await group.waitForAll()
        }
        let elapsed = clock.now - start
        return Double(calls) / (Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) / 1e18)
    }
}
