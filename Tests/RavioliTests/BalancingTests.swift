// SPDX-License-Identifier: Apache-2.0

import Foundation
import Logging
import NIOCore
import NIOPosix
@testable import Ravioli
import RavioliSchema
import Synchronization
import Testing

@Suite struct EndpointChoiceTests {
    private typealias Candidate = EndpointChoice.Candidate

    @Test func theLessBusyOfTwoGetsTheCall() {
        let candidates = [5, 3, 9].map { Candidate(pending: $0, isUsable: true) }
        for (first, second, chosen) in [(0, 0, 1), (0, 1, 0), (2, 1, 1), (1, 1, 1), (2, 0, 0)] {
            var draws = [first, second]
            #expect(EndpointChoice.choose(candidates) { _ in draws.removeFirst() } == chosen)
            #expect(draws.isEmpty)
        }
    }

    @Test func oneThatCannotBeReachedIsLeftOutUnlessAllAre() {
        var candidates = [0, 7, 0].map { Candidate(pending: $0, isUsable: false) }
        #expect(EndpointChoice.choose(candidates) { _ in 0 } == 0)
        candidates[1].isUsable = true
        #expect(EndpointChoice.choose(candidates) { $0 - 1 } == 1)
        #expect(EndpointChoice.choose([]) { _ in 0 } == nil)
    }

    @Test func drawsAreOfDistinctReplicas() {
        let candidates = (0..<4).map { Candidate(pending: $0, isUsable: true) }
        var counts = [0, 0, 0, 0]
        for _ in 0..<4000 {
            guard let chosen = EndpointChoice.choose(candidates, draw: { Int.random(in: 0..<$0) }) else {
                continue
            }
            counts[chosen] += 1
        }
        // The busiest of four is never the less busy of two.
        #expect(counts[3] == 0)
        #expect(counts[0] > counts[1] && counts[1] > counts[2])
    }
}

@Suite struct DiscoveryFileTests {
    private func file(_ text: String) throws(RuntimeError) -> DiscoveryFile {
        try DiscoveryFile(Array(text.utf8), name: "services.txt")
    }

    @Test func aLineNamesAServiceAndItsReplicas() throws {
        let text = "# where\r\n\ncatalog  10.0.0.4:7001\t[::1]:7001 # two\npricing unix:/run/p.sock"
        #expect(
            try file(text).services == [
                "catalog": [.tcp(host: "10.0.0.4", port: 7001), .tcp(host: "::1", port: 7001)],
                "pricing": [.unix(path: "/run/p.sock")],
            ])
        #expect(try file("").services.isEmpty)
    }

    @Test(arguments: [
        ("\ncatalog nowhere", "services.txt, line 2: nowhere is neither HOST:PORT nor unix:PATH"),
        ("catalog", "services.txt, line 1: catalog has no address"),
        ("a b:1\na b:2", "services.txt, line 2: a second line for a"),
        ("a b:65536", "services.txt, line 1: b:65536 is neither HOST:PORT nor unix:PATH"),
    ])
    func whatIsWrongIsNamedWithItsLine(text: String, message: String) {
        let error = #expect(throws: RuntimeError.self) { try file(text) }
        #expect(error?.message == message)
    }

    @Test func aFileMustBeUTF8() {
        #expect(throws: RuntimeError.self) { try DiscoveryFile([0x61, 0xFF], name: "x") }
    }
}

@Suite(.timeLimit(.minutes(2)))
struct BalancedClientTests {
    private static func client(_ source: EndpointSource) throws -> BalancedClient {
        try BalancedClient("trial", source, options: .impatient, logger: Logger(label: "test"))
    }

    /// Runs some servers that count their calls.
    private func withReplicas(
        _ count: Int, _ body: ([Counting], [Address]) async throws -> Void
    ) async throws {
        let services = (0..<count).map { _ in Counting() }
        var servers: [Server] = []
        var addresses: [Address] = []
        for service in services {
            let server = try Server([service], on: .unix(path: temporarySocketPath()))
            addresses.append(try await server.start())
            servers.append(server)
        }
        do { try await body(services, addresses) } catch { Issue.record(error) }
        for server in servers { await server.stop() }
    }

    @Test func callsAreSpreadOverAllReplicas() async throws {
        try await withReplicas(3) { services, addresses in
            let client = try Self.client(.fixed(addresses))
            for _ in 0..<90 { _ = try await TrialClient(client).echo(EchoRequest()) }
            let counts = services.map { $0.calls.load(ordering: .relaxed) }
            #expect(counts.reduce(0, +) == 90 && counts.allSatisfy { $0 > 5 }, "\(counts)")
            await client.close()
            let late = await rpcError { try await TrialClient(client).echo(EchoRequest()) }
            #expect(late?.code == .unavailable && late?.executed == RPCError.Executed.no)
        }
    }

    @Test func callsMadeOnALoopStayThere() async throws {
        let service = Connections()
        try await withServer([service]) { _, address in
            let client = try LoopLocalClient(address, logger: Logger(label: "test"))
            let loops = Array(MultiThreadedEventLoopGroup.singleton.makeIterator())
            for loop in loops {
                for _ in 0..<5 {
                    try await Task(executorPreference: LoopExecutor(loop)) {
                        _ = try await TrialClient(client).echo(EchoRequest())
                    }.value
                }
            }
            #expect(service.peers.withLock { $0.count } == loops.count)
            _ = try await TrialClient(client).echo(EchoRequest())
            #expect(service.peers.withLock { $0.count } == loops.count)
            await client.close()
        }
    }

    @Test func aReplicaThatIsBusyGetsFewerCalls() async throws {
        try await withReplicas(2) { services, addresses in
            let client = try Self.client(.fixed(addresses))
            for service in services { service.mustWait.store(true, ordering: .relaxed) }
            async let first = TrialClient(client).echo(EchoRequest(), options: .timeout(.seconds(60)))
            func counts() -> [Int] { services.map { $0.calls.load(ordering: .relaxed) } }
            while counts() == [0, 0] { await Task.yield() }
            let busy = counts() == [1, 0] ? 0 : 1
            services[1 - busy].mustWait.store(false, ordering: .relaxed)
            for _ in 0..<20 { _ = try await TrialClient(client).echo(EchoRequest()) }
            #expect(services[busy].calls.load(ordering: .relaxed) == 1)
            services[busy].release.open()
            _ = try await first
            await client.close()
        }
    }

    @Test func aUnaryCallGoesRoundAReplicaThatIsDown() async throws {
        try await withReplicas(1) { services, addresses in
            let down = (0..<2).map { _ in Address.unix(path: temporarySocketPath()) }
            let client = try Self.client(.fixed(down + addresses))
            for _ in 0..<50 { _ = try await TrialClient(client).echo(EchoRequest()) }
            #expect(services[0].calls.load(ordering: .relaxed) == 50)
            await client.close()
        }
    }

    @Test func aStreamAvoidsAReplicaThatFailedBefore() async throws {
        try await withReplicas(1) { _, addresses in
            let down = Address.unix(path: temporarySocketPath())
            var options = ClientOptions.defaults
            options.backoff = .init(initial: .seconds(60), max: .seconds(60))
            let client = try BalancedClient(
                "trial", .fixed([down] + addresses), options: options, logger: Logger(label: "test"))
            var failures = 0
            for _ in 0..<40 {
                let call = client.stream(
                    StreamRequest(Trial.echo.name, request: [], options: .timeout(.seconds(60))))
                do { while try await call.next() != nil {} } catch { failures += 1 }
            }
            #expect(failures <= 1)
            await client.close()
        }
    }

    @Test func aDiscoveryFileIsFollowedWhileCallsGoOn() async throws {
        try await withReplicas(2) { services, addresses in
            let path = NSTemporaryDirectory() + "services-\(UUID().uuidString.prefix(8)).txt"
            defer { try? FileManager.default.removeItem(atPath: path) }
            func write(_ text: String) throws {
                try Data(text.utf8).write(to: URL(filePath: path), options: .atomic)
            }
            try write("trial \(addresses[0])")
            var balancing = BalancingOptions.defaults
            balancing.fileInterval = .milliseconds(5)
            let client = try BalancedClient(
                "trial", .file(path: path, service: "trial"), options: .impatient, balancing: balancing,
                logger: Logger(label: "test"))
            let running = Task { try await client.run() }
            services[0].mustWait.store(true, ordering: .relaxed)
            async let old = TrialClient(client).echo(EchoRequest(), options: .timeout(.seconds(60)))
            while services[0].calls.load(ordering: .relaxed) == 0 { await Task.yield() }
            try write("trial \(addresses[1])")
            while client.addresses != [addresses[1]] { await Task.yield() }
            // A file that is wrong changes nothing.
            try write("trial nowhere")
            for _ in 0..<20 { _ = try await TrialClient(client).echo(EchoRequest()) }
            #expect(client.addresses == [addresses[1]])
            #expect(services[1].calls.load(ordering: .relaxed) == 20)
            services[0].release.open()
            _ = try await old
            running.cancel()
            try await running.value
        }
    }

    @Test func aHostsNameStandsForAllItsAddresses() async throws {
        let service = Counting()
        let server = try Server([service], on: .tcp(host: "127.0.0.1", port: 0))
        guard case .tcp(_, let port) = try await server.start() else { return }
        let client = try Self.client(.dns(host: "localhost", port: port))
        #expect(client.addresses.isEmpty)
        let early = await rpcError { try await TrialClient(client).echo(EchoRequest()) }
        #expect(early?.code == .unavailable)
        await client.resolve()
        #expect(client.addresses.contains(.tcp(host: "127.0.0.1", port: port)))
        // If ::1 is one too, nobody listens there: calls go round it.
        for _ in 0..<10 { _ = try await TrialClient(client).echo(EchoRequest()) }
        #expect(service.calls.load(ordering: .relaxed) == 10)
        await client.close()
        await server.stop()
    }

    @Test func sourcesThatSayNothingAreRefused() throws {
        #expect(throws: RuntimeError.self) { try Self.client(.fixed([])) }
        #expect(throws: RuntimeError.self) { try Self.client(.file(path: "/nonexistent", service: "a")) }
        #expect(throws: RuntimeError.self) {
            try Self.client(.fixed((0...256).map { .tcp(host: "h", port: $0) }))
        }
        #expect(throws: RuntimeError.self) { try HostAddresses.of("no such host.invalid", port: 1) }
    }
}

/// Notes over which connections calls come.
private final class Connections: Service {
    let peers = Mutex<Set<String>>([])
    let descriptor = Trial.descriptor

    var methods: [MethodHandler] {
        [
            .unary(Trial.echo) { request, context in
                _ = self.peers.withLock { $0.insert(context.peer.address) }
                return EchoResponse(payload: request.payload)
            }
        ]
    }
}

/// Echoes, and counts.
private final class Counting: Service {
    let calls = Atomic<Int>(0)
    let mustWait = Atomic<Bool>(false)
    let release = Gate()
    let descriptor = Trial.descriptor

    var methods: [MethodHandler] {
        [
            .unary(Trial.echo) { request, _ in
                self.calls.add(1, ordering: .relaxed)
                if self.mustWait.load(ordering: .relaxed) { await self.release.wait() }
                return EchoResponse(payload: request.payload)
            }
        ]
    }
}
