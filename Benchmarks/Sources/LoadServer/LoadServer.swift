// SPDX-License-Identifier: Apache-2.0

import LoadContract
import LoadDriver
import Ravioli
import RavioliWire
import Synchronization

/// Ravioli's own load server: with `--stack full`, the default, what a service has in production (metrics around each call);
/// with `--stack plain` no interceptors.
@main
struct LoadServer {
    static func main() async throws {
        var (host, port, isFull) = ("127.0.0.1", 0, true)
        var arguments = CommandLine.arguments.dropFirst()
        while let name = arguments.popFirst() {
            switch name {
            case "--listen":
                guard let address = arguments.popFirst().flatMap(LoadOptions.address) else {
                    LoadOptions.refuse(name)
                }
                (host, port) = address
            case "--stack": isFull = arguments.popFirst() != "plain"
            // Handlers that wait hold up nobody: they are asynchronous.
            case "--offload": break
            default: LoadOptions.refuse(name)
            }
        }
        allowFiles()
        var options = ServerOptions.defaults
        options.limits.callsRunningMax = 1024
        if isFull { options.observers = [CallCounts.shared.observer] }
        let server = try Server([Answers()], on: .tcp(host: host, port: port), options: options)
        guard case .tcp(_, let bound) = try await server.start() else { LoadOptions.refuse("--listen") }
        sayListening(port: bound)
        try await Task.sleep(for: .seconds(1 << 30))
    }
}

/// What a metrics library would count.
final class CallCounts: Sendable {
    static let shared = CallCounts()
    private let started = Atomic<Int>(0)
    private let ended = Atomic<Int>(0)
    private let failed = Atomic<Int>(0)
    private let nanoseconds = Atomic<Int64>(0)

    var observer: CallObserver {
        CallObserver { _ in
            self.started.add(1, ordering: .relaxed)
        } ended: { report in
            self.ended.add(1, ordering: .relaxed)
            if report.code != .ok { self.failed.add(1, ordering: .relaxed) }
            self.nanoseconds.add(report.duration.components.attoseconds / 1_000_000_000, ordering: .relaxed)
        }
    }
}

struct Answers: LoadService {
    func unary(_ request: LoadRequest, context: CallContext) async throws -> LoadResponse {
        if request.delayMicroseconds > 0 {
            try await Task.sleep(for: .microseconds(Int(request.delayMicroseconds)))
        }
        return LoadResponse(payload: request.payload)
    }

    func download(
        _ request: LoadRequest, responses: MessageWriter<LoadResponse>, context: CallContext
    ) async throws {
        let answer = LoadResponse(payload: request.payload)
        for _ in 0..<request.messages { try await responses.send(answer) }
    }

    func upload(_ requests: MessageStream<LoadRequest>, context: CallContext) async throws -> LoadResponse {
        var response = LoadResponse()
        for try await _ in requests { response.messages += 1 }
        return response
    }

    func converse(
        _ requests: MessageStream<LoadRequest>, responses: MessageWriter<LoadResponse>, context: CallContext
    ) async throws {
        for try await request in requests { try await responses.send(LoadResponse(payload: request.payload)) }
    }

    func pi(_ request: PiRequest, context: CallContext) async throws -> PiResponse {
        PiResponse(pi: leibnizPi(rounds: Int(request.rounds)))
    }
}
