// SPDX-License-Identifier: Apache-2.0

package import struct Foundation.Date

/// Why catalog refused something that was asked for properly. Malformed requests are a `ValidationError`.
package enum CatalogError: Error, Sendable, Hashable {
    /// No vehicle has this VIN.
    case notFound(vin: String)

    /// There is a vehicle with this VIN already, and it is another one.
    case alreadyExists(vin: String)

    /// The vehicle was changed since the version that the caller decided on. Read it again and decide again.
    case versionConflict(vin: String, expected: Int64, actual: Int64)

    /// Somebody else holds the vehicle until then.
    case held(vin: String, until: Date)
}
