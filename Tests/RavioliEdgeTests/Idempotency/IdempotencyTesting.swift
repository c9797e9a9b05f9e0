// SPDX-License-Identifier: Apache-2.0

import EdgeSchemas
import Foundation
import HTTPTypes
import Ravioli
import Synchronization

@testable import RavioliEdge

/// A file that goes when nobody holds it.
final class TemporaryFile: Sendable {
    let path: String

    init() {
        path =
            FileManager.default.temporaryDirectory.appending(path: "ravioli-\(UUID().uuidString).sqlite").path
    }

    deinit {
        for suffix in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: path + suffix) }
    }
}

/// Counts the unary calls of a service that are made, and may answer in its place.
final class CountingChannel: Ravioli.Channel {
    /// What a call does before the service, or instead of it.
    typealias Before = @Sendable (_ number: Int) async throws(RPCError) -> Void

    private let inner = InProcessChannel([DeskServer(), LineServer(), LibraryServer()])
    private let service: String
    private let before: Before
    private let calls = Atomic<Int>(0)

    init(_ service: String, before: @escaping Before = { _ in }) {
        self.service = service
        self.before = before
    }

    /// How many calls were made.
    var count: Int { calls.load(ordering: .relaxed) }

    func unary(_ request: UnaryRequest) async throws(RPCError) -> UnaryResponse {
        guard request.method.service == service else { return try await inner.unary(request) }
        try await before(calls.add(1, ordering: .relaxed).newValue)
        return try await inner.unary(request)
    }

    func stream(_ request: StreamRequest) -> any StreamCall { inner.stream(request) }
}

/// Something that opens once, and who waits for it.
final class Gate: Sendable {
    private let stream: AsyncStream<Void>
    private let end: AsyncStream<Void>.Continuation

    init() { (stream, end) = AsyncStream.makeStream() }

    func open() { end.finish() }

    /// Waits, also for a task that is cancelled.
    func wait() async {
        let stream = stream
        await Task { for await _ in stream {} }.value
    }
}

/// An edge that makes calls with keys once.
struct KeyedEdge {
    static let line = "/ravioli.test.v1.Line/Unary"
    let file: TemporaryFile
    let channel: CountingChannel
    let edge: Edge

    init(
        _ file: TemporaryFile = TemporaryFile(), service: String = "ravioli.test.v1.Line",
        before: @escaping CountingChannel.Before = { _ in }, guards: [any DoorGuard] = [],
        change: (inout EdgeOptions) -> Void = { _ in }
    ) async throws {
        self.file = file
        channel = CountingChannel(service, before: before)
        var options = EdgeOptions.defaults
        options.responseHeaders = HeaderRules(["x-*"])
        options.idempotency = IdempotencyOptions(file: file.path)
        change(&options)
        edge = try Edge(
            [Upstream(name: "line", channel: channel)], options: options, guards: guards, logger: .quiet)
        await edge.refresh()
    }

    /// Sends JSON to a method.
    func send(
        _ key: String?, _ body: String = #"{"text":"a"}"#, to path: String = line,
        method: HTTPRequest.Method = .post, type: String = "application/json", more: HTTPFields = [:]
    ) async -> TestResponse {
        await send(key, bytes: Array(body.utf8), to: path, method: method, type: type, more: more)
    }

    func send(
        _ key: String?, bytes: [UInt8], to path: String = line, method: HTTPRequest.Method = .post,
        type: String = "application/json", more: HTTPFields = [:]
    ) async -> TestResponse {
        var headers = more
        headers[.contentType] = type
        headers[.idempotencyKey] = key
        return await edge.answer(
            path, method: method, headers: headers, bytes: bytes, isHTTP2: type.hasPrefix("application/grpc"))
    }
}

extension TestResponse {
    var isReplay: Bool { headers[.idempotencyReplayed] == "true" }

    /// All but what belongs to the exchange alone.
    var kept: HTTPFields {
        var fields = headers
        (fields[.requestID], fields[.idempotencyReplayed]) = (nil, nil)
        return fields
    }
}
