// SPDX-License-Identifier: Apache-2.0

import RavioliSchema

/// Writes the Swift type of an enum: a number with names, which takes every number.
struct EnumGenerator {
    let enumeration: EnumDescriptor
    let context: GenerationContext

    init(_ enumeration: EnumDescriptor, context: GenerationContext) {
        self.enumeration = enumeration
        self.context = context
    }

    func write(to code: inout CodeWriter) {
        let visibility = context.visibility
        let name = simpleName(context.typeName(enumeration.fullName))
        code.documentation(context.comments[enumeration.fullName])
        code.block("\(visibility)struct \(name): RavioliSchema.OpenEnum, CaseIterable") { code in
            code.line("\(visibility)var rawValue: \(context.names.swift("Int32"))")
            code.line(
                "\(visibility)init(rawValue: \(context.names.swift("Int32"))) { self.rawValue = rawValue }")
            code.line()
            writeValues(&code)
            let schema = TypeNames.schema(of: context.file.name)
            code.line(
                "\(visibility)static let descriptor = \(schema).file.enumeration(\"\(enumeration.fullName)\")")
        }
        code.line()
    }

    private func writeValues(_ code: inout CodeWriter) {
        var scope = SwiftNames.Scope()
        var firstNames: [Int32: String] = [:]
        for value in enumeration.values {
            let plain = SwiftNames.value(SwiftNames.lowerCamelOfCapitals(stripped(value.name)))
            let name = scope.claim(plain, SwiftNames.value(SwiftNames.lowerCamelOfCapitals(value.name)))
            code.documentation(context.comments["\(enumeration.fullName).\(value.name)"])
            code.line("\(context.visibility)static let \(name) = Self(rawValue: \(value.number))")
            firstNames[value.number] = firstNames[value.number] ?? name
        }
        var seen: Set<Int32> = []
        let cases = enumeration.values.filter { seen.insert($0.number).inserted }
            .map { "." + (firstNames[$0.number] ?? "") }
        code.line("/// Every number that the schema names, in order of declaration.")
        code.line("\(context.visibility)static var allCases: [Self] { [\(cases.joined(separator: ", "))] }")
    }

    /// `FUEL_PETROL` in `Fuel` → `PETROL`: the prefix that the style guide asks for is no part of a Swift name.
    private func stripped(_ value: String) -> String {
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
