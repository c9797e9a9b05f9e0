// SPDX-License-Identifier: Apache-2.0

import Foundation
import Showroom
import Testing

@testable import ShowroomCatalog

struct VehicleUpdateTests {
    @Test func changesOnlyWhatTheMaskNames() async throws {
        let catalog = try await TemporaryCatalog()
        let added = try await catalog.store.add(.sample(), at: noon)
        var values = VehicleFacts.sample(make: "Saab", dollars: 11_495, mileage: 1)
        values.location.city = "Portland"
        values.engine.horsepower = 168
        let update = try VehicleUpdate(values, paths: ["price", "location.city", "engine"])
        let changed = try await catalog.store.update(
            vin: added.facts.vin, update, expectedVersion: 1, at: noon + 5)

        var expected = added.facts
        expected.price.minorUnits = 11_495_00
        expected.location.city = "Portland"
        expected.engine.horsepower = 168
        #expect(changed.facts == expected)
        #expect(changed.version == 2 && changed.addedAt == noon && changed.updatedAt == noon + 5)
        #expect(try await catalog.store.vehicle(vin: added.facts.vin) == changed)
    }

    @Test(arguments: VehicleUpdate.Field.allCases)
    func takesOverEveryFieldAlone(field: VehicleUpdate.Field) throws {
        let before = VehicleFacts.sample()
        var values = VehicleFacts.sample(make: "Saab", dollars: 1, mileage: 1)
        (values.bodyClass, values.fuel, values.transmission, values.driveTrain) = (
            .van, .diesel, .manual, .all
        )
        values.engine = .init(displacementCC: 1, cylinders: 1, horsepower: 1)
        values.location = .init(dealer: "D", city: "C", region: "OR")
        (values.passengers, values.colour, values.photoURLs, values.description) = (
            7, "red", ["https://a"], "x"
        )
        let after = try VehicleUpdate(values, paths: [field.rawValue]).applied(to: before)
        #expect(after != before)
        #expect(after.make == before.make)
        let others = VehicleUpdate.Field.allCases.filter {
            !$0.rawValue.hasPrefix(field.rawValue) && !field.rawValue.hasPrefix($0.rawValue)
        }
        let back = try VehicleUpdate(before, paths: others.map(\.rawValue)).applied(to: after)
        #expect(back == after)
    }

    @Test func refusesPathsByName() {
        let error = #expect(throws: ValidationError.self) {
            try VehicleUpdate(.sample(), paths: ["price", "wheels", "vin", "version", "price.currency", "*"])
        }
        #expect(error?.violations.allSatisfy { $0.field == "update_mask" } == true)
        #expect(
            error?.violations.map(\.problem) == [
                "names \"wheels\", which is no field of a vehicle that an update can change",
                "names \"vin\", which never changes",
                "names \"version\", which is catalog's to write",
                "names \"price.currency\", which is no field of a vehicle that an update can change",
                "names \"*\", which is no field of a vehicle that an update can change",
            ])
        #expect(throws: ValidationError("update_mask", "must name at least one field")) {
            try VehicleUpdate(.sample(), paths: [])
        }
    }

    @Test func refusesFactsThatWouldBeWrongAndChangesNothing() async throws {
        let catalog = try await TemporaryCatalog()
        let added = try await catalog.store.add(.sample(), at: noon)
        let update = try VehicleUpdate(.sample(dollars: 0), paths: ["price"])
        let error = await #expect(throws: ValidationError.self) {
            try await catalog.store.update(vin: added.facts.vin, update, expectedVersion: 1, at: noon)
        }
        #expect(error?.violations.map(\.field) == ["vehicle.price.minor_units"])
        #expect(try await catalog.store.vehicle(vin: added.facts.vin) == added)
    }

    @Test func refusesAnOldVersion() async throws {
        let catalog = try await TemporaryCatalog()
        let vin = try await catalog.store.add(.sample(), at: noon).facts.vin
        let first = try VehicleUpdate(.sample(dollars: 1), paths: ["price"])
        let second = try VehicleUpdate(.sample(dollars: 2), paths: ["price"])
        _ = try await catalog.store.update(vin: vin, first, expectedVersion: 1, at: noon)
        await #expect(throws: CatalogError.versionConflict(vin: vin, expected: 1, actual: 2)) {
            try await catalog.store.update(vin: vin, second, expectedVersion: 1, at: noon)
        }
        await #expect(throws: ValidationError.self) {
            try await catalog.store.update(vin: vin, second, expectedVersion: 0, at: noon)
        }
    }

    @Test func theSameUpdateTwiceChangesOnce() async throws {
        let catalog = try await TemporaryCatalog()
        let vin = try await catalog.store.add(.sample(), at: noon).facts.vin
        let update = try VehicleUpdate(.sample(dollars: 1), paths: ["price"])
        let first = try await catalog.store.update(vin: vin, update, expectedVersion: 1, at: noon)
        let second = try await catalog.store.update(vin: vin, update, expectedVersion: 1, at: noon + 60)
        #expect(second == first)
    }

    @Test func ofManyAtOnceOneWins() async throws {
        let catalog = try await TemporaryCatalog()
        let vin = try await catalog.store.add(.sample(), at: noon).facts.vin
        let winners = await withTaskGroup(of: Int.self) { group in
            for dollars in 1...20 {
                group.addTask {
                    let update = try? VehicleUpdate(.sample(dollars: Int64(dollars)), paths: ["price"])
                    guard let update else { return 0 }
                    let changed = try? await catalog.store.update(
                        vin: vin, update, expectedVersion: 1, at: noon)
                    return changed == nil ? 0 : 1
                }
            }
            return await group.reduce(0, +)
        }
        #expect(winners == 1)
        #expect(try await catalog.store.vehicle(vin: vin).version == 2)
    }
}

struct ReservationTests {
    private let vin = VehicleFacts.sample().vin

    private func catalog() async throws -> TemporaryCatalog {
        let catalog = try await TemporaryCatalog()
        _ = try await catalog.store.add(.sample(), at: noon)
        return catalog
    }

    @Test func holdsUntilItsTimeIsOver() async throws {
        let catalog = try await catalog()
        let held = try await catalog.store.reserve(
            vin: vin, expectedVersion: 1, holder: "a", duration: .seconds(90), at: noon)
        #expect(held.version == 2)
        let hold = StockedVehicle.Reservation(holder: "a", expiresAt: noon + 90, decidedOnVersion: 1)
        #expect(held.reservation(at: noon + 89) == hold)
        #expect(held.reservation(at: noon + 90) == nil)

        await #expect(throws: CatalogError.held(vin: vin, until: noon + 90)) {
            try await catalog.store.reserve(vin: vin, expectedVersion: 2, holder: "b", at: noon + 89)
        }
        let taken = try await catalog.store.reserve(vin: vin, expectedVersion: 2, holder: "b", at: noon + 90)
        let next = StockedVehicle.Reservation(
            holder: "b", expiresAt: noon + 90 + 1_800, decidedOnVersion: 2)
        #expect(taken.reservation(at: noon + 90) == next)
    }

    @Test func theSameReservationTwiceHoldsOnce() async throws {
        let catalog = try await catalog()
        let first = try await catalog.store.reserve(vin: vin, expectedVersion: 1, holder: "a", at: noon)
        let second = try await catalog.store.reserve(vin: vin, expectedVersion: 1, holder: "a", at: noon + 60)
        #expect(second == first)
        await #expect(throws: CatalogError.held(vin: vin, until: noon + 1_800)) {
            try await catalog.store.reserve(vin: vin, expectedVersion: 1, holder: "b", at: noon + 60)
        }
    }

    @Test func itsHolderMayExtendIt() async throws {
        let catalog = try await catalog()
        _ = try await catalog.store.reserve(vin: vin, expectedVersion: 1, holder: "a", at: noon)
        let longer = try await catalog.store.reserve(
            vin: vin, expectedVersion: 2, holder: "a", at: noon + 600)
        #expect(longer.version == 3)
        #expect(longer.reservation(at: noon)?.expiresAt == noon + 600 + 1_800)
        await #expect(throws: CatalogError.versionConflict(vin: vin, expected: 1, actual: 3)) {
            try await catalog.store.reserve(vin: vin, expectedVersion: 1, holder: "a", at: noon + 601)
        }
    }

    @Test func anotherChangeInBetweenIsNoExtension() async throws {
        let catalog = try await catalog()
        _ = try await catalog.store.reserve(vin: vin, expectedVersion: 1, holder: "a", at: noon)
        var values = VehicleFacts.sample()
        values.mileage += 1
        let update = try VehicleUpdate(values, paths: ["mileage"])
        let changed = try await catalog.store.update(vin: vin, update, expectedVersion: 2, at: noon)
        // The first attempt again still answers the hold that it took; one decided on what has changed is refused.
        let again = try await catalog.store.reserve(vin: vin, expectedVersion: 1, holder: "a", at: noon + 60)
        #expect(again == changed && again.version == 3)
        await #expect(throws: CatalogError.versionConflict(vin: vin, expected: 2, actual: 3)) {
            try await catalog.store.reserve(vin: vin, expectedVersion: 2, holder: "a", at: noon + 60)
        }
    }

    @Test func theLargestVersionIsAConflictLikeAnyOther() async throws {
        let catalog = try await catalog()
        let conflict = CatalogError.versionConflict(vin: vin, expected: .max, actual: 2)
        _ = try await catalog.store.reserve(vin: vin, expectedVersion: 1, holder: "a", at: noon)
        await #expect(throws: conflict) {
            try await catalog.store.reserve(vin: vin, expectedVersion: .max, holder: "a", at: noon)
        }
        await #expect(throws: conflict) {
            try await catalog.store.release(vin: vin, expectedVersion: .max, holder: "a", at: noon)
        }
        let update = try VehicleUpdate(.sample(), paths: ["mileage"])
        await #expect(throws: conflict) {
            try await catalog.store.update(vin: vin, update, expectedVersion: .max, at: noon)
        }
    }

    @Test func onlyItsHolderReleasesIt() async throws {
        let catalog = try await catalog()
        let held = try await catalog.store.reserve(vin: vin, expectedVersion: 1, holder: "a", at: noon)
        await #expect(throws: CatalogError.held(vin: vin, until: noon + 1_800)) {
            try await catalog.store.release(vin: vin, expectedVersion: 2, holder: "b", at: noon)
        }
        await #expect(throws: CatalogError.versionConflict(vin: vin, expected: 1, actual: 2)) {
            try await catalog.store.release(vin: vin, expectedVersion: 1, holder: "a", at: noon)
        }
        #expect(try await catalog.store.vehicle(vin: vin) == held)
        let free = try await catalog.store.release(vin: vin, expectedVersion: 2, holder: "a", at: noon)
        #expect(free.reservation(at: noon) == nil && free.version == 3)
        // Once more, as after a lost answer.
        #expect(try await catalog.store.release(vin: vin, expectedVersion: 2, holder: "a", at: noon) == free)
    }

    @Test func ofManyAtOnceOneHolds() async throws {
        let catalog = try await catalog()
        let vin = vin
        let holders = await withTaskGroup(of: String?.self) { group in
            for number in 1...20 {
                group.addTask {
                    let held = try? await catalog.store.reserve(
                        vin: vin, expectedVersion: 1, holder: "customer-\(number)", at: noon)
                    return held?.hold?.holder
                }
            }
            return await group.reduce(into: [String?]()) { $0.append($1) }.compactMap(\.self)
        }
        #expect(holders.count == 1)
        #expect(try await catalog.store.vehicle(vin: vin).hold?.holder == holders.first)
    }

    @Test(arguments: [
        ("", Duration.seconds(60), "holder"), ("a", .zero, "duration"), ("a", .seconds(604_801), "duration"),
    ])
    func refusesWrongFieldsByName(holder: String, duration: Duration, field: String) async throws {
        let catalog = try await catalog()
        let error = await #expect(throws: ValidationError.self) {
            try await catalog.store.reserve(
                vin: vin, expectedVersion: 1, holder: holder, duration: duration, at: noon)
        }
        #expect(error?.violations.map(\.field) == [field])
    }
}
