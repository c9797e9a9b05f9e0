// SPDX-License-Identifier: Apache-2.0

import Foundation
import Ravioli
import ShowroomContracts
import Testing

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// Showroom as the outside sees it: JSON over HTTP through the edge, and the command line.
@Suite(.serialized, .timeLimit(.minutes(3)))
struct EdgeAndCommandLineTests {
    private static let vehicle = """
        {"vehicle": {"vin": "YV1LS5711SG000001", "make": "Volvo", "model": "850", "modelYear": 1995,
        "mileage": 48000, "price": {"minorUnits": "1299500", "currency": "USD"}}}
        """
    private static let lookup = "{\"vin\": \"YV1LS5711SG000001\"}"
    private static let order =
        "{\"requestId\": \"r1\", \"vin\": \"YV1LS5711SG000001\", \"customer\": \"ann\"}"

    @Test func whatTheOutsideWasToldSurvivesAKill() async throws {
        try await withShowroom { showroom in
            let catalog = try await showroom.startCatalog()
            let pricing = try await showroom.startPricing(asking: catalog.address)
            let edge = try await showroom.startEdge(before: [catalog.address, pricing.address])

            let added = try await showroom.run(
                "ravioli", "call", "\(catalog.address)", "showroom.catalog.v1.Catalog/AddVehicle", "-d",
                Self.vehicle)
            #expect(added.end == .exited(status: 0), "\(added.errors)")
            let quote = try await edge.post("showroom.pricing.v1.Pricing/CreateQuote", Self.order)
            #expect(quote.status == 200 && quote.text.contains("1299500"), "\(quote.text)")

            try await catalog.process.killed()
            let without = try await edge.post("showroom.catalog.v1.Catalog/GetVehicle", Self.lookup)
            #expect(without.status == 503 && without.text.contains("\"unavailable\""), "\(without.text)")
            let again = try await showroom.startCatalog(listen: catalog.address)

            let found = try await edge.postWhenAvailable(
                "showroom.catalog.v1.Catalog/GetVehicle", Self.lookup)
            #expect(found.status == 200 && found.text.contains("\"850\""), "\(found.text)")
            let same = try await showroom.run(
                "ravioli", "call", "\(again.address)", "showroom.catalog.v1.Catalog/GetVehicle", "-d",
                Self.lookup)
            #expect(same.end == .exited(status: 0) && same.output == added.output, "\(same.errors)")
            let kept = try await edge.post("showroom.pricing.v1.Pricing/CreateQuote", Self.order)
            #expect(kept.status == 200 && kept.text == quote.text)
        }
    }

    @Test func statusesReachTheOutside() async throws {
        try await withShowroom { showroom in
            let catalog = try await showroom.startCatalog()
            let edge = try await showroom.startEdge(before: [catalog.address])
            let missing = try await edge.post("showroom.catalog.v1.Catalog/GetVehicle", Self.lookup)
            #expect(missing.status == 404 && missing.text.contains("\"not_found\""), "\(missing.text)")
            let same = try await showroom.run(
                "ravioli", "call", "\(catalog.address)", "showroom.catalog.v1.Catalog/GetVehicle", "-d",
                Self.lookup)
            // 100 and the number of NOT_FOUND.
            #expect(same.end == .exited(status: 105) && same.output.isEmpty)
            #expect(same.errors.contains("no vehicle has the VIN YV1LS5711SG000001"))
        }
    }

    @Test func theEdgeStopsGracefully() async throws {
        try await withShowroom { showroom in
            let catalog = try await showroom.startCatalog()
            let edge = try await showroom.startEdge(before: [catalog.address])
            edge.process.signal(SIGTERM)
            let end = try await edge.process.finished()
            #expect(end == .exited(status: 0), "\(edge.process.errors)")
        }
    }
}

extension RunningShowroom.Running {
    /// Calls a method through this edge, with JSON.
    fileprivate func post(_ method: String, _ json: String) async throws -> (status: Int, text: String) {
        var request = URLRequest(url: try #require(URL(string: "http://\(address)/\(method)")))
        request.httpMethod = "POST"
        request.httpBody = Data(json.utf8)
        request.timeoutInterval = 20
        request.setValue("application/json", forHTTPHeaderField: "Content-Type")
        let (data, response) = try await URLSession.shared.data(for: request)
        let status = (response as? HTTPURLResponse)?.statusCode ?? 0
        return (status, String(decoding: data, as: UTF8.self))
    }

    /// The same, until the service behind it is back.
    fileprivate func postWhenAvailable(
        _ method: String, _ json: String
    ) async throws -> (status: Int, text: String) {
        try await whenAvailable {
            let answer = try await post(method, json)
            if answer.status == 503 { throw RPCError(.unavailable, answer.text) }
            return answer
        }
    }
}
