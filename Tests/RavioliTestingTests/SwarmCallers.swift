// SPDX-License-Identifier: Apache-2.0

import Ravioli
import RavioliTesting

/// Makes calls of all kinds, one after the other.
struct SwarmCaller: Sendable {
    let world: Simulation
    let scope: SwarmScope
    let plan: SwarmPlan
    let books: SwarmBooks
    let channel: any Channel
    /// Of its client.
    let number: Int

    func run() async {
        while let id = books.nextCall() {
            // Numbers of its own, so that a call is the same one whatever else the swarm is spared.
            let random = scope.random(1_000 + UInt64(id))
            await SwarmCall(caller: self, random: random, id: id).run()
            if random.happens(perMillion: 200_000) {
                try? await world.sleep(for: random.duration(in: .microseconds(1)...(.milliseconds(100))))
            }
        }
    }
}

/// One call, and a look at how it ends.
struct SwarmCall: Sendable {
    private let caller: SwarmCaller
    private let random: SeededRandom
    private let id: Int
    private let timeout: Duration
    private let order: SwarmOrder
    private let options: CallOptions

    private var world: Simulation { caller.world }
    private var books: SwarmBooks { caller.books }
    private var plan: SwarmPlan { caller.plan }

    init(caller: SwarmCaller, random: SeededRandom, id: Int) {
        self.caller = caller
        self.random = random
        self.id = id
        let shortest = random.duration(
            in: .microseconds(500)...(.milliseconds(1 << random.int(in: 0...13))))
        timeout = caller.plan.has(.deadlines) ? shortest : .seconds(20)
        var options = CallOptions.timeout(timeout)
        options.waitForReady = caller.plan.has(.waiting) && random.happens(perMillion: 500_000)
        order = Self.order(id, &options, caller.plan, random)
        self.options = options
    }

    private static func order(
        _ id: Int, _ options: inout CallOptions, _ plan: SwarmPlan, _ random: SeededRandom
    ) -> SwarmOrder {
        var order = SwarmOrder(id: id)
        if plan.has(.slowHandlers), random.happens(perMillion: 400_000) {
            order.microseconds = random.int(in: 1...(1 << random.int(in: 0...18)))
            order.isStubborn = plan.has(.stubbornHandlers) && random.happens(perMillion: 300_000)
        }
        if plan.has(.metadata) {
            // Now and then more than may be sent.
            let most = random.happens(perMillion: 30_000) ? 12_000 : 100
            order.metadataBytes = random.int(in: 0...most)
            order.answerMetadataBytes = random.int(in: 0...100)
            options.metadata = order.metadata
        }
        if plan.has(.errors), random.happens(perMillion: 200_000) {
            order.failure = random.int(in: 1...SwarmOrder.failures.count)
            order.detailBytes = random.int(in: 0...60)
        }
        if plan.has(.ranks) {
            order.criticality = random.int(in: 0...3)
            order.attempt = random.int(in: 0...3)
            options.criticality = Criticality(rawValue: UInt8(order.criticality))
            options.attempt = UInt8(order.attempt)
        }
        return order
    }

    /// Runs it, and gives it up if that is in the plan.
    func run() async {
        guard plan.has(.cancellation), random.happens(perMillion: 200_000) else {
            return await perform(mayCancel: false)
        }
        let patience = random.duration(in: .zero...(.milliseconds(1 << random.int(in: 0...8))))
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await perform(mayCancel: true) }
            group.addTask { try? await world.sleep(for: patience) }
            await group.next()
            group.cancelAll()
        }
    }

    private func perform(mayCancel: Bool) async {
        let began = world.now
        let error = await outcome()
        books.callEnded(id, error, at: world.now)
        let late = world.now - began - timeout
        // Streams have readers that take their time; their ends are looked at by themselves.
        if late > .milliseconds(200) {
            books.violated("call \(id) ended \(late) after its deadline: \(error as Any)")
        }
        if let error, !isLegal(error, late: late, mayCancel: mayCancel) {
            books.violated("call \(id) ended oddly: \(error)")
        }
    }

    /// Whether a call may end so.
    private func isLegal(_ error: RPCError, late: Duration, mayCancel: Bool) -> Bool {
        switch error.code {
        case .unavailable, .resourceExhausted: return true
        case .deadlineExceeded: return late >= .zero
        case .cancelled: return mayCancel
        case .permissionDenied:
            return plan.has(.interceptors) && error.message == SwarmInterceptor.refusal
                && error.executed == .no
        default:
            guard let expected = order.error else { return false }
            return error.code == expected.code && error.message == expected.message
                && error.details == expected.details && error.metadata == expected.metadata
                && error.executed == .yes && error.origin == .peer
        }
    }

    private func outcome() async -> RPCError? {
        do throws(RPCError) {
            switch random.int(in: 0...9) {
            case 0 where plan.has(.watch): try await watch()
            case 1 where plan.has(.collect): try await collect()
            case 2 where plan.has(.converse): try await converse()
            default: try await unary()
            }
            if order.failure > 0 { books.violated("call \(id) succeeded and was ordered to fail") }
            return nil
        } catch {
            return error
        }
    }

    /// When the call must have ended: timers are good to a millisecond.
    private var latest: Duration { world.now + timeout + .milliseconds(2) }

    private var size: Int {
        random.int(in: 0...(1 << random.int(in: 0...15))) % (plan.messageBytesMax + 1)
    }

    // MARK: The four kinds

    private func unary() async throws(RPCError) {
        guard let method = SwarmService.unary else { return }
        var order = order
        order.answerBytes = size
        let request = UnaryRequest(method, message: order.message(padding: size), options: options)
        books.unaryBegan(caller.number)
        let latest = latest
        defer {
            books.unaryEnded(caller.number)
            if world.now > latest { books.violated("call \(id) ended after its deadline") }
        }
        let response = try await caller.channel.unary(request)
        expect(
            response.message.count == order.answerBytes && SwarmPattern.matches(response.message, id, 1),
            "the answer")
        expect(response.metadata == order.answerMetadata, "the answer's metadata")
    }

    private func watch() async throws(RPCError) {
        guard let method = SwarmService.watch else { return }
        var order = order
        order.answers = random.int(in: 0...8)
        order.answerBytes = size
        let call = open(StreamRequest(method, request: order.message(padding: size), options: options))
        defer { books.streamEnded(caller.number, call) }
        var index = 0
        while let response = try await call.next() {
            expect(
                response.count == order.answerBytes && SwarmPattern.matches(response, id, index),
                "answer \(index)")
            index += 1
            await dawdle()
        }
        expect(index == order.answers, "the number of answers, \(index),")
        await checkMetadata(call, answers: index)
    }

    private func collect() async throws(RPCError) {
        guard let method = SwarmService.collect else { return }
        let call = open(StreamRequest(method, options: options))
        defer { books.streamEnded(caller.number, call) }
        let count = random.int(in: 0...8)
        var order = order
        order.endsEarly = random.happens(perMillion: 300_000)
        do throws(RPCError) {
            try await call.send(order.message(padding: size))
            for index in 0..<count { try await call.send(SwarmPattern.bytes(id, index + 1, count: size)) }
        } catch {
            // Whoever answers early takes no more, and the answer counts.
            guard order.endsEarly, call.hasEnded else { throw error }
        }
        call.finish()
        let answer = try await call.next()
        let read = order.endsEarly ? min(count, 1) : count
        expect(answer.map { $0.count == 16 && SwarmPattern.matches($0, id, read) } == true, "the answer")
        let end = try await call.next()
        expect(end == nil, "a second answer")
        await checkMetadata(call, answers: 1)
    }

    private func converse() async throws(RPCError) {
        guard let method = SwarmService.converse else { return }
        let call = open(StreamRequest(method, options: options))
        defer { books.streamEnded(caller.number, call) }
        var order = order
        order.endsEarly = random.happens(perMillion: 500_000)
        try await call.send(order.message(padding: size))
        var sent = 0
        var received = 0
        for _ in 0..<random.int(in: 0...8) {
            try await call.send(SwarmPattern.bytes(id, sent + 1, count: size))
            sent += 1
            guard random.happens(perMillion: 500_000) else { continue }
            received += 1
            let echo = try await call.next()
            expect(echo.map { SwarmPattern.matches($0, id, received) } == true, "an echo")
        }
        call.finish()
        while let echo = try await call.next() {
            received += 1
            expect(SwarmPattern.matches(echo, id, received), "echo \(received)")
            await dawdle()
        }
        expect(received == sent, "the number of echoes, \(received),")
        await checkMetadata(call, answers: received)
    }

    private func open(_ request: StreamRequest) -> any StreamCall {
        let call = caller.channel.stream(request)
        books.streamBegan(caller.number, call, end: latest)
        return call
    }

    /// A reader that takes its time, so that credit runs out.
    private func dawdle() async {
        guard plan.has(.slowReaders), random.happens(perMillion: 300_000) else { return }
        try? await world.sleep(for: random.duration(in: .microseconds(1)...(.milliseconds(20))))
    }

    /// What was set before the first answer came ahead of it, and otherwise with the end.
    private func checkMetadata(_ call: any StreamCall, answers: Int) async {
        let metadata = answers > 0 ? await call.metadata() : call.trailers
        expect(metadata == order.answerMetadata, "the metadata of the answers")
    }

    private func expect(_ holds: Bool, _ what: String) {
        if !holds { books.violated("call \(id): \(what) is wrong") }
    }
}
