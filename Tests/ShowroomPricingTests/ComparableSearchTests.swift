// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import ShowroomPricing

struct ComparableSearchTests {
    private func cars(_ count: Int) -> [ComparableCar] {
        (0..<count).map { ComparableCar(vin: "vin-\($0)", modelYear: 1995, mileage: 0, priceMinor: 1) }
    }

    @Test(arguments: [
        (12, [1994...1996]), (11, [1994...1996, 1992...1998]), (0, [1994...1996, 1992...1998]),
    ])
    func widensOnlyWhenThereAreFew(count: Int, expected: [ClosedRange<Int>]) async throws {
        var asked: [ClosedRange<Int>] = []
        let found = try await ComparableSearch(modelYear: 1995).comparables { years in
            asked.append(years)
            return cars(count)
        }
        #expect(asked == expected)
        #expect(found == cars(count))
    }

    @Test func leavesTheSubjectOut() async throws {
        let search = ComparableSearch(modelYear: 1995, subjectVIN: "vin-0")
        let found = try await search.comparables { _ in cars(13) }
        #expect(found == Array(cars(13).dropFirst()))
    }

    @Test func passesFailuresOn() async {
        struct Unavailable: Error {}
        await #expect(throws: Unavailable.self) {
            try await ComparableSearch(modelYear: 1995).comparables { _ in throw Unavailable() }
        }
    }
}
