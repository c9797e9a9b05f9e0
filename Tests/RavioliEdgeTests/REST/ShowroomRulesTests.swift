// SPDX-License-Identifier: Apache-2.0

import NIOCore
import RavioliSchema
import ShowroomContracts
import Testing

@testable import RavioliEdge

/// The rules of the reference system, as its services tell them by reflection.
@Suite struct ShowroomRulesTests {
    private static func pool() throws -> DescriptorPool {
        let files = DescriptorPool([ShowroomCatalogV1CatalogSchema.file, ShowroomPricingV1PricingSchema.file])
        return try DescriptorPool(fileDescriptorSet: files.fileDescriptorSet)
    }

    private func request(
        _ httpMethod: String, _ target: String, _ body: String = ""
    ) throws -> String {
        let pool = try Self.pool()
        let router = try RESTRouter(try RESTRules.bindings(pool.allServices))
        guard case .found(let match) = router.match(httpMethod, target) else { return "not found" }
        let encoded = try RESTRequest(match, options: .defaults, types: pool).encoded(
            body: ByteBuffer(string: body), contentType: "application/json")
        let json = try JSONTranscoder.json(fromEncoded: encoded, as: match.binding.method.input)
        return "\(match.binding.method.name) \(String(decoding: json, as: UTF8.self))"
    }

    @Test(arguments: [
        ("GET", "/v1/vehicles/1HGCM82633A004352", "", #"GetVehicle {"vin":"1HGCM82633A004352"}"#),
        ("GET", "/v1/vehicles:batchGet?vins=A&vins=B", "", #"BatchGetVehicles {"vins":["A","B"]}"#),
        (
            "GET", "/v1/vehicles?make=Volvo&maxPrice.currency=USD&bodyClasses=BODY_CLASS_VAN", "",
            #"SearchVehicles {"make":"Volvo","maxPrice":{"currency":"USD"},"bodyClasses":["BODY_CLASS_VAN"]}"#
        ),
        ("POST", "/v1/vehicles", #"{"vin":"A"}"#, #"AddVehicle {"vehicle":{"vin":"A"}}"#),
        (
            "PATCH", "/v1/vehicles/A?expectedVersion=3", #"{"mileage":0,"engine":{"cylinders":4}}"#,
            #"UpdateVehicle {"vehicle":{"vin":"A","engine":{"cylinders":4}},"#
                + #""updateMask":"mileage,engine.cylinders","expectedVersion":"3"}"#
        ),
        (
            "POST", "/v1/vehicles/A:reserve", #"{"holder":"me","duration":"60s"}"#,
            #"ReserveVehicle {"vin":"A","holder":"me","duration":"60s"}"#
        ),
        ("POST", "/v1/vehicles/A:release", "{}", #"ReleaseVehicle {"vin":"A"}"#),
        ("GET", "/v1/vehicles/A/valuation", "", #"ValueVehicle {"vin":"A"}"#),
        ("GET", "/v1/valuation?facts.make=Volvo", "", #"ValueVehicle {"facts":{"make":"Volvo"}}"#),
        ("POST", "/v1/quotes", #"{"vin":"A"}"#, #"CreateQuote {"vin":"A"}"#),
        ("GET", "/v1/quotes/q", "", #"GetQuote {"quoteId":"q"}"#),
        ("GET", "/v1/quotes?customer=me", "", #"ListQuotes {"customer":"me"}"#),
    ])
    func everyMethodHasItsPath(httpMethod: String, target: String, body: String, call: String) throws {
        #expect(try request(httpMethod, target, body) == call)
    }

    @Test func commentsComeAlong() throws {
        let comments = DescriptorComments(try Self.pool().files)
        #expect(
            comments["showroom.catalog.v1.Catalog"]
                == "The stock of cars: find them, describe them, hold them for a customer.")
        #expect(comments["showroom.pricing.v1.VehicleFacts.model_year"] == "1981 to 2039.")
    }
}
