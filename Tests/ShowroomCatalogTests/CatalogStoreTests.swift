// SPDX-License-Identifier: Apache-2.0

import Foundation
import GRDB
import Showroom
import Testing

@testable import ShowroomCatalog

struct CatalogStoreTests {
    @Test func answersWhatWasAdded() async throws {
        let catalog = try await TemporaryCatalog()
        var facts = VehicleFacts.sample()
        facts.photoURLs = ["https://photos.example/1.jpg", "https://photos.example/2.jpg"]
        facts.engine = .init(displacementCC: 2_435, cylinders: 5, horsepower: 168)
        facts.location = .init(dealer: "Rose City Motors", city: "Portland", region: "OR")
        facts.bodyClass = .midsize
        facts.description = "One owner."
        let added = try await catalog.store.add(facts, at: noon)
        #expect(added.version == 1 && added.addedAt == noon && added.facts == facts)
        #expect(try await catalog.store.vehicle(vin: facts.vin) == added)
    }

    @Test func addingTwiceAddsOnce() async throws {
        let catalog = try await TemporaryCatalog()
        let first = try await catalog.store.add(.sample(), at: noon)
        #expect(try await catalog.store.add(.sample(), at: noon + 60) == first)
        await #expect(throws: CatalogError.alreadyExists(vin: first.facts.vin)) {
            try await catalog.store.add(.sample(dollars: 1), at: noon)
        }
        #expect(try await catalog.store.search(VehicleQuery(), countsAll: true, at: noon).total == 1)
    }

    @Test func answersManyInTheOrderAsked() async throws {
        let catalog = try await TemporaryCatalog()
        for serial in 1...3 { _ = try await catalog.store.add(.sample(serial), at: noon) }
        let vins = [3, 9, 1, 3].map { VehicleFacts.sample($0).vin }
        let (found, missing) = try await catalog.store.vehicles(vins: vins)
        #expect(found.map(\.facts.vin) == [vins[0], vins[2]])
        #expect(missing == [vins[1]])
    }

    @Test func refusesBadVINsByName() async throws {
        let catalog = try await TemporaryCatalog()
        let good = VehicleFacts.sample().vin
        await #expect(throws: CatalogError.notFound(vin: good)) { try await catalog.store.vehicle(vin: good) }
        await #expect(throws: ValidationError("vin", "must have 17 characters, not 3")) {
            try await catalog.store.vehicle(vin: "abc")
        }
        await #expect(throws: ValidationError("vins[1]", "must have 17 characters, not 0")) {
            try await catalog.store.vehicles(vins: [good, ""])
        }
        await #expect(throws: ValidationError("vins", "must be 1 to 100, not 0")) {
            try await catalog.store.vehicles(vins: [])
        }
        await #expect(throws: ValidationError("vins", "must be 1 to 100, not 101")) {
            try await catalog.store.vehicles(vins: Array(repeating: good, count: 101))
        }
    }

    @Test func refusesEveryWrongFieldByName() async throws {
        let catalog = try await TemporaryCatalog()
        var facts = VehicleFacts.sample(make: "", modelYear: 1980, dollars: 0, mileage: -1)
        facts.price.currency = "EUR"
        facts.location.region = "Oregon"
        facts.photoURLs = ["https://photos.example/1.jpg", "http://photos.example/2.jpg", "https://a b"]
        facts.vin = "?"
        let error = await #expect(throws: ValidationError.self) {
            try await catalog.store.add(facts, at: noon)
        }
        #expect(
            error?.violations.map(\.field) == [
                "vehicle.vin", "vehicle.make", "vehicle.model_year", "vehicle.mileage",
                "vehicle.price.minor_units",
                "vehicle.price.currency", "vehicle.location.region", "vehicle.photo_urls[1]",
                "vehicle.photo_urls[2]",
            ])
    }
}

/// What is on the disk.
struct CatalogFileTests {
    @Test func everythingIsThereAfterReopening() async throws {
        let catalog = try await TemporaryCatalog(vehicles: 50)
        let added = try await catalog.store.add(.sample(), at: noon)
        let reserved = try await catalog.store.reserve(
            vin: added.facts.vin, expectedVersion: 1, holder: "order-1", at: noon)
        try catalog.store.close()

        let reopened = try CatalogStore(path: catalog.path)
        #expect(try await reopened.vehicle(vin: added.facts.vin) == reserved)
        #expect(try await reopened.search(VehicleQuery(), countsAll: true, at: noon).total == 51)
        try reopened.close()
    }

    @Test func everyCommitIsFlushedAndReadersDoNotWait() async throws {
        let catalog = try await TemporaryCatalog()
        let (mode, synchronous) = try await catalog.store.database.write { db in
            try (String.fetchOne(db, sql: "PRAGMA journal_mode"), Int.fetchOne(db, sql: "PRAGMA synchronous"))
        }
        #expect(mode == "wal")
        #expect(synchronous == 2)
    }

    @Test func anEmptyFileGetsAllTables() throws {
        let queue = try DatabaseQueue()
        try CatalogSchema.migrator.migrate(queue)
        #expect(try queue.read(CatalogSchema.migrator.hasCompletedMigrations))
        for table in ["vehicle", "vehicle_text", "seeding"] {
            #expect(try queue.read { try $0.tableExists(table) }, "\(table)")
        }
        // Migrating again changes nothing.
        try CatalogSchema.migrator.migrate(queue)
    }

    @Test func isSeededOnlyWhenNew() async throws {
        let catalog = try await TemporaryCatalog(vehicles: 30)
        #expect(try await catalog.store.seed(vehicles: 60, at: noon, logger: .silent) == false)
        #expect(try await catalog.store.search(VehicleQuery(), countsAll: true, at: noon).total == 30)

        let empty = try await TemporaryCatalog(vehicles: 0)
        #expect(try await empty.store.seed(vehicles: 60, at: noon, logger: .silent) == false)
    }

    @Test func refusesAFileThatIsNoDatabase() throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "no-\(UUID().uuidString).sqlite")
            .path
        try Data("This is no database, whatever its name says. It is a text.".utf8).write(
            to: URL(filePath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        #expect(throws: DatabaseError.self) { try CatalogStore(path: path) }
    }
}
