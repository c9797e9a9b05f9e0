// SPDX-License-Identifier: Apache-2.0

import Ravioli
import RavioliTesting

/// Makes calls of all kinds, one after the other, and looks at how each ends.
struct SwarmCaller: Sendable {
    let world: Simulation
    let books: SwarmBooks
    let client: SimulatedClient
    let number: Int
    let messageBytesMax: Int

    private var random: SeededRandom { world.random }

    func run(calls: Int) async {
        for _ in 0..<calls {
            await call()
            if random.happens(perMillion: 200_000) {
                try? await world.sleep(for: random.duration(in: .microseconds(1)...(.milliseconds(100))))
            }
        }
    }

    /// One call, which its caller may give up.
    private func call() async {
        let id = books.callBegan()
        let timeout = random.duration(in: .microseconds(500)...(.milliseconds(1 << random.int(in: 0...13))))
        guard random.happens(perMillion: 120_000) else { return await perform(id, timeout, mayCancel: false) }
        let patience = random.duration(in: .zero...(.milliseconds(1 << random.int(in: 0...8))))
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await perform(id, timeout, mayCancel: true) }
            group.addTask { try? await world.sleep(for: patience) }
            await group.next()
            group.cancelAll()
        }
    }

    private func perform(_ id: Int, _ timeout: Duration, mayCancel: Bool) async {
        let began = world.now
        let error = await outcome(id, timeout)
        books.callEnded(id, error, at: world.now)
        let late = world.now - began - timeout
        // Streams have readers that take their time; their ends are looked at by themselves.
        if late > .milliseconds(200) {
            books.violated("call \(id) ended \(late) after its deadline: \(error as Any)")
        }
        guard let error else { return }
        switch error.code {
        case .unavailable, .resourceExhausted: break
        case .deadlineExceeded:
            if late < .zero { books.violated("call \(id) ended before its deadline: \(error)") }
        case .cancelled where mayCancel: break
        default: books.violated("call \(id) ended oddly: \(error)")
        }
    }

    private func outcome(_ id: Int, _ timeout: Duration) async -> RPCError? {
        var order = SwarmOrder(id: id)
        if random.happens(perMillion: 300_000) {
            order.microseconds = random.int(in: 1...(1 << random.int(in: 0...18)))
            order.isStubborn = random.happens(perMillion: 200_000)
        }
        var options = CallOptions.timeout(timeout)
        options.waitForReady = random.happens(perMillion: 300_000)
        do throws(RPCError) {
            switch random.int(in: 0...9) {
            case 0: try await watch(&order, options)
            case 1: try await collect(order, options)
            case 2: try await converse(order, options)
            default: try await unary(&order, options)
            }
            return nil
        } catch {
            return error
        }
    }

    /// When a call must have ended: timers are good to a millisecond.
    private func latest(_ options: CallOptions) -> Duration {
        world.now + (options.timeout ?? .zero) + .milliseconds(2)
    }

    private var size: Int { random.int(in: 0...(1 << random.int(in: 0...15))) % (messageBytesMax + 1) }

    private func unary(_ order: inout SwarmOrder, _ options: CallOptions) async throws(RPCError) {
        guard let method = SwarmService.unary else { return }
        order.answerBytes = size
        let request = UnaryRequest(method, message: order.message(padding: size), options: options)
        books.unaryBegan(number)
        let latest = latest(options)
        defer {
            books.unaryEnded(number)
            if world.now > latest { books.violated("call \(order.id) ended after its deadline") }
        }
        let response = try await client.unary(request)
        expect(response.message == swarmPattern(order.id, 1, count: order.answerBytes), order, "the answer")
    }

    private func watch(_ order: inout SwarmOrder, _ options: CallOptions) async throws(RPCError) {
        guard let method = SwarmService.watch else { return }
        order.answers = random.int(in: 0...8)
        order.answerBytes = size
        let call = client.stream(
            StreamRequest(method, request: order.message(padding: size), options: options))
        books.streamBegan(number, call, end: latest(options))
        defer { books.streamEnded(number, call) }
        var index = 0
        while let response = try await call.next() {
            expect(
                response == swarmPattern(order.id, index, count: order.answerBytes), order, "answer \(index)")
            index += 1
            await dawdle()
        }
        expect(index == order.answers, order, "the number of answers, \(index),")
    }

    private func collect(_ order: SwarmOrder, _ options: CallOptions) async throws(RPCError) {
        guard let method = SwarmService.collect else { return }
        let call = client.stream(StreamRequest(method, options: options))
        books.streamBegan(number, call, end: latest(options))
        defer { books.streamEnded(number, call) }
        let count = random.int(in: 0...8)
        var order = order
        order.endsEarly = random.happens(perMillion: 300_000)
        do throws(RPCError) {
            try await call.send(order.message(padding: size))
            for index in 0..<count { try await call.send(swarmPattern(order.id, index + 1, count: size)) }
        } catch {
            // Whoever answers early takes no more, and the answer counts.
            guard order.endsEarly, call.hasEnded else { throw error }
        }
        call.finish()
        let answer = try await call.next()
        let read = order.endsEarly ? min(count, 1) : count
        expect(answer == swarmPattern(order.id, read, count: 16), order, "the answer")
        let end = try await call.next()
        expect(end == nil, order, "a second answer")
    }

    private func converse(_ order: SwarmOrder, _ options: CallOptions) async throws(RPCError) {
        guard let method = SwarmService.converse else { return }
        let call = client.stream(StreamRequest(method, options: options))
        books.streamBegan(number, call, end: latest(options))
        defer { books.streamEnded(number, call) }
        try await call.send(order.message(padding: size))
        var sent = 0
        var received = 0
        for _ in 0..<random.int(in: 0...8) {
            let message = swarmPattern(order.id, sent + 1, count: size)
            try await call.send(message)
            sent += 1
            guard random.happens(perMillion: 500_000) else { continue }
            received += 1
            let echo = try await call.next()
            expect(
                echo.map { $0 == swarmPattern(order.id, received, count: $0.count) } == true, order, "an echo"
            )
        }
        call.finish()
        while let echo = try await call.next() {
            received += 1
            expect(echo == swarmPattern(order.id, received, count: echo.count), order, "echo \(received)")
            await dawdle()
        }
        expect(received == sent, order, "the number of echoes, \(received),")
    }

    /// A reader that takes its time, so that credit runs out.
    private func dawdle() async {
        guard random.happens(perMillion: 200_000) else { return }
        try? await world.sleep(for: random.duration(in: .microseconds(1)...(.milliseconds(20))))
    }

    private func expect(_ holds: Bool, _ order: SwarmOrder, _ what: String) {
        if !holds { books.violated("call \(order.id): \(what) is wrong") }
    }
}
