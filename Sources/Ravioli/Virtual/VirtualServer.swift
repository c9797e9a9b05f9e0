// SPDX-License-Identifier: Apache-2.0

package import Logging
import NIOCore
import RavioliWire

/// The server that programs use, without its sockets, on a simulated loop. Loop only.
package final class VirtualServer {
    private let core: ServerCore
    private let runtime: VirtualRuntime
    private var connections: [ServerConnection] = []

    /// - Throws: as `Server.init` does.
    package init(
        _ runtime: VirtualRuntime, _ services: [any Service], options: ServerOptions, logger: Logger? = nil
    ) throws(RuntimeError) {
        core = try ServerCore(services, options: options, logger: logger ?? .silent)
        self.runtime = runtime
    }

    /// Connections that are open, or whose handlers have not returned.
    package var connectionsHeld: Int { connections.count }

    /// A client is here.
    package func accept() -> VirtualEnd {
        let connection = ServerConnection(core, context: runtime.context)
        connections.append(connection)
        let bound = NIOLoopBound(
            Found(server: self, connection: connection), eventLoop: runtime.context.eventLoop)
        connection.onGone = { bound.value.forget() }
        return VirtualEnd(connection)
    }

    private struct Found {
        weak var server: VirtualServer?
        weak var connection: ServerConnection?
        func forget() { server?.connections.removeAll { $0 === connection } }
    }

    /// Takes no further calls on its connections and closes them once their calls have ended.
    package func drain() {
        runtime.context.turnBegan()
        for connection in connections { connection.drain(reason: "the server is stopping") }
        runtime.context.settle()
    }

    /// Closes every connection now, whatever runs.
    package func abort() {
        runtime.context.turnBegan()
        for connection in connections { connection.abort() }
        runtime.context.settle()
    }
}
