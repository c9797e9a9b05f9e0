// SPDX-License-Identifier: Apache-2.0

package import struct Foundation.Date

extension Date {
    /// Milliseconds since 1970, rounded: how Showroom's databases keep times.
    package var milliseconds: Int64 {
        Int64((timeIntervalSince1970 * 1000).rounded())
    }

    /// The time so many milliseconds after the start of 1970.
    package init(milliseconds: Int64) {
        self.init(timeIntervalSince1970: Double(milliseconds) / 1000)
    }

    /// The same time, to the millisecond: what it will be when it comes back from a database.
    package var wholeMilliseconds: Date {
        Date(milliseconds: milliseconds)
    }
}
