// SPDX-License-Identifier: Apache-2.0

import Logging
import NIOCore
import NIOPosix
import RavioliSchema
import RavioliWire
import Synchronization
import Testing

@testable import Ravioli

@Suite(.timeLimit(.minutes(1)))
struct RuntimePartsTests {
    // MARK: Blocks against the generated types

    @Test func metadataBlocksAreWhatTheGeneratedTypesProduce() throws {
        var metadata: Metadata = ["x-a": "1", "x-empty": ""]
        metadata.add("x-bin", bytes: [0, 1, 0xFF])
        metadata.add("x-long", String(repeating: "z", count: 300))
        let generated = ProtoMetadata(
            pairs: metadata.map { ProtoMetadata.Pair(name: $0.name, value: $0.value) })
        let block = try #require(try metadata.block(bytesMax: 8192, pairsMax: 64))
        #expect(Array(block.readableBytesView) == (try generated.encoded()))
        #expect(try Metadata(block: block, limits: .defaults) == metadata)
    }

    @Test func statusBlocksAreWhatTheGeneratedTypesProduce() throws {
        let details = [
            StatusDetail(typeURL: "type.googleapis.com/a.B", value: [1, 2]),
            StatusDetail(typeURL: "", value: []),
        ]
        let block = try #require(StatusBlock(message: "no ☺", details: details).block(limits: .defaults))
        let generated = ProtoStatus(
            message: "no ☺", details: details.map { ProtoDetail(typeUrl: $0.typeURL, value: $0.value) })
        #expect(Array(block.readableBytesView) == (try generated.encoded()))
        let read = try StatusBlock(block: block, limits: .defaults)
        #expect(read == StatusBlock(message: "no ☺", details: details))
    }

    @Test func helloDetailsAreWhatTheGeneratedTypesProduce() throws {
        let details = HelloDetails(service: "catalog")
        let generated = ProtoHelloDetails(service: "catalog", software: "ravioli-swift")
        #expect(Array(details.block.readableBytesView) == (try generated.encoded()))
        #expect(HelloDetails(block: details.block) == details)
    }

    @Test func blocksSkipUnknownFieldsAndRefuseBrokenOnes() throws {
        let pair: [UInt8] = [0x0A, 6, 0x0A, 1, 0x61, 0x12, 1, 0x62]
        let unknown: [UInt8] = [0x10, 0xFF, 1, 0x1D, 1, 2, 3, 4, 0x21, 1, 2, 3, 4, 5, 6, 7, 8, 0x2A, 1, 0]
        #expect(try Metadata(block: ByteBuffer(bytes: unknown + pair), limits: .defaults) == ["a": "b"])
        let broken: [[UInt8]] = [
            [0x0A], [0x0A, 5], [0x0B], [0x00], [0x80],
            [0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 2],
            [0x0A, 3, 0x0A, 1, 0x41], [0x0A, 3, 0x0A, 1, 0xFF], [0x0A, 6, 0x0A, 1, 0x61, 0x12, 1, 0x0A],
            [0x0A, 0],
        ]
        for bytes in broken {
            #expect(throws: BlockError.self) {
                try Metadata(block: ByteBuffer(bytes: bytes), limits: .defaults)
            }
        }
    }

    @Test func aLongStatusIsCutSoThatItArrives() throws {
        let detail = StatusDetail(typeURL: "t", value: [UInt8](repeating: 1, count: 5000))
        let block = try #require(
            StatusBlock(message: String(repeating: "é", count: 2000), details: [detail, detail]).block(
                limits: .defaults))
        let read = try StatusBlock(block: block, limits: .defaults)
        #expect(read.message.utf8.count == 1024)
        #expect(read.details.count == 1)
    }

    // MARK: Timer wheel

    @Test func timersFireOnceAndNeverEarly() {
        var wheel = TimerWheel<Int>(now: 0)
        var random = SystemRandomNumberGenerator()
        var times: [Int] = []
        for number in 0..<2000 {
            times.append(Int.random(in: 0...20_000_000_000, using: &random))
            _ = wheel.insert(at: Int64(times[number]), number)
        }
        var fired: Set<Int> = []
        var now: Int64 = 0
        while wheel.count > 0, let next = wheel.nextLook() {
            #expect(next > now)
            now = next
            var due: [Int] = []
            wheel.expire(now: now, into: &due)
            for number in due {
                #expect(fired.insert(number).inserted)
                #expect(Int64(times[number]) <= now)
                #expect(now - Int64(times[number]) <= 2_000_000)
            }
        }
        #expect(fired.count == 2000)
    }

    @Test func cancelledTimersDoNotFire() {
        var wheel = TimerWheel<Int>(now: 5_000_000)
        let ids = (0..<100).map { wheel.insert(at: Int64($0) * 50_000_000, $0) }
        for id in ids where id != ids[3] { wheel.cancel(id) }
        wheel.cancel(ids[0])
        #expect(wheel.count == 1)
        var due: [Int] = []
        wheel.expire(now: 60_000_000_000, into: &due)
        #expect(due == [3])
        wheel.cancel(ids[3])
        #expect(wheel.count == 0)
        #expect(wheel.nextLook() == nil)
    }

    // MARK: The loop

    @Test func aHandlerThatHoldsUpTheLoopIsNamed() async throws {
        let log = RecordedLog()
        var options = ServerOptions.defaults
        options.stallThreshold = .milliseconds(2)
        let channel = InProcessChannel([BlockingService()], options: options, logger: log.logger)
        for _ in 0..<2 { _ = try await channel.call(Trial.echo, EchoRequest()) }
        // The stall is noted after the answer has left: a further call comes behind it.
        _ = try await channel.call(Trial.describe, DescribeRequest())
        #expect(log.texts.contains { $0.contains("ravioli.trial.v1.Trial/Echo") && $0.contains("offloaded") })
    }

    @Test func handlersRunOnTheLoopAndOffloadedOnesDoNot() async throws {
        let seen = Mutex<[Bool]>([])
        let loop = try #require(MethodName("ravioli.trial.v1.Trial/Echo"))
        let service = BytesService(methods: [
            .unaryBytes(loop) { request, _ in
                seen.withLock { $0.append(isOnEventLoop()) }
                await Task.yield()
                seen.withLock { $0.append(isOnEventLoop()) }
                return request
            }
        ])
        _ = try await InProcessChannel(service).unary(UnaryRequest(loop, message: []))
        #expect(seen.withLock { $0 } == [true, true])
        seen.withLock { $0 = [] }
        let offloaded = BytesService(methods: service.methods.map { $0.execution(.offloaded) })
        _ = try await InProcessChannel(offloaded).unary(UnaryRequest(loop, message: []))
        #expect(seen.withLock { $0 } == [false, false])
    }

    @Test func aTaskCanStayOnTheClientsLoop() async throws {
        try await withServer([TestServer()]) { _, address in
            try await withClient(address) { client in
                let payload = try await client.withLoop {
                    #expect(isOnEventLoop())
                    let answer = try await TrialClient(client).echo(EchoRequest(payload: [3]))
                    #expect(isOnEventLoop())
                    return answer.payload
                }
                #expect(payload == [3])
            }
        }
    }

    // MARK: Names, addresses, fakes, reflection

    @Test func methodNamesAreChecked() {
        #expect(MethodName("a.B/C")?.service == "a.B")
        #expect(MethodName("a.B/C")?.method == "C")
        #expect(MethodName("a.B/C") == MethodName(service: "a.B", method: "C"))
        for name in [
            "", "a", "/", "a/", "/b", "a/b/c", "a b/c", "ä/b", String(repeating: "x", count: 255) + "/y",
        ] {
            #expect(MethodName(name) == nil)
        }
    }

    @Test func addressesAreRead() {
        #expect(Address("localhost:80") == .tcp(host: "localhost", port: 80))
        #expect(Address("[::1]:80") == .tcp(host: "::1", port: 80))
        #expect(Address("unix:/run/x") == .unix(path: "/run/x"))
        for text in ["", "x", "x:", ":80", "x:70000", "::1:80", "unix:"] { #expect(Address(text) == nil) }
        #expect(Address("[::1]:80")?.description == "[::1]:80")
    }

    @Test func aFakeAnswersRecordsAndNamesWhatIsNotSet() async throws {
        let fake = TrialFake()
        fake.onEcho { request, _ in EchoResponse(payload: request.payload + [9]) }
        let answer = try await fake.client.echo(EchoRequest(payload: [1]))
        #expect(answer.payload == [1, 9])
        #expect(fake.echoCalls == [EchoRequest(payload: [1])])
        let error = await rpcError { try await fake.client.fail(FailRequest()) }
        #expect(error?.code == .unimplemented)
        #expect(error?.message.contains("TrialFake.fail") == true)
    }

    @Test func reflectionTellsTheSchemasOfWhatIsServed() async throws {
        let reflection = ReflectionClient(InProcessChannel(TestServer()))
        let names = try await reflection.listServices(ListServicesRequest()).services
        #expect(names == ["ravioli.reflection.v1.Reflection", "ravioli.trial.v1.Trial"])
        let all = try await reflection.getSchema(GetSchemaRequest())
        let pool = try DescriptorPool(fileDescriptorSet: all.fileDescriptorSet)
        #expect(pool.service(named: "ravioli.trial.v1.Trial")?.methods.map(\.name).contains("Echo") == true)
        #expect(all.fingerprint != 0)
        let one = try await reflection.getSchema(GetSchemaRequest(services: ["ravioli.trial.v1.Trial"]))
        #expect(one.fingerprint == all.fingerprint)
        #expect(try DescriptorPool(fileDescriptorSet: one.fileDescriptorSet).allServices.count == 1)
        let error = await rpcError { try await reflection.getSchema(GetSchemaRequest(services: ["no.Such"])) }
        #expect(error?.code == .notFound)
    }

    @Test func aServersLogNamesTheAddressThatTheSystemChose() async throws {
        let log = RecordedLog()
        let server = try Server(
            [TestServer()], on: .tcp(host: "127.0.0.1", port: 0), logger: log.logger)
        let address = try await server.start()
        await server.stop()
        for event in ["serving", "draining", "stopped"] {
            #expect(log.texts.contains { $0.hasPrefix(event) && $0.contains("\(address)") }, "\(event)")
        }
    }

    @Test func backoffGrowsToItsLimit() {
        let backoff = ClientOptions.Backoff()
        #expect(backoff.pause(failures: 1, random: 0.5) == .seconds(1))
        #expect(backoff.pause(failures: 2, random: 0.5) == .milliseconds(1600))
        #expect(backoff.pause(failures: 1000, random: 0.5) == .seconds(120))
        #expect(backoff.pause(failures: 1, random: 0) == .milliseconds(800))
        #expect(backoff.pause(failures: 1, random: 1) == .milliseconds(1200))
    }
}

private func isOnEventLoop() -> Bool { MultiThreadedEventLoopGroup.currentEventLoop != nil }

/// Serves the testing schema with handlers on bytes.
struct BytesService: Service {
    var descriptor: ServiceDescriptor { Trial.descriptor }
    var methods: [MethodHandler]
}

/// Blocks its loop in `echo`.
private struct BlockingService: Service {
    var descriptor: ServiceDescriptor { Trial.descriptor }
    var methods: [MethodHandler] {
        [
            .unary(Trial.echo) { request, _ in
                let end = ContinuousClock().now + .milliseconds(8)
                while ContinuousClock().now < end {}
                return EchoResponse(payload: request.payload)
            },
            .unary(Trial.describe) { _, _ in DescribeResponse() },
        ]
    }
}

/// Keeps what is logged.
private final class RecordedLog: Sendable {
    private let lines = Mutex<[String]>([])
    var texts: [String] { lines.withLock { $0 } }

    var logger: Logger { Logger(label: "test") { _ in Handler(log: self) } }

    private struct Handler: LogHandler {
        let log: RecordedLog
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace
        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }
        func log(event: LogEvent) {
            log.lines.withLock { $0.append("\(event.message) \(event.metadata ?? [:])") }
        }
    }
}
