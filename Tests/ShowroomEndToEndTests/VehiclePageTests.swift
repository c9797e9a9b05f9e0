// SPDX-License-Identifier: Apache-2.0

import Foundation
import Ravioli
import Testing

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// The page of one vehicle, put together by an edge from catalog and pricing, each a process with its database.
@Suite(.serialized, .timeLimit(.minutes(3)))
struct VehiclePageTests {
    private static let plan = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Protos/showroom/edge/vehicle-page.yaml").path

    private struct Page {
        let status: Int
        let value: [String: Any]

        /// What is missing, as `step code`.
        var errors: [String] {
            (value["errors"] as? [[String: Any]] ?? []).map { "\($0["step"] ?? "") \($0["code"] ?? "")" }
        }
    }

    private func get(_ path: String, _ edge: RunningShowroom.Running) async throws -> Page {
        var request = URLRequest(url: try #require(URL(string: "http://\(edge.address)\(path)")))
        request.timeoutInterval = 20
        let (data, response) = try await URLSession.shared.data(for: request)
        let value = try JSONSerialization.jsonObject(with: data) as? [String: Any] ?? [:]
        return Page(status: (response as? HTTPURLResponse)?.statusCode ?? 0, value: value)
    }

    /// A vehicle that pricing can value: most in a stock of this size can be.
    private func valuedVehicle(_ edge: RunningShowroom.Running) async throws -> String {
        let search = try await get("/v1/vehicles?pageSize=100", edge)
        let vehicles = try #require(search.value["vehicles"] as? [[String: Any]])
        for vehicle in vehicles {
            let vin = try #require(vehicle["vin"] as? String)
            if try await get("/v1/vehicles/\(vin)/valuation", edge).status == 200 { return vin }
        }
        throw ChildProcess.Failure(description: "no vehicle can be valued")
    }

    @Test func thePageHasItsPartsFromBothServicesAndSaysWhatIsMissing() async throws {
        try await withShowroom { showroom in
            let catalog = try await showroom.startCatalog()
            let pricing = try await showroom.startPricing(asking: catalog.address)
            // A machine that is busy with other tests gets more time.
            let plan = try String(contentsOfFile: Self.plan, encoding: .utf8)
                .replacing("timeout: 3s", with: "timeout: 15s").replacing("timeout: 2s", with: "timeout: 15s")
            try Data(plan.utf8).write(to: showroom.folder.appending(path: "page.yaml"))
            let edge = try await showroom.startEdge(
                before: [catalog.address, pricing.address], ["--plan", showroom.path("page.yaml")])
            let vin = try await valuedVehicle(edge)

            let page = try await get("/v1/pages/vehicles/\(vin)?limit=2", edge)
            #expect(page.status == 200 && page.errors == [], "\(page.value)")
            #expect((page.value["vehicle"] as? [String: Any])?["vin"] as? String == vin)
            let worth = try #require(page.value["worth"] as? [String: Any])
            #expect((worth["median"] as? [String: Any])?["currency"] as? String == "USD")
            let comparables = try #require(page.value["comparables"] as? [[String: Any]])
            #expect(comparables.count >= 3 && comparables.allSatisfy { $0["make"] != nil })
            let similar = try #require(page.value["similar"] as? [[String: Any]])
            #expect((1...2).contains(similar.count))

            let unknown = try await get("/v1/pages/vehicles/1M8GDM9AXKP042788", edge)
            #expect(unknown.status == 404 && unknown.value["code"] as? Int == 5, "\(unknown.value)")
            let invalid = try await get("/v1/pages/vehicles/\(vin)?limit=many", edge)
            #expect(invalid.status == 400)

            try await pricing.process.killed()
            let without = try await get("/v1/pages/vehicles/\(vin)?limit=2", edge)
            #expect(without.status == 200, "\(without.value)")
            #expect(
                without.errors == ["valuation unavailable", "comparables unavailable"], "\(without.value)")
            #expect((without.value["vehicle"] as? [String: Any])?["vin"] as? String == vin)
            #expect((without.value["similar"] as? [Any])?.isEmpty == false)
            #expect(without.value["comparables"] is NSNull)

            try await catalog.process.killed()
            let nothing = try await get("/v1/pages/vehicles/\(vin)", edge)
            #expect(nothing.status == 503 && nothing.value["code"] as? Int == 14, "\(nothing.value)")
        }
    }

    @Test func aPlanThatDoesNotFitKeepsTheEdgeFromStarting() async throws {
        try await withShowroom { showroom in
            let catalog = try await showroom.startCatalog()
            let valuation = "showroom.pricing.v1.Pricing/ValueVehicle"
            let text = try String(contentsOfFile: Self.plan, encoding: .utf8)
                .replacing("make: $vehicle.make", with: "make: $vehicle.mileage")
                .replacing(valuation, with: "showroom.catalog.v1.Catalog/GetVehicle")
            try Data(text.utf8).write(to: showroom.folder.appending(path: "page.yaml"))
            let edge = try await showroom.run(
                "ravioli", "edge", "--listen", "127.0.0.1:0", "--upstream", "\(catalog.address)", "--plan",
                showroom.path("page.yaml"))
            #expect(edge.end != .exited(status: 0))
            #expect(edge.errors.contains("the plan VehiclePage: step "), "\(edge.errors)")
            let missing = try await showroom.run(
                "ravioli", "edge", "--upstream", "\(catalog.address)", "--rest-rules",
                showroom.path("none.yaml"))
            #expect(missing.errors.contains("cannot read"), "\(missing.errors)")
        }
    }

    @Test func rulesOfAFileComeBeforeTheSchemas() async throws {
        try await withShowroom { showroom in
            let catalog = try await showroom.startCatalog()
            let rules = """
                http:
                  rules:
                    - selector: showroom.catalog.v1.Catalog.SearchVehicles
                      get: /cars
                """
            try Data(rules.utf8).write(to: showroom.folder.appending(path: "rules.yaml"))
            let edge = try await showroom.startEdge(
                before: [catalog.address], ["--rest-rules", showroom.path("rules.yaml")])
            #expect(try await get("/cars?pageSize=1", edge).status == 200)
        }
    }
}
