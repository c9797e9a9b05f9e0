// SPDX-License-Identifier: Apache-2.0

import RavioliSchema
import Testing

@testable import RavioliEdge

/// Plans that cannot run are refused when they are read, with the place and the reason.
struct PlanCheckTests {
    /// A plan of steps, each in YAML's short form.
    private static func plan(_ steps: String..., response: String = "") -> String {
        """
        plans:
          P:
            get: /p/{id}
            parameters: { id: , count: int32 }
            steps:
        \(steps.map { "      \($0)" }.joined(separator: "\n"))
        \(response.isEmpty ? "" : "    response: \(response)")
        """
    }

    private static let car = "car: { call: ravioli.test.v1.Garage/GetCar, request: { id: $id } }"

    @Test(arguments: [
        (
            ["car: { call: nothing.Service/Get }"],
            "step car: no server behind the edge has the method \"nothing.Service/Get\""
        ),
        (["car: { call: ravioli.test.v1.Garage/WatchCars }"], "has streams"),
        (["car: { call: ravioli.test.v1.Garage/Sell }"], "may have side effects"),
        (
            [car, "p: { call: ravioli.test.v1.Garage/Price, request: { currencies: EUR } }"],
            "has no field \"currencies\""
        ),
        (
            [car, "p: { call: ravioli.test.v1.Garage/Price, request: { ids: $car.id } }"],
            "$car.id is string, and ids is a list of string"
        ),
        (
            [car, "p: { call: ravioli.test.v1.Garage/Price, request: { currency: $car.year } }"],
            "$car.year is int32, and currency is string"
        ),
        (
            [car, "p: { call: ravioli.test.v1.Garage/Price, request: { currency: $car.colour } }"],
            "has no field \"colour\""
        ),
        (
            [car, "p: { call: ravioli.test.v1.Garage/Price, request: { currency: $cra.id } }"],
            "$cra.id names no parameter and no step"
        ),
        (
            [car, "p: { call: ravioli.test.v1.Garage/Price, request: { currency: $id.x } }"],
            "a parameter has no fields"
        ),
        ([car, "p: { call: ravioli.test.v1.Garage/Price, request: { currency: $ } }"], "is no reference"),
        (
            [car, "p: { call: ravioli.test.v1.Garage/Price, request: { ids: [$id] } }"],
            "references stand for whole lists"
        ),
        ([car, "p: { call: ravioli.test.v1.Garage/Price, request: { terms: { used: 7 } } }"], "terms"),
        (
            [
                "a: { call: ravioli.test.v1.Garage/GetCar, request: { id: $b.id } }",
                "b: { call: ravioli.test.v1.Garage/GetCar, request: { id: $a.id } }",
            ], "the steps a, b wait for each other"
        ),
        (
            ["a: { call: ravioli.test.v1.Garage/GetCar, request: { id: $a.id } }"],
            "the steps a wait for each other"
        ),
        (["id: { call: ravioli.test.v1.Garage/GetCar }"], "cannot name a step"),
        (["errors: { call: ravioli.test.v1.Garage/GetCar }"], "cannot name a step"),
        (
            ["a: { call: ravioli.test.v1.Garage/GetCar, retries: 3 }"],
            "plans.yaml, line 6: a step has no key \"retries\""
        ),
        (["a: { call: ravioli.test.v1.Garage/GetCar, timeout: fast }"], "timeout is a time, such as 500ms"),
        (["a: { call: ravioli.test.v1.Garage/GetCar, list_max: 0 }"], "list_max is a number from 1 to 10000"),
        (["a: { request: { id: a } }"], "the step a has no call"),
    ])
    func isRefused(_ steps: [String], _ reason: String) {
        let yaml = Self.plan(steps.joined(separator: "\n      "))
        let error = #expect(throws: PlanError.self) { try Plan.garage(yaml) }
        #expect(error?.description.contains(reason) == true, "\(error?.description ?? "nothing")")
    }

    @Test(arguments: [
        ("{ errors: $car }", "the name errors is that of the list"),
        ("{ x: $car.nothing }", "has no field \"nothing\""),
        ("[ $car ]", "response is a mapping"),
    ])
    func aResponseIsChecked(_ response: String, _ reason: String) {
        let error = #expect(throws: PlanError.self) {
            try Plan.garage(Self.plan(Self.car, response: response))
        }
        #expect(error?.description.contains(reason) == true, "\(error?.description ?? "nothing")")
    }

    @Test func numbersThatLoseNothingFit() throws {
        let price = "p: { call: ravioli.test.v1.Garage/Price, request: { terms: { year: $car.year } } }"
        #expect(try Plan.garage(Self.plan(Self.car, price)).steps[1].needs == [0])
    }

    @Test func moreStepsThanAPlanMayHaveAreRefused() {
        let steps = (0...32).map { "s\($0): { call: ravioli.test.v1.Garage/GetCar }" }
        let error = #expect(throws: PlanError.self) {
            try Plan.garage(Self.plan(steps.joined(separator: "\n      ")))
        }
        #expect(error?.description.contains("33 steps are over the 32") == true)
    }

    @Test(arguments: [
        ("plans: [", "is no YAML"), ("other: {}", "the file has no key \"other\""),
        ("plans: { 1a: {} }", "cannot name a plan"),
        ("plans: { a: { get: /a } }", "has no steps"),
        ("plans: { a: { steps: {} } }", "has no get and no post"),
        (
            "plans: { a: { get: /a, parameters: { p: { type: date } } } }",
            "\"date\" is no type of a parameter"
        ),
        (
            "plans: { a: { get: /a, steps: { s: { call: a/b } }, parameters: { p: { default: x, type: int32 } } } }",
            "the default of p is no int32"
        ),
    ])
    func aFileThatIsNoneIsRefused(_ yaml: String, _ reason: String) {
        let error = #expect(throws: PlanError.self) {
            for plan in try PlanFile(yaml: yaml, name: "plans.yaml").plans { _ = try PlanParameters(plan) }
        }
        #expect(error?.description.contains(reason) == true, "\(error?.description ?? "nothing")")
    }
}
