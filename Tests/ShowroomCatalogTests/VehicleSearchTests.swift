// SPDX-License-Identifier: Apache-2.0

import Foundation
import GRDB
import Showroom
import Testing

@testable import ShowroomCatalog

struct VehicleSearchTests {
    private func query(_ change: (inout VehicleQuery) -> Void) -> VehicleQuery {
        var query = VehicleQuery()
        change(&query)
        return query
    }

    @Test func filtersByEveryFact() async throws {
        let catalog = try await TemporaryCatalog(vehicles: 500)
        let all = (0..<500).map { Inventory().vehicle(at: $0) }
        let cases: [(VehicleQuery, (VehicleFacts) -> Bool)] = [
            (query { $0.make = "ford" }, { $0.make == "Ford" }),
            (query { $0.model = "ESCORT" }, { $0.model == "Escort" }),
            (query { $0.minPrice = .init(minorUnits: 10_000_00) }, { $0.price.minorUnits >= 10_000_00 }),
            (query { $0.maxPrice = .init(minorUnits: 9_000_00) }, { $0.price.minorUnits <= 9_000_00 }),
            (query { ($0.minModelYear, $0.maxModelYear) = (1992, 1994) }, { 1992...1994 ~= $0.modelYear }),
            (query { $0.maxMileage = 30_000 }, { $0.mileage <= 30_000 }),
            (query { $0.bodyClasses = [.van, .sporty] }, { [.van, .sporty].contains($0.bodyClass) }),
        ]
        for (query, matches) in cases {
            let found = try await catalog.store.walk(query, pageSize: 50).map(\.facts.vin)
            #expect(Set(found) == Set(all.filter(matches).map(\.vin)))
            #expect(!found.isEmpty && found.count < 500)
        }
    }

    @Test(arguments: VehicleQuery.Order.allCases)
    func walksEveryVehicleOnceInOrder(order: VehicleQuery.Order) async throws {
        let catalog = try await TemporaryCatalog(vehicles: 137)
        let found = try await catalog.store.walk(query { $0.order = order }, pageSize: 10).map(\.facts)
        #expect(Set(found.map(\.vin)).count == 137 && found.count == 137)
        let sorted =
            switch order {
            case .newestFirst: (0..<137).reversed().map { Inventory().vehicle(at: $0) } == found
            case .priceAscending: found.map(\.price.minorUnits) == found.map(\.price.minorUnits).sorted()
            case .priceDescending:
                found.map(\.price.minorUnits) == found.map(\.price.minorUnits).sorted(by: >)
            case .modelYearDescending: found.map(\.modelYear) == found.map(\.modelYear).sorted(by: >)
            case .mileageAscending: found.map(\.mileage) == found.map(\.mileage).sorted()
            }
        #expect(sorted)
    }

    @Test(arguments: VehicleQuery.Order.allCases)
    func walksEveryVehicleOnceWhileOthersCome(order: VehicleQuery.Order) async throws {
        let catalog = try await TemporaryCatalog(vehicles: 100)
        let found = try await catalog.store.walk(query { $0.order = order }, pageSize: 9) { page in
            for serial in 0..<5 {
                // Before, among and after the vehicles that were there.
                let facts = VehicleFacts.sample(
                    page * 10 + serial, modelYear: 1988 + serial * 3, dollars: Int64(500 + serial * 9_000),
                    mileage: serial * 40_000)
                _ = try await catalog.store.add(facts, at: noon)
            }
            guard page < 20 else { throw CancellationError() }
        }
        let vins = found.map(\.facts.vin)
        #expect(Set(vins).count == vins.count)
        #expect(Set(vins).isSuperset(of: (0..<100).map { Inventory().vehicle(at: $0).vin }))
    }

    @Test func walksEveryVehicleOnceBesideAWriter() async throws {
        let catalog = try await TemporaryCatalog(vehicles: 100)
        async let writing: Void = {
            for serial in 0..<100 { _ = try await catalog.store.add(.sample(serial), at: noon) }
        }()
        let vins = try await catalog.store.walk(query { $0.order = .priceAscending }, pageSize: 3).map(
            \.facts.vin)
        try await writing
        #expect(Set(vins).count == vins.count)
        #expect(Set(vins).isSuperset(of: (0..<100).map { Inventory().vehicle(at: $0).vin }))
    }

    @Test func countsAllPagesWhenAsked() async throws {
        let catalog = try await TemporaryCatalog(vehicles: 45)
        let page = try await catalog.store.search(VehicleQuery(), pageSize: 10, countsAll: true, at: noon)
        #expect(page.total == 45 && page.vehicles.count == 10 && !page.nextPageToken.isEmpty)
        let next = try await catalog.store.search(
            VehicleQuery(), pageSize: 40, pageToken: page.nextPageToken, at: noon)
        #expect(next.total == nil && next.vehicles.count == 35 && next.nextPageToken.isEmpty)
    }

    @Test func refusesATokenOfAnotherSearch() async throws {
        let catalog = try await TemporaryCatalog(vehicles: 45)
        let token = try await catalog.store.search(query { $0.make = "Ford" }, pageSize: 1, at: noon)
            .nextPageToken
        let others = [
            query { $0.make = "Saab" }, query { _ in },
            query { ($0.make, $0.order) = ("Ford", .priceAscending) },
            query { ($0.make, $0.maxMileage) = ("Ford", 0) },
            query { ($0.make, $0.onlyAvailable) = ("Ford", true) },
            query { ($0.make, $0.bodyClasses) = ("Ford", [.van]) },
        ]
        for other in others {
            let error = await #expect(throws: ValidationError.self) {
                try await catalog.store.search(other, pageToken: token, at: noon)
            }
            #expect(error?.violations.map(\.field) == ["page_token"])
        }
    }

    @Test func refusesWrongFieldsByName() async throws {
        let catalog = try await TemporaryCatalog()
        let wrong = query {
            $0.make = String(repeating: "x", count: 41)
            $0.minPrice = Amount(minorUnits: 1, currency: "EUR")
            $0.text = "?!"
        }
        let error = await #expect(throws: ValidationError.self) {
            try await catalog.store.search(wrong, at: noon)
        }
        #expect(error?.violations.map(\.field) == ["make", "min_price.currency", "text"])
    }

    @Test func showsHeldVehiclesOnlyWhenAsked() async throws {
        let catalog = try await TemporaryCatalog()
        for serial in 1...2 { _ = try await catalog.store.add(.sample(serial), at: noon) }
        let held = VehicleFacts.sample(1).vin
        _ = try await catalog.store.reserve(
            vin: held, expectedVersion: 1, holder: "a", duration: .seconds(60), at: noon)
        let available = query { $0.onlyAvailable = true }
        #expect(try await catalog.store.search(VehicleQuery(), at: noon).vehicles.count == 2)
        #expect(try await catalog.store.search(available, at: noon + 59).vehicles.count == 1)
        #expect(try await catalog.store.search(available, at: noon + 60).vehicles.count == 2)
    }
}

struct FreeTextTests {
    private func found(_ text: String, in store: CatalogStore) async throws -> Int {
        var query = VehicleQuery()
        query.text = text
        return try await store.search(query, at: noon).vehicles.count
    }

    @Test(arguments: [
        ("citroën", 1), ("CITROEN", 1), ("citro", 1), ("conv tour", 1), ("convertible saab", 0), ("red", 1),
        ("\"red\"", 1),
        ("d'elegance", 1), ("red OR blue", 0), ("NOT red", 0), ("colour:red", 0), ("red*", 1), ("-red", 1),
        ("^red", 1), ("NEAR(red convertible)", 0), ("red) OR (1", 0), ("2cv", 1), ("🚗 red", 1),
    ])
    func matchesWordsAndNothingElse(text: String, count: Int) async throws {
        let catalog = try await TemporaryCatalog()
        var facts = VehicleFacts.sample(make: "Citroën", model: "2CV")
        facts.colour = "red"
        facts.description = "Convertible; toured Europe. Brougham d'Elegance."
        _ = try await catalog.store.add(facts, at: noon)
        #expect(try await found(text, in: catalog.store) == count)
    }

    @Test func followsChanges() async throws {
        let catalog = try await TemporaryCatalog()
        let vin = try await catalog.store.add(.sample(), at: noon).facts.vin
        var values = VehicleFacts.sample()
        values.description = "Turquoise seats"
        #expect(try await found("turquoise", in: catalog.store) == 0)
        _ = try await catalog.store.update(
            vin: vin, VehicleUpdate(values, paths: ["description"]), expectedVersion: 1, at: noon)
        #expect(try await found("turquoise", in: catalog.store) == 1)
        values.description = ""
        _ = try await catalog.store.update(
            vin: vin, VehicleUpdate(values, paths: ["description"]), expectedVersion: 2, at: noon)
        #expect(try await found("turquoise", in: catalog.store) == 0)
        try await catalog.store.database.write { db in
            try db.execute(sql: "INSERT INTO vehicle_text (vehicle_text, rank) VALUES ('integrity-check', 1)")
        }
    }
}

/// Searches that must not read the whole table or sort.
struct SearchPlanTests {
    private static func query(_ change: (inout VehicleQuery) -> Void) -> VehicleQuery {
        var query = VehicleQuery()
        change(&query)
        return query
    }

    static let indexed: [VehicleQuery] =
        VehicleQuery.Order.allCases.flatMap { order in
            [
                query { $0.order = order },
                query { ($0.order, $0.make) = (order, "Ford") },
                query { ($0.order, $0.model) = (order, "Escort") },
            ]
        } + [
            query {
                ($0.order, $0.make) = (.priceAscending, "Ford")
                ($0.minPrice, $0.maxPrice) = (.init(minorUnits: 1), .init(minorUnits: 2))
            },
            query { ($0.order, $0.make, $0.minModelYear) = (.modelYearDescending, "Ford", 1992) },
        ]

    @Test(arguments: indexed)
    func readsOnlyItsPage(query: VehicleQuery) async throws {
        let catalog = try await TemporaryCatalog(vehicles: 2_000)
        for token in [nil, PageToken(key: 1_000, rowID: 50)] {
            let plan = try await catalog.store.plan(query, after: token)
            #expect(!plan.contains("TEMP B-TREE"), "\(plan)")
            let isWholeStock = query.make.isEmpty && query.model.isEmpty
            // Only the first page of the whole stock may start without a bound; it stops when the page is
            // full.
            #expect(plan.contains("SEARCH vehicle USING") || isWholeStock && token == nil, "\(plan)")
        }
    }

    @Test func readsTextFromTheFullTextIndex() async throws {
        let catalog = try await TemporaryCatalog(vehicles: 100)
        let plan = try await catalog.store.plan(Self.query { $0.text = "red" }, after: nil)
        #expect(plan.contains("vehicle_text VIRTUAL TABLE INDEX"))
        #expect(plan.contains("SEARCH vehicle USING INTEGER PRIMARY KEY"))
    }

    @Test func findsAVINByItsIndex() async throws {
        let catalog = try await TemporaryCatalog()
        let plan = try await catalog.store.database.read { db in
            try Row.fetchAll(db, sql: "EXPLAIN QUERY PLAN SELECT * FROM vehicle WHERE vin = 'x'").map {
                $0["detail"] as String
            }
        }
        #expect(plan.joined().contains("USING INDEX sqlite_autoindex_vehicle_1 (vin=?)"))
    }
}

extension CatalogStore {
    /// What SQLite means to do for a page of this query.
    fileprivate func plan(_ query: VehicleQuery, after token: PageToken?) async throws -> String {
        try await database.read { db in
            let page = query.page(after: token, limit: 21, at: noon)
            let steps = try SQLRequest<Row>(literal: "EXPLAIN QUERY PLAN \(literal: page)").fetchAll(db)
            return steps.map { $0["detail"] as String }.joined(separator: "\n")
        }
    }
}
