// SPDX-License-Identifier: Apache-2.0

// Whether a large transfer holds up small calls on the same connection: the latency of 64-byte echoes alone, then beside a
// stream of 64 MiB in messages of 64 KiB, then beside single messages of 64 MiB. The rounds alternate, because other
// processes share the machine; quote the ratios.
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
                let trial = TrialClient(client)
                try await compare("beside 64 MiB in messages of 64 KiB", trial, calls, messageBytes: 64 << 10)
                try await compare("beside messages of 64 MiB", trial, calls, messageBytes: transferBytes)
            }
        }
    }

    private static func compare(
        _ name: String, _ trial: TrialClient, _ calls: Int, messageBytes: Int
    ) async throws {
        var ratios: [Double] = []
        var last: (alone: [Double], beside: [Double]) = ([], [])
        for _ in 0..<rounds {
            let alone = try await latencies(trial, calls)
            let beside = try await latencies(trial, calls, messageBytes: messageBytes)
            ratios.append(beside[beside.count * 99 / 100] / alone[alone.count * 99 / 100])
            last = (alone, beside)
        }
        ratios.sort()
        print(
            "\(name): p99 \(microseconds(last.beside)), alone \(microseconds(last.alone)); "
                + "ratio \(hundredths(ratios[rounds / 2])) (\(hundredths(ratios[0])) … \(hundredths(ratios[rounds - 1])))"
        )
    }

    /// Sorted, in microseconds; with transfers going on until the calls are done when a size is given.
    private static func latencies(
        _ trial: TrialClient, _ calls: Int, messageBytes: Int? = nil
    ) async throws -> [Double] {
        let transfers = messageBytes.map { bytes in
            Task {
                let message = AnswerRequest(payload: [UInt8](repeating: 7, count: bytes))
                while !Task.isCancelled {
                    _ = try await trial.collect { requests in
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

    private static func microseconds(_ sorted: [Double]) -> String {
        "\(Int(sorted[sorted.count * 99 / 100])) µs (p50 \(Int(sorted[sorted.count / 2])))"
    }

    private static func hundredths(_ value: Double) -> Double { (value * 100).rounded() / 100 }
}
