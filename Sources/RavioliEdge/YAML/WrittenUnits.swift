// SPDX-License-Identifier: Apache-2.0

/// Times and sizes as people write them, in files and as arguments.
package enum WrittenUnits {
    /// `500ms`, `2s`, `1.5s`, `10m`, `24h`; nil for anything else, and above a year.
    package static func duration(_ text: String) -> Duration? {
        let units: [(String, Double)] = [("ms", 0.001), ("s", 1), ("m", 60), ("h", 3600)]
        guard let number = number(text, units), number <= 366 * 86_400 else { return nil }
        return .milliseconds(Int64((number * 1000).rounded()))
    }

    /// `512`, `64KiB`, `4MiB`, `1GiB`; nil for anything else, and above 1 TiB.
    package static func bytes(_ text: String) -> Int? {
        let units: [(String, Double)] = [("KiB", 1024), ("MiB", 1_048_576), ("GiB", 1_073_741_824), ("", 1)]
        guard let number = number(text, units), number <= 1_099_511_627_776, number == number.rounded() else {
            return nil
        }
        return Int(number)
    }

    private static func number(_ text: String, _ units: [(suffix: String, factor: Double)]) -> Double? {
        guard let unit = units.first(where: { text.hasSuffix($0.suffix) }) else { return nil }
        let digits = text.dropLast(unit.suffix.count)
        guard digits.first?.isNumber == true, digits.allSatisfy({ $0.isASCII && ($0.isNumber || $0 == ".") }),
            let number = Double(digits)
        else { return nil }
        return number * unit.factor
    }
}
