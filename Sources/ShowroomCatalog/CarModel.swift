// SPDX-License-Identifier: Apache-2.0

/// A model of car as its maker offered it in 1993: one line of `Resources/models.csv`.
struct CarModel: Sendable, Hashable {
    var make: String
    var model: String

    /// The world manufacturer identifier, the first three characters of a VIN.
    var wmi: String

    var bodyClass: VehicleFacts.BodyClass

    /// The list prices of the plainest and of the richest version, in dollars.
    var listPrice: ClosedRange<Int>

    var driveTrain: VehicleFacts.DriveTrain
    var engine: VehicleFacts.Engine
    var passengers: Int

    /// Whether it came with a manual gearbox.
    var hasManual: Bool

    /// All models, in the order of the file.
    static let all: [CarModel] = parse(String(decoding: PackageResources.models_csv, as: UTF8.self))

    /// Reads the lines of the file; comments, the heading and whatever does not read are left out. A test
    /// counts them.
    static func parse(_ text: String) -> [CarModel] {
        text.split(separator: "\n").filter { !$0.hasPrefix("#") }.dropFirst().compactMap(CarModel.init(line:))
    }

    private init?(line: Substring) {
        let values = line.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        guard
            values.count == 12,
            let bodyClass = Self.bodyClasses[values[3]], let driveTrain = Self.driveTrains[values[6]],
            let priceMin = Int(values[4]), let priceMax = Int(values[5]), priceMin <= priceMax,
            let cylinders = Int(values[7]), let displacement = Int(values[8]),
            let horsepower = Int(values[9]),
            let passengers = Int(values[10])
        else { return nil }
        make = values[0]
        model = values[1]
        wmi = values[2]
        self.bodyClass = bodyClass
        listPrice = priceMin...priceMax
        self.driveTrain = driveTrain
        engine = .init(displacementCC: displacement, cylinders: cylinders, horsepower: horsepower)
        self.passengers = passengers
        hasManual = values[11] == "yes"
    }

    private static let bodyClasses: [String: VehicleFacts.BodyClass] = [
        "small": .small, "compact": .compact, "midsize": .midsize, "large": .large, "sporty": .sporty,
        "van": .van,
    ]
    private static let driveTrains: [String: VehicleFacts.DriveTrain] = [
        "front": .front, "rear": .rear, "all": .all,
    ]
}
