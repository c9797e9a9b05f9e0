// SPDX-License-Identifier: Apache-2.0

import CProtobufC

/// A oneof of a message type: of its fields at most one is set.
public struct OneofDescriptor: Sendable, Hashable {
    /// The name in the `.proto` file.
    public let name: String
    /// The members' numbers, ascending.
    public let fieldNumbers: [Int32]
}

/// A message type of a schema, with the tables by which protobuf-c and the guard handle it.
///
/// Descriptors live as long as the process: protobuf-c's tables refer to each other by address, generated code
/// keeps them in constants, and a process loads a handful of schemas.
public final class MessageDescriptor: Sendable {
    /// The name with its package and the types around it, as `showroom.catalog.v1.Vehicle`.
    public let fullName: String
    /// Whether this is the entry type that protoc makes for a map field.
    public let isMapEntry: Bool
    /// The encoded `google.protobuf.MessageOptions`, custom options included.
    public let options: UnknownFields
    /// Whether other files may add fields to the type, which then travel as unknown ones.
    let isExtendable: Bool
    // Written once by ``link(_:features:types:file:)``, before the file is handed out; constant from then on.

    /// The fields, ascending by number.
    @exclusivity(unchecked) public nonisolated(unsafe) private(set) var fields: [FieldDescriptor] = []
    /// The oneofs in order of declaration, those that protoc makes for `optional` left out.
    public nonisolated(unsafe) private(set) var oneofs: [OneofDescriptor] = []
    /// The file that declares the type.
    public var file: FileDescriptor { declaringFile! }
    private nonisolated(unsafe) unowned(unsafe) var declaringFile: FileDescriptor?
    private nonisolated(unsafe) var indicesByName: [String: Int] = [:]
    private nonisolated(unsafe) var indicesByNumber: [Int32: Int] = [:]
    /// The groups among the fields, by number.
    nonisolated(unsafe) private(set) var groups: [Int32: CarriedField] = [:]
    /// The fields that are proto2 `required` or hold a message in which one can be missing.
    nonisolated(unsafe) private(set) var fieldsToCheck: [FieldDescriptor] = [] {
        didSet { mayLackRequired = !fieldsToCheck.isEmpty }
    }
    /// Whether the type or a type inside it has a proto2 `required` field.
    @exclusivity(unchecked) nonisolated(unsafe) private(set) var mayLackRequired = false

    /// protobuf-c's table, a `ProtobufCMessageDescriptor`; filled when linked.
    @usableFromInline package nonisolated(unsafe) let cTable: UnsafeRawPointer
    /// Size of the C struct in bytes; set when linked.
    @exclusivity(unchecked)
    @usableFromInline package nonisolated(unsafe) private(set) var structSize = 0
    /// The guard's table; filled when linked.
    nonisolated(unsafe) let guardTable: UnsafeMutablePointer<GuardTable>
    /// The JSON codec's table; filled when linked.
    nonisolated(unsafe) let jsonTable: UnsafeMutablePointer<JSONTable>

    init(_ record: MessageRecord, fullName: String) throws(SchemaError) {
        self.fullName = fullName
        isExtendable = record.isExtendable
        options = try UnknownFields(encoded: Array(record.options))
        isMapEntry = options.lastVarint(numbered: 7) == 1
        if options.lastVarint(numbered: 1) == 1 {
            throw SchemaError(
                .invalidSchema, "message \(fullName) uses message_set_wire_format, which is not supported")
        }
        cTable = UnsafeRawPointer(UnsafeMutablePointer<ProtobufCMessageDescriptor>.allocate(capacity: 1))
        guardTable = .allocate(capacity: 1)
        jsonTable = .allocate(capacity: 1)
    }

    /// The field of this number; `nil` if there is none.
    public func field(numbered number: Int32) -> FieldDescriptor? {
        indicesByNumber[number].map { fields[$0] }
    }

    /// The field of this name, either the one in the `.proto` file or the one in JSON; `nil` if there is none.
    public func field(named name: String) -> FieldDescriptor? {
        indicesByName[name].map { fields[$0] }
    }

    /// The index in ``fields`` of the field of this name.
    package func fieldIndex(named name: String) -> Int? { indicesByName[name] }
    /// The index in ``fields`` of the field of this number.
    package func fieldIndex(numbered number: Int32) -> Int? { indicesByNumber[number] }
}

extension MessageDescriptor: Hashable {
    public static func == (left: MessageDescriptor, right: MessageDescriptor) -> Bool { left === right }
    public func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
}

// MARK: - Linking

extension MessageDescriptor {
    /// Resolves the fields' types, lays out the struct and fills the tables.
    func link(
        _ record: MessageRecord, features: FeatureSet, types: TypeScope, file: FileDescriptor
    ) throws(SchemaError) {
        fields = try resolvedFields(record, features: features, types: types)
        let layout = MessageLayout(
            fields.map { .init(kind: $0.kind, isRepeated: $0.isRepeated, oneofIndex: $0.oneofIndex) })
        for (field, slot) in zip(fields, layout.slots) { field.slot = slot }
        structSize = layout.size
        oneofs = oneofs(record)
        declaringFile = file
        indicesByName = Self.namesToIndices(fields)
        indicesByNumber = Dictionary(uniqueKeysWithValues: fields.enumerated().map { ($1.number, $0) })
        try checkMapEntry()
        for field in record.fields where indicesByNumber[field.number].map({ fields[$0].kind }) == .group {
            groups[field.number] = try CarriedField(group: field, of: fullName, types: types, file: file)
        }
        CTable.fill(for: self)
        GuardTable.fill(guardTable, for: self)
        JSONTable.fill(jsonTable, for: self)
    }

    private func resolvedFields(
        _ record: MessageRecord, features: FeatureSet, types: TypeScope
    ) throws(SchemaError) -> [FieldDescriptor] {
        guard record.fields.count <= Self.fieldsMax else {
            throw SchemaError(.invalidSchema, "message \(fullName) has more than \(Self.fieldsMax) fields")
        }
        var fields: [FieldDescriptor] = []
        for field in record.fields {
            fields.append(
                try FieldDescriptor(
                    field, message: fullName, features: features, types: types,
                    oneofCount: record.oneofs.count,
                    isMapEntry: isMapEntry))
        }
        fields.sort { $0.number < $1.number }
        for (one, next) in zip(fields, fields.dropFirst()) where one.number == next.number {
            throw SchemaError(.invalidSchema, "message \(fullName) has two fields numbered \(one.number)")
        }
        guard Set(fields.map(\.name)).count == fields.count else {
            throw SchemaError(.invalidSchema, "message \(fullName) has two fields of the same name")
        }
        return fields
    }

    /// Field indices are 16 bits wide in the guard's table.
    private static let fieldsMax = 65_534

    /// Finds out for a file's types, once they are linked, in which of them a required field can be missing. Types
    /// may contain each other, so it goes from those that have such a field to those that use them.
    static func findFieldsToCheck(in messages: [MessageDescriptor]) {
        var users: [MessageDescriptor: [MessageDescriptor]] = [:]
        var found: Set<MessageDescriptor> = []
        var open: [MessageDescriptor] = []
        for message in messages {
            for field in message.fields where field.slot != nil {
                if let inner = field.messageType, inner.file === message.file {
                    users[inner, default: []].append(message)
                }
                guard field.presence == .required || field.messageType?.mayLackRequired == true else {
                    continue
                }
                if found.insert(message).inserted { open.append(message) }
            }
        }
        while let message = open.popLast() {
            for user in users[message] ?? [] where found.insert(user).inserted { open.append(user) }
        }
        for message in found {
            message.fieldsToCheck = message.fields.filter { field in
                guard field.slot != nil else { return false }
                guard let inner = field.messageType else { return field.presence == .required }
                return field.presence == .required || found.contains(inner) || inner.mayLackRequired
            }
        }
    }

    private func oneofs(_ record: MessageRecord) -> [OneofDescriptor] {
        // protoc puts the oneofs that it makes for `optional` last, so the indices of the others stay right.
        var numbers: [Int: [Int32]] = [:]
        for field in fields {
            if let index = field.oneofIndex { numbers[index, default: []].append(field.number) }
        }
        return record.oneofs.prefix((numbers.keys.max() ?? -1) + 1).enumerated().map { index, oneof in
            OneofDescriptor(name: oneof.name, fieldNumbers: numbers[index] ?? [])
        }
    }

    private static func namesToIndices(_ fields: [FieldDescriptor]) -> [String: Int] {
        var result: [String: Int] = [:]
        for (index, field) in fields.enumerated() { result[field.jsonName] = result[field.jsonName] ?? index }
        // The original name is exact, so it wins over another field's JSON name.
        for (index, field) in fields.enumerated() { result[field.name] = index }
        return result
    }

    /// A map entry has a key of a legal kind and a value, and nothing else.
    private func checkMapEntry() throws(SchemaError) {
        guard isMapEntry else { return }
        let illegalKeys: Set<FieldKind> = [.double, .float, .bytes, .message, .group, .enumeration]
        guard fields.map(\.number) == [1, 2], !illegalKeys.contains(fields[0].kind),
            !fields.contains(where: { $0.isRepeated || $0.kind == .group || $0.oneofIndex != nil })
        else { throw SchemaError(.invalidSchema, "message \(fullName) is no valid map entry") }
    }
}
