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
            case .oneof(let shape): "\(shape.type)(from: _r)"
            }
        }
        var write: String {
            switch self {
            case .field(let shape): shape.write
            case .oneof(let shape): "\(shape.name)?.write(to: &_w)"
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
        let owner = context.names.types[message.fullName] ?? ""
        func shape(_ field: FieldDescriptor, _ scope: inout SwiftNames.Scope) -> FieldShape? {
            let name = SwiftNames.member(SwiftNames.lowerCamel(field.name))
            let claimed = scope.claim([name, "\(name.filter { $0 != "`" })_\(field.number)"])
            return FieldShape(field, name: claimed, owner: owner, names: context.names)
        }
        var scope = SwiftNames.Scope()
        var result: [Member] = []
        for field in message.fields where field.slot != nil {
            guard let index = field.oneofIndex else {
                if let shape = shape(field, &scope) { result.append(.field(shape)) }
                continue
            }
            // A oneof stands where its first member does, and its members have a scope of their own.
            var choiceScope = SwiftNames.Scope()
            let choices = message.fields.filter { $0.oneofIndex == index }.compactMap {
                shape($0, &choiceScope)
            }
            guard choices.first?.field === field else { continue }
            let fullName = "\(message.fullName).\(message.oneofs[index].name)"
            let name = SwiftNames.member(SwiftNames.lowerCamel(message.oneofs[index].name))
            let claimed = scope.claim([name, "\(name.filter { $0 != "`" })Oneof"])
            let type = context.names.oneofs[fullName] ?? ""
            result.append(.oneof(OneofShape(fullName: fullName, name: claimed, type: type, choices: choices)))
        }
        return result
    }

    // MARK: The type

    func write(to code: inout CodeWriter) {
        let name = context.names.simple(message.fullName)
        code.gap()
        code.documentation(context.comments[message.fullName] ?? "The message `\(message.fullName)`.")
        code.block("\(visibility)struct \(name): RavioliSchema.Message") { code in
            if isStored { writeStoredProperties(&code) } else { writeProperties(&code) }
            if !isExtended { writeMemberwise(&code) }
            writeDefaults(&code)
            writeNested(&code)
            writeConstants(&code)
            if isStored { writeStorage(&code) } else { writeCoding(&code, visibility) }
        }
    }

    /// Writes the initialisers of this message and those inside it, behind the struct.
    ///
    /// They delegate to the one that Swift makes by itself, and ``writeCoding(_:_:)`` uses that one directly: Swift
    /// ends a written initialiser of a large struct by copying the struct whole. It takes the unknown fields first,
    /// which keeps the two apart.
    func writeExtensions(to code: inout CodeWriter) {
        if isExtended {
            code.gap()
            code.block("extension \(context.names.types[message.fullName] ?? "")") { writeMemberwise(&$0) }
        }
        for nested in context.nestedMessages(of: message) {
            MessageGenerator(nested, context: context).writeExtensions(to: &code)
        }
    }

    private var isExtended: Bool { !isStored && !members.isEmpty }

    private var visibility: String { context.visibility }

    private func writeProperties(_ code: inout CodeWriter) {
        code.line("\(visibility)var unknownFields: RavioliSchema.UnknownFields")
        for member in members {
            writeDocumentation(of: member, &code)
            code.line("\(visibility)var \(member.name): \(member.type)")
        }
    }

    private func writeStoredProperties(_ code: inout CodeWriter) {
        for member in members {
            writeDocumentation(of: member, &code)
            writeForward(member.name, member.type, &code)
        }
        writeForward("unknownFields", "RavioliSchema.UnknownFields", &code)
        code.gap()
        code.line("private var _storage: RavioliSchema.CopyOnWrite<_Storage>")
    }

    private func writeForward(_ name: String, _ type: String, _ code: inout CodeWriter) {
        code.block("\(visibility)var \(name): \(type)") { code in
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

    /// The fields with their defaults, and what else was received.
    private func writeMemberwise(_ code: inout CodeWriter) {
        let parameters =
            members.map { "\($0.name): \($0.type) = \($0.defaultValue)" }
            + ["unknownFields: RavioliSchema.UnknownFields = .init()"]
        let arguments = (["unknownFields"] + members.map(\.name)).map { "\(SwiftNames.label($0)): \($0)" }
        code.gap()
        code.list("\(visibility)init", parameters, " {")
        code.body { code in
            if isStored {
                code.list("_storage = .init(_Storage", arguments, ")")
            } else if isExtended {
                code.list("self.init", arguments, "")
            } else {
                code.line("self.unknownFields = unknownFields")
            }
        }
    }

    private func writeConstants(_ code: inout CodeWriter) {
        code.gap()
        code.list(
            "\(visibility)static let descriptor = \(context.schema).file.message",
            ["\"\(message.fullName)\"", "structSize: \(message.structSize)"], "")
        for case .field(let shape) in members where shape.field.isMap {
            code.line(
                "private static let \(shape.entryConstant) = descriptor.entry(of: \(shape.field.number))")
        }
    }

    /// proto2 and editions: what an absent field stands for.
    private func writeDefaults(_ code: inout CodeWriter) {
        var scope = SwiftNames.Scope(Set(members.map(\.name)))
        for case .field(let shape) in members where !shape.field.isRepeated {
            guard let text = shape.field.defaultText,
                let literal = DefaultLiteral.swift(text, of: shape.field, type: shape.elementType)
            else { continue }
            let bare = shape.name.filter { $0 != "`" }
            let name = scope.claim([bare + "OrDefault"])
            code.gap()
            code.line("/// `\(bare)`, or the schema's default if it is absent.")
            code.line("\(visibility)var \(name): \(shape.elementType) { \(shape.name) ?? \(literal) }")
        }
    }

    private func writeNested(_ code: inout CodeWriter) {
        for case .oneof(let shape) in members { shape.write(to: &code, context: context) }
        for nested in context.nestedMessages(of: message) {
            MessageGenerator(nested, context: context).write(to: &code)
        }
        for nested in context.nestedEnums(of: message) {
            EnumGenerator(nested, context: context).write(to: &code)
        }
    }

    // MARK: Coding

    private func writeCoding(_ code: inout CodeWriter, _ visibility: String) {
        code.gap()
        code.block("\(visibility)static func read(from _r: RavioliSchema.FieldReader) -> Self") { code in
            for member in members { code.line("let \(member.name): \(member.type) = \(member.read)") }
            let arguments = members.map { "\(SwiftNames.label($0.name)): \($0.name)" }
            code.list("return Self", ["unknownFields: _r.unknownFields()"] + arguments, "")
        }
        code.gap()
        code.block("\(visibility)func write(to _w: inout RavioliSchema.FieldWriter)") { code in
            for member in members { code.line(member.write) }
            code.line("_w.unknownFields(unknownFields)")
        }
    }

    private func writeStorage(_ code: inout CodeWriter) {
        code.gap()
        code.block("\(visibility)static func read(from _r: RavioliSchema.FieldReader) -> Self") { code in
            code.line("Self(_storage: .init(.read(from: _r)))")
        }
        code.block("\(visibility)func write(to _w: inout RavioliSchema.FieldWriter)") { code in
            code.line("_storage.value.write(to: &_w)")
        }
        code.line("private init(_storage: RavioliSchema.CopyOnWrite<_Storage>) { self._storage = _storage }")
        code.gap()
        let conformances = "\(context.names.swift("Sendable")), \(context.names.swift("Hashable"))"
        code.block("private struct _Storage: \(conformances)") { code in
            code.line("var unknownFields: RavioliSchema.UnknownFields")
            for member in members { code.line("var \(member.name): \(member.type)") }
            writeCoding(&code, "")
        }
    }
}
