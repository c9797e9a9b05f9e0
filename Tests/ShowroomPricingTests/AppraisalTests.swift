// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import ShowroomPricing

struct AppraisalTests {
    private let subject = Subject(modelYear: 1995, mileage: 50_000)

    private func car(
        _ number: Int, year: Int = 1995, mileage: Int = 50_000, _ dollars: Int64
    )
        -> ComparableCar
    {
        ComparableCar(vin: "vin-\(number)", modelYear: year, mileage: mileage, priceMinor: dollars * 100)
    }

    @Test func takesTheMiddles() throws {
        let cars = [10_000, 14_000, 11_000, 13_000, 12_000].enumerated().map { car($0.offset, $0.element) }
        let appraisal = try Appraisal(of: subject, from: cars)
        #expect(appraisal.medianMinor == 12_000_00)
        #expect(appraisal.lowMinor == 11_000_00 && appraisal.highMinor == 13_000_00)
    }

    @Test func takesBetweenTheMiddlesOfAnEvenNumber() throws {
        let cars = [10_000, 11_000, 12_000, 13_000].enumerated().map { car($0.offset, $0.element) }
        let appraisal = try Appraisal(of: subject, from: cars)
        #expect(appraisal.medianMinor == 11_500_00)
        #expect(appraisal.lowMinor == 10_750_00 && appraisal.highMinor == 12_250_00)
    }

    @Test func bringsPricesToTheSubjectsAgeAndMiles() throws {
        let cases: [(ComparableCar, Double)] = [
            (car(1, year: 1995, 10_000), 1_000_000),
            (car(2, year: 1994, 8_600), 1_000_000),
            (car(3, year: 1997, 10_000), 1_000_000 * 0.86 * 0.86),
            (car(4, mileage: 60_000, 9_650), 1_000_000),
            (car(5, mileage: 30_000, 10_000), 1_000_000 * 0.965 * 0.965),
        ]
        for (car, expected) in cases {
            #expect(abs(Appraisal.adjusted(car, to: subject) - expected) < 0.001)
        }
    }

    @Test func oneDreamerMovesNothing() throws {
        let cars = (0..<9).map { car($0, 10_000 + Int64($0)) }
        let sober = try Appraisal(of: subject, from: cars)
        let dreamt = try Appraisal(of: subject, from: cars + [car(9, 9_999_999)])
        #expect(abs(dreamt.medianMinor - sober.medianMinor) <= 50)
    }

    @Test func orderDoesNotMatter() throws {
        let cars = (0..<8).map { car($0, year: 1990 + $0, mileage: $0 * 9_000, 9_000 + Int64($0) * 700) }
        #expect(try Appraisal(of: subject, from: cars) == Appraisal(of: subject, from: cars.reversed()))
    }

    @Test func showsTheNearestFirst() throws {
        let cars = [
            car(1, year: 1990, 6_000), car(2, mileage: 90_000, 9_000), car(3, 12_000),
            car(4, year: 1996, 13_000),
        ]
        let appraisal = try Appraisal(of: subject, from: cars)
        #expect(appraisal.comparables.map(\.car.vin) == ["vin-3", "vin-2", "vin-4", "vin-1"])
        #expect(appraisal.comparables[0].adjustedMinor == 12_000_00)
    }

    @Test(arguments: 0...2)
    func needsThreeCars(count: Int) {
        let cars = (0..<count).map { car($0, 10_000) }
        #expect(throws: Appraisal.TooFewComparables(found: count, needed: 3)) {
            try Appraisal(of: subject, from: cars)
        }
    }

    @Test(
        arguments: [
            (3, 0.0, .low), (4, 0.0, .low), (5, 0.30, .medium), (5, 0.31, .low), (11, 0.0, .medium),
            (12, 0.15, .high),
            (12, 0.16, .medium), (50, 0.5, .low),
        ] as [(Int, Double, Appraisal.Confidence)])
    func isAsSureAsTheCarsAgree(count: Int, spread: Double, confidence: Appraisal.Confidence) {
        #expect(Appraisal.confidence(count: count, spread: spread) == confidence)
    }

    @Test func passesOverCarsThatCannotBe() throws {
        let cars = (0..<5).map { car($0, 10_000) }
        let absurd = [
            car(6, 0), car(7, -1), car(8, year: .min, 10_000), car(9, year: .max, 10_000),
            car(10, mileage: .max, 10_000), car(11, mileage: -1, 10_000), car(12, .max / 100),
        ]
        #expect(try Appraisal(of: subject, from: cars + absurd) == Appraisal(of: subject, from: cars))
        // Even a subject that cannot be is judged without a trap.
        _ = try Appraisal(of: Subject(modelYear: .max, mileage: .min), from: cars)
    }
}
