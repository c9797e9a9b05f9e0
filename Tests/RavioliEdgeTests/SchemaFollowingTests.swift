// SPDX-License-Identifier: Apache-2.0

import EdgeSchemas
import Foundation
import HTTPTypes
import NIOCore
import Ravioli
import RavioliSchema
import Synchronization
import Testing

@testable import RavioliEdge

/// A channel whose other end can be replaced, as a server is by a newer one.
final class SwitchedChannel: Ravioli.Channel {
    private let target = Mutex<InProcessChannel?>(nil)

    func connect(_ services: [any Ravioli.Service]) { target.withLock { $0 = InProcessChannel(services) } }

    func unary(_ request: UnaryRequest) async throws(RPCError) -> UnaryResponse {
        guard let target = target.withLock({ $0 }) else { throw RPCError(.unavailable, "nobody there") }
        return try await target.unary(request)
    }

    func stream(_ request: StreamRequest) -> any StreamCall {
        target.withLock { $0 }?.stream(request) ?? FailedCall(RPCError(.unavailable, "nobody there"))
    }
}

@Suite(.timeLimit(.minutes(1)))
struct SchemaFollowingTests {
    private let channel = SwitchedChannel()

    private func edge() throws -> Edge {
        var options = EdgeOptions.defaults
        options.limits.schemaPauseMin = .zero
        return try Edge([Upstream(name: "switched", channel: channel)], options: options, logger: .quiet)
    }

    private func status(_ edge: Edge) async -> Int {
        await edge.answer(
            "/ravioli.test.v1.Desk/Echo", headers: [.contentType: "application/json"], bytes: Array("{}".utf8)
        ).status.code
    }

    @Test func anUnknownMethodIsNot404BeforeAllSchemasAreKnown() async throws {
        let edge = try edge()
        #expect(await status(edge) == 503)
    }

    @Test func findsAServerThatStartsLater() async throws {
        let edge = try edge()
        await edge.refresh()
        #expect(await status(edge) == 503)
        channel.connect([DeskServer()])
        #expect(await status(edge) == 200)
    }

    @Test func findsAServiceThatANewerServerAdds() async throws {
        let edge = try edge()
        channel.connect([])
        await edge.refresh()
        #expect(await status(edge) == 404)
        channel.connect([DeskServer()])
        #expect(await status(edge) == 200)
    }

    @Test func keepsTheSchemaWhileItIsTheSame() async throws {
        let edge = try edge()
        channel.connect([DeskServer()])
        await edge.refresh()
        let first = edge.followers[0].pool?.service(named: Desk.descriptor.fullName)
        channel.connect([DeskServer()])
        await edge.refresh()
        let second = edge.followers[0].pool?.service(named: Desk.descriptor.fullName)
        #expect(first != nil && first === second)
    }

    @Test func worksFromADescriptorSetAlone() async throws {
        let set = DescriptorPool([Desk.descriptor.file]).fileDescriptorSet
        let pool = try DescriptorPool(fileDescriptorSet: set)
        var options = ServerOptions.defaults
        options.servesReflection = false
        let channel = InProcessChannel([DeskServer()], options: options)
        let edge = try Edge(
            [Upstream(name: "desk", channel: channel, schema: pool)], options: .defaults, logger: .quiet)
        #expect(await status(edge) == 200)
    }

    @Test func followsADescriptorSetWhenItsFileChanges() async throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "\(UUID().uuidString).binpb")
        defer { try? FileManager.default.removeItem(at: file) }
        func write(_ bytes: [UInt8]) throws { try Data(bytes).write(to: file, options: .atomic) }
        try write(DescriptorPool([Line.descriptor.file]).fileDescriptorSet)
        channel.connect([DeskServer()])
        var options = EdgeOptions.defaults
        options.limits.schemaPauseMin = .zero
        let edge = try Edge(
            [Upstream(name: "desk", channel: channel, schemaFile: file.path)], options: options,
            logger: .quiet)
        await edge.refresh()
        #expect(await status(edge) == 404)
        // A file that is broken changes nothing.
        try write([0xFF])
        await edge.refresh()
        #expect(edge.followers[0].pool?.service(named: Line.descriptor.fullName) != nil)
        try write(DescriptorPool([Desk.descriptor.file]).fileDescriptorSet)
        #expect(await status(edge) == 200)
        let first = edge.followers[0].pool?.service(named: Desk.descriptor.fullName)
        await edge.refresh()
        #expect(first === edge.followers[0].pool?.service(named: Desk.descriptor.fullName))
    }

    @Test func theFirstUpstreamOfAServiceHasIt() async throws {
        let pool = DescriptorPool([Desk.descriptor.file])
        let table = RouteTable([pool, nil, pool])
        #expect(table.route(service: Desk.descriptor.fullName, method: "Echo")?.upstream == 0)
        #expect(table.duplicates.map(\.upstream) == [2])
        #expect(!table.isComplete)
    }
}
