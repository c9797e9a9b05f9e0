// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
package import Logging
package import Ravioli
import RavioliSchema
import Synchronization

/// The edge without its HTTP server: exchanges in, answered exchanges out.
///
/// A request passes the rules for other origins, then the router, which finds what it is for, then the guards, who know what
/// that is, and then the protocol of its content type, which runs it on the channel of its service.
package final class Edge: Sendable {
    package let options: EdgeOptions
    let logger: Logger
    let prefix: [String]
    private let cors: CORSGuard?
    private let guards: [any DoorGuard]
    private let clientAddress: ClientAddress
    /// The keys of tokens, if there are any.
    let keyStore: KeyStore?
    let followers: [SchemaFollower]
    private let exposure: Exposure
    private let table: Mutex<RouteTable>
    let restDoor: RESTDoor
    /// Nil if no keys count.
    let idempotency: IdempotencyDesk?

    /// - Parameters:
    ///   - guards: Who looks at each request after the edge's own guards.
    ///   - clock: The guards'.
    /// - Throws: `invalidConfiguration`.
    package init(
        _ upstreams: [Upstream], options: EdgeOptions, guards: [any DoorGuard] = [],
        clock: GuardClock = .system, logger: Logger
    ) throws(RuntimeError) {
        try options.check()
        self.options = options.withholdingClaims
        self.logger = logger
        cors = options.cors.map { CORSGuard($0) }
        clientAddress = try ClientAddress(options.trustedProxies)
        keyStore = options.jwt.map { KeyStore($0, logger: logger) }
        self.guards = try DoorGuards.own(options, keyStore, clock: clock, logger: logger) + guards
        prefix = EdgePath.prefix(options.prefix)
        restDoor = try RESTDoor(options, logger: logger)
        followers = upstreams.map { SchemaFollower($0, limits: options.limits, logger: logger) }
        exposure = try Exposure(options)
        table = Mutex(
            RouteTable(followers.map(\.pool), prefix: EdgePath.text(prefix), exposure: exposure))
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
        let new = RouteTable(followers.map(\.pool), prefix: EdgePath.text(prefix), exposure: exposure)
        for (service, upstream) in new.duplicates {
            let name = followers[upstream].upstream.name
            logger.debug(
                "service left out: an earlier upstream has it",
                metadata: ["service": "\(service)", "upstream": "\(name)"])
        }
        table.withLock { $0 = new }
        restDoor.update(new)
    }

    /// The same method in the newest schema.
    func current(_ route: Route) -> Route {
        table.withLock { $0.route(service: route.name.service, method: route.name.method) } ?? route
    }

    // MARK: Serving

    /// Answers one request. Never throws: whatever happens becomes an answer.
    package func serve(_ exchange: Exchange) async {
        let start = Deadline.nowNanoseconds
        let client = clientAddress.of(exchange.connection.peer, exchange.head.headerFields)
        if exchange.head.path(is: "/healthz") {
            await exchange.answer(await health(exchange.head))
        } else if cors == nil, guards.isEmpty, let path = exchange.head.path,
            let route = table.withLock({ $0.route(path: path) })
        {
            let verified = Visit.verified(exchange.connection)
            await CallResponder(self, exchange, types: route.types).serve(route, verified: verified)
        } else {
            await passGuards(exchange, Visit(exchange, clientAddress: client))
        }
        log(exchange, client, nanoseconds: Deadline.nowNanoseconds - start)
    }

    private func log(_ exchange: Exchange, _ client: String?, nanoseconds: Int64) {
        // Whoever asks for health keeps asking; the log says once which upstream is not well.
        let status = exchange.status ?? 499
        let isQuiet = status < 500 || exchange.head.path == "/healthz"
        let level: Logger.Level = isQuiet ? .debug : .info
        logger.log(
            level: level, "answered",
            metadata: [
                "request": "\(exchange.requestID)", "status": "\(status)",
                "microseconds": "\(nanoseconds / 1000)", "client": "\(client ?? "-")",
                "path": "\(SchemaError.excerpt(exchange.head.path ?? "", limit: 128))",
            ])
    }

    private func passGuards(_ exchange: Exchange, _ visit: Visit) async {
        var visit = visit
        if let cors {
            switch await cors.look(at: &visit) {
            case .pass(let fields): exchange.addResponseFields(fields)
            case .answer(let answer): return await exchange.answer(answer)
            case .refuse(let error, let fields):
                exchange.addResponseFields(fields)
                return await refuse(error, .none(Self.notFound), exchange)
            }
        }
        let target: Target
        if let path = exchange.head.path, let route = table.withLock({ $0.route(path: path) }) {
            target = .call(route)
        } else if let known = knownTarget(exchange.head, visit.path) {
            target = known
        } else {
            target = await newTarget(visit.path)
        }
        visit.target = target
        let verdict = await guards.isEmpty ? nil : look(at: &visit, exchange)
        if let fields = visit.limits.fields { exchange.addResponseFields(fields) }
        switch verdict {
        case .refuse(let error, let fields):
            exchange.addResponseFields(fields)
            await refuse(error, target, exchange)
        case .answer(let answer): await exchange.answer(answer)
        case .pass, nil: await serve(target, exchange, verified: visit.verified)
        }
    }

    /// What the first guard says that does not let the request pass.
    private func look(at visit: inout Visit, _ exchange: Exchange) async -> GuardVerdict? {
        for doorGuard in guards {
            let verdict = await doorGuard.look(at: &visit)
            guard case .pass(let fields) = verdict else { return verdict }
            exchange.addResponseFields(fields)
        }
        return nil
    }

    /// The route of a method that a client names, if it is known already; one that is hidden leads nowhere.
    func route(_ service: String, _ method: String) -> Route? {
        table.withLock { $0.route(service: service, method: method) }.flatMap { $0.isExposed ? $0 : nil }
    }

    /// The route of a method by its names.
    func route(of method: MethodDescriptor) -> Route? {
        table.withLock { $0.route(service: method.serviceName, method: method.name) }
    }

    /// The method of these names that a client has given, asked for if it is not known yet.
    func newRoute(_ service: String, _ method: String) async throws(EdgeRefusal) -> Route {
        await refresh(paced: true)
        let (route, isComplete) = table.withLock {
            ($0.route(service: service, method: method), $0.isComplete)
        }
        if let route, route.isExposed { return route }
        if isComplete || route != nil { throw Self.notFound }
        throw .call(RPCError(.unavailable, "not every service has been found yet", executed: .no))
    }

    static let notFound = EdgeRefusal.http(.notFound, "There is no such method.", [:])
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
