// SPDX-License-Identifier: Apache-2.0

// How a car is valued: nobody can say what a car is worth, but everybody can see what others ask for cars
// like it. Each comparable's price is first brought to the subject's model year and mileage,
//
//     adjusted price = price ÷ 0.86^years ÷ 0.965^(miles / 10,000)
//
// where the subject is so many years younger and has run so many miles less than the comparable (or the other
// way round, if they are negative). Then the median and the quartiles of the adjusted prices are taken:
// middles, not means, so that one dreamer's price does not move them.

import Foundation

/// What must be known of a car to judge its price.
package struct Subject: Sendable, Hashable {
    package var modelYear: Int
    package var mileage: Int

    package init(modelYear: Int, mileage: Int) {
        self.modelYear = modelYear
        self.mileage = mileage
    }
}

/// A car like the subject, and what is asked for it.
package struct ComparableCar: Sendable, Hashable {
    package var vin: String
    package var modelYear: Int
    package var mileage: Int

    /// In minor units, more than 0.
    package var priceMinor: Int64

    package init(vin: String, modelYear: Int, mileage: Int, priceMinor: Int64) {
        self.vin = vin
        self.modelYear = modelYear
        self.mileage = mileage
        self.priceMinor = priceMinor
    }

    /// Whether there can be a car with these figures.
    var isPlausible: Bool {
        1900...2100 ~= modelYear && 0...10_000_000 ~= mileage && 1...10_000_000_000_000 ~= priceMinor
    }
}

/// What a car is worth, and how sure that is.
package struct Appraisal: Sendable, Hashable {
    /// Half of the cars cost less, half more. In minor units, as all prices here.
    package var medianMinor: Int64

    /// The lower and the upper quartile.
    package var lowMinor: Int64
    package var highMinor: Int64

    package var confidence: Confidence

    /// All cars that were compared, nearest to the subject first.
    package var comparables: [AdjustedCar]

    /// A car and what it would cost with the subject's model year and mileage.
    package struct AdjustedCar: Sendable, Hashable {
        package var car: ComparableCar
        package var adjustedMinor: Int64
    }

    /// How far to trust an appraisal. The numbers behind the cases are the schema's.
    package enum Confidence: Int, Sendable {
        case low = 1
        case medium, high
    }

    /// Too few cars to judge from.
    package struct TooFewComparables: Error, Sendable, Hashable {
        package var found: Int
        package var needed: Int
    }
}

extension Appraisal {
    /// What a car keeps of its price for each year that it is older.
    static let keptPerYear = 0.86

    /// What a car keeps of its price for each 10,000 miles that it has run further.
    static let keptPerTenThousandMiles = 0.965

    /// Judges a car from cars like it.
    ///
    /// The order of `comparables` does not matter. A car whose figures no car has is passed over, so that
    /// nothing which somebody else's catalog says can upset the arithmetic.
    ///
    /// - Throws: `TooFewComparables` if there are fewer than `PricingLimits.comparablesMin`.
    package init(of subject: Subject, from comparables: [ComparableCar]) throws(TooFewComparables) {
        let comparables = comparables.filter(\.isPlausible)
        guard comparables.count >= PricingLimits.comparablesMin else {
            throw TooFewComparables(found: comparables.count, needed: PricingLimits.comparablesMin)
        }
        let prices = comparables.map { Self.adjusted($0, to: subject) }.sorted()
        let median = Self.quantile(0.5, of: prices)
        let low = Self.quantile(0.25, of: prices)
        let high = Self.quantile(0.75, of: prices)
        medianMinor = Int64(median.rounded())
        lowMinor = Int64(low.rounded())
        highMinor = Int64(high.rounded())
        confidence = Self.confidence(count: prices.count, spread: (high - low) / median)
        self.comparables =
            comparables
            .map { AdjustedCar(car: $0, adjustedMinor: Int64(Self.adjusted($0, to: subject).rounded())) }
            .sorted {
                (Self.distance($0.car, subject), $0.car.vin) < (Self.distance($1.car, subject), $1.car.vin)
            }
    }

    /// What the car would cost with the subject's model year and mileage.
    static func adjusted(_ car: ComparableCar, to subject: Subject) -> Double {
        let factor = logFactor(ofYears: car, subject) + logFactor(ofMiles: car, subject)
        return Double(car.priceMinor) * exp(min(max(factor, -logFactorMax), logFactorMax))
    }

    /// How much the adjustment changes the price, each of its two parts counted by itself.
    private static func distance(_ car: ComparableCar, _ subject: Subject) -> Double {
        abs(logFactor(ofYears: car, subject)) + abs(logFactor(ofMiles: car, subject))
    }

    /// No adjustment is larger than about 148-fold, so that every result fits in 64 bits.
    private static let logFactorMax = 5.0

    private static func logFactor(ofYears car: ComparableCar, _ subject: Subject) -> Double {
        (Double(car.modelYear) - Double(subject.modelYear)) * log(keptPerYear)
    }

    private static func logFactor(ofMiles car: ComparableCar, _ subject: Subject) -> Double {
        (Double(subject.mileage) - Double(car.mileage)) / 10_000 * log(keptPerTenThousandMiles)
    }

    /// The value below which this share of the sorted values lies, between two of them by linear
    /// interpolation.
    static func quantile(_ share: Double, of sorted: [Double]) -> Double {
        let position = share * Double(sorted.count - 1)
        let index = Int(position)
        let next = min(index + 1, sorted.count - 1)
        return sorted[index] + (sorted[next] - sorted[index]) * (position - Double(index))
    }

    /// - Parameter spread: How far the quartiles lie apart, as a share of the median.
    static func confidence(count: Int, spread: Double) -> Confidence {
        switch (count, spread) {
        case (12..., ...0.15): .high
        case (5..., ...0.30): .medium
        default: .low
        }
    }
}
