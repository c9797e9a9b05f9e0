// SPDX-License-Identifier: Apache-2.0

import GRPCCore
import GRPCNIOTransportHTTP2Posix
import LoadDriver
import LoadSchema

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The load client on grpc-swift-2: as many clients, each with a connection, as it is told, and a task per call in flight.
@main
struct GRPCSwiftClient {
    typealias Transport = HTTP2ClientTransport.Posix
    typealias Request = Ravioli_Benchmark_V1_LoadRequest
    typealias Peer = Ravioli_Benchmark_V1_Load.Client<Transport>

    static func main() async throws {
        let options = LoadOptions()
        let clients = try (0..<options.connections).map { _ in
            GRPCClient(
                transport: try Transport(
                    target: .ipv4(address: options.host, port: options.port), transportSecurity: .plaintext))
        }
        let code = try await withThrowingDiscardingTaskGroup { group in
            for client in clients { group.addTask { try await client.runConnections() } }
            let code = await run(Driver(options), clients.map { Peer(wrapping: $0) })
            for client in clients { client.beginGracefulShutdown() }
            return code
        }
        exit(code)
    }

    static func run(_ load: Driver, _ peers: [Peer]) async -> Int32 {
        let meters = await withTaskGroup(of: Meter.self) { group in
            for worker in 0..<load.options.inFlight {
                let peer = peers[worker % peers.count]
                group.addTask { await work(load, peer, worker) }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        return await load.report(meters)
    }

    static func work(_ load: Driver, _ peer: Peer, _ worker: Int) async -> Meter {
        let options = load.options
        let request = Request.with { $0.payload = .init(repeating: 7, count: options.payload) }
        switch options.scenario {
        case .unary:
            var slow = request
            slow.delayMicroseconds = UInt32(options.delayMicroseconds)
            return await load.unary(worker: worker) { isSlow in
                let answer = try await peer.unary(isSlow ? slow : request)
                guard answer.payload.count == options.payload else { throw Meter.WrongAnswer() }
            }
        case .pi:
            return await load.unary(worker: worker) { _ in
                let answer = try await peer.pi(.with { $0.rounds = UInt32(options.rounds) })
                guard abs(answer.pi - .pi) < 1e-3 else { throw Meter.WrongAnswer() }
            }
        case .serverStream: return await load.streams { try await download(load, peer, request, $0) }
        case .clientStream: return await load.streams { try await upload(load, peer, request, $0) }
        case .bidi: return await load.streams { try await converse(load, peer, request, $0) }
        }
    }

    static func download(_ load: Driver, _ peer: Peer, _ request: Request, _ tally: Tally) async throws {
        var request = request
        request.messages = UInt32(load.streamMessages)
        let bytes = request.payload.count
        let count = try await peer.download(request) { response in
            var count = 0
            for try await message in response.messages where message.payload.count == bytes {
                count += 1
                tally.message()
            }
            return count
        }
        guard count == load.streamMessages else { throw Meter.WrongAnswer() }
    }

    static func upload(_ load: Driver, _ peer: Peer, _ request: Request, _ tally: Tally) async throws {
        let wanted = load.streamMessages
        let answer = try await peer.upload { requests in
            for _ in 0..<wanted {
                try await requests.write(request)
                tally.message()
            }
        }
        guard Int(answer.messages) == wanted else { throw Meter.WrongAnswer() }
    }

    static func converse(_ load: Driver, _ peer: Peer, _ request: Request, _ tally: Tally) async throws {
        let (wanted, bytes) = (load.streamMessages, request.payload.count)
        let count = try await peer.converse { requests in
            for _ in 0..<wanted { try await requests.write(request) }
        } onResponse: { response in
            var count = 0
            for try await message in response.messages where message.payload.count == bytes {
                count += 1
                tally.message()
            }
            return count
        }
        guard count == wanted else { throw Meter.WrongAnswer() }
    }
}
