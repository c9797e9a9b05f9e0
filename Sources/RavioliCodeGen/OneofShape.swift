// SPDX-License-Identifier: Apache-2.0

import RavioliSchema

/// How a oneof looks in Swift: an enum with a payload for each member.
struct OneofShape {
    /// The full name in the schema, by which its comment is found.
    let fullName: String
    /// The property's name.
    let name: String
    /// The enum's name, without the message around it.
    let type: String
    let choices: [FieldShape]

    func write(to code: inout CodeWriter, context: GenerationContext) {
        let conformances = "\(context.names.swift("Sendable")), \(context.names.swift("Hashable"))"
        code.gap()
        code.line("/// The choices of the oneof `\(simpleName(fullName))`.")
        code.block("\(context.visibility)enum \(type): \(conformances)") { code in
            for choice in choices {
                code.documentation(context.comments["\(scopeOf(fullName)).\(choice.field.name)"])
                code.line("case \(choice.name)(\(choice.elementType))")
            }
            code.gap()
            writeReading(&code)
            code.gap()
            writeWriting(&code)
        }
    }

    private func writeReading(_ code: inout CodeWriter) {
        code.block("fileprivate init?(from _r: RavioliSchema.FieldReader)") { code in
            code.line("switch _r.oneofCase(\(choices.first?.field.slot?.mark ?? 0)) {")
            for choice in choices {
                code.line("case \(choice.field.number): self = .\(choice.name)(\(choice.readMember))")
            }
            code.line("default: return nil")
            code.line("}")
        }
    }

    private func writeWriting(_ code: inout CodeWriter) {
        code.block("fileprivate func write(to _w: inout RavioliSchema.FieldWriter)") { code in
            code.line("switch self {")
            for choice in choices { code.line("case .\(choice.name)(let value): \(choice.writeMember)") }
            code.line("}")
        }
    }
}
