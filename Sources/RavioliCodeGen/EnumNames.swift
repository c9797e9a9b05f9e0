// SPDX-License-Identifier: Apache-2.0

import RavioliSchema

/// The Swift names of an enum's values, in order of declaration.
struct EnumNames {
    let names: [String]
    private let enumeration: EnumDescriptor

    init(_ enumeration: EnumDescriptor) {
        self.enumeration = enumeration
        var scope = SwiftNames.Scope()
        names = enumeration.values.map { value in
            scope.claim([
                SwiftNames.value(SwiftNames.lowerCamelOfCapitals(Self.stripped(value.name, of: enumeration))),
                SwiftNames.value(SwiftNames.lowerCamelOfCapitals(value.name)),
            ])
        }
    }

    /// How a number is written where the type is known: `.petrol`, or as a number if it has no name.
    func literal(_ number: Int32) -> String {
        guard let index = enumeration.values.firstIndex(where: { $0.number == number }) else {
            return ".init(rawValue: \(number))"
        }
        return ".\(names[index])"
    }

    /// `FUEL_PETROL` in `Fuel` → `PETROL`: the prefix that the style guide asks for is no part of a Swift name.
    private static func stripped(_ value: String, of enumeration: EnumDescriptor) -> String {
        let prefix = simpleName(enumeration.fullName).filter { $0 != "_" }.lowercased()
        var rest = value[...]
        for expected in prefix {
            rest = rest.drop { $0 == "_" }
            guard rest.first.map({ $0.lowercased() }) == String(expected) else { return value }
            rest = rest.dropFirst()
        }
        // `FUELLESS` in `Fuel` is a word of its own.
        guard rest.first == "_" else { return value }
        rest = rest.drop { $0 == "_" }
        return rest.isEmpty ? value : String(rest)
    }
}
