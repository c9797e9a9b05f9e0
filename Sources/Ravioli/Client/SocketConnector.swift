// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOPosix

/// Connects over TCP or a Unix-domain socket.
struct SocketConnector: Connector {
    let address: Address
    let context: LoopContext
    let tls: ClientTLS?
    let keepalive: KeepaliveOptions

    var target: String { address.description }

    func connect(_ connection: ClientConnection, timeout: Duration, failed: @escaping (any Error) -> Void) {
        let bound = NIOLoopBound((connection, failed), eventLoop: context.eventLoop)
        let ready = tls?.refreshed(on: context.eventLoop) ?? context.eventLoop.makeSucceededVoidFuture()
        ready.flatMap { bootstrap(bound, timeout) }.whenFailure { error in bound.value.1(error) }
    }

    private func bootstrap(
        _ bound: NIOLoopBound<(ClientConnection, (any Error) -> Void)>, _ timeout: Duration
    ) -> EventLoopFuture<any NIOCore.Channel> {
        let tls = tls
        var bootstrap = ClientBootstrap(group: context.eventLoop)
            .connectTimeout(.nanoseconds(timeout.clampedNanoseconds))
            .channelOption(.writeBufferWaterMark, value: .ravioli)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let link = ChannelLink(bound.value.0, gate: try tls?.begin(channel))
                    try channel.pipeline.syncOperations.addHandler(link)
                }
            }
        switch address {
        case .tcp(let host, let port):
            if let option = TCPUserTimeout(keepalive) {
                bootstrap = bootstrap.channelOption(.tcpOption(option.name), value: option.milliseconds)
            }
            return bootstrap.connect(host: host, port: port)
        case .unix(let path): return bootstrap.connect(unixDomainSocketPath: path)
        }
    }
}

/// Bounds how long sent bytes may stay unacknowledged (gRFC A18), where the system can.
struct TCPUserTimeout {
    let name: NIOBSDSocket.Option
    let milliseconds: ChannelOptions.Types.SocketOption.Value

    /// Nil without keepalive, and on systems other than Linux.
    init?(_ keepalive: KeepaliveOptions) {
        #if os(Linux)
            guard keepalive.interval != nil else { return nil }
            // TCP_USER_TIMEOUT; the C library's header is not always imported.
            name = NIOBSDSocket.Option(rawValue: 18)
            let whole = keepalive.timeout.clampedNanoseconds / 1_000_000
            milliseconds = Int(CInt(clamping: max(1, whole)))
        #else
            return nil
        #endif
    }
}

extension ChannelOptions.Types.WriteBufferWaterMark {
    /// High enough for one write of chunks, low enough that a small frame does not wait behind much.
    static var ravioli: Self { Self(low: 64 * 1024, high: 256 * 1024) }
}
