// SPDX-License-Identifier: Apache-2.0

// The seam between a connection and a network that is simulated: the same endpoints as over a socket, and what
// `ChannelLink` does for them there.

package import NIOCore
package import RavioliWire

/// The event loop of a simulation with what Ravioli keeps for it. Loop only.
package final class VirtualRuntime: Sendable {
    let context: LoopContext

    /// - Parameters:
    ///   - loop: whose time the simulation moves.
    ///   - random: from 0 to 1, the same on each run.
    package init(_ loop: any EventLoop, random: @escaping @Sendable () -> Double) {
        context = LoopContext(loop, random: random, offloads: false)
    }

    /// Runs tasks on the loop.
    package var executor: some TaskExecutor { LoopExecutor(context) }

    /// Timers that are set.
    package var timersSet: Int { context.timersSet }
}

/// What carries the bytes of one end. Loop only.
package protocol VirtualWire: AnyObject {
    /// Whether more output should be produced now.
    var isWritable: Bool { get }
    /// Sends the bytes.
    func write(_ bytes: ByteBuffer)
    /// Sends what was written, then closes, and reports ``VirtualEnd/disconnected(cause:)`` later on.
    func close()
}

/// One end of a connection, as a simulated network sees it. Loop only.
package final class VirtualEnd: Transport {
    private let endpoint: any ConnectionEndpoint
    /// Set before ``connected(peer:)``.
    package weak var wire: (any VirtualWire)?
    private var isDisconnected = false

    init(_ endpoint: any ConnectionEndpoint) { self.endpoint = endpoint }

    /// Whether input waits while the peer does not take our output.
    package var readsOnlyWhileWritable: Bool { type(of: endpoint).readsOnlyWhileWritable }

    /// The connection stands.
    package func connected(peer: String) {
        turn {
            endpoint.link.transport = self
            endpoint.connected(peer: Peer(address: peer))
        }
    }

    /// Bytes arrived.
    package func received(_ bytes: ByteBuffer) {
        if !isDisconnected { turn { endpoint.received(bytes) } }
    }

    /// The connection is gone; without effect when it was before.
    package func disconnected(cause: (any Error)?) {
        if isDisconnected { return }
        isDisconnected = true
        endpoint.link.transport = nil
        turn { endpoint.disconnected(cause: cause) }
    }

    /// The wire takes output again.
    package func becameWritable() {
        if !isDisconnected { turn { endpoint.link.touched() } }
    }

    private func turn(_ body: () -> Void) {
        endpoint.link.context.turnBegan()
        body()
        endpoint.link.context.settle()
    }

    /// What the connection has counted.
    package var books: ConnectionBooks {
        if let client = endpoint as? ClientConnection { return client.machine.books }
        guard let server = endpoint as? ServerConnection else { preconditionFailure("an unknown endpoint") }
        return server.machine.books
    }

    // MARK: Transport

    var isWritable: Bool { wire?.isWritable ?? false }
    func write(_ bytes: ByteBuffer) { wire?.write(bytes) }
    func close() { wire?.close() }
}
