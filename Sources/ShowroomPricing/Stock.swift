// SPDX-License-Identifier: Apache-2.0

import Ravioli
import Showroom
import ShowroomContracts

/// What pricing asks catalog.
///
/// All methods throw catalog's own status when it answered with one. When it gave no answer, the status has the
/// same code and says that catalog is what is missing: a caller of pricing should not look for the fault there.
struct Stock: Sendable {
    let catalog: CatalogClient

    /// What pricing needs to know of a vehicle to judge it.
    func facts(vin: String) async throws -> VehicleFacts {
        let vehicle = try await vehicle(vin)
        return VehicleFacts(
            make: vehicle.make, model: vehicle.model, modelYear: vehicle.modelYear, mileage: vehicle.mileage)
    }

    /// What is asked for a vehicle, and the vehicle's version whose price that is.
    func price(vin: String) async throws -> (Amount, version: Int64) {
        let vehicle = try await vehicle(vin)
        guard let price = vehicle.price else {
            throw RPCError(.internal, "catalog knows no price for vehicle \(vin)")
        }
        return (Amount(minorUnits: price.minorUnits, currency: price.currency), vehicle.version)
    }

    /// The cars of a make and model of these model years whose price can be compared. One page of them is enough:
    /// more would not make a valuation better.
    func cars(make: String, model: String, modelYears: ClosedRange<Int>) async throws -> [ComparableCar] {
        let request = SearchVehiclesRequest(
            make: make, model: model, minModelYear: Int32(clamping: modelYears.lowerBound),
            maxModelYear: Int32(clamping: modelYears.upperBound), pageSize: Int32(PageLimits.rowsMax))
        let found = try await asking { () throws(RPCError) in try await catalog.searchVehicles(request) }
        return found.vehicles.compactMap { vehicle in
            guard let price = vehicle.price, price.currency == Amount.shopCurrency else { return nil }
            return ComparableCar(
                vin: vehicle.vin, modelYear: Int(vehicle.modelYear), mileage: Int(vehicle.mileage),
                priceMinor: price.minorUnits)
        }
    }

    private func vehicle(_ vin: String) async throws -> Vehicle {
        try await asking { () throws(RPCError) in try await catalog.getVehicle(GetVehicleRequest(vin: vin)) }
    }

    private func asking<Answer>(_ call: () async throws(RPCError) -> Answer) async throws(RPCError) -> Answer
    {
        do throws(RPCError) {
            return try await call()
        } catch let error where error.origin == .local {
            throw RPCError(error.code, "no answer from catalog: \(error.message)", cause: error)
        }
    }
}
