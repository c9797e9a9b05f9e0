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
        let (visibility, names) = (context.visibility, context.names)
        let int32 = names.swift("Int32")
        code.gap()
        code.documentation(context.comments[enumeration.fullName] ?? "The enum `\(enumeration.fullName)`.")
        let conformances = "RavioliSchema.OpenEnum, \(names.swift("CaseIterable"))"
        code.block("\(visibility)struct \(names.simple(enumeration.fullName)): \(conformances)") { code in
            writeValues(&code)
            code.gap()
            code.line("\(visibility)var rawValue: \(int32)")
            code.line("\(visibility)init(rawValue: \(int32)) { self.rawValue = rawValue }")
            code.gap()
            code.list(
                "\(visibility)static let descriptor = \(context.schema).file.enumeration",
                ["\"\(enumeration.fullName)\""], "")
        }
    }

    private func writeValues(_ code: inout CodeWriter) {
        let names = EnumNames(enumeration)
        for (value, name) in zip(enumeration.values, names.names) {
            code.documentation(context.comments["\(enumeration.fullName).\(value.name)"])
            code.line("\(context.visibility)static let \(name) = Self(rawValue: \(value.number))")
        }
        var seen: Set<Int32> = []
        let cases = enumeration.values.map(\.number).filter { seen.insert($0).inserted }.map(names.literal)
        code.gap()
        code.line("/// Every number that the schema names, in order of declaration.")
        writeCases(cases, &code)
    }

    private func writeCases(_ cases: [String], _ code: inout CodeWriter) {
        let line = "\(context.visibility)static var allCases: [Self] { [\(cases.joined(separator: ", "))] }"
        if code.fits(line) { return code.line(line) }
        code.block("\(context.visibility)static var allCases: [Self]") { code in
            code.line("[")
            for name in cases { code.line("    \(name),") }
            code.line("]")
        }
    }
}
