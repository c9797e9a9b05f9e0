// SPDX-License-Identifier: Apache-2.0

/// What catalog accepts, beside what holds for cars everywhere. `catalog.proto` states the same bounds.
package enum CatalogLimits {
    /// VINs in one batch.
    package static let batchSizes = 1...100

    /// Characters of a search's free text.
    package static let textLengths = 0...200

    /// For how long a reservation holds a vehicle: 1 second to 7 days.
    package static let holds: ClosedRange<Duration> = .seconds(1) ... .seconds(7 * 24 * 3600)

    /// For how long when the caller does not say: 30 minutes.
    package static let holdDefault: Duration = .seconds(30 * 60)

    /// Asking prices in cents, up to a billion dollars: more than any car, and far from where sums overflow.
    static let prices: ClosedRange<Int64> = 1...100_000_000_000

    static let displacements = 0...20_000
    static let cylinders = 0...24
    static let horsepowers = 0...3_000
    static let passengers = 0...20

    /// Characters of a colour.
    static let colourLengths = 0...40

    /// Characters of a dealer's and of a city's name.
    static let placeLengths = 0...80

    /// Characters of a description.
    static let descriptionLengths = 0...2_000

    /// Pictures of one vehicle.
    static let photosMax = 20

    /// Characters of one picture's address.
    static let photoURLLengthMax = 500
}
