// SPDX-License-Identifier: Apache-2.0

import Logging
import NIOCore
import RavioliWire
import Synchronization

/// What all connections of a server share.
final class ServerCore: Sendable {
    let options: ServerOptions
    let lifeTerms: ConnectionLife.Terms
    let methods: MethodTable
    let observers: [CallObserver]
    let hello: Hello
    let stallObserver: StallObserver
    let lateWork = LateWork()
    /// Who may call what; nil for everybody everything.
    let access: AccessSource?
    private let logger: Logger
    private let methodsByLoop = Mutex<[ObjectIdentifier: [ServedMethod]]>([:])

    init(_ services: [any Service], options: ServerOptions, logger: Logger) throws(RuntimeError) {
        try options.check()
        self.options = options
        observers = options.observers
        lifeTerms = options.lifeTerms
        self.logger = logger
        let reflection = ServerReflection(services)
        methods = try MethodTable(options.servesReflection ? services + [reflection] : services)
        let names = methods.handlers.map(\.name)
        access = options.policy.map {
            AccessSource($0, methods: names, reloadInterval: options.policyReloadInterval, logger: logger)
        }
        hello = Hello(
            limits: options.limits, schemaFingerprint: reflection.fingerprint,
            details: HelloDetails(service: options.name).block)
        stallObserver = StallObserver(threshold: options.stallThreshold) { method, duration in
            logger.warning(
                "a handler held up its event loop; declare it .offloaded",
                metadata: ["method": "\(method?.fullName ?? "unknown")", "duration": "\(duration)"])
        }
    }

    /// What this server is called where errors name it.
    var hopName: String { options.name.isEmpty ? "the server" : options.name }

    /// The methods, by number, as a loop serves them.
    func methods(on context: LoopContext) -> [ServedMethod] {
        methodsByLoop.withLock { known in
            if let served = known[ObjectIdentifier(context)] { return served }
            let served = methods.handlers.map {
                ServedMethod(
                    $0, executor: LoopExecutor(context, method: $0.name, stallObserver: stallObserver))
            }
            known[ObjectIdentifier(context)] = served
            return served
        }
    }

    /// A peer broke the protocol.
    func note(_ error: WireError, from peer: Peer?) { note(error, from: peer?.address ?? "unknown") }

    /// A connection could not go on.
    func note(_ error: any Error, from address: String) {
        logger.info("connection refused", metadata: ["peer": "\(address)", "error": "\(error)"])
    }

    /// A handler threw something whose text must stay here.
    func log(_ error: any Error, from method: MethodName) {
        logger.error("a handler failed", metadata: ["method": "\(method)", "error": "\(error)"])
    }
}

extension ServerConnection {
    /// What other threads may hold of a connection.
    final class Handle: Sendable {
        let peer: Peer
        let inheritedMetadataNames: [String]
        let hopName: String
        let interceptors: [any Interceptor]
        private let context: LoopContext
        private let server: ServerCore
        private let bound: NIOLoopBound<ServerConnection>

        /// Made on the connection's loop.
        init(_ connection: ServerConnection, server: ServerCore, peer: Peer) {
            self.peer = peer
            self.server = server
            hopName = server.hopName
            context = connection.link.context
            inheritedMetadataNames = server.options.inheritedMetadata
            interceptors = server.options.interceptors
            bound = NIOLoopBound(connection, eventLoop: context.eventLoop)
        }

        /// Whether the current thread is the connection's loop.
        var isOnLoop: Bool { context.eventLoop.inEventLoop }
        /// The connection; only on its loop.
        var onLoop: ServerConnection { bound.value }
        /// Hands work to the loop.
        func post(_ work: any LoopContext.RemoteWork) { context.post(work) }
        /// Logs what a caller is not told.
        func log(_ error: any Error, from method: MethodName) { server.log(error, from: method) }
    }
}
