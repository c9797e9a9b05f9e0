// SPDX-License-Identifier: Apache-2.0

import Foundation
import NIOCore
import NIOEmbedded
import RavioliWire
import Testing

@testable import Ravioli

/// Policies that change while a server runs.
@Suite(.timeLimit(.minutes(1)))
struct PolicyReloadTests {
    private let path = FileManager.default.temporaryDirectory.appending(path: "policy-\(UUID().uuidString)")
        .path

    private static let all = "anonymous -> ravioli.trial.v1.Trial/*\n"
    private static let echoOnly = "anonymous -> ravioli.trial.v1.Trial/Echo\n"

    private func write(_ text: String) throws {
        try text.write(toFile: path, atomically: true, encoding: .utf8)
    }

    private func withPolicy(
        _ text: String, _ body: (Server, TrialClient, WatchedLog) async throws -> Void
    ) async throws {
        defer { try? FileManager.default.removeItem(atPath: path) }
        try write(text)
        let log = WatchedLog()
        var options = ServerOptions.defaults
        options.policy = try AccessPolicy(contentsOfFile: path)
        try await withServer([IdentityServer()], options: options, logger: log.logger) { server, address in
            try await withClient(address) { try await body(server, TrialClient($0), log) }
        }
    }

    /// Who is locked out is locked out with the next call, and let in with the next one again.
    @Test func connectionsThatStandGetTheNewPolicy() async throws {
        try await withPolicy(Self.all) { server, trial, log in
            _ = try await trial.identity()
            try write(Self.echoOnly)
            _ = try await trial.identity()
            try await server.reloadPolicy()
            let error = await rpcError { try await trial.identity() }
            #expect(error?.code == .permissionDenied && error?.executed == .no)
            try await trial.expectsEcho(of: [1])

            try write(Self.all)
            try await server.reloadPolicy()
            _ = try await trial.identity()
            #expect(log.lines.count { $0.contains("policy reloaded") } == 2)
        }
    }

    @Test(arguments: ["anonymous *", nil])
    func aBadFileLeavesTheLastGoodPolicy(text: String?) async throws {
        try await withPolicy(Self.echoOnly) { server, trial, _ in
            if let text { try write(text) } else { try FileManager.default.removeItem(atPath: path) }
            let error = await #expect(throws: RuntimeError.self) { try await server.reloadPolicy() }
            #expect(error?.code == .invalidConfiguration && error?.message.contains(path) == true)
            try await trial.expectsEcho(of: [1])
            #expect(await rpcError { try await trial.identity() }?.code == .permissionDenied)
        }
    }

    @Test func rulesOfTheProgramStay() async throws {
        var options = ServerOptions.defaults
        options.policy = try AccessPolicy(Self.echoOnly)
        try await withServer([IdentityServer()], options: options) { server, address in
            try await server.reloadPolicy()
            try await withClient(address) { client in
                #expect(
                    await rpcError { try await TrialClient(client).identity() }?.code == .permissionDenied)
            }
        }
    }

    // MARK: Watching

    private func source(_ log: WatchedLog) throws -> AccessSource {
        AccessSource(
            try AccessPolicy(contentsOfFile: path), methods: [Trial.echo.name, Trial.describe.name],
            reloadInterval: .seconds(30), logger: log.logger)
    }

    private func mayDescribe(_ source: AccessSource) -> Bool {
        (try? source.permissions(of: nil).check(1)) != nil
    }

    @Test func aChangedFileIsSeenAfterTheInterval() async throws {
        defer { try? FileManager.default.removeItem(atPath: path) }
        try write(Self.echoOnly)
        let log = WatchedLog()
        let source = try source(log)
        let before = source.permissions(of: nil)
        let loop = NIOAsyncTestingEventLoop()
        source.watch(on: loop)
        await loop.advanceTime(by: .seconds(29))
        try write(Self.all)
        #expect(!mayDescribe(source) && source.isCurrent(before))
        await loop.advanceTime(by: .seconds(1))
        await log.line(with: "policy reloaded")
        #expect(mayDescribe(source) && !source.isCurrent(before))
        source.unwatch()
        await loop.shutdownGracefully()
    }

    @Test func eachBrokenChangeIsLoggedOnceAndTheNextGoodOneIsTaken() throws {
        defer { try? FileManager.default.removeItem(atPath: path) }
        try write(Self.echoOnly)
        let log = WatchedLog()
        let source = try source(log)
        source.reloadIfChanged()
        #expect(log.lines.isEmpty)
        try write("nonsense")
        for _ in 0..<3 { source.reloadIfChanged() }
        #expect(log.lines.count == 1 && log.lines.first?.contains("the last good one stays") == true)
        #expect(log.lines.first?.contains("\(path):1: ") == true)
        try write(Self.all)
        source.reloadIfChanged()
        #expect(mayDescribe(source))
    }

    @Test func anIntervalOfNothingIsRefused() throws {
        var options = ServerOptions.defaults
        options.policyReloadInterval = .zero
        #expect(throws: RuntimeError.self) {
            try Server([IdentityServer()], on: .unix(path: "/unused"), options: options)
        }
    }
}
