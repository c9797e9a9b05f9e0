// SPDX-License-Identifier: Apache-2.0

import EdgeSchemas
import HTTPTypes
import Ravioli
import RavioliSchema
import Testing

@testable import RavioliEdge

/// Plans and the schemas of the servers behind the edge, at the start and when they change.
@Suite(.timeLimit(.minutes(1)))
struct PlanSchemaTests {
    private static let yaml = """
        plans:
          Car:
            get: /v1/pages/{id}
            parameters: { id: }
            steps:
              car: { call: ravioli.test.v1.Garage/GetCar, request: { id: $id } }
            response: { id: $car.id }
        """

    private let channel = SwitchedChannel()
    private let log = KeptLog()

    private func server(_ yaml: String = Self.yaml, rules: String = "") throws -> EdgeServer {
        var options = EdgeOptions.defaults
        options.limits.schemaPauseMin = .zero
        options.rest.rules = rules
        options.plans.files = [.init(name: "pages.yaml", yaml: yaml)]
        options.plans.timeout = .seconds(20)
        return try EdgeServer(
            [Upstream(name: "switched", channel: channel)], on: .tcp(host: "127.0.0.1", port: 0),
            options: options, logger: log.logger)
    }

    private func get(_ edge: Edge, _ path: String = "/v1/pages/a") async -> TestResponse {
        await edge.answer(path, method: .get, headers: [:], bytes: [])
    }

    private func refusal(_ yaml: String, rules: String = "") async -> String {
        channel.connect([GarageServer(), LibraryServer()])
        do {
            try await server(yaml, rules: rules).run()
            return "started"
        } catch {
            return "\(error)"
        }
    }

    @Test func aContradictionAtTheStartIsRefusedWithFileLineAndStep() async {
        let text = await refusal(Self.yaml.replacing("request: { id: $id }", with: "request: { name: $id }"))
        #expect(
            text.contains(
                "plans: pages.yaml, line 6: the plan Car: step car: ravioli.test.v1.GetCarRequest has no field \"name\""
            ), "\(text)")
    }

    @Test func aMethodThatNobodyHasIsRefusedOnceAllServersAreKnown() async {
        let text = await refusal(Self.yaml.replacing("Garage/GetCar", with: "Garage/GetBoat"))
        #expect(text.contains("no server behind the edge has the method \"ravioli.test.v1.Garage/GetBoat\""))
    }

    @Test func aPlanAndARuleThatFitTheSameRequestsAreRefusedAndBothNamed() async {
        let rules = """
            http:
              rules:
                - selector: ravioli.test.v1.Library.GetVolume
                  get: /v1/pages/{name}
            """
        let text = await refusal(Self.yaml, rules: rules)
        #expect(text.contains("GET /v1/pages/{id} of the plan Car (pages.yaml, line 2)"), "\(text)")
        #expect(
            text.contains("GET /v1/pages/{name} of ravioli.test.v1.Library.GetVolume (rules.yaml, line 3)"))
    }

    @Test func twoPlansThatFitTheSameRequestsAreRefusedAndBothNamed() {
        let yaml =
            Self.yaml + "\n"
            + Self.yaml.split(separator: "\n").dropFirst().joined(separator: "\n")
            .replacing("  Car:", with: "  Other:").replacing("{id}", with: "{car}")
            .replacing("parameters: { id: }", with: "parameters: { car: , id: { required: false } }")
        let error = #expect(throws: RuntimeError.self) { try server(yaml) }
        let text = error.map { "\($0)" } ?? ""
        #expect(text.contains("/v1/pages/{id} of the plan Car (pages.yaml, line 2)"), "\(text)")
        #expect(text.contains("/v1/pages/{car} of the plan Other (pages.yaml, line 8)"), "\(text)")
    }

    @Test func aPathMayHaveAnyTextAndAVerb() async throws {
        channel.connect([GarageServer()])
        let path = "/v1/caf%C3%A9/{id=cars/*}:show"
        let edge = try server(Self.yaml.replacing("get: /v1/pages/{id}", with: "get: \"\(path)\"")).edge
        await edge.refresh()
        let answer = await get(edge, "/v1/caf%c3%a9/cars/%E8%BB%8A%2F1:show")
        #expect(answer.text == #"{"id":"cars/車%2F1","errors":[]}"#)
        #expect(await get(edge, "/v1/cafe/cars/a:show").status == .notFound)
        #expect(await get(edge, "/v1/caf%C3%A9/cars/a").status == .notFound)
    }

    @Test func aPlanWaitsForItsServer() async throws {
        let edge = try server().edge
        await edge.refresh()
        let early = await get(edge)
        #expect(early.status == .serviceUnavailable)
        #expect(early.text.contains("not every service of this page has been found yet"))
        #expect(edge.restDoor.planFault == nil)
        channel.connect([GarageServer()])
        let late = await get(edge)
        #expect(late.status == .ok && late.text == #"{"id":"a","errors":[]}"#)
    }

    @Test func aLaterSchemaThatDoesNotFitLeavesThePlanAsItWas() async throws {
        channel.connect([GarageServer()])
        let edge = try server().edge
        await edge.refresh()
        #expect(await get(edge).status == .ok)
        channel.connect([DeskServer()])
        await edge.refresh()
        #expect(log.text.contains("plan not taken over"))
        #expect(log.text.contains("pages.yaml, line 6: the plan Car: step car: no server"))
        // The plan is still there; the server is not.
        let without = await get(edge)
        #expect(without.status == .notImplemented, "\(without.text)")
        channel.connect([GarageServer()])
        await edge.refresh()
        #expect(await get(edge).status == .ok)
        #expect(edge.restDoor.planFault == nil)
    }

    @Test func noRuleAndNoPlanHidesAMethod() async throws {
        channel.connect([GarageServer()])
        let yaml = Self.yaml.replacing("get: /v1/pages/{id}", with: "post: /{id}/GetCar")
        let edge = try server(yaml).edge
        await edge.refresh()
        let answer = await edge.answer(
            "/ravioli.test.v1.Garage/GetCar", headers: [.contentType: "application/json"],
            bytes: Array("{\"id\":\"x\"}".utf8))
        #expect(!answer.text.contains("errors"))
    }
}
