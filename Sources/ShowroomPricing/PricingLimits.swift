// SPDX-License-Identifier: Apache-2.0

/// What pricing accepts and answers, beside what holds for cars everywhere. `pricing.proto` states the same bounds.
package enum PricingLimits {
    /// Characters of a quote's id.
    static let quoteIDLengths = 1...64

    /// Characters of a request id.
    static let requestIDLengths = 1...64

    /// For how long a quote is good: 1 minute to 14 days.
    package static let validities: ClosedRange<Duration> = .seconds(60) ... .seconds(14 * 24 * 3600)

    /// For how long when the caller does not say: 2 days.
    package static let validityDefault: Duration = .seconds(2 * 24 * 3600)

    /// The fewest cars to judge from.
    package static let comparablesMin = 3

    /// How many of the cars that were compared a valuation shows.
    static let comparablesShownMax = 10
}
