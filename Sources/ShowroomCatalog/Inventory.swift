// SPDX-License-Identifier: Apache-2.0

// The shop's first stock: real models at their real list prices, and invented cars of them. The shop opened
// on 1 January 1998 with cars of the model years 1990 to 1997, and everything follows from a seed, so that
// every machine has the same cars and a larger stock begins with the smaller one.
//
// A car's price is its list price of 1993 (between the plainest and the richest version), carried to its
// model year at 3 % inflation, less 15 % for each year of age, less 4 % for each 10,000 miles above what is
// usual at that age (more for fewer), give or take 5 % for what the figures do not show. A tenth of it never
// goes away.

import Showroom

/// Derives the vehicles that the shop starts with.
package struct Inventory: Sendable {
    /// The seed of the stock that every new catalog starts with.
    package static let defaultSeed: UInt64 = 1993

    private let seed: UInt64
    private let models: [CarModel]

    package init(seed: UInt64 = Inventory.defaultSeed) {
        self.seed = seed
        models = CarModel.all
    }

    /// The largest number of vehicles that can be told apart by their serial numbers.
    package static let vehiclesMax = 900_000

    /// The vehicle with this number, 0 up to `vehiclesMax`. It does not depend on how many others there are.
    package func vehicle(at index: Int) -> VehicleFacts {
        var random = SplitMix64(seed: seed &+ UInt64(index) &* 0xD134_2543_DE82_EF95)
        let model = random.pick(models)
        let modelYear = random.number(in: Self.modelYears)
        var facts = VehicleFacts(
            vin: vin(of: model, modelYear: modelYear, index: index, random: &random),
            make: model.make, model: model.model, modelYear: modelYear, price: Amount(minorUnits: 0))
        describe(&facts, as: model, random: &random)
        offer(&facts, of: model, random: &random)
        return facts
    }

    // MARK: Parts

    private static let modelYears = 1990...1997
    private static let openingYear = 1998

    private func vin(of model: CarModel, modelYear: Int, index: Int, random: inout SplitMix64) -> String {
        let letters = Array("ABCDEFGHJKLMNPRSTUVWXYZ")
        // Characters 4 to 8 say what the car is, alike for all cars of a model; the seventh is a digit before
        // 2010.
        var fingerprint = Fingerprint()
        fingerprint.add(model.model)
        var attributes = SplitMix64(seed: fingerprint.value)
        let text = String([
            attributes.pick(letters), attributes.pick(letters), attributes.pick(letters),
            attributes.pick(Array("123456789")), attributes.pick(letters),
        ])
        let vin = VIN(
            maker: model.wmi, attributes: text, modelYear: modelYear, plant: String(random.pick(letters)),
            serial: 100_000 + index)
        guard let vin else {
            preconditionFailure("models.csv has a bad manufacturer identifier: \(model.wmi)")
        }
        return vin.text
    }

    private func describe(_ facts: inout VehicleFacts, as model: CarModel, random: inout SplitMix64) {
        facts.bodyClass = model.bodyClass
        facts.driveTrain = model.driveTrain
        facts.engine = model.engine
        facts.passengers = model.passengers
        facts.transmission = model.hasManual && random.unit() < 0.45 ? .manual : .automatic
        let soldAsDiesel = ["Mercedes-Benz", "Volkswagen"].contains(model.make) && model.bodyClass != .sporty
        facts.fuel = soldAsDiesel && random.unit() < 0.2 ? .diesel : .gasoline
        facts.colour = random.pick(Self.colours)
        facts.location = random.pick(Self.locations)
        facts.photoURLs = (1...random.number(in: 3...8)).map {
            "https://photos.showroom.example/\(facts.vin)/\($0).jpg"
        }
        facts.description = Self.sentences(&random)
    }

    private func offer(_ facts: inout VehicleFacts, of model: CarModel, random: inout SplitMix64) {
        let age = Double(Self.openingYear - facts.modelYear)
        let usualMiles = 12_500 * age
        let miles = max(500 * age, random.bell(mean: usualMiles, deviation: 3_500 * age.squareRoot()))
        facts.mileage = Int(miles)

        let version = random.unit()
        let list = Double(model.listPrice.lowerBound) + version * Double(model.listPrice.count - 1)
        let asNew = list * power(1.03, facts.modelYear - 1993)
        let aged = asNew * power(0.85, Int(age)) * (1 - 0.04 * (miles - usualMiles) / 10_000)
        let price = max(asNew / 10, aged * random.bell(mean: 1, deviation: 0.05 / 1.5))
        // Asking prices end in 45 or 95 dollars.
        facts.price = Amount(minorUnits: (Int64(price / 50) * 50 + 45) * 100)
    }

    /// `base` to a whole power, by multiplication alone, which rounds alike everywhere.
    private func power(_ base: Double, _ exponent: Int) -> Double {
        let factor = exponent < 0 ? 1 / base : base
        return (0..<abs(exponent)).reduce(1) { result, _ in result * factor }
    }

    private static func sentences(_ random: inout SplitMix64) -> String {
        let (owner, condition) = (random.pick(owners), random.pick(conditions))
        let one = random.number(in: 0...extras.count - 1)
        let other = (one + random.number(in: 1...extras.count - 1)) % extras.count
        return "\(owner) \(condition) With \(extras[one]) and \(extras[other])."
    }
}

// MARK: Words

extension Inventory {
    private static let colours = [
        "black", "white", "silver", "graphite grey", "navy blue", "light blue", "teal", "dark green",
        "emerald green",
        "bright red", "burgundy", "champagne", "beige", "brown", "yellow", "purple",
    ]
    private static let owners = [
        "One owner from new.", "Two owners, both local.", "Formerly a company car.",
        "From a family that kept it in a garage.",
        "Owned by a retired teacher.", "Third owner, an enthusiast.",
    ]
    private static let conditions = [
        "Full service history.", "New tyres all round.", "Fresh brakes and a recent inspection.",
        "A few stone chips, otherwise straight.", "Never smoked in.", "Rust-proofed every other year.",
        "Small dent in the rear bumper.", "Timing belt replaced last spring.",
    ]
    private static let extras = [
        "a sunroof", "leather seats", "cruise control", "a cassette radio", "a compact disc changer",
        "alloy wheels",
        "air conditioning", "power windows", "a tow bar", "a roof rack", "heated mirrors", "fog lamps",
    ]
    private static let locations: [VehicleFacts.Location] = [
        .init(dealer: "Rose City Motors", city: "Portland", region: "OR"),
        .init(dealer: "Emerald Autos", city: "Seattle", region: "WA"),
        .init(dealer: "Bay Bridge Cars", city: "Oakland", region: "CA"),
        .init(dealer: "Sunset Boulevard Autos", city: "Los Angeles", region: "CA"),
        .init(dealer: "Mile High Motors", city: "Denver", region: "CO"),
        .init(dealer: "Lone Star Cars", city: "Austin", region: "TX"),
        .init(dealer: "Gateway Autos", city: "St. Louis", region: "MO"),
        .init(dealer: "Lakeshore Motors", city: "Chicago", region: "IL"),
        .init(dealer: "Motor City Seconds", city: "Detroit", region: "MI"),
        .init(dealer: "Peachtree Autos", city: "Atlanta", region: "GA"),
        .init(dealer: "Beacon Hill Cars", city: "Boston", region: "MA"),
        .init(dealer: "Five Boroughs Motors", city: "New York", region: "NY"),
    ]
}
