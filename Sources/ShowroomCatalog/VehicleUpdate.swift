// SPDX-License-Identifier: Apache-2.0

package import Showroom

/// New values for some facts of a vehicle, chosen by a field mask.
package struct VehicleUpdate: Sendable {
    /// A field that an update may change, by its path in the schema.
    enum Field: String, CaseIterable {
        case bodyClass = "body_class"
        case fuel
        case transmission
        case driveTrain = "drive_train"
        case engine
        case displacement = "engine.displacement_cc"
        case cylinders = "engine.cylinders"
        case horsepower = "engine.horsepower"
        case passengers
        case colour
        case mileage
        case price
        case location
        case dealer = "location.dealer"
        case city = "location.city"
        case region = "location.region"
        case photoURLs = "photo_urls"
        case description
    }

    private let values: VehicleFacts
    private let fields: [Field]

    /// An update that takes the fields named by `paths` over from `values`.
    ///
    /// - Throws: `ValidationError` for the field `update_mask`, if it names no field or one that an update
    ///   does not change.
    package init(_ values: VehicleFacts, paths: [String]) throws(ValidationError) {
        var validation = Validation()
        validation.require(!paths.isEmpty, "update_mask", "must name at least one field")
        for path in paths where Field(rawValue: path) == nil {
            validation.require(false, "update_mask", Self.refusal(of: path))
        }
        try validation.check()
        self.values = values
        fields = paths.compactMap(Field.init(rawValue:))
    }

    /// The facts with the update's fields taken over.
    func applied(to facts: VehicleFacts) -> VehicleFacts {
        var result = facts
        for field in fields {
            copy(field, to: &result)
        }
        return result
    }

    private static func refusal(of path: String) -> String {
        switch path {
        case "vin", "make", "model", "model_year":
            "names \"\(path)\", which never changes"
        case "version", "reservation", "added_at", "updated_at":
            "names \"\(path)\", which is catalog's to write"
        default:
            "names \"\(path.prefix(80))\", which is no field of a vehicle that an update can change"
        }
    }

    private func copy(_ field: Field, to facts: inout VehicleFacts) {
        switch field {
        case .bodyClass: facts.bodyClass = values.bodyClass
        case .fuel: facts.fuel = values.fuel
        case .transmission: facts.transmission = values.transmission
        case .driveTrain: facts.driveTrain = values.driveTrain
        case .engine: facts.engine = values.engine
        case .displacement: facts.engine.displacementCC = values.engine.displacementCC
        case .cylinders: facts.engine.cylinders = values.engine.cylinders
        case .horsepower: facts.engine.horsepower = values.engine.horsepower
        case .passengers: facts.passengers = values.passengers
        case .colour: facts.colour = values.colour
        case .mileage: facts.mileage = values.mileage
        case .price: facts.price = values.price
        case .location: facts.location = values.location
        case .dealer: facts.location.dealer = values.location.dealer
        case .city: facts.location.city = values.location.city
        case .region: facts.location.region = values.location.region
        case .photoURLs: facts.photoURLs = values.photoURLs
        case .description: facts.description = values.description
        }
    }
}
