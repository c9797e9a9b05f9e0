// SPDX-License-Identifier: Apache-2.0

import Ravioli
import RavioliSchema
import Synchronization
import Testing

@testable import RavioliEdge

/// Steps that make a call for each element of a list.
@Suite(.timeLimit(.minutes(1)))
struct PlanEachTests {
    private static func plan(_ each: String, response: String = "") -> String {
        """
        plans:
          Each:
            get: /each
            steps:
              cars: { call: ravioli.test.v1.Garage/ListCars }
              \(each)
        \(response)
        """
    }

    private static let details = "details: { call: ravioli.test.v1.Garage/GetCar, each: $cars.cars, "
    private static let cars = #"{"cars":[{"id":"b1"},{"id":"b2"},{"id":"b3"}]}"#

    private static func list(_ count: Int) -> String {
        "{\"cars\":[\((0..<count).map { "{\"id\":\"c\($0)\"}" }.joined(separator: ","))]}"
    }

    @Test func aCallIsMadeForEachElementAndAnsweredInItsOrder() async throws {
        let plan = try Plan.garage(
            Self.plan(
                Self.details + "request: { id: $each.id } }",
                response: "    response: { makers: $details.maker, details: $details }"))
        let garage = GarageCalls([
            "ListCars": { _ in Self.cars },
            "GetCar": { request in #"{"maker":"M\#(request.filter(\.isNumber))"}"# },
        ])
        #expect(
            try await plan.answer(garage)
                == #"{"makers":["M1","M2","M3"],"details":[{"maker":"M1"},{"maker":"M2"},{"maker":"M3"}],"errors":[]}"#
        )
        #expect(garage.calls.count == 4)
    }

    @Test func eachMayBeAListOfScalarsOrAParameter() async throws {
        let plan = try Plan.garage(
            """
            plans:
              Each:
                get: /each
                parameters: { ids: { repeated: true } }
                steps:
                  details: { call: ravioli.test.v1.Garage/GetCar, each: $ids, request: { id: $each } }
                response: { ids: $details.id, asked: $ids }
            """)
        let parameters = try DynamicMessage(json: #"{"ids":["x","y"]}"#, as: plan.parameters.type)
        let garage = GarageCalls(["GetCar": { $0 }])
        var run = PlanRun(plan, parameters: parameters, deadline: .after(.seconds(30)), call: garage.call)
        let answer = String(decoding: try await run.answer(), as: UTF8.self)
        #expect(answer == #"{"ids":["x","y"],"asked":["x","y"],"errors":[]}"#)
    }

    @Test func anElementThatFailsLeavesNullInItsPlace() async throws {
        let plan = try Plan.garage(
            Self.plan(
                Self.details + "request: { id: $each.id }, required: false }",
                response: "    response: { ids: $details.id }"))
        let garage = GarageCalls([
            "ListCars": { _ in Self.cars },
            "GetCar": { request throws(RPCError) in
                if request.contains("b2") { throw RPCError(.notFound, "no such car", executed: .yes) }
                return request
            },
        ])
        #expect(
            try await plan.answer(garage)
                == #"{"ids":["b1",null,"b3"],"errors":[{"step":"details","index":1,"code":"not_found","#
                + #""message":"no such car"}]}"#)
    }

    @Test func anElementThatFailsEndsTheWholeIfTheStepIsRequired() async throws {
        let plan = try Plan.garage(Self.plan(Self.details + "request: { id: $each.id } }"))
        let garage = GarageCalls([
            "ListCars": { _ in Self.cars },
            "GetCar": { request throws(RPCError) in
                if request.contains("b2") { throw RPCError(.notFound, "no such car", executed: .yes) }
                return request
            },
        ])
        let error = await #expect(throws: RPCError.self) { try await plan.answer(garage) }
        #expect(error?.code == .notFound)
    }

    @Test func noMoreCallsAreOutThanAllowed() async throws {
        let plan = try Plan.garage(
            Self.plan(Self.details + "request: { id: $each.id }, parallel: 3, list_max: 20 }"))
        try await expectAtMost(3, Self.list(20), plan) { _ in }
    }

    @Test func noMoreCallsOfOneAnswerAreOutThanTheOptionsAllow() async throws {
        let plan = try Plan.garage(
            Self.plan(Self.details + "request: { id: $each.id }, parallel: 32, list_max: 20 }"))
        try await expectAtMost(2, Self.list(20), plan) { $0.parallelMax = 2 }
    }

    /// Each call waits until as many are out as may be, or all others have been made.
    private func expectAtMost(
        _ most: Int, _ list: String, _ plan: Plan, _ change: (inout PlanOptions) -> Void
    ) async throws {
        let state = Mutex((out: 0, most: 0, made: 0))
        let garage = GarageCalls([
            "ListCars": { _ in list },
            "GetCar": { request in
                state.withLock { state in
                    state.out += 1
                    state.made += 1
                    state.most = max(state.most, state.out)
                }
                while state.withLock({ $0.most < most && $0.made < 20 }) { await Task.yield() }
                state.withLock { $0.out -= 1 }
                return request
            },
        ])
        _ = try await plan.answer(garage, [:], change)
        #expect(state.withLock { $0.most } == most)
        #expect(state.withLock { $0.made } == 20)
    }

    @Test func aListIsCutAtItsCapAndTheAnswerSaysSo() async throws {
        let plan = try Plan.garage(
            Self.plan(
                Self.details + "request: { id: $each.id }, list_max: 2 }",
                response: "    response: { ids: $details.id }"))
        let garage = GarageCalls(["ListCars": { _ in Self.list(5000) }, "GetCar": { $0 }])
        #expect(
            try await plan.answer(garage)
                == #"{"ids":["c0","c1"],"errors":[{"step":"details","code":"resource_exhausted","#
                + #""message":"$cars.cars is cut to its first 2 elements"}]}"#)
    }

    @Test func moreCallsThanAnAnswerMayTakeFailTheStep() async throws {
        let plan = try Plan.garage(
            Self.plan(
                Self.details + "request: { id: $each.id }, required: false }",
                response: "    response: { ids: $details.id }"))
        let garage = GarageCalls(["ListCars": { _ in Self.list(50) }, "GetCar": { $0 }])
        #expect(
            try await plan.answer(garage) { $0.callsMax = 50 }
                == #"{"ids":null,"errors":[{"step":"details","code":"resource_exhausted","#
                + #""message":"the answer would take more than 50 calls"}]}"#)
        #expect(garage.calls.count == 1)
    }

    @Test func equalElementsAreAskedForOnce() async throws {
        let plan = try Plan.garage(
            Self.plan(
                Self.details + "request: { id: $each.maker } }",
                response: "    response: { ids: $details.id }"))
        let garage = GarageCalls([
            "ListCars": { _ in #"{"cars":[{"maker":"A"},{"maker":"B"},{"maker":"A"}]}"# }, "GetCar": { $0 },
        ])
        #expect(try await plan.answer(garage) == #"{"ids":["A","B","A"],"errors":[]}"#)
        #expect(garage.calls.count == 3)
    }

    @Test func anEmptyListMakesNoCalls() async throws {
        let plan = try Plan.garage(
            Self.plan(
                Self.details + "request: { id: $each.id } }", response: "    response: { details: $details }")
        )
        let garage = GarageCalls(["ListCars": { _ in "{}" }])
        #expect(try await plan.answer(garage) == #"{"details":[],"errors":[]}"#)
        #expect(garage.calls.count == 1)
    }

    @Test func aLaterStepTakesWhatIsThere() async throws {
        let plan = try Plan.garage(
            Self.plan(
                Self.details + "request: { id: $each.id }, required: false }\n"
                    + "      prices: { call: ravioli.test.v1.Garage/Price, request: { ids: $details.id },"
                    + " required: false }", response: "    response: { total: $prices.total }"))
        let garage = GarageCalls([
            "ListCars": { _ in Self.cars },
            "GetCar": { request throws(RPCError) in
                if request.contains("b2") { throw RPCError(.notFound, "no such car", executed: .yes) }
                return request
            },
            "Price": { _ in "{\"total\":4}" },
        ])
        _ = try await plan.answer(garage)
        #expect(garage.calls.last == #"Price {"ids":["b1","b3"]}"#)
    }

    @Test(arguments: [
        ("details: { call: ravioli.test.v1.Garage/GetCar, each: $cars }", "and no list"),
        (
            "details: { call: ravioli.test.v1.Garage/GetCar, request: { id: $each.id } }",
            "only in a step with each"
        ),
        (
            "details: { call: ravioli.test.v1.Garage/GetCar, each: $cars.cars, request: { id: $each.nothing } }",
            "has no field \"nothing\""
        ),
        (
            "details: { call: ravioli.test.v1.Garage/GetCar, parallel: 3 }",
            "parallel is for a step that makes calls"
        ),
        (
            "details: { call: ravioli.test.v1.Garage/GetCar, each: $cars.cars, parallel: 33 }",
            "parallel is a number from 1 to 32"
        ),
        ("each: { call: ravioli.test.v1.Garage/GetCar }", "cannot name a step"),
    ])
    func isRefused(_ step: String, _ reason: String) {
        let yaml = """
            plans:
              Each:
                get: /each
                steps:
                  cars: { call: ravioli.test.v1.Garage/ListCars }
                  \(step)
            """
        let error = #expect(throws: PlanError.self) { try Plan.garage(yaml) }
        #expect(error?.description.contains(reason) == true, "\(error?.description ?? "nothing")")
    }
}
