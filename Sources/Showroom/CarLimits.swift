// SPDX-License-Identifier: Apache-2.0

/// What every Showroom service takes for a car and for a name. The schemas state the same bounds.
package enum CarLimits {
    /// Characters of a make or of a model.
    package static let nameLengths = 1...40

    /// From when VINs have 17 characters to where their code of the year ends.
    package static let modelYears = 1981...2039

    /// Miles on the odometer.
    package static let mileages = 0...2_000_000
}

/// What a caller may call somebody: the customer of a quote, the holder of a vehicle.
package enum PartyLimits {
    /// Characters of the name.
    package static let nameLengths = 1...80
}

/// How many rows a page of any listing holds.
package enum PageLimits {
    /// When the caller does not say.
    package static let rowsDefault = 20

    /// At most; who asks for more gets so many.
    package static let rowsMax = 200
}
