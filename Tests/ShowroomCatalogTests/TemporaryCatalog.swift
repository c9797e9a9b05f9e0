// SPDX-License-Identifier: Apache-2.0

import Foundation
import Logging
import Showroom
import Testing

@testable import ShowroomCatalog

/// A noon to count from.
let noon = Date(milliseconds: 1_790_000_000_000)

/// A catalog in a directory of its own, which goes away with it.
final class TemporaryCatalog: Sendable {
    let directory: URL
    let store: CatalogStore

    var path: String { directory.appending(path: "catalog.sqlite").path }

    /// - Parameter vehicles: How many vehicles of the usual inventory to start with.
    init(vehicles: Int = 0) async throws {
        directory = FileManager.default.temporaryDirectory.appending(path: "catalog-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        store = try CatalogStore(path: directory.appending(path: "catalog.sqlite").path)
        try await store.seed(vehicles: vehicles, at: noon, logger: .silent)
    }

    deinit {
        try? store.close()
        try? FileManager.default.removeItem(at: directory)
    }
}

extension Logger {
    static let silent = Logger(label: "silent") { _ in SwiftLogNoOpLogHandler() }
}

extension VehicleFacts {
    /// A car for tests; the serial number makes its VIN.
    static func sample(
        _ serial: Int = 1, make: String = "Volvo", model: String = "850", modelYear: Int = 1995,
        dollars: Int64 = 12_995, mileage: Int = 48_000
    ) -> VehicleFacts {
        let vin = VIN(maker: "YV1", attributes: "LS571", modelYear: 1995, plant: "G", serial: serial)
        var facts = VehicleFacts(
            vin: vin!.text, make: make, model: model, modelYear: modelYear,
            price: Amount(minorUnits: dollars * 100))
        facts.mileage = mileage
        return facts
    }
}

extension CatalogStore {
    /// All pages of a query, each of this size.
    func walk(
        _ query: VehicleQuery, pageSize: Int, between: (Int) async throws -> Void = { _ in }
    )
        async throws
        -> [StockedVehicle]
    {
        var vehicles: [StockedVehicle] = []
        var token = ""
        var pages = 0
        repeat {
            let page = try await search(query, pageSize: pageSize, pageToken: token, at: noon)
            vehicles += page.vehicles
            token = page.nextPageToken
            pages += 1
            try await between(pages)
        } while !token.isEmpty
        return vehicles
    }
}
