// SPDX-License-Identifier: Apache-2.0

/// Decides which cars a car is compared with: those of the same make and model whose model year is as near as
/// possible, while there are enough of them.
package struct ComparableSearch: Sendable {
    /// How many model years away a comparable may be, narrow first.
    private static let yearsAway = [1, 3]

    /// With so many cars, a narrower search is not widened.
    private static let enough = 12

    /// The model year of the subject.
    package var modelYear: Int

    /// The VIN of the subject, which is not compared with itself; empty if it has none.
    package var subjectVIN: String

    package init(modelYear: Int, subjectVIN: String = "") {
        self.modelYear = modelYear
        self.subjectVIN = subjectVIN
    }

    /// The cars to compare with, perhaps none.
    ///
    /// - Parameter find: Answers the cars of the subject's make and model of these model years. It is called
    ///   once or twice; what it throws ends the search.
    package func comparables(
        find: (ClosedRange<Int>) async throws -> [ComparableCar]
    ) async throws -> [ComparableCar] {
        var cars: [ComparableCar] = []
        for years in Self.yearsAway where cars.count < Self.enough {
            cars = try await find(modelYear - years...modelYear + years).filter { $0.vin != subjectVIN }
        }
        return cars
    }
}
