// SPDX-License-Identifier: Apache-2.0

package import Showroom

/// What a vehicle is, where it stands and what it costs: everything that a caller may state about it.
///
/// The numbers behind the cases are the schema's, and what the database keeps.
package struct VehicleFacts: Sendable, Hashable {
    package var vin: String
    package var make: String
    package var model: String
    package var modelYear: Int
    package var bodyClass: BodyClass = .unspecified
    package var fuel: Fuel = .unspecified
    package var transmission: Transmission = .unspecified
    package var driveTrain: DriveTrain = .unspecified
    package var engine = Engine()
    package var passengers = 0
    package var colour = ""
    package var mileage = 0
    package var price: Amount
    package var location = Location()
    package var photoURLs: [String] = []
    package var description = ""

    package init(vin: String, make: String, model: String, modelYear: Int, price: Amount) {
        self.vin = vin
        self.make = make
        self.model = model
        self.modelYear = modelYear
        self.price = price
    }
}

extension VehicleFacts {
    /// The classes in which the trade magazines sort passenger cars.
    package enum BodyClass: Int, Sendable, CaseIterable {
        case unspecified, small, compact, midsize, large, sporty, van
    }

    /// What an engine burns or draws.
    package enum Fuel: Int, Sendable, CaseIterable {
        case unspecified, gasoline, diesel, hybrid, electric
    }

    /// Who shifts the gears.
    package enum Transmission: Int, Sendable, CaseIterable {
        case unspecified, manual, automatic
    }

    /// Which wheels are driven.
    package enum DriveTrain: Int, Sendable, CaseIterable {
        case unspecified, front, rear, all
    }

    /// An engine's figures; 0 stands for "unknown".
    package struct Engine: Sendable, Hashable {
        package var displacementCC = 0
        package var cylinders = 0
        package var horsepower = 0

        package init(displacementCC: Int = 0, cylinders: Int = 0, horsepower: Int = 0) {
            self.displacementCC = displacementCC
            self.cylinders = cylinders
            self.horsepower = horsepower
        }
    }

    /// The yard where a vehicle stands.
    package struct Location: Sendable, Hashable {
        package var dealer = ""
        package var city = ""
        package var region = ""

        package init(dealer: String = "", city: String = "", region: String = "") {
            self.dealer = dealer
            self.city = city
            self.region = region
        }
    }
}

// MARK: Validation

extension VehicleFacts {
    /// Checks every field.
    ///
    /// - Throws: `ValidationError` with a path under `vehicle` for each field that is wrong.
    package func validate() throws(ValidationError) {
        var validation = Validation()
        validateIdentity(&validation)
        validateEngine(&validation)
        validateOffer(&validation)
        try validation.check()
    }

    private func validateIdentity(_ validation: inout Validation) {
        do {
            _ = try VIN(vin)
        } catch {
            validation.require(false, "vehicle.vin", error.description)
        }
        validation.require(length: CarLimits.nameLengths, of: make, "vehicle.make")
        validation.require(length: CarLimits.nameLengths, of: model, "vehicle.model")
        validation.require(modelYear, in: CarLimits.modelYears, "vehicle.model_year")
    }

    private func validateEngine(_ validation: inout Validation) {
        validation.require(
            engine.displacementCC, in: CatalogLimits.displacements, "vehicle.engine.displacement_cc")
        validation.require(engine.cylinders, in: CatalogLimits.cylinders, "vehicle.engine.cylinders")
        validation.require(engine.horsepower, in: CatalogLimits.horsepowers, "vehicle.engine.horsepower")
        validation.require(passengers, in: CatalogLimits.passengers, "vehicle.passengers")
    }

    private func validateOffer(_ validation: inout Validation) {
        validation.require(length: CatalogLimits.colourLengths, of: colour, "vehicle.colour")
        validation.require(mileage, in: CarLimits.mileages, "vehicle.mileage")
        validation.require(price.minorUnits, in: CatalogLimits.prices, "vehicle.price.minor_units")
        validation.require(
            price.currency == Amount.shopCurrency, "vehicle.price.currency",
            "must be \(Amount.shopCurrency), the one currency of this shop")
        validation.require(length: CatalogLimits.placeLengths, of: location.dealer, "vehicle.location.dealer")
        validation.require(length: CatalogLimits.placeLengths, of: location.city, "vehicle.location.city")
        validation.require(
            location.region.isEmpty || Self.isPostalCode(location.region), "vehicle.location.region",
            "must be the two capitals of a state or province")
        validation.require(length: CatalogLimits.descriptionLengths, of: description, "vehicle.description")
        validatePhotos(&validation)
    }

    private func validatePhotos(_ validation: inout Validation) {
        let most = CatalogLimits.photosMax
        validation.require(
            photoURLs.count <= most, "vehicle.photo_urls", "must be at most \(most), not \(photoURLs.count)")
        for (index, url) in photoURLs.prefix(most).enumerated() {
            validation.require(
                Self.isPhotoURL(url), "vehicle.photo_urls[\(index)]",
                "must be an https address of at most \(CatalogLimits.photoURLLengthMax) characters")
        }
    }

    private static func isPostalCode(_ text: String) -> Bool {
        text.utf8.count == 2 && text.utf8.allSatisfy { UInt8(ascii: "A")...UInt8(ascii: "Z") ~= $0 }
    }

    private static func isPhotoURL(_ text: String) -> Bool {
        let scheme = "https://"
        return text.hasPrefix(scheme) && text.utf8.count > scheme.utf8.count
            && text.utf8.count <= CatalogLimits.photoURLLengthMax
            && text.utf8.allSatisfy { UInt8(ascii: "!")...UInt8(ascii: "~") ~= $0 }
    }
}
