// SPDX-License-Identifier: Apache-2.0

import RavioliSchema

/// A service with some of its methods and all types that they reach, as text.
struct SchemaText {
    private let service: ServiceDescriptor
    private let methods: [MethodDescriptor]
    private var messages: [MessageDescriptor] = []
    private var enums: [EnumDescriptor] = []

    init(_ service: ServiceDescriptor, methods: [MethodDescriptor]) {
        self.service = service
        self.methods = methods
        collect()
    }

    /// Breadth first, so that the types stand in the order in which a reader meets them.
    private mutating func collect() {
        var seen: Set<String> = []
        var next = 0
        for type in methods.flatMap({ [$0.input, $0.output] }) where seen.insert(type.fullName).inserted {
            messages.append(type)
        }
        while next < messages.count {
            for field in messages[next].fields {
                if let type = field.messageType, seen.insert(type.fullName).inserted { messages.append(type) }
                if let type = field.enumType, seen.insert(type.fullName).inserted { enums.append(type) }
            }
            next += 1
        }
    }

    // MARK: As a .proto

    /// As a `.proto` file would say it, with full names.
    var proto: String {
        let service = "service \(service.fullName) {\n\(methods.map(Self.line).joined())}\n"
        let messages = messages.filter { !$0.isMapEntry && !$0.fullName.hasPrefix("google.protobuf.") }.map(
            Self.text)
        return ([service] + messages + enums.map(Self.text)).joined(separator: "\n").trimmingLastNewline
    }

    private static func line(_ method: MethodDescriptor) -> String {
        let input = (method.clientStreaming ? "stream " : "") + method.input.fullName
        let output = (method.serverStreaming ? "stream " : "") + method.output.fullName
        let note = [notes[method.idempotency], method.isDeprecated ? "deprecated" : nil].compactMap(\.self)
        return "  rpc \(method.name)(\(input)) returns (\(output));"
            + (note.isEmpty ? "\n" : "  // \(note.joined(separator: ", "))\n")
    }

    private static let notes: [MethodDescriptor.Idempotency: String] = [
        .noSideEffects: "no side effects", .idempotent: "idempotent",
    ]

    private static func text(_ message: MessageDescriptor) -> String {
        var text = "message \(message.fullName) {\n"
        for field in message.fields where field.oneofIndex == nil { text += "  \(line(field))\n" }
        for oneof in message.oneofs {
            text += "  oneof \(oneof.name) {\n"
            for number in oneof.fieldNumbers {
                if let field = message.field(numbered: number) { text += "    \(line(field))\n" }
            }
            text += "  }\n"
        }
        return text + "}\n"
    }

    private static func line(_ field: FieldDescriptor) -> String {
        var label = ""
        if field.isRepeated, !field.isMap { label = "repeated " }
        if field.presence == .required { label = "required " }
        if field.presence == .explicit, field.oneofIndex == nil, field.messageType == nil {
            label = "optional "
        }
        let name = field.name == field.jsonName ? "" : "  // JSON: \(field.jsonName)"
        return
            "\(label)\(type(field)) \(field.name) = \(field.number);\(field.isDeprecated ? "  // deprecated" : "")\(name)"
    }

    private static func type(_ field: FieldDescriptor) -> String {
        if field.isMap, let entry = field.messageType, let key = entry.field(numbered: 1),
            let value = entry.field(numbered: 2)
        {
            return "map<\(type(key)), \(type(value))>"
        }
        return field.messageType?.fullName ?? field.enumType?.fullName ?? "\(field.kind)"
    }

    private static func text(_ type: EnumDescriptor) -> String {
        "enum \(type.fullName) {\n" + type.values.map { "  \($0.name) = \($0.number);\n" }.joined() + "}\n"
    }

    // MARK: As JSON

    /// For programs: `{"service", "methods": […], "messages": […], "enums": […]}`.
    var json: String {
        let methods = methods.map { method in
            Self.object([
                ("name", JSONText.quoted(method.name)), ("path", JSONText.quoted(method.path)),
                ("input", JSONText.quoted(method.input.fullName)),
                ("output", JSONText.quoted(method.output.fullName)),
                ("clientStreaming", "\(method.clientStreaming)"),
                ("serverStreaming", "\(method.serverStreaming)"),
                ("idempotency", JSONText.quoted(Self.notes[method.idempotency] ?? "unknown")),
                ("deprecated", "\(method.isDeprecated)"),
            ])
        }
        return Self.object([
            ("service", JSONText.quoted(service.fullName)), ("methods", Self.array(methods)),
            ("messages", Self.array(messages.filter { !$0.isMapEntry }.map(Self.json))),
            ("enums", Self.array(enums.map(Self.json))),
        ])
    }

    private static func json(_ message: MessageDescriptor) -> String {
        let fields = message.fields.map { field in
            object([
                ("name", JSONText.quoted(field.name)), ("jsonName", JSONText.quoted(field.jsonName)),
                ("number", "\(field.number)"), ("type", JSONText.quoted(type(field))),
                ("presence", JSONText.quoted("\(field.presence)")),
                ("oneof", field.oneofIndex.map { JSONText.quoted(message.oneofs[$0].name) } ?? "null"),
                ("deprecated", "\(field.isDeprecated)"),
            ])
        }
        return object([("name", JSONText.quoted(message.fullName)), ("fields", array(fields))])
    }

    private static func json(_ type: EnumDescriptor) -> String {
        let values = type.values.map {
            object([("name", JSONText.quoted($0.name)), ("number", "\($0.number)")])
        }
        return object([("name", JSONText.quoted(type.fullName)), ("values", array(values))])
    }

    private static func object(_ members: [(String, String)]) -> String {
        "{\(members.map { "\"\($0)\":\($1)" }.joined(separator: ","))}"
    }
    private static func array(_ elements: [String]) -> String { "[\(elements.joined(separator: ","))]" }
}

extension String {
    fileprivate var trimmingLastNewline: String { hasSuffix("\n") ? String(dropLast()) : self }
}
