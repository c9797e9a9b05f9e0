// SPDX-License-Identifier: Apache-2.0

/// Turns names of a schema into Swift identifiers.
enum SwiftNames {
    /// Words that cannot name a declaration without backticks.
    private static let keywords: Set<String> = [
        "actor", "any", "as", "associatedtype", "async", "await", "borrowing", "break", "case", "catch",
        "class",
        "consume", "consuming", "continue", "copy", "default", "defer", "deinit", "do", "each", "else",
        "enum",
        "extension", "fallthrough", "false", "fileprivate", "for", "func", "guard", "if", "import", "in",
        "init",
        "inout", "internal", "is", "let", "nil", "nonisolated", "open", "operator", "package",
        "precedencegroup",
        "private", "protocol", "public", "repeat", "rethrows", "return", "some", "static", "struct",
        "subscript",
        "super", "switch", "throw", "throws", "true", "try", "typealias", "var", "where", "while",
    ]

    /// What generated messages have beside their fields, and what backticks cannot save.
    private static let takenMembers: Set<String> = [
        "self", "hashValue", "unknownFields", "write", "encoded", "withEncodedBytes", "decoding", "json",
        "jsonUTF8Bytes", "hash",
    ]

    /// What generated enums have beside their values.
    private static let takenValues: Set<String> = ["self", "init", "descriptor", "allCases", "rawValue"]

    /// Names that mean something else to Swift in the place of a type, and the one that generated storage has.
    private static let takenTypes: Set<String> = ["Type", "Protocol", "Self", "Any", "_Storage"]

    /// `price_gross` → `priceGross`.
    static func lowerCamel(_ name: String) -> String {
        let joined = upperCamel(name)
        // A leading run of capitals is lowered as a word: `URL` → `url`, `VINCode` → `vinCode`.
        let run = joined.prefix { $0.isUppercase }
        if run.isEmpty { return joined }
        let lowered = run.count == 1 || run.count == joined.count ? run.count : run.count - 1
        return joined.prefix(lowered).lowercased() + joined.dropFirst(lowered)
    }

    /// `price_gross` → `PriceGross`; letters inside a word stay as they are.
    static func upperCamel(_ name: String) -> String {
        let joined = name.split(separator: "_").map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
        if joined.isEmpty { return "_" + String(name.count) }
        return joined.first?.isNumber == true ? "_" + joined : joined
    }

    /// `FUEL_PLUG_IN` → `fuelPlugIn`: for names in capitals, as enum values are.
    static func lowerCamelOfCapitals(_ name: String) -> String {
        guard name.allSatisfy({ !$0.isLowercase }) else { return lowerCamel(name) }
        let words = name.lowercased().split(separator: "_").map(String.init)
        let joined =
            (words.first ?? "")
            + words.dropFirst().map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
        if joined.isEmpty { return "_" + String(name.count) }
        return joined.first?.isNumber == true ? "_" + joined : joined
    }

    /// A property, parameter or method name that compiles.
    static func member(_ name: String) -> String {
        takenMembers.contains(name) ? name + "_" : escaped(name)
    }

    /// A static constant of an enum that compiles.
    static func value(_ name: String) -> String {
        takenValues.contains(name) ? name + "_" : escaped(name)
    }

    /// A type's name that compiles and is no property's; types are named as in the schema.
    static func type(_ name: String) -> String {
        if name.allSatisfy({ $0 == "_" }) { return "_\(name.count)_" }
        let capitalized = name.prefix(1).uppercased() + name.dropFirst()
        let isNumbered = name.first == "_" && name.dropFirst().first?.isNumber == true
        return isNumbered || takenTypes.contains(capitalized) ? capitalized + "_" : capitalized
    }

    /// A member's name as an argument's label, where only `inout` needs its backticks.
    static func label(_ member: String) -> String {
        member == "`inout`" ? member : member.filter { $0 != "`" }
    }

    /// In backticks if it is a keyword.
    static func escaped(_ name: String) -> String { keywords.contains(name) ? "`\(name)`" : name }

    /// Hands out names that are unique in one scope.
    struct Scope {
        private var taken: Set<String>

        init(_ taken: Set<String> = []) { self.taken = taken }

        func contains(_ name: String) -> Bool { taken.contains(name) }

        /// The first candidate that is free, else the last one with underscores until it is.
        mutating func claim(_ candidates: [String]) -> String {
            if let free = candidates.first(where: { !taken.contains($0) }) {
                taken.insert(free)
                return free
            }
            var name = (candidates.last ?? "") + "_"
            while taken.contains(name) { name += "_" }
            taken.insert(name)
            return name
        }
    }
}
