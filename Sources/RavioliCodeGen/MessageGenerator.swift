// SPDX-License-Identifier: Apache-2.0

import RavioliSchema

/// Writes the Swift type of a message: a struct of its fields. A large message, and one that contains itself, keeps
/// its fields in copy-on-write storage behind the same properties.
struct MessageGenerator {
    let message: MessageDescriptor
    let context: GenerationContext

    private let members: [Member]
    private let isStored: Bool

    /// A property: of a field, or of a oneof with the fields it chooses from.
    private enum Member {
        case field(FieldShape)
        case oneof(OneofShape)

        var name: String {
            switch self {
            case .field(let shape): shape.name
            case .oneof(let shape): shape.name
            }
        }
        var type: String {
            switch self {
            case .field(let shape): shape.type
            case .oneof(let shape): shape.type + "?"
            }
        }
        var defaultValue: String {
            switch self {
            case .field(let shape): shape.defaultValue
            case .oneof: "nil"
            }
        }
        var read: String {
            switch self {
            case .field(let shape): shape.read
            case .oneof(let shape): "\(shape.type)(from: r)"
            }
        }
        var write: String {
            switch self {
            case .field(let shape): shape.write
            case .oneof(let shape): "\(shape.name)?.write(to: &w)"
            }
        }
    }

    init(_ message: MessageDescriptor, context: GenerationContext) {
        self.message = message
        self.context = context
        members = Self.members(of: message, context)
        isStored = context.sizes.isStored(message)
    }

    private static func members(of message: MessageDescriptor, _ context: GenerationContext) -> [Member] {
        var scope = SwiftNames.Scope()
        var typeScope = SwiftNames.Scope(context.nestedTypeNames(of: message))
        let owner = context.names.types[message.fullName] ?? ""
        let shapes = message.fields.compactMap { field -> FieldShape? in
            let name = SwiftNames.member(SwiftNames.lowerCamel(field.name))
            return FieldShape(field, name: scope.claim(name, "\(name)_\(field.number)"), owner: owner, names: context.names)
        }
        var result: [Member] = []
        for shape in shapes {
            guard let index = shape.field.oneofIndex else {
                result.append(.field(shape))
                continue
            }
            let choices = shapes.filter { $0.field.oneofIndex == index }
            guard choices.first?.field.number == shape.field.number else { continue }
            let oneof = message.oneofs[index]
            let name = SwiftNames.member(SwiftNames.lowerCamel(oneof.name))
            let type = SwiftNames.type(SwiftNames.upperCamel(oneof.name))
            result.append(
                .oneof(
                    OneofShape(
                        fullName: "\(message.fullName).\(oneof.name)", name: scope.claim(name, "\(name)Oneof"),
                        type: typeScope.claim(type, "\(type)Oneof"), choices: choices)))
        }
        return result
    }

    // MARK: The type

    func write(to code: inout CodeWriter) {
        let visibility = context.visibility
        code.documentation(context.comments[message.fullName])
        code.block("\(visibility)struct \(simpleName(context.typeName(message.fullName))): RavioliSchema.Message") { code in
            if isStored { writeStoredProperties(&code) } else { writeProperties(&code, visibility) }
            code.line()
            code.line("\(visibility)init() {\(isStored ? " _storage = .init(_Storage()) " : "")}")
            writeMemberwise(&code)
            writeConstants(&code)
            writeDefaults(&code)
            writeNested(&code)
            if isStored { writeStorage(&code) } else { writeCoding(&code, visibility) }
        }
        code.line()
    }

    private func writeProperties(_ code: inout CodeWriter, _ visibility: String) {
        for member in members {
            writeDocumentation(of: member, &code)
            code.line("\(visibility)var \(member.name): \(member.type) = \(member.defaultValue)")
        }
        code.line("\(visibility)var unknownFields = RavioliSchema.UnknownFields()")
    }

    private func writeStoredProperties(_ code: inout CodeWriter) {
        for member in members {
            writeDocumentation(of: member, &code)
            writeForward(member.name, member.type, &code)
        }
        writeForward("unknownFields", "RavioliSchema.UnknownFields", &code)
        code.line("private var _storage: RavioliSchema.CopyOnWrite<_Storage>")
    }

    private func writeForward(_ name: String, _ type: String, _ code: inout CodeWriter) {
        code.block("\(context.visibility)var \(name): \(type)") { code in
            code.line("get { _storage.value.\(name) }")
            code.line("_modify { yield &_storage.value.\(name) }")
        }
    }

    private func writeDocumentation(of member: Member, _ code: inout CodeWriter) {
        switch member {
        case .oneof(let shape): code.documentation(context.comments[shape.fullName])
        case .field(let shape):
            code.documentation(context.comments["\(message.fullName).\(shape.field.name)"])
            if shape.field.isDeprecated { code.line("/// - Warning: Deprecated in the schema.") }
        }
    }

    private func writeMemberwise(_ code: inout CodeWriter) {
        guard !members.isEmpty else { return }
        code.line()
        code.line("\(context.visibility)init(")
        for (index, member) in members.enumerated() {
            let comma = index == members.count - 1 ? "" : ","
            code.line("    \(member.name): \(member.type) = \(member.defaultValue)\(comma)")
        }
        code.block(")") { code in
            if isStored { code.line("var storage = _Storage()") }
            let target = isStored ? "storage" : "self"
            for member in members { code.line("\(target).\(member.name) = \(member.name)") }
            if isStored { code.line("_storage = .init(storage)") }
        }
    }

    private func writeConstants(_ code: inout CodeWriter) {
        code.line()
        let file = TypeNames.schema(of: message.file.name)
        code.line(
            "\(context.visibility)static let descriptor = "
                + "\(file).file.message(\"\(message.fullName)\", structSize: \(message.structSize))")
        for case .field(let shape) in members where shape.field.isMap {
            code.line("private static let \(shape.entryConstant) = descriptor.entry(of: \(shape.field.number))")
        }
    }

    /// proto2 and editions: what an absent field stands for.
    private func writeDefaults(_ code: inout CodeWriter) {
        for case .field(let shape) in members {
            guard let text = shape.field.defaultText,
                let literal = DefaultLiteral.swift(text, of: shape.field, type: shape.elementType)
            else { continue }
            let bare = shape.name.filter { $0 != "`" }
            code.line("/// `\(bare)`, or the schema's default if it is absent.")
            code.line(
                "\(context.visibility)var \(bare)OrDefault: \(shape.elementType) { \(shape.name) ?? \(literal) }")
        }
    }

    private func writeNested(_ code: inout CodeWriter) {
        for case .oneof(let shape) in members {
            code.line()
            shape.write(to: &code, context: context)
        }
        for nested in context.nestedMessages(of: message) {
            code.line()
            MessageGenerator(nested, context: context).write(to: &code)
        }
        for nested in context.nestedEnums(of: message) {
            code.line()
            EnumGenerator(nested, context: context).write(to: &code)
        }
    }

    // MARK: Coding

    private func writeCoding(_ code: inout CodeWriter, _ visibility: String) {
        code.line()
        code.block("\(visibility)init(from r: RavioliSchema.FieldReader)") { code in
            for member in members { code.line("\(member.name) = \(member.read)") }
            code.line("unknownFields = r.unknownFields()")
        }
        code.line()
        code.block("\(visibility)func write(to w: inout RavioliSchema.FieldWriter)") { code in
            for member in members { code.line(member.write) }
            code.line("w.unknownFields(unknownFields)")
        }
    }

    private func writeStorage(_ code: inout CodeWriter) {
        code.line()
        code.line("\(context.visibility)init(from r: RavioliSchema.FieldReader) { _storage = .init(_Storage(from: r)) }")
        code.line(
            "\(context.visibility)func write(to w: inout RavioliSchema.FieldWriter) { _storage.value.write(to: &w) }")
        code.line()
        code.block("private struct _Storage: Sendable, Hashable") { code in
            for member in members { code.line("var \(member.name): \(member.type) = \(member.defaultValue)") }
            code.line("var unknownFields = RavioliSchema.UnknownFields()")
            code.line()
            code.line("init() {}")
            writeCoding(&code, "")
        }
    }
}
