// SPDX-License-Identifier: Apache-2.0

import Ravioli
import RavioliTesting

/// Serves what it is ordered to, and keeps books of it.
struct SwarmService: Sendable {
    static let unary = MethodName("swarm.Swarm/Unary")
    static let watch = MethodName("swarm.Swarm/Watch")
    static let collect = MethodName("swarm.Swarm/Collect")
    static let converse = MethodName("swarm.Swarm/Converse")

    let world: Simulation
    let books: SwarmBooks

    func service() throws -> BareService { try BareService("swarm.Swarm", methods: methods) }

    private func serving<Value: Sendable>(
        _ bytes: [UInt8]?, _ context: CallContext, _ body: (SwarmOrder) async throws -> Value
    ) async throws -> Value {
        guard let bytes, let order = SwarmOrder(bytes) else {
            books.violated("a request arrived that nobody sent")
            throw RPCError(.invalidArgument, "not an order")
        }
        books.handlerBegan(order.id)
        defer { books.handlerEnded() }
        check(context, order)
        if order.answerMetadataBytes > 0, order.failure == 0 {
            context.setResponseMetadata(order.answerMetadata)
        }
        let value = try await body(order)
        if let error = order.error { throw error }
        return value
    }

    private func work(_ order: SwarmOrder) async throws {
        if order.microseconds == 0 { return }
        let time = Duration.microseconds(order.microseconds)
        if order.isStubborn {
            await world.sleepStubbornly(for: time)
        } else {
            try await world.sleep(for: time)
        }
    }

    var methods: [MethodHandler] {
        guard let unary = Self.unary, let watch = Self.watch, let collect = Self.collect,
            let converse = Self.converse
        else { return [] }
        return [
            .unaryBytes(unary) { bytes, context in
                try await serving(bytes, context) { order in
                    try await work(order)
                    return SwarmPattern.bytes(order.id, 1, count: order.answerBytes)
                }
            },
            .streamBytes(watch) { requests, responses, context in
                try await serving(try await requests.first(), context) { order in
                    for index in 0..<order.answers {
                        try await responses.send(
                            SwarmPattern.bytes(order.id, index, count: order.answerBytes))
                        try await work(order)
                    }
                }
            },
            .streamBytes(collect) { requests, responses, context in
                let iterator = requests.makeAsyncIterator()
                let first = try await iterator.next()
                try await serving(first, context) { order in
                    var index = 0
                    while let next = try await iterator.next() {
                        index += 1
                        check(next, order, index)
                        try await work(order)
                        if order.endsEarly { break }
                    }
                    if order.failure > 0 { return }
                    try await responses.send(SwarmPattern.bytes(order.id, index, count: 16))
                }
            },
            .streamBytes(converse) { requests, responses, context in
                let iterator = requests.makeAsyncIterator()
                let first = try await iterator.next()
                try await serving(first, context) { order in
                    var index = 0
                    while let next = try await iterator.next() {
                        index += 1
                        check(next, order, index)
                        try await work(order)
                        try await responses.send(next)
                        if order.endsEarly, order.failure > 0 { break }
                    }
                }
            },
        ]
    }

    // MARK: What arrives

    private func check(_ message: [UInt8], _ order: SwarmOrder, _ index: Int) {
        if !SwarmPattern.matches(message, order.id, index) {
            books.violated("call \(order.id): request \(index) arrived changed or out of order")
        }
    }

    private func check(_ context: CallContext, _ order: SwarmOrder) {
        if context.metadata.withoutMarks != order.metadata {
            books.violated("call \(order.id): its metadata arrived changed: \(context.metadata)")
        }
        if Int(context.criticality.rawValue) != order.criticality || Int(context.attempt) != order.attempt {
            books.violated("call \(order.id): its rank arrived changed")
        }
    }
}

extension RequestBytes {
    fileprivate func first() async throws -> [UInt8]? {
        let iterator = makeAsyncIterator()
        return try await iterator.next()
    }
}

/// Stands around the calls of one side: marks them, delays some, refuses some.
struct SwarmInterceptor: Interceptor {
    let world: Simulation
    let books: SwarmBooks
    /// Which calls are refused and delayed.
    let random: SeededRandom

    static let refusal = "refused by the swarm"
    static let mark = "interceptor-"

    func intercept(
        _ request: InterceptedRequest, context: InterceptorContext,
        next: @Sendable (InterceptedRequest) async throws -> InterceptedResponse
    ) async throws -> InterceptedResponse {
        books.interceptorBegan()
        defer { books.interceptorEnded() }
        let isRefused = random.happens(perMillion: 50_000)
        let delay = random.duration(in: .microseconds(1)...(.milliseconds(50)))
        let isDelayed = random.happens(perMillion: 100_000)
        // On the caller's side nothing would end a delay at the deadline.
        if isDelayed, context.side == .server { try await world.sleep(for: delay) }
        if isRefused { throw RPCError(.permissionDenied, Self.refusal, executed: .no) }
        var marked = request
        marked.metadata.add(Self.mark + (context.side == .client ? "client" : "server"), "seen")
        if context.side == .server, request.metadata.withoutMarks.count == marked.metadata.count {
            books.violated("an interceptor's change was lost")
        }
        return try await next(marked)
    }
}

extension Metadata {
    /// What callers and handlers know of.
    var withoutMarks: Metadata {
        if isEmpty { return self }
        var rest = self
        for side in ["client", "server"] { rest.remove(SwarmInterceptor.mark + side) }
        return rest
    }
}
