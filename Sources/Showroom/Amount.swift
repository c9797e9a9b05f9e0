// SPDX-License-Identifier: Apache-2.0

/// An exact amount of money: a whole number of a currency's smallest unit.
package struct Amount: Sendable, Hashable {
    /// The amount in the currency's minor unit, such as cents.
    package var minorUnits: Int64

    /// The ISO 4217 code in capitals.
    package var currency: String

    package init(minorUnits: Int64, currency: String = Amount.shopCurrency) {
        self.minorUnits = minorUnits
        self.currency = currency
    }

    /// The one currency in which the shop asks and promises prices. With a single one, prices can be
    /// compared, sorted and bounded without an exchange rate.
    package static let shopCurrency = "USD"
}
