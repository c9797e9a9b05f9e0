// SPDX-License-Identifier: Apache-2.0

import Foundation
import Logging
import NIOCore
import NIOPosix
import Ravioli
import RavioliWire
import Synchronization
import TestCertificates
import Testing

/// Opens once; everyone who waits goes on. How tests wait for a condition instead of sleeping.
final class Gate: Sendable {
    private struct State: Sendable {
        var isOpen = false
        var waiters: [(id: Int, waiter: CheckedContinuation<Void, Never>)] = []
        var waitersMade = 0
    }
    private let state = Mutex(State())

    var isOpen: Bool { state.withLock { $0.isOpen } }

    func open() {
        let waiters = state.withLock { state in
            defer { state.waiters = [] }
            state.isOpen = true
            return state.waiters
        }
        for entry in waiters { entry.waiter.resume() }
    }

    /// Waits until it is open, or the test's time is up: a test that fails must end.
    func wait() async {
        let id = state.withLock { state in
            state.waitersMade += 1
            return state.waitersMade
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { waiter in
                let isOver = state.withLock { state in
                    if state.isOpen || Task.isCancelled { return true }
                    state.waiters.append((id, waiter))
                    return false
                }
                if isOver { waiter.resume() }
            }
        } onCancel: {
            state.withLock { state in
                let index = state.waiters.firstIndex { $0.id == id }
                return index.map { state.waiters.remove(at: $0).waiter }
            }?.resume()
        }
    }

    /// Waits until it is open, whatever happens to the task.
    func waitStubbornly() async {
        await withCheckedContinuation { waiter in
            let isOpen = state.withLock { state in
                if !state.isOpen { state.waiters.append((0, waiter)) }
                return state.isOpen
            }
            if isOpen { waiter.resume() }
        }
    }
}

struct UnknownTestError: Error { let text: String }

/// The testing service, as the tests serve it.
final class TestServer: TrialService {
    let started = Gate()
    let cancelled = Gate()
    let release = Gate()
    let returned = Gate()
    /// Answers of a chosen size that were made.
    let largeAnswers = Mutex(0)
    /// Asked by `describe(of_child)`.
    let child: TrialClient?

    init(child: TrialClient? = nil) { self.child = child }

    func echo(_ request: EchoRequest, context: CallContext) async throws -> EchoResponse {
        if !context.metadata.isEmpty { context.setResponseMetadata(context.metadata) }
        if request.answerBytes > 0 {
            largeAnswers.withLock { $0 += 1 }
            return EchoResponse(payload: [UInt8](repeating: 0, count: Int(request.answerBytes)))
        }
        return EchoResponse(payload: request.payload)
    }

    func fail(_ request: FailRequest, context: CallContext) async throws -> EchoResponse {
        if request.throwsUnknownError { throw UnknownTestError(text: request.message) }
        let details = request.withDetail ? [try StatusDetail(request)] : []
        throw RPCError(
            StatusCode(rawValue: UInt8(request.code)) ?? .unknown, request.message, details: details,
            metadata: ["failed-by": "test"])
    }

    func describe(_ request: DescribeRequest, context: CallContext) async throws -> DescribeResponse {
        if request.ofChild, let child {
            let own = DescribeRequest()
            if request.detached { return try await CallContext.detached { try await child.describe(own) } }
            return try await child.describe(own)
        }
        let metadata = context.metadata.map { pair in
            pair.name + "=" + (pair.text ?? pair.value.map { String($0, radix: 16) }.joined())
        }
        return DescribeResponse(
            remainingMicroseconds: context.remainingTime.components.seconds * 1_000_000
                + context.remainingTime.components.attoseconds / 1_000_000_000_000,
            criticality: context.criticality < .critical ? 0 : 2, metadata: metadata,
            peer: context.peer.address,
            attempt: Int32(context.attempt))
    }

    func hang(_ request: HangRequest, context: CallContext) async throws -> EchoResponse {
        defer { returned.open() }
        let ignores = request.ignoresCancellation
        await withTaskCancellationHandler {
            started.open()
            await release.waitStubbornly()
        } onCancel: {
            cancelled.open()
            if !ignores { release.open() }
        }
        try Task.checkCancellation()
        return EchoResponse()
    }
}

// These stand in for the library's functions of the same names: a machine that runs many tests at once may take its time
// to greet. What a test sets itself stays.

func withServer<Result>(
    _ services: [any Service], on address: Address = .tcp(host: "127.0.0.1", port: 0),
    options: ServerOptions = .defaults, logger: Logger? = nil,
    _ body: (_ server: Server, _ address: Address) async throws -> Result
) async throws -> Result {
    var options = options
    options.limits.bePatient()
    return try await Ravioli.withServer(services, on: address, options: options, logger: logger, body)
}

func withClient<Result>(
    _ address: Address, options: ClientOptions = .defaults, logger: Logger? = nil,
    _ body: (Client) async throws -> Result
) async throws -> Result {
    var options = options
    options.limits.bePatient()
    return try await Ravioli.withClient(address, options: options, logger: logger, body)
}

extension WireLimits {
    fileprivate mutating func bePatient() {
        if helloTimeout == WireLimits.defaults.helloTimeout { helloTimeout = .seconds(60) }
    }
}

/// The ways a channel can reach a server; most tests run over all.
enum Transport: CaseIterable, Sendable {
    case tcp, tls, unix, inProcess

    /// Certifies the servers of all tests: an authority per test would spend its time on keys.
    static let authority = Result { try TestAuthority() }

    func withChannel(
        _ services: [any Service], options: ServerOptions = .defaults, client: ClientOptions = .defaults,
        _ body: (any Ravioli.Channel) async throws -> Void
    ) async throws {
        switch self {
        case .tcp:
            try await withServer(services, options: options) { _, address in
                try await withClient(address, options: client) { try await body($0) }
            }
        case .tls:
            var (options, client) = (options, client)
            let authority = try Self.authority.get()
            options.tls = try authority.server(.ignored).tls
            client.tls = authority.client().tls
            try await withServer(services, options: options) { _, address in
                try await withClient(address, options: client) { try await body($0) }
            }
        case .unix:
            let path = temporarySocketPath()
            try await withServer(services, on: .unix(path: path), options: options) { _, address in
                try await withClient(address, options: client) { try await body($0) }
            }
            #expect(!FileManager.default.fileExists(atPath: path))
        case .inProcess:
            var options = options
            options.limits.bePatient()
            let channel = InProcessChannel(services, options: options)
            try await body(channel)
            await channel.close()
        }
    }
}

extension Transport {
    /// A server on loops of a test's own, for what would hold up other tests' calls; over sockets.
    func withLoops(
        _ services: [any Service], options: ServerOptions, group: any EventLoopGroup,
        _ body: (_ server: Server, _ client: Client) async throws -> Void
    ) async throws {
        var (options, client) = (options, ClientOptions.defaults)
        options.limits.bePatient()
        client.limits.bePatient()
        var address = Address.tcp(host: "127.0.0.1", port: 0)
        if self == .tls {
            let authority = try Self.authority.get()
            options.tls = try authority.server(.ignored).tls
            client.tls = authority.client().tls
        } else if self == .unix {
            address = .unix(path: temporarySocketPath())
        }
        let server = try Server(services, on: address, options: options, group: group)
        let caller = try Client(try await server.start(), options: client, eventLoop: group.next())
        do {
            try await body(server, caller)
        } catch {
            Issue.record(error)
        }
        await caller.close()
        await server.stop()
    }
}

extension ClientOptions {
    /// Connects again after milliseconds.
    static var impatient: ClientOptions {
        var options = ClientOptions.defaults
        options.backoff = Backoff(initial: .milliseconds(2), max: .milliseconds(20))
        return options
    }
}

func temporarySocketPath() -> String {
    FileManager.default.temporaryDirectory.appending(path: "ravioli-\(UUID().uuidString.prefix(8)).sock").path
}

/// The error a call ends with; a failed expectation when it does not fail.
func rpcError<Value>(_ body: () async throws -> Value) async -> RPCError? {
    do {
        _ = try await body()
        Issue.record("the call should have failed")
        return nil
    } catch let error as RPCError {
        return error
    } catch {
        Issue.record("not an RPCError: \(error)")
        return nil
    }
}

/// A peer that speaks in bytes: what a test sends and what it reads until the other end closes. A handler `below` may
/// encrypt them.
struct RawPeer {
    let inbound: NIOAsyncChannelInboundStream<ByteBuffer>
    let outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>

    static func connect<Result: Sendable>(
        to address: Address, below: @escaping @Sendable () throws -> (any ChannelHandler)? = { nil },
        _ body: @Sendable (RawPeer) async throws -> Result
    ) async throws -> Result {
        guard case .tcp(let host, let port) = address else { throw UnknownTestError(text: "tcp only") }
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: host, port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let handler = try below() { try channel.pipeline.syncOperations.addHandler(handler) }
                    return try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        return try await channel.executeThenClose { inbound, outbound in
            try await body(RawPeer(inbound: inbound, outbound: outbound))
        }
    }

    /// Accepts one connection after the other and hands each to `handle`.
    static func serve<Result: Sendable>(
        _ handle: @escaping @Sendable (RawPeer) async throws -> Void,
        while body: (Address) async throws -> Result
    ) async throws -> Result {
        // A connection becomes an asynchronous channel when its turn comes, and reads nothing before: one that is made and
        // never used ends the process.
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelOption(.autoRead, value: false)
            .bind(host: "127.0.0.1", port: 0) { channel in channel.eventLoop.makeSucceededFuture(channel) }
        let port = server.channel.localAddress?.port ?? 0
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try? await server.executeThenClose { connections in
                    for try await channel in connections { try? await use(channel, handle) }
                }
            }
            defer { group.cancelAll() }
            return try await body(.tcp(host: "127.0.0.1", port: port))
        }
    }

    private static func use(
        _ channel: any NIOCore.Channel, _ handle: @escaping @Sendable (RawPeer) async throws -> Void
    ) async throws {
        let connection = try await channel.eventLoop.submit {
            let connection = try NIOAsyncChannel<ByteBuffer, ByteBuffer>(
                wrappingChannelSynchronously: channel)
            try channel.syncOptions?.setOption(.autoRead, value: true)
            channel.read()
            return connection
        }.get()
        try await connection.executeThenClose { inbound, outbound in
            try await handle(RawPeer(inbound: inbound, outbound: outbound))
        }
    }

    func send(_ bytes: ByteBuffer) async throws { try await outbound.write(bytes) }

    /// Everything the other end sends until it closes.
    func readToEnd() async throws -> ByteBuffer {
        var all = ByteBuffer()
        do {
            for try await part in inbound { all.writeImmutableBuffer(part) }
        } catch is IOError {
            // The other end closed while we were writing.
        }
        return all
    }

    static func hello(_ limits: WireLimits = .defaults) -> ByteBuffer {
        var buffer = ByteBuffer()
        Hello(limits: limits).write(into: &buffer)
        return buffer
    }

    /// A call of a method by name.
    static func call(
        _ id: UInt32, _ name: String, remaining: Int64 = 5_000_000_000, metadata: ByteBuffer? = nil,
        message: [UInt8] = []
    ) -> ByteBuffer {
        let head = CallFrame(
            remaining: RemainingTime(nanoseconds: remaining), method: MethodBinding.unbound,
            name: ByteBuffer(string: name), metadata: metadata)
        var buffer = ByteBuffer()
        FrameHeader(
            payloadBytes: UInt32(head.headBytes + message.count), streamID: id, kind: .call,
            flags: [.last, .message, head.flags]
        ).write(into: &buffer)
        head.write(into: &buffer)
        buffer.writeBytes(message)
        return buffer
    }
}

/// Frames out of what a peer sent; the hello comes first.
func frames(_ bytes: ByteBuffer) throws -> [Frame] {
    var decoder = FrameDecoder(limits: .defaults)
    decoder.append(bytes)
    var frames: [Frame] = []
    while let frame = try decoder.next() { frames.append(frame) }
    return frames
}

extension Sequence where Element == Frame {
    /// The end frames, by stream.
    func ends() throws -> [UInt32: EndFrame] {
        var ends: [UInt32: EndFrame] = [:]
        for frame in self where frame.header.kind == .end {
            var payload = frame.payload
            ends[frame.header.streamID] = try EndFrame(from: &payload, flags: frame.header.flags)
        }
        return ends
    }

    /// The last goaway's code.
    func goaway() throws -> WireError.Code? {
        for frame in reversed() where frame.header.kind == .goaway {
            return try GoawayFrame(payload: frame.payload, textBytesMax: 1024).code
        }
        return nil
    }
}

extension TrialClient {
    /// Echoes a payload and expects it back.
    func expectsEcho(
        of payload: [UInt8], options: CallOptions = .defaults,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let answer = try await echo(EchoRequest(payload: payload), options: options)
        #expect(answer.payload == payload, sourceLocation: sourceLocation)
    }
}
