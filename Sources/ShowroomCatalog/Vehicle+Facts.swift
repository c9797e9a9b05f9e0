// SPDX-License-Identifier: Apache-2.0

// Between the schema's messages and catalog's own types: the schema may say anything, the types only what is
// checked.

import Foundation
import RavioliSchema
import Showroom
import ShowroomContracts

extension Vehicle {
    /// The vehicle as callers see it at this time: without a reservation that is over.
    init(_ vehicle: StockedVehicle, at now: Date) {
        let facts = vehicle.facts
        self.init()
        vin = facts.vin
        make = facts.make
        model = facts.model
        modelYear = Int32(clamping: facts.modelYear)
        bodyClass = BodyClass(rawValue: Int32(facts.bodyClass.rawValue))
        fuel = Fuel(rawValue: Int32(facts.fuel.rawValue))
        transmission = Transmission(rawValue: Int32(facts.transmission.rawValue))
        driveTrain = DriveTrain(rawValue: Int32(facts.driveTrain.rawValue))
        engine = Engine(
            displacementCc: Int32(clamping: facts.engine.displacementCC),
            cylinders: Int32(clamping: facts.engine.cylinders),
            horsepower: Int32(clamping: facts.engine.horsepower))
        passengers = Int32(clamping: facts.passengers)
        colour = facts.colour
        mileage = Int32(clamping: facts.mileage)
        price = Money(minorUnits: facts.price.minorUnits, currency: facts.price.currency)
        location = Location(
            dealer: facts.location.dealer, city: facts.location.city, region: facts.location.region)
        photoUrls = facts.photoURLs
        description = facts.description
        version = vehicle.version
        reservation = vehicle.reservation(at: now).map {
            Reservation(holder: $0.holder, expiresAt: Google_Protobuf_Timestamp($0.expiresAt))
        }
        addedAt = Google_Protobuf_Timestamp(vehicle.addedAt)
        updatedAt = Google_Protobuf_Timestamp(vehicle.updatedAt)
    }
}

extension VehicleFacts {
    /// The facts that a request states.
    ///
    /// - Throws: `ValidationError`, if it states none or an enum's number that the schema does not name.
    init(required message: Vehicle?) throws(ValidationError) {
        guard let message else { throw ValidationError("vehicle", "must be set") }
        self.init(
            vin: message.vin, make: message.make, model: message.model, modelYear: Int(message.modelYear),
            price: Amount(minorUnits: message.price?.minorUnits ?? 0, currency: message.price?.currency ?? "")
        )
        var validation = Validation()
        // An absent price is one violation ("minor_units must be from 1"), plus the currency's.
        bodyClass =
            validation.known(BodyClass(rawValue: Int(message.bodyClass.rawValue)), "vehicle.body_class")
            ?? .unspecified
        fuel = validation.known(Fuel(rawValue: Int(message.fuel.rawValue)), "vehicle.fuel") ?? .unspecified
        transmission =
            validation.known(
                Transmission(rawValue: Int(message.transmission.rawValue)), "vehicle.transmission")
            ?? .unspecified
        driveTrain =
            validation.known(DriveTrain(rawValue: Int(message.driveTrain.rawValue)), "vehicle.drive_train")
            ?? .unspecified
        try validation.check()
        engine = Engine(
            displacementCC: Int(message.engine?.displacementCc ?? 0),
            cylinders: Int(message.engine?.cylinders ?? 0),
            horsepower: Int(message.engine?.horsepower ?? 0))
        passengers = Int(message.passengers)
        colour = message.colour
        mileage = Int(message.mileage)
        location = Location(
            dealer: message.location?.dealer ?? "", city: message.location?.city ?? "",
            region: message.location?.region ?? "")
        photoURLs = message.photoUrls
        description = message.description
    }
}

extension VehicleQuery {
    /// What a request searches for.
    ///
    /// - Throws: `ValidationError`, if it names an enum's number that the schema does not.
    init(_ request: SearchVehiclesRequest) throws(ValidationError) {
        self.init()
        var validation = Validation()
        make = request.make
        model = request.model
        minPrice = request.minPrice.map { Amount(minorUnits: $0.minorUnits, currency: $0.currency) }
        maxPrice = request.maxPrice.map { Amount(minorUnits: $0.minorUnits, currency: $0.currency) }
        minModelYear = request.minModelYear.map(Int.init)
        maxModelYear = request.maxModelYear.map(Int.init)
        maxMileage = request.maxMileage.map(Int.init)
        onlyAvailable = request.onlyAvailable
        text = request.text
        for (index, value) in request.bodyClasses.enumerated() {
            let known = validation.known(
                VehicleFacts.BodyClass(rawValue: Int(value.rawValue)), "body_classes[\(index)]")
            if let known, !bodyClasses.contains(known) { bodyClasses.append(known) }
        }
        let number = Int(request.order.rawValue)
        order =
            validation.known(number == 0 ? .newestFirst : Order(rawValue: number), "order") ?? .newestFirst
        try validation.check()
    }
}

extension Validation {
    fileprivate mutating func known<Value>(_ value: Value?, _ field: String) -> Value? {
        require(value != nil, field, "is a number that this catalog does not know")
        return value
    }
}
