// SPDX-License-Identifier: Apache-2.0

// Whether a large transfer holds up small calls on the same connection: the latency of 64-byte echoes alone, then beside a
// stream of 64 MiB in messages of 64 KiB, then beside single messages of 64 MiB; and, since a transfer keeps processors busy
// whatever carries it, beside the same transfer on a connection of its own. The rounds alternate, because other processes
// share the machine; quote the ratios.
//
//     swift run -c release --package-path Benchmarks --scratch-path .build-release FairnessBenchmark [calls]

import Ravioli
import RavioliSchema
import RavioliWire
import TrialContract

@main
struct FairnessBenchmark {
    static let transferBytes = 64 << 20
    static let rounds = 5

    /// Echoes on the loop; counts what it is sent elsewhere, as a method that handles much at once should.
    struct Peer: Service {
        var descriptor: ServiceDescriptor { Trial.descriptor }
        var methods: [MethodHandler] {
            [
                .unary(Trial.echo) { request, _ in EchoResponse(payload: request.payload) },
                .clientStreaming(Trial.collect) { requests, _ in
                    var response = CollectResponse()
                    for try await request in requests { response.bytes += Int64(request.payload.count) }
                    return response
                }.execution(.offloaded),
            ]
        }
    }

    static func main() async throws {
        let calls = CommandLine.arguments.dropFirst().compactMap { Int($0) }.first ?? 20_000
        var server = ServerOptions.defaults
        server.limits.messageBytesMax = transferBytes + 1024
        server.limits.assemblyBytesMax = 2 * transferBytes
        try await withServer([Peer()], options: server) { _, address in
            try await withClient(address) { client in
                try await withClient(address) { other in
                    let pair = Pair(trial: TrialClient(client), other: TrialClient(other))
                    try await compare("64 MiB in messages of 64 KiB", pair, calls, messageBytes: 64 << 10)
                    try await compare("messages of 64 MiB", pair, calls, messageBytes: transferBytes)
                }
            }
        }
    }

    /// Clients of the same server, each with a connection of its own.
    private struct Pair {
        let trial: TrialClient
        let other: TrialClient
    }

    private static func compare(
        _ name: String, _ pair: Pair, _ calls: Int, messageBytes: Int
    ) async throws {
        var rounds: [(alone: Double, apart: Double, beside: Double)] = []
        for _ in 0..<Self.rounds {
            let alone = try await latencies(pair.trial, calls)
            let apart = try await latencies(pair.trial, calls, beside: (pair.other, messageBytes))
            let beside = try await latencies(pair.trial, calls, beside: (pair.trial, messageBytes))
            rounds.append((p99(alone), p99(apart), p99(beside)))
        }
        print("\(name): p99 of small calls, medians of \(Self.rounds) rounds")
        print("  alone \(Int(median(rounds.map(\.alone)))) µs")
        print("  transfer on another connection \(row(rounds.map { ($0.apart, $0.alone) }))")
        print("  transfer on the same connection \(row(rounds.map { ($0.beside, $0.alone) }))")
    }

    /// A figure, and its ratio to the one it is compared with: median, least and most.
    private static func row(_ rounds: [(figure: Double, base: Double)]) -> String {
        let ratios = rounds.map { $0.figure / $0.base }.sorted()
        let (least, most) = (ratios[0], ratios[ratios.count - 1])
        return "\(Int(median(rounds.map(\.figure)))) µs, "
            + "\(hundredths(median(ratios)))x (\(hundredths(least)) … \(hundredths(most)))"
    }

    private static func p99(_ sorted: [Double]) -> Double { sorted[sorted.count * 99 / 100] }
    private static func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }

    /// Sorted, in microseconds; with transfers in messages of a size going on until the calls are done.
    private static func latencies(
        _ trial: TrialClient, _ calls: Int, beside transfer: (TrialClient, messageBytes: Int)? = nil
    ) async throws -> [Double] {
        let transfers = transfer.map { carrier, bytes in
            Task {
                let message = AnswerRequest(payload: [UInt8](repeating: 7, count: bytes))
                while !Task.isCancelled {
                    _ = try await carrier.collect { requests in
                        for _ in 0..<(transferBytes / bytes) where !Task.isCancelled {
                            try await requests.send(message)
                        }
                    }
                }
            }
        }
        let clock = ContinuousClock()
        let request = EchoRequest(payload: [UInt8](repeating: 1, count: 64))
        var times: [Double] = []
        for _ in 0..<calls {
            let time = try await clock.measure { _ = try await trial.echo(request) }
            times.append(time / .microseconds(1))
        }
        transfers?.cancel()
        _ = try? await transfers?.value
        return times.sorted()
    }

    private static func hundredths(_ value: Double) -> Double { (value * 100).rounded() / 100 }
}
