// SPDX-License-Identifier: Apache-2.0
//
// A server in bytes: a script says what is sent for each frame that comes, and when the connection breaks. The same
// script runs over every transport, so that what a broken server does to a caller is tested on all of them.

import NIOCore
import NIOPosix
import NIOSSL
import RavioliWire
import Synchronization
import TestCertificates

@testable import Ravioli

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// What a scripted server does about a frame.
struct Reaction: Sendable {
    /// How a connection ends.
    enum End: Sendable { case closes, resets }

    var bytes = ByteBuffer()
    /// What happens to the connection once the bytes are sent; nil: nothing.
    var end: End?

    /// Sends bytes that were put together by hand.
    static func send(_ bytes: [UInt8]..., then end: End? = nil) -> Reaction {
        Reaction(bytes: ByteBuffer(bytes: bytes.flatMap(\.self)), end: end)
    }
}

/// What a server does, frame by frame. Nil leaves a frame to ``ScriptedEnd/react(to:)``.
typealias Script = @Sendable (_ frame: Frame, _ connection: Int) -> Reaction?

extension Wire {
    /// The end of a call; with a message, its answer.
    static func end(
        _ stream: UInt32, _ code: UInt8 = 0, _ executed: Executed = .yes, message: [UInt8]? = nil
    ) -> [UInt8] {
        frame(4, stream, message == nil ? 0 : Wire.message, [code, executed.rawValue] + (message ?? []))
    }
}

extension Transport {
    /// A client's channel to a server that follows a script.
    ///
    /// - Returns: How many connections were made.
    @discardableResult
    func withScript(
        _ script: @escaping Script, client options: ClientOptions = .impatient,
        _ body: (any Ravioli.Channel) async throws -> Void
    ) async throws -> Int {
        let connections = Counter()
        switch self {
        case .inProcess:
            let channel = ScriptedChannel(script, connections, options)
            try await body(channel)
            await channel.handle.closed()
        case .tcp, .tls:
            let tls = self == .tls ? try Self.authority.get() : nil
            var options = options
            options.tls = tls?.client().tls
            let address = Address.tcp(host: "127.0.0.1", port: 0)
            try await Self.serve(script, connections, on: address, tls?.server(.ignored).tls) { address in
                try await withClient(address, options: options) { try await body($0) }
            }
        case .unix:
            let address = Address.unix(path: temporarySocketPath())
            try await Self.serve(script, connections, on: address, nil) { address in
                try await withClient(address, options: options) { try await body($0) }
            }
        }
        return connections.count
    }

    private static func serve(
        _ script: @escaping Script, _ connections: Counter, on address: Address, _ tls: ServerTLSOptions?,
        while body: (Address) async throws -> Void
    ) async throws {
        let tls = try tls.map {
            try ServerTLS($0, handshakeTimeout: .seconds(60), logger: .silent)
        }
        let bootstrap = ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    connections.add()
                    let end = ScriptedEnd(script, connections.count, LoopContext.of(channel.eventLoop))
                    end.reset = { Self.reset(channel) }
                    let gate = try tls?.begin(channel) { _, _ in }
                    try channel.pipeline.syncOperations.addHandler(ChannelLink(end, gate: gate))
                }
            }
        let listener: any NIOCore.Channel
        var bound = address
        switch address {
        case .tcp(let host, let port):
            listener = try await bootstrap.bind(host: host, port: port).get()
            bound = .tcp(host: host, port: listener.localAddress?.port ?? 0)
        case .unix(let path):
            listener = try await bootstrap.bind(unixDomainSocketPath: path, cleanupExistingSocketFile: true)
                .get()
        }
        let result = await Result { try await body(bound) }
        try await listener.close().get()
        if case .unix(let path) = address { unlink(path) }
        try result.get()
    }

    /// Ends a connection as a crashed machine does: TCP's RST, and no farewell of TLS.
    private static func reset(_ channel: any NIOCore.Channel) {
        _ = (channel as? any SocketOptionProvider)?.setSoLinger(linger(l_onoff: 1, l_linger: 0))
        let pipeline = channel.pipeline.syncOperations
        if let tls = try? pipeline.context(handlerType: NIOSSLServerHandler.self) {
            tls.close(promise: nil)
        } else {
            channel.close(promise: nil)
        }
    }
}

extension Result where Failure == any Error {
    fileprivate init(_ body: () async throws -> Success) async {
        do {
            self = .success(try await body())
        } catch {
            self = .failure(error)
        }
    }
}

/// The server's end of a scripted connection. Loop only.
final class ScriptedEnd: ConnectionEndpoint {
    static let readsOnlyWhileWritable = false

    let link: FrameLink
    /// Breaks the connection off, where the transport can.
    var reset: (() -> Void)?
    private let script: Script
    private let connection: Int
    private var decoder = FrameDecoder(limits: .defaults)
    private var isOver = false

    init(_ script: @escaping Script, _ connection: Int, _ context: LoopContext) {
        self.script = script
        self.connection = connection
        link = FrameLink(context)
        link.owner = self
    }

    deinit { link.owner = nil }

    func outputWanted() {}
    func messageSent(_ streamID: UInt32) {}
    func connected(peer: Peer) {}
    func disconnected(cause: (any Error)?) { isOver = true }

    func received(_ bytes: ByteBuffer) {
        decoder.append(bytes)
        while !isOver, let frame = try? decoder.next() {
            perform(script(frame, connection) ?? Self.react(to: frame))
        }
    }

    /// What an honest server does about what is no call: greets, and answers pings.
    static func react(to frame: Frame) -> Reaction {
        switch frame.header.kind {
        case .hello: .send(Wire.hello())
        case .ping where frame.header.flags.isEmpty:
            .send(Wire.ping(Array(frame.payload.readableBytesView), flags: 1))
        default: Reaction()
        }
    }

    private func perform(_ reaction: Reaction) {
        link.out.writeImmutableBuffer(reaction.bytes)
        link.touched()
        guard let end = reaction.end else { return }
        isOver = true
        if end == .resets, let reset {
            link.flushOutput()
            link.transport = nil
            reset()
        } else {
            link.closeAfterFlush()
        }
    }
}

/// A client in the same process as its scripted server.
private struct ScriptedChannel: Ravioli.Channel {
    let handle: ClientHandle

    init(_ script: @escaping Script, _ connections: Counter, _ options: ClientOptions) {
        let context = LoopContext.of(MultiThreadedEventLoopGroup.singleton.next())
        handle = ClientHandle(
            context, options: options,
            connector: Scripted(script: script, connections: connections, context: context), logger: .silent)
    }

    func unary(_ request: UnaryRequest) async throws(RPCError) -> UnaryResponse {
        try await handle.run(request)
    }
    func stream(_ request: StreamRequest) -> any StreamCall { handle.open(request) }

    private struct Scripted: Connector {
        let script: Script
        let connections: Counter
        let context: LoopContext
        var target: String { "in-process" }

        func connect(
            _ connection: ClientConnection, timeout: Duration, failed: @escaping (any Error) -> Void
        ) {
            connections.add()
            InProcessEnd.connect(connection, ScriptedEnd(script, connections.count, context))
        }
    }
}
