// SPDX-License-Identifier: Apache-2.0

import LoadContract
import LoadDriver
import NIOPosix
import Ravioli
import RavioliWire
import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Ravioli's own load client. `--callers pool`, the default, leaves its tasks on Swift's ordinary pool, `--callers loop` puts
/// them on the event loops of their connections. With `--stack full`, the default, each call has a deadline, a pair of metadata
/// and metrics around it; with `--stack plain` only the deadline, which every call has. `--idle-streams` opens so many
/// streams and leaves them idle, instead of all else.
@main
struct LoadClientProgram {
    let driver: Driver
    let options: LoadOptions
    let call: CallOptions

    static func main() async throws {
        let options = LoadOptions(others: ["--callers", "--stack", "--idle-streams"])
        let isFull = options.others["--stack"] != "plain"
        var clientOptions = ClientOptions.defaults
        clientOptions.limits.callsRunningMax = 1024
        let clients = try (0..<options.connections).map { _ in
            try Client(
                .tcp(host: options.host, port: options.port), options: clientOptions,
                eventLoop: MultiThreadedEventLoopGroup.singleton.next())
        }
        let call = isFull ? CallOptions.metadata(["x-request-id": "5f2b9c1e"]) : .defaults
        let program = LoadClientProgram(driver: Driver(options), options: options, call: call)
        if let count = options.others["--idle-streams"].flatMap(Int.init) {
            exit(await IdleStreams(options, call).hold(count, on: clients))
        }
        let counts = Counts()
        let meters = await withTaskGroup(of: [Meter].self) { group in
            for (index, client) in clients.enumerated() {
                let channel: any Channel =
                    isFull ? ObservedChannel(client, observers: [counts.observer]) : client
                let peer = LoadClient(channel)
                group.addTask {
                    guard options.others["--callers"] == "loop" else { return await program.run(peer, index) }
                    return await client.withLoop { await program.run(peer, index) }
                }
            }
            var meters: [Meter] = []
            for await some in group { meters += some }
            return meters
        }
        exit(await program.driver.report(meters))
    }

    /// The workers of one connection.
    private func run(_ peer: LoadClient, _ connection: Int) async -> [Meter] {
        await withTaskGroup(of: Meter.self) { group in
            for worker in stride(from: connection, to: options.inFlight, by: options.connections) {
                group.addTask { await work(peer, worker) }
            }
            var meters: [Meter] = []
            for await meter in group { meters.append(meter) }
            return meters
        }
    }

    private func work(_ peer: LoadClient, _ worker: Int) async -> Meter {
        let request = LoadRequest(payload: [UInt8](repeating: 7, count: options.payload))
        switch options.scenario {
        case .unary:
            var slow = request
            slow.delayMicroseconds = UInt32(options.delayMicroseconds)
            return await driver.unary(worker: worker) { isSlow in
                let answer = try await peer.unary(isSlow ? slow : request, options: call)
                guard answer.payload.count == options.payload else { throw Meter.WrongAnswer() }
            }
        case .pi:
            return await driver.unary(worker: worker) { _ in
                let answer = try await peer.pi(PiRequest(rounds: UInt32(options.rounds)), options: call)
                guard abs(answer.pi - .pi) < 1e-3 else { throw Meter.WrongAnswer() }
            }
        case .serverStream: return await driver.streams { try await download(peer, request, $0) }
        case .clientStream: return await driver.streams { try await upload(peer, request, $0) }
        case .bidi: return await driver.streams { try await converse(peer, request, $0) }
        }
    }

    private func download(_ peer: LoadClient, _ request: LoadRequest, _ tally: Tally) async throws {
        var request = request
        request.messages = UInt32(driver.streamMessages)
        var count = 0
        for try await message in peer.download(request, options: call)
        where message.payload.count == options.payload {
            count += 1
            tally.message()
        }
        guard count == driver.streamMessages else { throw Meter.WrongAnswer() }
    }

    private func upload(_ peer: LoadClient, _ request: LoadRequest, _ tally: Tally) async throws {
        let wanted = driver.streamMessages
        let answer = try await peer.upload(options: call) { requests in
            for _ in 0..<wanted {
                try await requests.send(request)
                tally.message()
            }
        }
        guard Int(answer.messages) == wanted else { throw Meter.WrongAnswer() }
    }

    private func converse(_ peer: LoadClient, _ request: LoadRequest, _ tally: Tally) async throws {
        let wanted = driver.streamMessages
        let exchange = peer.converse(options: call)
        async let sending: Void = {
            for _ in 0..<wanted { try await exchange.send(request) }
            exchange.finish()
        }()
        var count = 0
        for try await message in exchange.responses where message.payload.count == options.payload {
            count += 1
            tally.message()
        }
        try await sending
        guard count == wanted else { throw Meter.WrongAnswer() }
    }
}

/// What a metrics library would count.
final class Counts: Sendable {
    private let ended = Atomic<Int>(0)
    private let failed = Atomic<Int>(0)

    var observer: CallObserver {
        CallObserver { report in
            self.ended.add(1, ordering: .relaxed)
            if report.code != .ok { self.failed.add(1, ordering: .relaxed) }
        }
    }
}
