// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
package import Logging
package import Ravioli
import RavioliSchema
import Synchronization

/// The edge without its HTTP server: exchanges in, answered exchanges out.
///
/// A request passes the guards, then the router, which finds its method by the path and its protocol by the method and
/// the content type, and then the protocol, which runs it on the channel of its service.
package final class Edge: Sendable {
    package let options: EdgeOptions
    let logger: Logger
    private let prefix: [String]
    private let guards: [any DoorGuard]
    let followers: [SchemaFollower]
    private let table: Mutex<RouteTable>
    let restDoor: RESTDoor
    /// Nil if no keys count.
    let idempotency: IdempotencyDesk?

    /// - Parameter guards: Who looks at each request after the rules for other origins.
    /// - Throws: `invalidConfiguration`.
    package init(
        _ upstreams: [Upstream], options: EdgeOptions, guards: [any DoorGuard] = [], logger: Logger
    ) throws(RuntimeError) {
        try options.check()
        self.options = options
        self.logger = logger
        let own: [any DoorGuard] = options.cors.map { [CORSGuard($0)] } ?? []
        self.guards = own + guards
        prefix = EdgePath.prefix(options.prefix)
        restDoor = try RESTDoor(options.rest, prefix: options.prefix, logger: logger)
        followers = upstreams.map { SchemaFollower($0, limits: options.limits, logger: logger) }
        table = Mutex(RouteTable(followers.map(\.pool)))
        idempotency = try options.idempotency.map { options throws(RuntimeError) in
            try IdempotencyDesk(options, logger: logger)
        }
    }

    // MARK: Schemas

    /// Asks every upstream for its schema.
    ///
    /// - Parameter paced: Whether to leave out those that were asked a moment ago.
    package func refresh(paced: Bool = false) async {
        await withDiscardingTaskGroup { group in
            for follower in followers { group.addTask { await follower.refresh(paced: paced) } }
        }
        rebuild()
    }

    private func rebuild() {
        let new = RouteTable(followers.map(\.pool))
        for (service, upstream) in new.duplicates {
            let name = followers[upstream].upstream.name
            logger.debug(
                "service left out: an earlier upstream has it",
                metadata: ["service": "\(service)", "upstream": "\(name)"])
        }
        table.withLock { $0 = new }
        restDoor.update(new.descriptors, isComplete: new.isComplete)
    }

    /// The same method in the newest schema.
    func current(_ route: Route) -> Route {
        table.withLock { $0.route(service: route.name.service, method: route.name.method) } ?? route
    }

    // MARK: Serving

    /// Answers one request. Never throws: whatever happens becomes an answer.
    package func serve(_ exchange: Exchange) async {
        let start = Deadline.nowNanoseconds
        if exchange.head.path?.prefix(while: { $0 != "?" }) == "/healthz" {
            await exchange.answer(await health(exchange.head))
        } else {
            await passGuards(exchange)
        }
        log(exchange, nanoseconds: Deadline.nowNanoseconds - start)
    }

    private func log(_ exchange: Exchange, nanoseconds: Int64) {
        // Whoever asks for health keeps asking; the log says once which upstream is not well.
        let status = exchange.status ?? 499
        let isQuiet = status < 500 || exchange.head.path == "/healthz"
        let level: Logger.Level = isQuiet ? .debug : .info
        logger.log(
            level: level, "answered",
            metadata: [
                "request": "\(exchange.requestID)", "status": "\(status)",
                "microseconds": "\(nanoseconds / 1000)",
                "path": "\(SchemaError.excerpt(exchange.head.path ?? "", limit: 128))",
            ])
    }

    private func passGuards(_ exchange: Exchange) async {
        var visit = Visit(exchange)
        for doorGuard in guards {
            switch await doorGuard.look(at: &visit) {
            case .pass(let fields): exchange.addResponseFields(fields)
            case .answer(let answer): return await exchange.answer(answer)
            case .refuse(let error, let fields):
                exchange.addResponseFields(fields)
                return await CallResponder(self, exchange, types: DescriptorPool()).refuse(.call(error))
            }
        }
        if let route = knownRoute(exchange.head) {
            return await CallResponder(self, exchange, types: route.types)
                .serve(route, verified: visit.verified)
        }
        if await answerREST(exchange, verified: visit.verified) { return }
        do throws(EdgeRefusal) {
            let route = try await route(exchange.head)
            await CallResponder(self, exchange, types: route.types).serve(route, verified: visit.verified)
        } catch {
            if await refuseREST(error, exchange) { return }
            await CallResponder(self, exchange, types: DescriptorPool()).refuse(error)
        }
    }

    /// The method of a path that is Connect's, if it is known already.
    func knownRoute(_ head: HTTPRequest) -> Route? {
        guard let path = EdgePath(head.path ?? ""), let (service, method) = path.method(behind: prefix) else {
            return nil
        }
        return table.withLock { $0.route(service: service, method: method) }
    }

    /// The route of a method by its names.
    func route(of method: MethodDescriptor) -> Route? {
        table.withLock { $0.route(service: method.serviceName, method: method.name) }
    }

    /// The method that a request is for.
    private func route(_ head: HTTPRequest) async throws(EdgeRefusal) -> Route {
        guard let path = EdgePath(head.path ?? "") else {
            throw .http(.badRequest, "The path is malformed.", [:])
        }
        guard let (service, method) = path.method(behind: prefix) else { throw Self.notFound }
        if let route = table.withLock({ $0.route(service: service, method: method) }) { return route }
        await refresh(paced: true)
        let (route, isComplete) = table.withLock {
            ($0.route(service: service, method: method), $0.isComplete)
        }
        if let route { return route }
        if isComplete { throw Self.notFound }
        throw .call(RPCError(.unavailable, "not every service has been found yet", executed: .no))
    }

    private static let notFound = EdgeRefusal.http(.notFound, "There is no such method.", [:])
}

extension RPCError {
    /// The error as strangers may see it: what this end inferred about its own connections names addresses and limits
    /// that are nobody's business, and so does any hop's report of what used up the time.
    var forTheWorld: RPCError {
        if deadlineReport != nil {
            return RPCError(.deadlineExceeded, "the deadline passed", executed: executed, metadata: metadata)
        }
        guard isFromCall, origin == .local else { return self }
        let text: String
        switch code {
        case .invalidArgument, .resourceExhausted: text = message
        case .deadlineExceeded: text = "the deadline passed"
        case .cancelled: text = "the call was cancelled"
        case .unavailable: text = "the service cannot be reached"
        default: text = "the call failed on its way"
        }
        return RPCError(code, text, executed: executed)
    }
}
