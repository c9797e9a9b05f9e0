// SPDX-License-Identifier: Apache-2.0

import Ravioli
package import RavioliWire

extension SimulatedNetwork {
    /// Shows what both ends of each connection have counted, the client's first.
    package func forEachConnection(_ body: (ConnectionBooks, ConnectionBooks) throws -> Void) rethrows {
        let routes = allRoutes
        var index = 0
        // Without iterators: this runs after each step, in builds that are not optimised.
        while index < routes.count {
            let connections = routes[index].connections
            var number = 0
            while number < connections.count {
                try body(connections[number].client.end.books, connections[number].server.end.books)
                number += 1
            }
            index += 1
        }
    }

    /// The same of connections that stand and have nothing on their way.
    package var quietBooks: [(client: ConnectionBooks, server: ConnectionBooks)] {
        allRoutes.flatMap { route in
            route.connections.filter { $0.isWhole && $0.isQuiet }.map {
                ($0.client.end.books, $0.server.end.books)
            }
        }
    }

    /// Connections of which an end has not heard that they are over.
    package var connectionsOpen: Int { allRoutes.reduce(0) { $0 + $1.connections.count } }

    /// Servers at a name that hold connections or handlers.
    package func serversHeld(_ name: String) -> Int {
        let route = route(name)
        return route.formerServers.count { $0.connectionsHeld > 0 } + (route.server == nil ? 0 : 1)
    }

    /// Timers that clients and servers have set.
    package var timersSet: Int { runtime.timersSet }
}
