// SPDX-License-Identifier: Apache-2.0

// A connection without a socket: two ends on one loop, each the other's transport. The same frames, limits, deadlines and
// cancellation as over TCP, because it is the same code; only the bytes stay in memory. Delivery happens in the turn's
// flush, never inside the sender's call, so neither end is entered twice.

import NIOCore

/// One end of a connection inside the process. Loop only.
final class InProcessEnd: Transport, FlushTarget {
    private let endpoint: any ConnectionEndpoint
    private weak var other: InProcessEnd?
    private var inbox = ByteBuffer()
    private var isClosing = false
    private var isClosed = false
    /// Keeps both ends alive until they are closed.
    private var keepsAlive: InProcessEnd?

    private static let inboxBytesMax = 256 * 1024

    private init(_ endpoint: any ConnectionEndpoint) { self.endpoint = endpoint }

    /// Connects two endpoints of the same loop.
    static func connect(_ client: any ConnectionEndpoint, _ server: any ConnectionEndpoint) {
        let (near, far) = (InProcessEnd(client), InProcessEnd(server))
        near.other = far
        far.other = near
        near.keepsAlive = far
        far.keepsAlive = near
        server.link.transport = far
        client.link.transport = near
        server.connected(peer: Peer(address: "in-process"))
        client.connected(peer: Peer(address: "in-process"))
    }

    // MARK: Transport

    var isWritable: Bool { (other?.inbox.readableBytes ?? 0) < Self.inboxBytesMax }

    func write(_ bytes: ByteBuffer) {
        guard let other, !other.isClosed else { return }
        if other.inbox.readableBytes == 0 {
            other.inbox = bytes
        } else {
            other.inbox.writeImmutableBuffer(bytes)
        }
        endpoint.link.context.flushLater(other)
    }

    func close() {
        other?.isClosing = true
        isClosing = true
        let context = endpoint.link.context
        if let other { context.flushLater(other) }
        context.flushLater(self)
    }

    // MARK: Delivery

    func flushOutput() {
        let bytes = inbox
        inbox = ByteBuffer()
        if bytes.readableBytes > 0, !isClosed {
            endpoint.received(bytes)
            other?.endpoint.link.resumeBacklog()
        }
        if isClosing, !isClosed {
            isClosed = true
            endpoint.link.transport = nil
            endpoint.disconnected(cause: nil)
            keepsAlive = nil
        }
    }
}

extension FrameLink {
    /// The transport takes output again.
    func resumeBacklog() {
        if hasBacklog { touched() }
    }
}
