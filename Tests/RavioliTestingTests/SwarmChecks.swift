// SPDX-License-Identifier: Apache-2.0

import Ravioli
import RavioliTesting
import RavioliWire

/// What holds in a swarm after every step.
struct SwarmChecks: Sendable {
    let world: Simulation
    let plan: SwarmPlan
    let books: SwarmBooks
    let clients: [SimulatedClient]

    private typealias Violation = SwarmBooks.Violation

    func checkStep() throws {
        if let violation = books.violation { throw violation }
        let now = world.now
        var number = 0
        // Without iterators: this runs millions of times in builds that are not optimised.
        while number < clients.count {
            let held = clients[number].client.callsHeld
            let underWay = books.callsUnderWay(number, now: now)
            if held != underWay.count {
                throw Violation(
                    description: "client \(number) holds \(held) calls, and \(underWay.count) have not ended")
            }
            if underWay.hasLateStream {
                throw Violation(description: "a stream of client \(number) outlives its deadline")
            }
            number += 1
        }
        try world.network.forEachConnection { client, server in
            try check(client, "client")
            try check(server, "server")
            if server.handlersRunning ?? 0 > plan.server.limits.callsRunningMax {
                throw Violation(description: "more handlers run than callsRunningMax: \(server)")
            }
        }
    }

    private func check(_ end: ConnectionBooks, _ name: String) throws {
        let holds =
            end.sendCredit >= 0 && end.streamSendCreditMin ?? 0 >= 0 && end.receiveCredit >= 0
            && end.creditDue >= 0 && end.receiveCredit + end.creditDue <= end.receiveWindow
            && end.assemblyBytes >= 0 && end.handlersRunning ?? 0 >= 0
            && end.handlersRunning ?? 0 <= end.callsOpen
        if !holds { throw Violation(description: "the \(name)'s books: \(end)") }
    }

    /// What holds when nobody calls: both ends of a connection have the same books.
    func checkQuiet() throws {
        for (client, server) in world.network.quietBooks where client.callsOpen == 0 && server.callsOpen == 0
        {
            let holds =
                client.receiveCredit + client.creditDue == client.receiveWindow
                && server.receiveCredit + server.creditDue == server.receiveWindow
                && client.assemblyBytes == 0 && server.assemblyBytes == 0
                && client.sendCredit == server.receiveCredit && server.sendCredit == client.receiveCredit
            if !holds {
                throw Simulation.Failure(
                    seed: world.seed, step: world.steps, reason: "at rest: client \(client), server \(server)"
                )
            }
        }
    }
}
