// SPDX-License-Identifier: Apache-2.0

import Ravioli
import Showroom
import ShowroomContracts

/// What pricing asks catalog. All methods throw the `RPCError` with which catalog answered.
struct Stock: Sendable {
    let catalog: CatalogClient

    /// One page of cars is enough: more would not make a valuation better.
    private static let carsMax: Int32 = 200

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

    /// The cars of a make and model of these model years whose price can be compared.
    func cars(make: String, model: String, modelYears: ClosedRange<Int>) async throws -> [ComparableCar] {
        let request = SearchVehiclesRequest(
            make: make, model: model, minModelYear: Int32(clamping: modelYears.lowerBound),
            maxModelYear: Int32(clamping: modelYears.upperBound), pageSize: Self.carsMax)
        return try await catalog.searchVehicles(request).vehicles.compactMap { vehicle in
            guard let price = vehicle.price, price.currency == Amount.shopCurrency else { return nil }
            return ComparableCar(
                vin: vehicle.vin, modelYear: Int(vehicle.modelYear), mileage: Int(vehicle.mileage),
                priceMinor: price.minorUnits)
        }
    }

    private func vehicle(_ vin: String) async throws -> Vehicle {
        try await catalog.getVehicle(GetVehicleRequest(vin: vin))
    }
}
