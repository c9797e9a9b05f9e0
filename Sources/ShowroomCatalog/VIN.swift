// SPDX-License-Identifier: Apache-2.0

// A VIN has 17 characters: digits and capitals, without I, O and Q, which look like 1 and 0 (ISO 3779).
//
//     1 M 8   G D M 9 A   X   K   P   0 4 2 7 8 8
//     maker   model       |   |   plant and serial number
//                         |   model year, one letter or digit of a cycle of 30 years
//                         check digit
//
// The check digit (49 CFR 565.15(c)) makes the weighted sum of all characters, letters counted as digits, a
// multiple of 11 with the digit itself weighted 0; X stands for 10. It catches every single wrong character
// whose values differ and most transpositions. North America requires it; this shop sells there, so it
// requires it too.

/// A vehicle identification number that is well-formed and whose check digit is right.
package struct VIN: Sendable, Hashable, CustomStringConvertible {
    /// The 17 characters.
    package let text: String

    package var description: String { text }

    /// How many characters every VIN has.
    package static let length = 17

    /// Reads a VIN, exactly as written: 17 characters in capitals.
    ///
    /// - Throws: `Defect`, which says what is wrong.
    package init(_ text: String) throws(Defect) {
        let characters = Array(text.utf8)
        guard characters.count == Self.length else { throw .length(text.count) }
        for (index, character) in characters.enumerated() where Self.value(of: character) == nil {
            throw .character(position: index + 1)
        }
        let expected = Self.checkDigit(of: characters)
        guard characters[Self.checkPosition] == expected else {
            throw .checkDigit(expected: Character(UnicodeScalar(expected)))
        }
        self.text = text
    }

    /// The VIN with these parts and the check digit that belongs to them.
    ///
    /// - Parameters:
    ///   - maker: The world manufacturer identifier, 3 characters.
    ///   - attributes: What the maker says about the model, 5 characters.
    ///   - plant: Where it was built, 1 character.
    ///   - serial: The serial number, 0 to 999,999.
    /// - Returns: `nil` if a part has another length or a character that VINs do not have.
    package init?(maker: String, attributes: String, modelYear: Int, plant: String, serial: Int) {
        guard
            maker.utf8.count == 3, attributes.utf8.count == 5, plant.utf8.count == 1, 0...999_999 ~= serial,
            let year = Self.yearCode(for: modelYear)
        else { return nil }
        let digits = String(serial)
        let serialText = String(repeating: "0", count: 6 - digits.count) + digits
        var characters = Array("\(maker)\(attributes)0\(year)\(plant)\(serialText)".utf8)
        guard characters.allSatisfy({ Self.value(of: $0) != nil }) else { return nil }
        characters[Self.checkPosition] = Self.checkDigit(of: characters)
        text = String(decoding: characters, as: UTF8.self)
    }

    /// The model year, 1980 to 2039.
    ///
    /// The code repeats after 30 years; the seventh character, a digit in the first cycle and a letter in the
    /// second, says which (49 CFR 565.15(b), for passenger cars). `nil` if the tenth character is no year
    /// code.
    package var modelYear: Int? {
        let characters = Array(text.utf8)
        guard let offset = Self.yearCodes.firstIndex(of: characters[9]) else { return nil }
        let isLetter = characters[6] >= UInt8(ascii: "A")
        return (isLetter ? 2010 : 1980) + offset
    }

    // MARK: Characters

    private static let checkPosition = 8
    private static let weights = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2]
    private static let yearCodes = Array("ABCDEFGHJKLMNPRSTVWXY123456789".utf8)

    /// The tenth character for a model year of 1980 to 2039.
    static func yearCode(for year: Int) -> Character? {
        guard 1980...2039 ~= year else { return nil }
        return Character(UnicodeScalar(yearCodes[(year - 1980) % yearCodes.count]))
    }

    private static func checkDigit(of characters: [UInt8]) -> UInt8 {
        let sum = zip(characters, weights).reduce(0) { $0 + (value(of: $1.0) ?? 0) * $1.1 }
        let remainder = UInt8(sum % 11)
        return remainder == 10 ? UInt8(ascii: "X") : UInt8(ascii: "0") + remainder
    }

    /// What a character counts for: digits for themselves, letters by the table of 49 CFR 565.15, which runs
    /// A–H 1–8, J–R 1–9, S–Z 2–9. `nil` for a character that VINs do not have.
    private static func value(of character: UInt8) -> Int? {
        switch character {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): Int(character - UInt8(ascii: "0"))
        case UInt8(ascii: "I"), UInt8(ascii: "O"), UInt8(ascii: "Q"): nil
        case UInt8(ascii: "A")...UInt8(ascii: "H"): Int(character - UInt8(ascii: "A")) + 1
        case UInt8(ascii: "J")...UInt8(ascii: "R"): Int(character - UInt8(ascii: "J")) + 1
        case UInt8(ascii: "S")...UInt8(ascii: "Z"): Int(character - UInt8(ascii: "S")) + 2
        default: nil
        }
    }
}

extension VIN {
    /// Why a text is no VIN.
    package enum Defect: Error, Sendable, Hashable, CustomStringConvertible {
        /// It has another number of characters than 17.
        case length(Int)

        /// The character at this position, counted from 1, is no digit or capital, or is I, O or Q.
        case character(position: Int)

        /// The ninth character should be another one.
        case checkDigit(expected: Character)

        /// What is wrong, as a clause that follows a field's name.
        package var description: String {
            switch self {
            case .length(let count):
                "must have \(VIN.length) characters, not \(count)"
            case .character(let position):
                "must consist of digits and capitals without I, O and Q, which character \(position) is not"
            case .checkDigit(let expected):
                "has a wrong check digit: by the other characters, the ninth should be \(expected)"
            }
        }
    }
}
