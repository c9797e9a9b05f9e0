// SPDX-License-Identifier: Apache-2.0

import Ravioli
import RavioliSchema
import ShowroomContracts
import Testing

@testable import RavioliEdge

/// Files of plans that mean harm or are full of mistakes: each is refused with its place, and in no time.
@Suite(.timeLimit(.minutes(1)))
struct PlanHostileTests {
    private func reason(_ yaml: String) -> String {
        do throws(PlanError) {
            for plan in try PlanFile(yaml: yaml, name: "p.yaml").plans { _ = try PlanParameters(plan) }
            return "none"
        } catch {
            return error.description
        }
    }

    private static let steps = "steps: { s: { call: a.B/C } }"

    @Test func aliasesThatStandForBillionsAreNotReadAtAll() {
        var yaml = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
        for level in 1...30 {
            let below = (0..<9).map { _ in "*a\(level - 1)" }.joined(separator: ", ")
            yaml += "a\(level): &a\(level) [\(below)]\n"
        }
        #expect(
            reason(yaml + "? *a30\n: x") == "p.yaml has anchors and aliases (& and *), which are not read")
        #expect(reason("plans: &p { P: { get: /p, steps: *p } }").contains("anchors and aliases"))
    }

    @Test func proseMayHaveTheSigns() throws {
        let yaml = "plans: { P: { get: /p, description: Q & A *for* all, \(Self.steps) } }"
        #expect(try PlanFile(yaml: yaml, name: "p.yaml").plans.count == 1)
    }

    @Test(arguments: [
        ("plans: { P: { get: /a, get: /b } }", "line 1 has a key that is there already: \"get\""),
        ("plans:\n  P: { get: /a }\n  P: { get: /b }", "has a key that is there already: \"P\""),
        ("plans:\n  P:\n    get: /a\n    gets: /b", "p.yaml, line 4: a plan has no key \"gets\"; there are"),
        ("plans:\n  P:\n    get: /a\n    post: /b", "p.yaml, line 4: a plan has one of get and post"),
        ("plans:\n  P:\n    get: [a]", "p.yaml, line 3: get is a text"),
        ("plans:\n  P:\n    steps:\n      s: 7", "p.yaml, line 4: a step is a mapping"),
        ("plans:\n  P:\n    steps:\n    - s", "p.yaml, line 4: steps is a mapping"),
        (
            "plans:\n  P:\n    steps:\n      s:\n        required: maybe",
            "p.yaml, line 5: required is true or false"
        ),
        ("plans:\n  P:\n    timeout: 1e99s", "p.yaml, line 3: timeout is a time, such as 500ms"),
        ("plans:\n  P:\n    timeout: -1s", "timeout is a time, such as 500ms"),
        ("plans:\n  P:\n    timeout: nans", "timeout is a time, such as 500ms"),
        ("plans:\n  P:\n    timeout: 11m", "ten minutes at most"),
        ("- a", "p.yaml, line 1: the file is a mapping"), ("plans: 7", "line 1: plans is a mapping"),
        ("plans: {}\n---\nplans: {}", "p.yaml is no YAML"), ("plans: \"\\xZZ\"", "p.yaml is no YAML"),
        ("plans: { \"\u{1F697}\": {} }", "\"\\u{0001F697}\" cannot name a plan"),
        ("plans: { ? [a] : b }", "a key is a text"),
        (
            "plans: { P: { get: /a, parameters: { \"a b\": }, steps: { s: { call: a/b } } } }",
            "\"a b\" cannot name"
        ),
        (
            "plans: { P: { get: /a, parameters: { each: }, steps: { s: { call: a/b } } } }",
            "\"each\" cannot name"
        ),
        (
            "plans: { P: { get: /a, parameters: { a: { repeated: true, default: x } }, steps: { s: { call: a/b } } } }",
            "a is a list, which has no default"
        ),
    ])
    func isRefusedWithItsPlace(yaml: String, expected: String) {
        #expect(reason(yaml).contains(expected), "\(reason(yaml))")
    }

    @Test(arguments: [70, 200, 900, 5_000])
    func deepNestingIsRefused(depth: Int) {
        let lists = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        let yaml = "plans: { P: { get: /a, response: { x: \(lists) }, \(Self.steps) } }"
        let reason = reason(yaml)
        #expect(reason.contains("nested deeper") || reason.contains("is no YAML"), "\(reason)")
    }

    @Test func aFileThatIsTooLongIsNotParsed() {
        #expect(reason(String(repeating: "#", count: (1 << 20) + 1)) == "p.yaml is over 1048576 bytes")
    }

    @Test func moreParametersThanAPlanMayHaveAreRefused() {
        let parameters = (0...64).map { "p\($0): " }.joined(separator: ", ")
        let yaml = "plans: { P: { get: /a, parameters: { \(parameters) }, \(Self.steps) } }"
        #expect(reason(yaml).contains("65 parameters are over the 64"))
    }

    @Test(arguments: [
        ("request: { ids: [a], IDS: [b] }", "has no field \"IDS\""),
        ("request: { terms: [$x] }", "references stand for"),
        ("request: { terms: { year: $id } }", "$id is string, and year is int64"),
        ("request: { ids: [\(String(repeating: "a,", count: 5000))7] }", "ids"),
        ("request: { terms: { year: 99999999999999999999 } }", "terms"),
        ("request: { currency: no }", "currency"), ("request: [a]", "request is a mapping"),
    ])
    func requestsOfWrongTypesAreRefused(request: String, expected: String) {
        let yaml = """
            plans:
              P:
                get: /p
                parameters: { id: }
                steps:
                  price: { call: ravioli.test.v1.Garage/Price, \(request) }
            """
        let error = #expect(throws: PlanError.self) { try Plan.garage(yaml) }
        #expect(
            error?.description.contains(expected) == true && error?.description.contains("line 6") == true,
            "\(error?.description ?? "")")
    }

    @Test(arguments: [
        "/v1/{id", "v1", "/a//b", "/a/{nothing}", "/a/\u{e9}", "/{id}{id}", "/healthz", "/openapi.json",
    ])
    func pathsThatCannotBeAreRefusedAtTheStart(path: String) {
        let yaml = "plans: { P: { get: '\(path)', parameters: { id: }, \(Self.steps) } }"
        var options = PlanOptions.defaults
        options.files = [.init(name: "p.yaml", yaml: yaml)]
        let error = #expect(throws: RuntimeError.self) { try PlanBook(options) }
        #expect(
            error?.description.contains("p.yaml, line 1: the plan P: \(path): ") == true,
            "\(error.map { "\($0)" } ?? "")")
    }

    @Test(arguments: [
        (
            "Pricing/ValueVehicle, request: { vin: $id, facts: { make: Volvo } } }",
            "vin and facts are members of one oneof"
        ),
        (
            "Catalog/SearchVehicles, request: { page_size: 1, pageSize: 2 } }",
            "page_size is given by both of its names"
        ),
        ("Catalog/SearchVehicles, request: { order: CHEAPEST } }", "order: "),
        ("Catalog/SearchVehicles, request: { min_price: { currency: $id, coin: x } } }", "has no field"),
        ("Catalog/AddVehicle }", "may have side effects"),
    ])
    func aFieldIsGivenOnceAndAsItIs(call: String, expected: String) {
        let service = call.hasPrefix("Pricing") ? "pricing" : "catalog"
        let yaml = """
            plans:
              P:
                get: /p
                parameters: { id: }
                steps:
                  s: { call: showroom.\(service).v1.\(call)
            """
        let files = [ShowroomCatalogV1CatalogSchema.file, ShowroomPricingV1PricingSchema.file]
        let error = #expect(throws: PlanError.self) {
            for source in try PlanFile(yaml: yaml, name: "p.yaml").plans {
                _ = try Plan(source, routes: RouteTable([DescriptorPool(files)]))
            }
        }
        #expect(error?.description.contains(expected) == true, "\(error?.description ?? "")")
    }

    @Test func twoPlansOfOneNameAreRefusedAndBothNamed() {
        let yaml = "plans:\n  P: { get: /p, \(Self.steps) }"
        var options = PlanOptions.defaults
        options.files = [.init(name: "a.yaml", yaml: yaml), .init(name: "b.yaml", yaml: yaml)]
        let error = #expect(throws: RuntimeError.self) { try PlanBook(options) }
        #expect(
            error?.description.contains(
                "b.yaml, line 2: the plan P has the name of another in a.yaml, line 2") == true)
    }
}
