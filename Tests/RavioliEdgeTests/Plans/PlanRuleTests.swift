// SPDX-License-Identifier: Apache-2.0

import Ravioli
import RavioliSchema
import Synchronization
import Testing

@testable import RavioliEdge

/// What decides an answer, what may be missing in it, and what it may cost.
@Suite(.timeLimit(.minutes(1)))
struct PlanRuleTests {
    private static func plan(_ steps: String..., response: String = "") -> String {
        """
        plans:
          P:
            get: /p
            parameters: { id: { required: false }, n: { type: int64, required: false } }
            steps:
        \(steps.map { "      \($0)" }.joined(separator: "\n"))
        \(response.isEmpty ? "" : "    response: \(response)")
        """
    }

    private static func failing(_ code: StatusCode) -> GarageCalls.Answer {
        { _ throws(RPCError) in throw RPCError(code, "no \(code.name)", executed: .yes) }
    }

    private final class Turn: Sendable {
        let place = Mutex(0)
    }

    /// Fails once so many others have.
    private static func failing(_ code: StatusCode, _ turn: Turn, _ place: Int) -> GarageCalls.Answer {
        { _ throws(RPCError) in
            while turn.place.withLock({ $0 }) < place { await Task.yield() }
            turn.place.withLock { $0 += 1 }
            throw RPCError(code, "no \(code.name)", executed: .yes)
        }
    }

    private static let car =
        "car: { call: ravioli.test.v1.Garage/GetCar, request: { id: a }, required: false }"
    private static let list = "list: { call: ravioli.test.v1.Garage/ListCars, required: false }"
    private static let price = "price: { call: ravioli.test.v1.Garage/Price, required: false }"

    // MARK: Errors

    @Test func errorsAreInTheOrderOfTheStepsWhicheverFailedFirst() async throws {
        let plan = try Plan.garage(Self.plan(Self.car, Self.list, Self.price))
        let expected =
            #"{"car":null,"list":null,"price":null,"errors":["#
            + #"{"step":"car","code":"not_found","message":"no not_found"},"#
            + #"{"step":"list","code":"aborted","message":"no aborted"},"#
            + #"{"step":"price","code":"internal","message":"no internal"}]}"#
        let methods = ["GetCar": StatusCode.notFound, "ListCars": .aborted, "Price": .internal]
        for order in [["GetCar", "ListCars", "Price"], ["Price", "ListCars", "GetCar"]] {
            // Each fails only once the one before it in `order` has.
            let turn = Turn()
            var answers: [String: GarageCalls.Answer] = [:]
            for (place, method) in order.enumerated() {
                answers[method] = Self.failing(methods[method] ?? .unknown, turn, place)
            }
            #expect(try await plan.answer(GarageCalls(answers)) == expected)
        }
    }

    @Test func whatOtherwiseWouldNameAnAddressIsToldInGeneralWords() async throws {
        let plan = try Plan.garage(Self.plan(Self.car))
        for code in [StatusCode.unavailable, .internal, .deadlineExceeded, .unknown] {
            let answer = try await plan.answer(
                GarageCalls([
                    "GetCar": { _ throws(RPCError) in
                        throw RPCError(call: code, "10.0.0.7:7001 said no", executed: .maybe)
                    }
                ]))
            #expect(!answer.contains("10.0.0.7") && answer.contains("\"code\":\"\(code.name)\""))
        }
    }

    @Test func garbageFromAServerIsAMissingPartAndNotQuoted() async throws {
        let plan = try Plan.garage(Self.plan(Self.car))
        var run = try plan.run { _, _ in [0xFF, 0xFF, 0xFF, 0x01, 0x02] }
        let answer = String(decoding: try await run.answer(), as: UTF8.self)
        #expect(
            answer
                == #"{"car":null,"errors":[{"step":"car","code":"internal","message":"the service's answer cannot be read"}]}"#
        )
    }

    @Test func aRequiredStepCannotNeedOneThatMayBeMissing() {
        let step = "next: { call: ravioli.test.v1.Garage/ListCars, request: { maker: $car.maker } }"
        let error = #expect(throws: PlanError.self) { try Plan.garage(Self.plan(Self.car, step)) }
        #expect(
            error?.description
                == "plans.yaml, line 7: the plan P: step next: is required, but needs car, which is not; say "
                + "required: false here too")
    }

    // MARK: Null and absent

    @Test func nullIsWhatIsAbsentAndNotWhatIsZero() async throws {
        let plan = try Plan.garage(
            Self.plan(
                "car: { call: ravioli.test.v1.Garage/GetCar }",
                response: "{ id: $car.id, year: $car.year, engine: $car.engine, power: $car.engine.power,"
                    + " tags: $car.tags, mileage: $car.mileage, asked: $id, n: $n }"))
        let garage = GarageCalls(["GetCar": { _ in "{}" }])
        #expect(
            try await plan.answer(garage)
                == #"{"id":"","year":0,"engine":null,"power":null,"tags":[],"mileage":"0","asked":null,"n":null,"errors":[]}"#
        )
        #expect(try await plan.answer(garage, ["n": "9007199254740993"]).contains(#""n":"9007199254740993""#))
    }

    @Test func listsOfPartsStayAlignedByNulls() async throws {
        let plan = try Plan.garage(
            Self.plan(
                "list: { call: ravioli.test.v1.Garage/ListCars }",
                response: "{ ids: $list.cars.id, powers: $list.cars.engine.power, tags: $list.cars.tags }"))
        let cars =
            #"{"cars":[{"id":"a"},{"id":"b","engine":{"power":7},"tags":["x","y"]},{"id":"c","tags":["z"]}]}"#
        #expect(
            try await plan.answer(GarageCalls(["ListCars": { _ in cars }]))
                == #"{"ids":["a","b","c"],"powers":[null,7,null],"tags":["x","y","z"],"errors":[]}"#)
    }

    @Test func whatNeedsAStepThatWasLeftOutIsLeftOutToo() async throws {
        let plan = try Plan.garage(
            Self.plan(
                "car: { call: ravioli.test.v1.Garage/GetCar }",
                "list: { call: ravioli.test.v1.Garage/ListCars, when: $car.tags }",
                "price: { call: ravioli.test.v1.Garage/Price, request: { ids: $list.cars.id } }"))
        let garage = GarageCalls(["GetCar": { _ in "{}" }])
        #expect(try await plan.answer(garage) == #"{"car":{},"list":null,"price":null,"errors":[]}"#)
        #expect(garage.calls.count == 1)
    }

    // MARK: Costs

    @Test func aResponseOverTheBytesLeftIsAMissingPart() async throws {
        let plan = try Plan.garage(Self.plan(Self.car, Self.list))
        let long = String(repeating: "x", count: 2000)
        let garage = GarageCalls([
            "GetCar": { _ in "{\"id\":\"\(long)\"}" }, "ListCars": { _ in #"{"cars":[{"id":"a"}]}"# },
        ])
        #expect(
            try await plan.answer(garage) { $0.bytesMax = 1024 }
                == #"{"car":null,"list":{"cars":[{"id":"a"}]},"errors":[{"step":"car","code":"resource_exhausted","#
                + #""message":"the responses are over 1024 bytes together"}]}"#)
    }

    @Test func aResponseOfTooManyElementsIsAMissingPart() async throws {
        let plan = try Plan.garage(Self.plan(Self.price))
        var response = WireWriter()
        response.blob([UInt8](repeating: 0, count: 300_000 * 8), numbered: 1)
        let bytes = response.bytes
        var run = try plan.run { _, _ in bytes }
        let answer = String(decoding: try await run.answer(), as: UTF8.self)
        #expect(answer.hasPrefix(#"{"price":null,"errors":[{"step":"price","code":"internal""#), "\(answer)")
    }

    @Test func messagesInMessagesBeyondAllMeasureAreAMissingPart() async throws {
        let plan = try Plan.garage(Self.plan(Self.car))
        // Groups in groups, which no field of the type is.
        var run = try plan.run { _, _ in [UInt8](repeating: 0x7B, count: 5000) }
        let answer = String(decoding: try await run.answer(), as: UTF8.self)
        #expect(answer.contains(#""message":"the service's answer cannot be read""#))
    }

    @Test func anAnswerThatRepeatsItsPartsIsBounded() async throws {
        let members = (0..<100).map { "m\($0): $car" }.joined(separator: ", ")
        let plan = try Plan.garage(Self.plan(Self.car, response: "{ \(members) }"))
        let garage = GarageCalls(["GetCar": { _ in "{\"id\":\"\(String(repeating: "x", count: 900))\"}" }])
        let error = await #expect(throws: RPCError.self) {
            try await plan.answer(garage) { $0.bytesMax = 1024 }
        }
        #expect(error?.code == .resourceExhausted && error?.message == "the answer is over 4096 bytes")
    }

    @Test func callsOfDifferentTimesAreNotShared() async throws {
        let plan = try Plan.garage(
            Self.plan(
                "short: { call: ravioli.test.v1.Garage/GetCar, timeout: 10s }",
                "long: { call: ravioli.test.v1.Garage/GetCar }",
                "other: { call: ravioli.test.v1.Garage/GetCar }"
            ))
        let garage = GarageCalls(["GetCar": { _ in "{}" }])
        _ = try await plan.answer(garage)
        #expect(garage.calls.count == 2)
    }

    @Test func aCallThatFailedIsNotMadeAgain() async throws {
        let plan = try Plan.garage(
            Self.plan(
                Self.car, "list: { call: ravioli.test.v1.Garage/ListCars }",
                "again: { call: ravioli.test.v1.Garage/GetCar, request: { id: $list.cars.id }, required: false }"
                    .replacing("$list.cars.id", with: "a"),
                "late: { call: ravioli.test.v1.Garage/GetCar, request: { id: a }, when: $list.cars,"
                    + " required: false }"))
        let garage = GarageCalls(["GetCar": Self.failing(.notFound), "ListCars": { _ in #"{"cars":[{}]}"# }])
        _ = try await plan.answer(garage)
        #expect(garage.calls.count == 2)
    }

    @Test func aStepWhoseTimeHasPassedIsNotBegun() async throws {
        let plan = try Plan.garage(Self.plan(Self.car))
        let garage = GarageCalls(["GetCar": { _ in "{}" }])
        var run = PlanRun(
            plan, parameters: DynamicMessage(plan.parameters.type), deadline: .after(.zero), call: garage.call
        )
        let answer = String(decoding: try await run.answer(), as: UTF8.self)
        #expect(answer.contains("\"code\":\"deadline_exceeded\",\"message\":\"the deadline passed\""))
        #expect(garage.calls.isEmpty)
    }

    @Test func anAnswerWithoutAStepThatTakesTooLongStillArrivesInTime() async throws {
        let plan = try Plan.garage(Self.plan(Self.car, "list: { call: ravioli.test.v1.Garage/ListCars }"))
        let deadlines = Mutex<[String: Deadline]>([:])
        var run = try plan.run { route, request in
            deadlines.withLock { $0[route.method.name] = request.deadline }
            return []
        }
        _ = try await run.answer()
        let noted = deadlines.withLock { $0 }
        let whole = try #require(noted["ListCars"]?.uptimeNanoseconds)
        let optional = try #require(noted["GetCar"]?.uptimeNanoseconds)
        #expect(whole - optional == 100_000_000)
    }

    @Test func whatAskedIsCancelledWithTheAnswer() async throws {
        let plan = try Plan.garage(Self.plan(Self.car, Self.list))
        let (begun, begin) = AsyncStream<Void>.makeStream()
        let cancelled = Mutex(0)
        let wait: GarageCalls.Answer = { _ throws(RPCError) in
            let (never, end) = AsyncStream<Void>.makeStream()
            begin.yield()
            await withTaskCancellationHandler {
                for await _ in never {}
            } onCancel: {
                cancelled.withLock { $0 += 1 }
                end.finish()
            }
            throw RPCError(call: .cancelled, "cancelled", executed: .maybe)
        }
        let garage = GarageCalls(["GetCar": wait, "ListCars": wait])
        let asking = Task { try await plan.answer(garage) }
        var count = 0
        for await _ in begun {
            count += 1
            if count == 2 { break }
        }
        asking.cancel()
        _ = try? await asking.value
        #expect(cancelled.withLock { $0 } == 2)
    }

    @Test func theLogHearsWhatBecameOfEachStep() async throws {
        let plan = try Plan.garage(
            Self.plan(Self.car, Self.list, "price: { call: ravioli.test.v1.Garage/Price, when: $id }"))
        let garage = GarageCalls(["GetCar": { _ in "{}" }, "ListCars": Self.failing(.aborted)])
        var run = try plan.run(call: garage.call)
        _ = try await run.answer()
        #expect(
            run.report.wholeMatch(of: /car=ok\/\d+us list=aborted\/\d+us price=skipped/) != nil,
            "\(run.report)")
    }
}
