// SPDX-License-Identifier: Apache-2.0

import Ravioli
import RavioliTesting

/// What a caller of the swarm tells the handler, at the head of its first message.
struct SwarmOrder {
    var id: Int
    /// How long the handler takes, in microseconds.
    var microseconds = 0
    /// Whether it does not notice that it is cancelled.
    var isStubborn = false
    /// Whether it answers when it has read one request, whatever follows.
    var endsEarly = false
    /// Responses, and the length of each.
    var answers = 1
    var answerBytes = 0

    static let headBytes = 20

    /// The order, and bytes that can be checked behind it.
    func message(padding: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.headBytes + padding)
        let flags = (isStubborn ? 1 : 0) | (endsEarly ? 2 : 0)
        for (value, count) in [
            (id, 8), (microseconds, 4), (answers, 3), (answerBytes, 4), (flags, 1),
        ] {
            for index in 0..<count { bytes.append(UInt8(truncatingIfNeeded: value >> (8 * index))) }
        }
        return bytes + swarmPattern(id, 0, count: padding)
    }

    init(id: Int) { self.id = id }

    init?(_ bytes: [UInt8]) {
        guard bytes.count >= Self.headBytes else { return nil }
        var at = 0
        func number(_ count: Int) -> Int {
            defer { at += count }
            return (0..<count).reduce(0) { $0 | Int(bytes[at + $1]) << (8 * $1) }
        }
        id = number(8)
        microseconds = number(4)
        answers = number(3)
        answerBytes = number(4)
        let flags = number(1)
        isStubborn = flags & 1 != 0
        endsEarly = flags & 2 != 0
        guard Array(bytes[Self.headBytes...]) == swarmPattern(id, 0, count: bytes.count - Self.headBytes)
        else {
            return nil
        }
    }
}

/// Bytes that tell the call and the message they belong to.
func swarmPattern(_ id: Int, _ index: Int, count: Int) -> [UInt8] {
    let seed = id &* 31 &+ index &* 7
    return (0..<count).map { UInt8(truncatingIfNeeded: seed &+ $0) }
}

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
        _ bytes: [UInt8]?, _ body: (SwarmOrder) async throws -> Value
    ) async throws -> Value {
        guard let bytes, let order = SwarmOrder(bytes) else {
            books.violated("a request arrived that nobody sent")
            throw RPCError(.invalidArgument, "not an order")
        }
        books.handlerBegan(order.id)
        defer { books.handlerEnded() }
        return try await body(order)
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
            .unaryBytes(unary) { bytes, _ in
                try await serving(bytes) { order in
                    try await work(order)
                    return swarmPattern(order.id, 1, count: order.answerBytes)
                }
            },
            .streamBytes(watch) { requests, responses, _ in
                try await serving(try await requests.first()) { order in
                    for index in 0..<order.answers {
                        try await responses.send(swarmPattern(order.id, index, count: order.answerBytes))
                        try await work(order)
                    }
                }
            },
            .streamBytes(collect) { requests, responses, _ in
                let iterator = requests.makeAsyncIterator()
                let first = try await iterator.next()
                try await serving(first) { order in
                    var index = 0
                    while let next = try await iterator.next() {
                        index += 1
                        check(next, order, index)
                        try await work(order)
                        if order.endsEarly { break }
                    }
                    try await responses.send(swarmPattern(order.id, index, count: 16))
                }
            },
            .streamBytes(converse) { requests, responses, _ in
                let iterator = requests.makeAsyncIterator()
                let first = try await iterator.next()
                try await serving(first) { order in
                    var index = 0
                    while let next = try await iterator.next() {
                        index += 1
                        check(next, order, index)
                        try await work(order)
                        try await responses.send(next)
                    }
                }
            },
        ]
    }

    private func check(_ message: [UInt8], _ order: SwarmOrder, _ index: Int) {
        if message != swarmPattern(order.id, index, count: message.count) {
            books.violated("call \(order.id): request \(index) arrived changed or out of order")
        }
    }
}

extension RequestBytes {
    fileprivate func first() async throws -> [UInt8]? {
        let iterator = makeAsyncIterator()
        return try await iterator.next()
    }
}
