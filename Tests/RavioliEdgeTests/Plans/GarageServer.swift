// SPDX-License-Identifier: Apache-2.0

import EdgeSchemas
import Logging
import NIOCore
import Ravioli
import Synchronization

/// A garage behind an edge. What it is asked for decides how it behaves: cars whose id begins with `slow` never come,
/// those called `none` are not there, `stuck` is a maker whose list never comes, and `down` is one whose list fails.
final class GarageServer: GarageService {
    let (slowBegan, begin) = AsyncStream<Void>.makeStream()
    let (slowEnded, end) = AsyncStream<Void>.makeStream()

    func getCar(_ request: GetCarRequest, context: CallContext) async throws -> Car {
        if request.id == "none" { throw RPCError(.notFound, "no such car") }
        if request.id.hasPrefix("slow") { await sleepUntilCancelled() }
        let seen = context.metadata.map { "\($0.name)=\($0.text ?? "")" }.sorted()
        let makers = ["odd": "down", "stuck": "stuck"]
        let time = context.deadline.remaining / .milliseconds(1)
        return Car(
            id: request.id, maker: makers[request.id] ?? "Volvo", year: Int32(time), tags: seen)
    }

    func listCars(_ request: ListCarsRequest, context: CallContext) async throws -> CarList {
        if request.maker == "stuck" { await sleepUntilCancelled() }
        if request.maker == "down" { throw RPCError(.unavailable, "the garage is closed") }
        return CarList(
            cars: (0..<min(max(request.limit, 0), 1000)).map { Car(id: "c\($0)", maker: request.maker) })
    }

    func price(_ request: PriceRequest, context: CallContext) async throws -> PriceResponse {
        PriceResponse(prices: request.ids.map { _ in 1.5 }, total: 1.5 * Double(request.ids.count))
    }

    func sell(_ request: GetCarRequest, context: CallContext) async throws -> Car { Car(id: request.id) }

    func watchCars(
        _ request: ListCarsRequest, responses: MessageWriter<Car>, context: CallContext
    ) async throws {}

    private func sleepUntilCancelled() async {
        let (never, wake) = AsyncStream<Void>.makeStream()
        begin.yield()
        await withTaskCancellationHandler {
            for await _ in never {}
        } onCancel: {
            wake.finish()
        }
        end.yield()
    }
}

/// Keeps what is logged, one line an entry.
final class KeptLog: Sendable {
    private let lines = Mutex<[String]>([])

    var text: String { lines.withLock { $0.joined(separator: "\n") } }

    var logger: Logger {
        var logger = Logger(label: "kept") { _ in Handler(log: self) }
        logger.logLevel = .debug
        return logger
    }

    private struct Handler: LogHandler {
        let log: KeptLog
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.debug

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let more = (event.metadata ?? [:]).sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
            log.lines.withLock { $0.append(([event.message.description] + more).joined(separator: " ")) }
        }
    }
}
