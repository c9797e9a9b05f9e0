// SPDX-License-Identifier: Apache-2.0

// Not RavioliTesting's simulation, on purpose: there a seed runs a whole world, here the test itself moves the clock, plays
// one end of a connection frame by frame, and looks inside the other, beside NIO's embedded channels on the same loop.

import Logging
import NIOCore
import NIOEmbedded
import RavioliWire
import Testing

@testable import Ravioli

/// A client on a loop whose time the test moves: hours pass in milliseconds, and always the same way. One thread only.
@MainActor
final class VirtualTime {
    let loop = EmbeddedEventLoop()
    let context: LoopContext
    let network: VirtualNetwork
    let client: ClientCore

    init(
        _ service: TestServer = TestServer(), server: ServerOptions = .defaults,
        client options: ClientOptions = .defaults
    ) throws {
        loop.advanceTime(by: .seconds(1000))
        context = LoopContext.of(loop)
        network = VirtualNetwork(
            context, try ServerCore([service], options: server, logger: .silent))
        client = ClientCore(context, options: options, connector: network, logger: .silent)
        client.random = { 0.5 }
    }

    /// Seconds since the test began.
    var now: Double { network.now }

    func pass(seconds: Double) { loop.advanceTime(by: .nanoseconds(Int64(seconds * 1e9))) }

    /// Calls, then does what the test says while the call runs, then returns how it ended. `meanwhile` must let it end.
    func call(
        _ method: MethodName = Trial.echo.name, timeout: Double = 15, waitForReady: Bool = false,
        meanwhile: () -> Void = {}
    ) async -> CallResult {
        var request = UnaryRequest(method, message: [])
        request.deadline = Deadline(uptimeNanoseconds: context.now + Int64(timeout * 1e9))
        request.waitForReady = waitForReady
        return await withUnsafeContinuation { continuation in
            client.submit(ClientCall(request), continuation)
            loop.run()
            meanwhile()
        }
    }

    func close() {
        client.close()
        loop.run()
    }
}

/// Where a virtual client's connections lead.
@dynamicMemberLookup
struct VirtualNetwork: Connector {
    struct Unreachable: Error {}

    struct State {
        /// When each connection was tried.
        var attempts: [Double] = []
        var servers: [ServerConnection] = []
        var blackHoles: [BlackHole] = []
        var isReachable = true
        /// Whether the next connections lead to a peer that greets and then says nothing.
        var swallows = false
        /// Whether the next connection belongs to a server that stops before it has read a byte.
        var drainsNext = false
    }

    let target = "the virtual server"
    private let context: LoopContext
    private let server: ServerCore
    private let began: Int64
    private let state: NIOLoopBoundBox<State>

    init(_ context: LoopContext, _ server: ServerCore) {
        self.context = context
        self.server = server
        began = context.now
        state = NIOLoopBoundBox(State(), eventLoop: context.eventLoop)
    }

    var now: Double { Double(context.now - began) / 1e9 }

    subscript<Value>(dynamicMember path: WritableKeyPath<State, Value>) -> Value {
        get { state.value[keyPath: path] }
        nonmutating set { state.value[keyPath: path] = newValue }
    }

    func connect(_ connection: ClientConnection, timeout: Duration, failed: @escaping (any Error) -> Void) {
        state.value.attempts.append(now)
        guard state.value.isReachable else { return failed(Unreachable()) }
        if state.value.swallows {
            let hole = BlackHole(context)
            state.value.blackHoles.append(hole)
            InProcessEnd.connect(connection, hole)
        } else {
            let end = ServerConnection(server, context: context)
            state.value.servers.append(end)
            if state.value.drainsNext { end.drain(reason: "test") }
            InProcessEnd.connect(connection, end)
        }
    }
}

/// A peer that says hello, counts what comes, and answers nothing.
final class BlackHole: ConnectionEndpoint {
    static let readsOnlyWhileWritable = false
    let link: FrameLink
    private var decoder = FrameDecoder(limits: .defaults)
    private(set) var frames: [Frame] = []
    private(set) var isClosed = false

    init(_ context: LoopContext) {
        link = FrameLink(context)
        link.owner = self
    }

    deinit { link.owner = nil }

    func outputWanted() {}
    func messageSent(_ streamID: UInt32) {}
    func disconnected(cause: (any Error)?) { isClosed = true }

    func connected(peer: Peer) {
        Hello(limits: .defaults).write(into: &link.out)
        link.touched()
    }

    func received(_ bytes: ByteBuffer) {
        decoder.append(bytes)
        while let frame = try? decoder.next() { frames.append(frame) }
    }

    var calls: Int { frames.count { $0.header.kind == .call } }
    var pings: Int { frames.count { $0.header.kind == .ping } }

    /// Ends a call after all.
    func end(_ streamID: UInt32, _ end: EndFrame, message: [UInt8]?) {
        guard let message else { return link.sendEnd(end, streamID: streamID, message: nil) }
        message.withUnsafeBytes { link.sendEnd(end, streamID: streamID, message: .borrowed($0)) }
    }

    /// Says something after all.
    func send(_ goaway: GoawayFrame) {
        goaway.write(into: &link.out)
        link.touched()
    }
}

/// A peer that never says a word.
final class SilentEnd: ConnectionEndpoint {
    static let readsOnlyWhileWritable = false
    let link: FrameLink

    init(_ context: LoopContext) { link = FrameLink(context) }

    func outputWanted() {}
    func messageSent(_ streamID: UInt32) {}
    func connected(peer: Peer) { link.owner = self }
    func received(_ bytes: ByteBuffer) {}
    func disconnected(cause: (any Error)?) { link.owner = nil }
    deinit { link.owner = nil }
}
