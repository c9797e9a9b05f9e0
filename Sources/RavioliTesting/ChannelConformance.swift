// SPDX-License-Identifier: Apache-2.0

public import Ravioli
public import RavioliSchema
import Synchronization

/// What every channel must do, whatever carries its calls: run it over a transport or a decorator of your own.
///
/// ```swift
/// let kit = try ChannelConformance()
/// let channel = InProcessChannel([kit.service])
/// for failure in await kit.failures(of: channel) { Issue.record("\(failure)") }
/// ```
///
/// The kit brings the service, which any server can serve. Its checks run one after the other on the channel, take a few
/// seconds at most, and leave no call behind. One kit serves one channel.
public struct ChannelConformance: Sendable {
    /// What the server behind the channel must serve.
    public let service: BareService
    private let server: ConformanceServer

    /// A rule that does not hold.
    public struct Failure: Error, CustomStringConvertible {
        /// The name of the check.
        public let check: String
        /// What was found.
        public let finding: String
        /// Both.
        public var description: String { "\(check): \(finding)" }
    }

    /// A kit with a service of its own.
    ///
    /// - Throws: never in practice; its schema is fixed.
    public init() throws(SchemaError) {
        let server = ConformanceServer()
        self.server = server
        service = try BareService("ravioli.conformance.v1.Conformance", methods: server.methods)
    }

    /// Runs every check.
    ///
    /// - Parameter channel: leads to a server that serves ``service`` with default limits.
    /// - Returns: what does not hold; empty for a channel that conforms.
    public func failures(of channel: any Channel) async -> [Failure] {
        let run = ConformanceRun(channel: channel, server: server)
        var failures: [Failure] = []
        for (name, check) in run.checks {
            do {
                try await check()
            } catch {
                failures.append(Failure(check: name, finding: "\(error)"))
            }
        }
        return failures
    }
}

/// The service of the kit.
final class ConformanceServer: Sendable {
    /// A handler that waited was cancelled.
    let cancellations = Mutex(0)
    /// Messages that a flood has been able to send.
    let flooded = Mutex(0)

    enum Name: String, CaseIterable {
        case echo = "Echo"
        case fail = "Fail"
        case hang = "Hang"
        case count = "Count"
        case sum = "Sum"
        case converse = "Converse"
        case flood = "Flood"

        var method: MethodName {
            guard let name = MethodName("ravioli.conformance.v1.Conformance/" + rawValue) else {
                preconditionFailure("a method's name is short")
            }
            return name
        }
    }

    var methods: [MethodHandler] {
        [
            .unaryBytes(Name.echo.method) { request, context in
                context.setResponseMetadata(context.metadata)
                return request
            },
            .unaryBytes(Name.fail.method) { _, _ in
                throw RPCError(.failedPrecondition, "as asked", metadata: ["failed-by": "conformance"])
            },
            .unaryBytes(Name.hang.method) { _, _ in
                try await self.hang()
                return []
            },
            .streamBytes(Name.count.method) { requests, responses, _ in
                let iterator = requests.makeAsyncIterator()
                for number in 0..<(try await iterator.next()?.first ?? 0) {
                    try await responses.send([number])
                }
            },
            .streamBytes(Name.sum.method) { requests, responses, _ in
                var sum: UInt8 = 0
                for try await request in requests { sum = request.reduce(sum, &+) }
                try await responses.send([sum])
            },
            .streamBytes(Name.converse.method) { requests, responses, _ in
                for try await request in requests { try await responses.send(request) }
            },
            .streamBytes(Name.flood.method) { _, responses, _ in
                while true {
                    try await responses.send([UInt8](repeating: 7, count: 16 * 1024))
                    self.flooded.withLock { $0 += 1 }
                }
            },
        ]
    }

    private func hang() async throws {
        let release = ManualClock()
        do {
            try await release.sleep(for: .seconds(1))
        } catch {
            cancellations.withLock { $0 += 1 }
            throw error
        }
    }
}
