// SPDX-License-Identifier: Apache-2.0

import Ravioli
import Synchronization

/// The checks of the kit on one channel.
struct ConformanceRun: Sendable {
    let channel: any Channel
    let server: ConformanceServer

    struct Finding: Error, CustomStringConvertible { let description: String }
    typealias Check = @Sendable () async throws -> Void

    var checks: [(name: String, check: Check)] {
        [
            ("echoes messages of every size", echoes),
            ("carries metadata both ways", carriesMetadata),
            ("refuses metadata over the limit", refusesLongMetadata),
            ("tells a handler's error with its code, text and metadata", tellsErrors),
            ("knows methods that are not served", knowsUnknownMethods),
            ("ends a call at its deadline", endsAtDeadline),
            ("runs no call whose deadline has passed", runsNothingLate),
            ("cancels a call with its task", cancels),
            ("streams responses in order", streamsResponses),
            ("streams requests", streamsRequests),
            ("streams both ways in turns", converses),
            ("makes a sender wait for its reader", holdsBack),
            ("runs calls side by side", runsSideBySide),
        ]
    }

    private func expect(_ holds: Bool, _ finding: @autoclosure () -> String) throws {
        if !holds { throw Finding(description: finding()) }
    }

    private func request(
        _ name: ConformanceServer.Name, _ message: [UInt8] = [], timeout: Duration = .seconds(30),
        metadata: Metadata = Metadata()
    ) -> UnaryRequest {
        var options = CallOptions.timeout(timeout)
        options.metadata = metadata
        return UnaryRequest(name.method, message: message, options: options)
    }

    private func error(_ request: UnaryRequest) async throws -> RPCError {
        do throws(RPCError) {
            _ = try await channel.unary(request)
        } catch {
            return error
        }
        throw Finding(description: "the call succeeded")
    }

    // MARK: Unary calls

    private func echoes() async throws {
        for size in [0, 1, 1000, 70_000, 1_000_000] {
            let message = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            let answer = try await channel.unary(request(.echo, message)).message
            try expect(answer == message, "\(size) bytes came back as \(answer.count), or changed")
        }
    }

    private func carriesMetadata() async throws {
        let metadata: Metadata = ["x-text": "value", "x-empty": ""]
        let answer = try await channel.unary(request(.echo, metadata: metadata)).metadata
        try expect(answer == metadata, "\(metadata) came back as \(answer)")
    }

    private func refusesLongMetadata() async throws {
        let metadata: Metadata = ["x-long": String(repeating: "x", count: 9000)]
        let error = try await error(request(.echo, metadata: metadata))
        try expect(error.code == .resourceExhausted && error.executed == .no, "\(error)")
    }

    private func tellsErrors() async throws {
        let error = try await error(request(.fail))
        try expect(error.code == .failedPrecondition && error.message == "as asked", "\(error)")
        try expect(error.executed == .yes || error.executed == .maybe, "executed: \(error.executed)")
        try expect(error.metadata.contains { $0.name == "failed-by" }, "its metadata: \(error.metadata)")
    }

    private func knowsUnknownMethods() async throws {
        guard let name = MethodName("ravioli.conformance.v1.Conformance/Nothing") else { return }
        let error = try await error(UnaryRequest(name, message: []))
        try expect(error.code == .unimplemented && error.executed == .no, "\(error)")
    }

    private func endsAtDeadline() async throws {
        let clock = ContinuousClock()
        let began = clock.now
        let error = try await error(request(.hang, timeout: .milliseconds(50)))
        try expect(error.code == .deadlineExceeded, "\(error)")
        try expect(clock.now - began < .seconds(20), "it took \(clock.now - began)")
    }

    private func runsNothingLate() async throws {
        let error = try await error(request(.echo, timeout: .zero))
        try expect(error.code == .deadlineExceeded && error.executed == .no, "\(error)")
    }

    private func cancels() async throws {
        let error = await withTaskGroup(of: RPCError?.self) { group in
            group.addTask { try? await self.error(request(.hang, timeout: .seconds(60))) }
            group.cancelAll()
            return await group.next() ?? nil
        }
        try expect(error?.code == .cancelled, "\(error.map { "\($0)" } ?? "the call succeeded")")
    }

    private func runsSideBySide() async throws {
        let request = request(.echo, [42])
        try await withThrowingTaskGroup(of: [UInt8].self) { group in
            for _ in 0..<250 { group.addTask { try await channel.unary(request).message } }
            for try await answer in group { try expect(answer == [42], "an answer is \(answer)") }
        }
    }

    // MARK: Streams

    private func streamsResponses() async throws {
        let call = channel.stream(
            StreamRequest(
                ConformanceServer.Name.count.method, request: [100], options: .timeout(.seconds(30))))
        for number in 0..<UInt8(100) {
            let answer = try await call.next()
            try expect(answer == [number], "answer \(number) is \(String(describing: answer))")
        }
        let last = try await call.next()
        try expect(last == nil, "an answer follows the last one")
    }

    private func streamsRequests() async throws {
        let call = open(.sum)
        for number in 1...UInt8(20) { try await call.send([number]) }
        call.finish()
        let answer = try await call.next()
        try expect(answer == [210], "the answer is \(String(describing: answer))")
        let last = try await call.next()
        try expect(last == nil, "an answer follows the only one")
    }

    private func converses() async throws {
        let call = open(.converse)
        for number in 0..<UInt8(20) {
            try await call.send([number])
            let answer = try await call.next()
            try expect(answer == [number], "answer \(number) is \(String(describing: answer))")
        }
        call.finish()
        let last = try await call.next()
        try expect(last == nil, "an answer follows the last one")
    }

    private func open(_ name: ConformanceServer.Name) -> any StreamCall {
        channel.stream(StreamRequest(name.method, options: .timeout(.seconds(30))))
    }

    /// The server may send what its credit and its buffers hold, and no more until somebody reads.
    private func holdsBack() async throws {
        let call = channel.stream(
            StreamRequest(ConformanceServer.Name.flood.method, request: [], options: .timeout(.seconds(30))))
        _ = try await call.next()
        // As many other calls as would have let it send megabytes.
        for _ in 0..<200 { _ = try await channel.unary(request(.echo, [1])) }
        let sent = server.flooded.withLock { $0 } * 16 * 1024
        call.cancel()
        try expect(sent > 0 && sent <= 2 * 1024 * 1024, "\(sent) bytes were sent to a reader of 16 KiB")
        do {
            while try await call.next() != nil {}
            throw Finding(description: "the cancelled stream ended well")
        } catch let error as RPCError {
            try expect(error.code == .cancelled, "\(error)")
        }
    }
}
