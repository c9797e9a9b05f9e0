// SPDX-License-Identifier: Apache-2.0

import Foundation
import Ravioli
import ShowroomContracts
import Synchronization
import Testing

/// SIGTERM under load: the process ends in good order, and nobody who waits for its successor loses a call.
@Suite(.serialized, .timeLimit(.minutes(3)))
struct RestartTests {
    @Test func catalogIsRestartedUnderLoadAndNoCallIsLost() async throws {
        try await withShowroom { showroom in
            let listen = Address.unix(path: showroom.path("catalog.sock"))
            var catalog = try await showroom.startCatalog(listen: listen)
            var options = ClientOptions.defaults
            options.backoff = .init(initial: .milliseconds(10), max: .milliseconds(100))
            try await withClient(catalog.address, options: options) { client in
                let load = Load()
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for _ in 0..<4 {
                        group.addTask {
                            while !load.isOver {
                                try await expectStock(CatalogClient(client))
                                load.answered()
                            }
                        }
                    }
                    for _ in 0..<2 {
                        try await load.goesOn()
                        catalog.process.signal(SIGTERM)
                        let end = try await catalog.process.finished()
                        #expect(end == .exited(status: 0), "\(catalog.process.errors)")
                        catalog = try await showroom.startCatalog(listen: listen)
                    }
                    try await load.goesOn()
                    load.end()
                    try await group.waitForAll()
                }
            }
        }
    }
}

private func expectStock(_ catalog: CatalogClient) async throws {
    var options = CallOptions.timeout(.seconds(60))
    options.waitForReady = true
    let found = try await catalog.searchVehicles(
        SearchVehiclesRequest(pageSize: 1, includeTotal: true), options: options)
    #expect(found.total == Int32(RunningShowroom.vehicles))
}

/// What the callers have done so far.
private final class Load: Sendable {
    private let answers = Atomic<Int>(0)
    private let over = Atomic<Bool>(false)

    var isOver: Bool { over.load(ordering: .relaxed) }
    func answered() { answers.add(1, ordering: .relaxed) }
    func end() { over.store(true, ordering: .relaxed) }

    /// Returns when more calls have been answered.
    func goesOn() async throws {
        let before = answers.load(ordering: .relaxed)
        while answers.load(ordering: .relaxed) < before + 20 {
            try Task.checkCancellation()
            await Task.yield()
        }
    }
}
