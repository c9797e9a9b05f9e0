// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import ShowroomCatalog

struct VINTests {
    /// The standard's example, the trivial one, and published numbers of real cars.
    static let genuine = [
        "1M8GDM9AXKP042788", "11111111111111111", "5GZCZ43D13S812715", "1HGCM82633A004352",
        "5YJSA1DG9DFP14705",
        "JH4TB2H26CC000000",
    ]

    @Test(arguments: genuine)
    func acceptsGenuineNumbers(text: String) throws {
        #expect(try VIN(text).text == text)
    }

    @Test(arguments: [("1M8GDM9AXKP042788", 1989), ("5YJSA1DG9DFP14705", 2013), ("1HGCM82633A004352", 2003)])
    func readsTheModelYear(text: String, year: Int) throws {
        #expect(try VIN(text).modelYear == year)
    }

    @Test func namesTheRightCheckDigit() {
        // European cars need none, so this number of a Porsche is refused.
        #expect(throws: VIN.Defect.checkDigit(expected: "8")) { try VIN("WP0ZZZ99ZTS392124") }
        #expect(throws: VIN.Defect.checkDigit(expected: "X")) { try VIN("1M8GDM9A1KP042788") }
    }

    @Test func catchesEveryWrongDigit() throws {
        let right = Array("1M8GDM9AXKP042788")
        for index in right.indices where right[index].isNumber {
            for digit in "0123456789" where digit != right[index] {
                var wrong = right
                wrong[index] = digit
                #expect(throws: VIN.Defect.self) { try VIN(String(wrong)) }
            }
        }
    }

    @Test(arguments: [
        ("", VIN.Defect.length(0)), ("1M8GDM9AXKP04278", .length(16)), ("1M8GDM9AXKP0427888", .length(18)),
        ("1M8GDM9AXKP04278O", .character(position: 17)), ("IM8GDM9AXKP042788", .character(position: 1)),
        ("1m8gdm9axkp042788", .character(position: 2)), ("1M8GDM9AXKP04278é", .length(17)),
    ])
    func saysWhatIsWrong(text: String, defect: VIN.Defect) {
        #expect(throws: defect) { try VIN(text) }
    }

    @Test func composesNumbersThatItAccepts() throws {
        for year in 1981...2009 {
            let vin = try #require(
                VIN(maker: "YV1", attributes: "LS571", modelYear: year, plant: "G", serial: year))
            #expect(try VIN(vin.text) == vin)
            #expect(vin.modelYear == year)
        }
        #expect(VIN(maker: "YVI", attributes: "LS571", modelYear: 1995, plant: "G", serial: 1) == nil)
        #expect(VIN(maker: "YV1", attributes: "LS571", modelYear: 1979, plant: "G", serial: 1) == nil)
        #expect(VIN(maker: "YV1", attributes: "LS571", modelYear: 1995, plant: "G", serial: 1_000_000) == nil)
    }
}
