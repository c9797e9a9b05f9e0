// SPDX-License-Identifier: Apache-2.0

import Ravioli
import RavioliSchema
import Synchronization
import Testing

@testable import RavioliEdge

/// Plans that run: what is called, in which order, and what comes out.
@Suite(.timeLimit(.minutes(1)))
struct PlanTests {
    private static let page = """
        plans:
          CarPage:
            description: What the page of one car shows.
            get: /v1/pages/cars/{id}
            timeout: 50s
            parameters:
              id:
              limit: { type: int32, default: 3 }
            steps:
              car:
                call: ravioli.test.v1.Garage/GetCar
                request: { id: $id }
              similar:
                call: ravioli.test.v1.Garage/ListCars
                request: { maker: $car.maker, limit: $limit }
                required: false
              prices:
                call: ravioli.test.v1.Garage/Price
                request: { ids: $similar.cars.id, currency: EUR, terms: { year: $car.year, used: true } }
                required: false
            response:
              car: $car
              power: $car.engine.power
              mileage: $car.mileage
              similar: { makers: $similar.cars.maker, ids: $similar.cars.id }
              total: $prices.total
              source: garage
        """

    private static let car =
        #"{"id":"a1","maker":"Volvo","year":1994,"engine":{"power":140},"mileage":"90000"}"#
    private static let cars = #"{"cars":[{"id":"b1","maker":"Volvo"},{"id":"b2","maker":"Volvo"}]}"#

    @Test func partsOfSeveralAnswersBecomeOne() async throws {
        let plan = try Plan.garage(Self.page)
        let garage = GarageCalls([
            "GetCar": { _ in Self.car }, "ListCars": { _ in Self.cars },
            "Price": { _ in #"{"prices":[1.5,2],"total":3.5}"# },
        ])
        let answer = try await plan.answer(garage, ["id": "a1"])
        #expect(
            answer
                == #"{"car":\#(Self.car.replacing("mileage\":\"90000\"}", with: "mileage\":\"90000\"}")),"#
                + #""power":140,"mileage":"90000","similar":{"makers":["Volvo","Volvo"],"ids":["b1","b2"]},"#
                + #""total":3.5,"source":"garage","errors":[]}"#)
        #expect(
            garage.calls == [
                #"GetCar {"id":"a1"}"#, #"ListCars {"maker":"Volvo","limit":3}"#,
                #"Price {"ids":["b1","b2"],"currency":"EUR","terms":{"year":"1994","used":true}}"#,
            ])
    }

    @Test func whatIsNotRequiredMayBeMissing() async throws {
        let plan = try Plan.garage(Self.page)
        let garage = GarageCalls([
            "GetCar": { _ in Self.car },
            "ListCars": { _ throws(RPCError) in
                throw RPCError(call: .unavailable, "10.0.0.7:7001: connection refused", executed: .no)
            },
        ])
        let answer = try await plan.answer(garage, ["id": "a1"])
        #expect(answer.contains(#""similar":{"makers":null,"ids":null},"total":null"#))
        // What this end inferred names inner addresses; clients hear the code. Nobody asks for prices of nothing.
        #expect(
            answer.hasSuffix(
                #""errors":[{"step":"similar","code":"unavailable","message":"the service cannot be reached"},"#
                    + #"{"step":"prices","code":"unavailable","message":"it needs similar, which is missing"}]}"#
            ))
        #expect(garage.calls.count == 2)
    }

    @Test func aRequiredStepThatFailsDecidesTheWholeAndCancelsTheOthers() async throws {
        let plan = try Plan.garage(
            """
            plans:
              Two:
                get: /two
                steps:
                  slow: { call: ravioli.test.v1.Garage/ListCars }
                  bad: { call: ravioli.test.v1.Garage/GetCar }
            """)
        let (begun, begin) = AsyncStream<Void>.makeStream()
        let wasCancelled = Mutex(false)
        let garage = GarageCalls([
            "ListCars": { _ throws(RPCError) in
                begin.yield()
                let (never, end) = AsyncStream<Void>.makeStream()
                await withTaskCancellationHandler {
                    for await _ in never {}
                } onCancel: {
                    wasCancelled.withLock { $0 = true }
                    end.finish()
                }
                throw RPCError(call: .cancelled, "cancelled", executed: .maybe)
            },
            "GetCar": { _ throws(RPCError) in
                for await _ in begun { break }
                throw RPCError(call: .notFound, "no such car", executed: .yes, origin: .peer)
            },
        ])
        let error = await #expect(throws: RPCError.self) { try await plan.answer(garage) }
        #expect(error?.code == .notFound && error?.message == "no such car")
        #expect(wasCancelled.withLock { $0 })
    }

    @Test func stepsThatNeedNothingOfEachOtherRunAtTheSameTime() async throws {
        let plan = try Plan.garage(
            """
            plans:
              Two:
                get: /two
                steps:
                  one: { call: ravioli.test.v1.Garage/GetCar, request: { id: a } }
                  two: { call: ravioli.test.v1.Garage/ListCars, request: { maker: b } }
            """)
        let (one, beginOne) = AsyncStream<Void>.makeStream()
        let (two, beginTwo) = AsyncStream<Void>.makeStream()
        // Each waits for the other to have begun.
        let garage = GarageCalls([
            "GetCar": { _ in
                beginOne.yield()
                for await _ in two { break }
                return "{}"
            },
            "ListCars": { _ in
                beginTwo.yield()
                for await _ in one { break }
                return "{}"
            },
        ])
        #expect(try await plan.answer(garage) == #"{"one":{},"two":{},"errors":[]}"#)
    }

    @Test func equalCallsAreMadeOnce() async throws {
        let plan = try Plan.garage(
            """
            plans:
              Twice:
                get: /twice
                parameters: { id: }
                steps:
                  first: { call: ravioli.test.v1.Garage/GetCar, request: { id: $id } }
                  second: { call: ravioli.test.v1.Garage/GetCar, request: { id: $id } }
                  third: { call: ravioli.test.v1.Garage/GetCar, request: { id: $first.id } }
                  other: { call: ravioli.test.v1.Garage/GetCar, request: { id: $first.maker } }
                response: { ids: [$first.id, $second.id, $third.id, $other.id] }
            """)
        let garage = GarageCalls(["GetCar": { request in request.contains("a1") ? Self.car : #"{"id":"z"}"# }]
        )
        #expect(try await plan.answer(garage, ["id": "a1"]) == #"{"ids":["a1","a1","a1","z"],"errors":[]}"#)
        #expect(garage.calls == [#"GetCar {"id":"a1"}"#, #"GetCar {"id":"Volvo"}"#])
    }

    @Test func aStepIsLeftOutWhenItsConditionDoesNotHold() async throws {
        let plan = try Plan.garage(
            """
            plans:
              Maybe:
                get: /maybe
                steps:
                  car: { call: ravioli.test.v1.Garage/GetCar }
                  more: { call: ravioli.test.v1.Garage/ListCars, when: $car.tags }
            """)
        let without = GarageCalls(["GetCar": { _ in "{}" }])
        #expect(try await plan.answer(without) == #"{"car":{},"more":null,"errors":[]}"#)
        let with = GarageCalls(["GetCar": { _ in #"{"tags":["new"]}"# }, "ListCars": { _ in "{}" }])
        #expect(try await plan.answer(with) == #"{"car":{"tags":["new"]},"more":{},"errors":[]}"#)
    }

    @Test func aListIsCutAtItsCapAndTheAnswerSaysSo() async throws {
        let plan = try Plan.garage(
            """
            plans:
              Cap:
                get: /cap
                steps:
                  cars: { call: ravioli.test.v1.Garage/ListCars }
                  prices: { call: ravioli.test.v1.Garage/Price, request: { ids: $cars.cars.id }, list_max: 1 }
                response: { total: $prices.total }
            """)
        let garage = GarageCalls(["ListCars": { _ in Self.cars }, "Price": { _ in #"{"total":1}"# }])
        #expect(
            try await plan.answer(garage)
                == #"{"total":1,"errors":[{"step":"prices","code":"resource_exhausted","#
                + #""message":"ids is cut to its first 1 elements"}]}"#)
        #expect(garage.calls.last == #"Price {"ids":["b1"]}"#)
    }

    @Test func aStepGetsWhatIsLeftOfTheTime() async throws {
        let plan = try Plan.garage(
            """
            plans:
              Time:
                get: /time
                timeout: 25s
                steps:
                  short: { call: ravioli.test.v1.Garage/GetCar, timeout: 20s }
                  long: { call: ravioli.test.v1.Garage/ListCars, timeout: 1m }
            """)
        let times = Mutex<[String: Duration]>([:])
        var run = try plan.run { route, request in
            times.withLock { $0[route.method.name] = request.deadline.remaining }
            return []
        }
        _ = try await run.answer()
        let noted = times.withLock { $0 }
        #expect((.seconds(5) ... .seconds(20)).contains(noted["GetCar", default: .zero]))
        #expect((.seconds(21) ... .seconds(25)).contains(noted["ListCars", default: .seconds(99)]))
    }

    @Test func responsesThatAreTooLargeTogetherEndIt() async throws {
        let plan = try Plan.garage(
            """
            plans:
              Large:
                get: /large
                steps:
                  one: { call: ravioli.test.v1.Garage/GetCar }
            """)
        var run = try plan.run([:], { $0.bytesMax = 1024 }) { _, _ in [UInt8](repeating: 0, count: 1025) }
        let error: RPCError?
        do throws(RPCError) {
            _ = try await run.answer()
            error = nil
        } catch let failure { error = failure }
        #expect(error?.code == .resourceExhausted)
    }
}
