// SPDX-License-Identifier: Apache-2.0

import Foundation
import Ravioli
import RavioliSchema
import ShowroomContracts
import Testing

@testable import RavioliEdge

/// The example of the documentation, read out of it and run.
@Suite(.timeLimit(.minutes(1)))
struct PlanDocumentationTests {
    private static let repository = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// The first block of a language.
    private static func block(_ language: String) throws -> String {
        let page = repository.appending(path: "Sources/RavioliEdge/Documentation.docc/Plans.md")
        let text = try String(contentsOf: page, encoding: .utf8)
        let parts = text.split(separator: "```\(language)\n", maxSplits: 1)
        return String(try #require(parts.last?.split(separator: "```").first))
    }

    private static let table = RouteTable([
        DescriptorPool([ShowroomCatalogV1CatalogSchema.file, ShowroomPricingV1PricingSchema.file])
    ])

    private static func answer(_ method: String, _ request: String) throws(RPCError) -> String {
        switch (method, request) {
        case ("GetVehicle", _): return #"{"vin":"V1","make":"Volvo"}"#
        case ("ValueVehicle", #"{"vin":"V1"}"#):
            return #"{"median":{"minorUnits":"900000","currency":"USD"},"#
                + #""comparables":[{"vin":"C1"},{"vin":"C2"}]}"#
        case ("ValueVehicle", #"{"vin":"S1"}"#): return #"{"median":{"minorUnits":"800000"}}"#
        case ("BatchGetVehicles", #"{"vins":["C1","C2"]}"#):
            return #"{"vehicles":[{"vin":"C1"},{"vin":"C2"}]}"#
        case ("SearchVehicles", #"{"make":"Volvo","onlyAvailable":true,"pageSize":2}"#):
            return #"{"vehicles":[{"vin":"S1"},{"vin":"S2"}]}"#
        default: throw RPCError(.failedPrecondition, "too few comparable vehicles", executed: .yes)
        }
    }

    @Test func theExampleAnswersWhatThePageSays() async throws {
        // A machine that is busy with other tests gets more time.
        let yaml = try Self.block("yaml").replacing("timeout: 3s", with: "timeout: 1m")
            .replacing("timeout: 1s", with: "timeout: 1m")
        let file = try PlanFile(yaml: yaml, name: "vehicle-page.yaml")
        let plan = try Plan(try #require(file.plans.first), routes: Self.table)
        var run = try plan.run(["vin": "V1", "limit": "2"]) { route, request throws(RPCError) in
            do {
                let message = try DynamicMessage(decoding: request.message, as: route.method.input)
                let json = try Self.answer(route.method.name, try message.json())
                return try DynamicMessage(json: json, as: route.method.output).encoded()
            } catch {
                throw error as? RPCError ?? RPCError(.internal, "\(error)", executed: .no)
            }
        }
        let answer = try JSONSerialization.jsonObject(with: Data(try await run.answer()))
        let expected = try JSONSerialization.jsonObject(with: Data(try Self.block("json").utf8))
        #expect((answer as? NSDictionary) == (expected as? NSDictionary), "\(answer)")
    }

    @Test func theRefusalOfThePageIsTheOneThatIsTold() throws {
        let yaml = try Self.block("yaml").replacing(
            "call: showroom.pricing.v1.Pricing/ValueVehicle\n        request: { vin: $vin }",
            with: "call: showroom.pricing.v1.Pricing/ValueVehicle\n        request: { facts: $vin }")
        let file = try PlanFile(yaml: yaml, name: "vehicle-page.yaml")
        let source = try #require(file.plans.first)
        let error = #expect(throws: PlanError.self) { try Plan(source, routes: Self.table) }
        let told = try Self.block("text").split(separator: "\n").joined(separator: " ")
        #expect("plans: \(error?.description ?? "")" == told)
    }

    @Test func showroomsPageFitsItsContracts() throws {
        let path = Self.repository.appending(path: "Protos/showroom/edge/vehicle-page.yaml")
        let text = try String(contentsOf: path, encoding: .utf8)
        let file = try PlanFile(yaml: text, name: "vehicle-page.yaml")
        let plan = try Plan(try #require(file.plans.first), routes: Self.table)
        #expect(plan.steps.map(\.needs) == [[], [], [1], [0]])
    }
}
