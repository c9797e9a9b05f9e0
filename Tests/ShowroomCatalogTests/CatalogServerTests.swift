// SPDX-License-Identifier: Apache-2.0

import Foundation
import GRDB
import Logging
import Ravioli
import RavioliSchema
import Showroom
import ShowroomContracts
import Synchronization
import Testing

@testable import ShowroomCatalog

/// A catalog behind its RPC interface, at a time that the test sets.
private final class ServedCatalog: Sendable {
    private let catalog: TemporaryCatalog
    private let clock = SetClock()
    let client: CatalogClient

    init() async throws {
        catalog = try await TemporaryCatalog()
        let clock = clock
        let server = CatalogServer(store: catalog.store, clock: { clock.now }, logger: .silent)
        client = CatalogClient(InProcessChannel(server))
    }

    /// Lets time pass.
    func wait(_ seconds: TimeInterval) { clock.wait(seconds) }
}

/// A clock that stands at noon until it is set.
private final class SetClock: Sendable {
    private let time = Mutex(noon)

    var now: Date { time.withLock(\.self) }

    func wait(_ seconds: TimeInterval) { time.withLock { $0 += seconds } }
}

/// A request's vehicle with every field set.
private func complete(_ serial: Int = 1) -> Vehicle {
    Vehicle(
        vin: ShowroomCatalog.VehicleFacts.sample(serial).vin, make: "Volvo", model: "850", modelYear: 1995,
        bodyClass: .midsize, fuel: .gasoline, transmission: .manual, driveTrain: .front,
        engine: Engine(displacementCc: 2_435, cylinders: 5, horsepower: 168), passengers: 5,
        colour: "dark green", mileage: 48_000, price: Money(minorUnits: 12_995_00, currency: "USD"),
        location: Location(dealer: "Rose City Motors", city: "Portland", region: "OR"),
        photoUrls: ["https://photos.example/1.jpg"], description: "One owner.")
}

struct CatalogServerTests {
    @Test func answersEveryFieldAsItWasAdded() async throws {
        let served = try await ServedCatalog()
        let added = try await served.client.addVehicle(AddVehicleRequest(vehicle: complete()))
        var expected = complete()
        expected.version = 1
        expected.addedAt = Google_Protobuf_Timestamp(noon)
        expected.updatedAt = Google_Protobuf_Timestamp(noon)
        #expect(added == expected)
        #expect(try await served.client.getVehicle(GetVehicleRequest(vin: added.vin)) == expected)
        let batch = try await served.client.batchGetVehicles(
            BatchGetVehiclesRequest(vins: [added.vin, complete(2).vin]))
        #expect(batch.vehicles == [expected] && batch.missingVins == [complete(2).vin])
    }

    @Test func searchesByMessage() async throws {
        let served = try await ServedCatalog()
        for serial in 1...3 {
            _ = try await served.client.addVehicle(AddVehicleRequest(vehicle: complete(serial)))
        }
        var request = SearchVehiclesRequest(
            make: "volvo", minPrice: Money(minorUnits: 1, currency: "USD"), maxMileage: 50_000,
            bodyClasses: [.midsize], text: "portland", order: .priceAscending, pageSize: 2, includeTotal: true
        )
        let first = try await served.client.searchVehicles(request)
        #expect(first.vehicles.count == 2 && first.total == 3)
        request.pageToken = first.nextPageToken
        request.includeTotal = false
        let second = try await served.client.searchVehicles(request)
        #expect(second.vehicles.count == 1 && second.total == nil && second.nextPageToken.isEmpty)
    }

    @Test func updatesByMask() async throws {
        let served = try await ServedCatalog()
        let added = try await served.client.addVehicle(AddVehicleRequest(vehicle: complete()))
        let changed = try await served.client.updateVehicle(
            UpdateVehicleRequest(
                vehicle: Vehicle(vin: added.vin, mileage: 49_000),
                updateMask: Google_Protobuf_FieldMask(paths: ["mileage", "colour"]), expectedVersion: 1))
        #expect(changed.mileage == 49_000 && changed.colour.isEmpty && changed.make == "Volvo")
        #expect(changed.version == 2)
    }

    @Test func showsNoReservationThatIsOver() async throws {
        let served = try await ServedCatalog()
        let vin = try await served.client.addVehicle(AddVehicleRequest(vehicle: complete())).vin
        let held = try await served.client.reserveVehicle(
            ReserveVehicleRequest(
                vin: vin, expectedVersion: 1, holder: "order-1",
                duration: Google_Protobuf_Duration(seconds: 60)))
        #expect(
            held.reservation
                == Reservation(holder: "order-1", expiresAt: Google_Protobuf_Timestamp(noon + 60)))
        served.wait(60)
        #expect(try await served.client.getVehicle(GetVehicleRequest(vin: vin)).reservation == nil)
    }

    @Test func releasesForTheHolder() async throws {
        let served = try await ServedCatalog()
        let vin = try await served.client.addVehicle(AddVehicleRequest(vehicle: complete())).vin
        _ = try await served.client.reserveVehicle(
            ReserveVehicleRequest(vin: vin, expectedVersion: 1, holder: "order-1"))
        let free = try await served.client.releaseVehicle(
            ReleaseVehicleRequest(vin: vin, expectedVersion: 2, holder: "order-1"))
        #expect(free.reservation == nil && free.version == 3)
    }
}

struct CatalogStatusTests {
    private let vin = complete().vin

    private func error(_ call: (CatalogClient) async throws -> some Any) async throws -> RPCError {
        let served = try await ServedCatalog()
        _ = try await served.client.addVehicle(AddVehicleRequest(vehicle: complete()))
        let error = await #expect(throws: RPCError.self) { try await call(served.client) }
        return try #require(error)
    }

    private func fields(_ error: RPCError) throws -> [String]? {
        try error.details.first?.message(as: InvalidFields.self)?.violations.map(\.field)
    }

    @Test func namesEveryWrongField() async throws {
        let error = try await error { client in
            var vehicle = complete(2)
            vehicle.make = ""
            vehicle.price = nil
            return try await client.addVehicle(AddVehicleRequest(vehicle: vehicle))
        }
        #expect(error.code == .invalidArgument)
        #expect(try fields(error) == ["vehicle.make", "vehicle.price.minor_units", "vehicle.price.currency"])
        #expect(error.message.contains("vehicle.make must not be empty"))
    }

    @Test func refusesNumbersThatNoEnumHas() async throws {
        let adding = try await error { client in
            var vehicle = complete(2)
            vehicle.fuel = Fuel(rawValue: 99)
            return try await client.addVehicle(AddVehicleRequest(vehicle: vehicle))
        }
        #expect(try fields(adding) == ["vehicle.fuel"])
        let searching = try await error { client in
            try await client.searchVehicles(
                SearchVehiclesRequest(bodyClasses: [.van, .init(rawValue: -1)], order: .init(rawValue: 77)))
        }
        #expect(try fields(searching) == ["body_classes[1]", "order"])
    }

    @Test func listsNoMoreViolationsThanAStatusHolds() async throws {
        let error = try await error { client in
            try await client.searchVehicles(
                SearchVehiclesRequest(bodyClasses: Array(repeating: .init(rawValue: 99), count: 50_000)))
        }
        #expect(error.code == .invalidArgument)
        #expect(try fields(error)?.count == ValidationError.violationsMax)
    }

    @Test func searchesForTheSameClassFiftyThousandTimes() async throws {
        let served = try await ServedCatalog()
        _ = try await served.client.addVehicle(AddVehicleRequest(vehicle: complete()))
        let found = try await served.client.searchVehicles(
            SearchVehiclesRequest(bodyClasses: Array(repeating: .midsize, count: 50_000)))
        #expect(found.vehicles.count == 1)
    }

    @Test func refusesARequestWithoutItsVehicle() async throws {
        let adding = try await error { try await $0.addVehicle(AddVehicleRequest()) }
        #expect(try fields(adding) == ["vehicle"])
        let updating = try await error { client in
            try await client.updateVehicle(
                UpdateVehicleRequest(vehicle: Vehicle(vin: vin), expectedVersion: 1))
        }
        #expect(try fields(updating) == ["update_mask"])
    }

    @Test func tellsWhatIsMissingAndWhatIsThere() async throws {
        let missing = try await error { try await $0.getVehicle(GetVehicleRequest(vin: complete(2).vin)) }
        #expect(missing.code == .notFound && missing.details.isEmpty)
        let present = try await error { client in
            var vehicle = complete()
            vehicle.mileage = 1
            return try await client.addVehicle(AddVehicleRequest(vehicle: vehicle))
        }
        #expect(present.code == .alreadyExists)
    }

    @Test func tellsTheVersionThatIsCurrent() async throws {
        let error = try await error { client in
            try await client.reserveVehicle(ReserveVehicleRequest(vin: vin, expectedVersion: 7, holder: "a"))
        }
        #expect(error.code == .aborted)
        #expect(
            try error.details.first?.message(as: VersionConflict.self)
                == VersionConflict(vin: vin, expectedVersion: 7, actualVersion: 1))
    }

    @Test func tellsUntilWhenItIsHeldButNotByWhom() async throws {
        let error = try await error { client in
            _ = try await client.reserveVehicle(
                ReserveVehicleRequest(vin: vin, expectedVersion: 1, holder: "order-77"))
            return try await client.reserveVehicle(
                ReserveVehicleRequest(vin: vin, expectedVersion: 2, holder: "another"))
        }
        #expect(error.code == .failedPrecondition && !error.message.contains("order-77"))
        #expect(
            try error.details.first?.message(as: VehicleHeld.self)
                == VehicleHeld(vin: vin, expiresAt: Google_Protobuf_Timestamp(noon + 1_800)))
    }

    @Test func tellsNothingOfTheDatabaseWhenItFails() async throws {
        let catalog = try await TemporaryCatalog()
        let server = CatalogServer(store: catalog.store, clock: { noon }, logger: .silent)
        let client = CatalogClient(InProcessChannel(server))
        try await catalog.store.database.write { try $0.execute(sql: "DROP TABLE vehicle") }
        let error = await #expect(throws: RPCError.self) {
            try await client.getVehicle(GetVehicleRequest(vin: vin))
        }
        #expect(error?.code == .internal)
        #expect(error?.message == "the database failed; the service's log says why")
    }
}
