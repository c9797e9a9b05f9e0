// SPDX-License-Identifier: Apache-2.0

import Foundation
import Ravioli
import ShowroomContracts
import Synchronization

/// Showroom as it is run: every service a process of its own, with its database in one folder that goes away at the
/// end.
///
/// A further process joins with a method like ``startPricing(asking:listen:)``: its arguments, and what the rest of the
/// test needs to know of where it listens.
final class RunningShowroom: Sendable {
    /// How many vehicles catalog starts with.
    static let vehicles = 200

    /// A service that runs.
    struct Running: Sendable {
        let process: ChildProcess

        /// Where it says it listens.
        let address: Address
    }

    let folder: URL
    private let started = Mutex<[ChildProcess]>([])

    fileprivate init() throws {
        // A short path: a socket's may have little more than a hundred bytes.
        let name = "showroom-\(UUID().uuidString.prefix(8))"
        folder = FileManager.default.temporaryDirectory.appending(path: name)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
    }

    /// Starts catalog on its file, new or from before, and waits until it listens.
    func startCatalog(listen: Address = .anyPort, _ security: [String] = []) async throws -> Running {
        try await start(
            "showroom-catalog", listen: listen,
            ["--database", path("catalog.sqlite"), "--vehicles", "\(Self.vehicles)"] + security)
    }

    /// Starts pricing, which asks catalog at an address, and waits until it listens.
    func startPricing(
        asking catalog: Address, listen: Address = .anyPort, _ security: [String] = []
    ) async throws -> Running {
        try await start(
            "showroom-pricing", listen: listen,
            ["--database", path("pricing.sqlite"), "--catalog", "\(catalog)"] + security)
    }

    /// Starts an edge in front of services, and waits until it listens.
    func startEdge(
        before services: [Address], listen: Address = .anyPort, _ options: [String] = []
    ) async throws -> Running {
        try await start(
            "ravioli", "edge", listen: listen, services.flatMap { ["--upstream", "\($0)"] } + options)
    }

    /// Runs an executable to its end.
    func run(
        _ name: String, _ arguments: String..., security: [String] = []
    ) async throws -> (end: ChildProcess.End, output: String, errors: String) {
        let process = try ChildProcess(name, arguments + security)
        started.withLock { $0.append(process) }
        let end = try await process.finished()
        return (end, process.output, process.errors)
    }

    /// Starts an executable that takes `--listen` and says where it listens.
    private func start(
        _ name: String, _ command: String..., listen: Address, _ arguments: [String]
    ) async throws -> Running {
        let process = try ChildProcess(name, command + ["--listen", "\(listen)"] + arguments)
        started.withLock { $0.append(process) }
        // The edge puts the scheme before its address.
        let text = try await process.line(after: "listening on ").replacing("http://", with: "")
        guard let address = Address(text) else {
            throw ChildProcess.Failure(description: "\(name) says that it listens on \"\(text)\"")
        }
        return Running(process: process, address: address)
    }

    /// A path in the folder.
    func path(_ name: String) -> String { folder.appending(path: name).path }

    fileprivate func stop() async {
        for process in started.withLock(\.self) { try? await process.killed() }
        try? FileManager.default.removeItem(at: folder)
    }
}

extension Address {
    /// The system chooses.
    static let anyPort = Address.tcp(host: "127.0.0.1", port: 0)
}

/// Runs `body` with a Showroom of which nothing runs yet; ends all that `body` has started.
func withShowroom(_ body: (RunningShowroom) async throws -> Void) async throws {
    let showroom = try RunningShowroom()
    do {
        try await body(showroom)
    } catch {
        await showroom.stop()
        throw error
    }
    await showroom.stop()
}

/// Calls `call` until it is answered or fails otherwise than because its service is away, at most
/// ``ChildProcess/patience``.
func whenAvailable<Answer: Sendable>(
    _ call: @escaping @Sendable () async throws -> Answer
) async throws -> Answer {
    try await within(ChildProcess.patience, "waiting for the service to be back") {
        while true {
            do {
                return try await call()
            } catch let error as RPCError where error.code == .unavailable {
                // The pause that a polite caller makes; the service's return is the end of it.
                try await Task.sleep(for: .milliseconds(20))
            }
        }
    }
}
