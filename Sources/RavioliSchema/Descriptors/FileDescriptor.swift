// SPDX-License-Identifier: Apache-2.0

/// A `.proto` file: the types and services that it declares, linked with those of the files that it imports.
public final class FileDescriptor: Sendable {
    /// The path by which other files import it, as `showroom/catalog/v1/catalog.proto`.
    public let name: String
    /// The protobuf package, as `showroom.catalog.v1`.
    public let package: String
    /// The imported files, in order.
    public let dependencies: [FileDescriptor]
    /// Every message type of the file, nested ones included, each before the types inside it.
    public let messages: [MessageDescriptor]
    /// Every enum type of the file, nested ones included.
    public let enums: [EnumDescriptor]
    /// The services in order of declaration.
    public let services: [ServiceDescriptor]
    /// The encoded `google.protobuf.FileOptions`, custom options included.
    public let options: UnknownFields
    /// The encoded `google.protobuf.FileDescriptorProto` from which all this was read.
    public let serialized: [UInt8]

    // Written once, before the file is handed out; constant from then on.
    private nonisolated(unsafe) var extensionsByName: [String: CarriedField] = [:]
    private nonisolated(unsafe) var extensionsByExtendee: [String: [Int32: CarriedField]] = [:]
    /// The extensions that the file declares, on the top level and inside message types.
    var extensions: some Collection<CarriedField> { extensionsByName.values }

    private let messagesByName: [String: MessageDescriptor]
    private let enumsByName: [String: EnumDescriptor]
    private let publicDependencies: [FileDescriptor]

    /// Reads and links a file.
    ///
    /// - Parameters:
    ///   - serialized: an encoded `google.protobuf.FileDescriptorProto`; it may come from a peer.
    ///   - dependencies: at least the files that it imports; others are ignored.
    /// - Throws: ``SchemaError/Code/invalidSchema`` if an import is missing or the schema contradicts itself.
    public init(serialized: [UInt8], dependencies: [FileDescriptor]) throws(SchemaError) {
        let record = try FileRecord(serialized)
        self.serialized = serialized
        name = record.name
        package = record.package
        try DescriptorRules.check(package: record.package)
        options = try UnknownFields(encoded: Array(record.options))
        let imported = try Self.imports(of: record, among: dependencies)
        self.dependencies = imported
        publicDependencies = record.publicDependencies.compactMap {
            imported.indices.contains($0) ? imported[$0] : nil
        }

        let features = try FeatureSet(syntax: record.syntax, edition: record.edition)
            .overridden(by: record.options, at: 50)
        var declared = Declarations(namesMax: DescriptorRules.totalMax(forBytes: serialized.count))
        for message in record.messages {
            try declared.add(message, scope: record.package, features: features)
        }
        for enumeration in record.enums {
            try declared.add(enumeration, scope: record.package, features: features)
        }
        messages = declared.messages.map(\.descriptor)
        enums = declared.enums
        messagesByName = declared.messagesByName
        enumsByName = declared.enumsByName

        for record in record.extensions {
            declared.extensions.append(.init(record: record, scope: package, features: features))
        }
        let visible = try Self.visible(through: imported)
        let types = TypeScope(messages: messagesByName, enums: enumsByName, imports: visible)
        var services: [ServiceDescriptor] = []
        for service in record.services {
            try declared.addName(qualified(service.name, in: record.package), ending: service.name)
            services.append(try ServiceDescriptor(service, scope: record.package, types: types))
        }
        for found in declared.extensions {
            try declared.addName(qualified(found.record.name, in: found.scope), ending: found.record.name)
        }
        self.services = services
        for message in declared.messages {
            try message.descriptor.link(message.record, features: message.features, types: types, file: self)
        }
        for service in services { service.declaringFile = self }
        linkExtensions(declared.extensions, types)
        MessageDescriptor.findFieldsToCheck(in: messages + extensions.map(\.carrier))
        // Tables refer to each other by address; see `MessageDescriptor`.
        _ = Unmanaged.passRetained(self)
    }

    /// The message type of this full name, if the file declares it.
    public func message(named fullName: String) -> MessageDescriptor? { messagesByName[fullName] }
    /// The enum type of this full name, if the file declares it.
    public func enumeration(named fullName: String) -> EnumDescriptor? { enumsByName[fullName] }
    /// The service of this full name, if the file declares it.
    public func service(named fullName: String) -> ServiceDescriptor? {
        services.first { $0.fullName == fullName }
    }

    /// This file and all that it needs, each once, imports first: a `google.protobuf.FileDescriptorSet` in order.
    public var withDependencies: [FileDescriptor] {
        var seen: Set<ObjectIdentifier> = []
        var result: [FileDescriptor] = []
        var open: [(file: FileDescriptor, nextImport: Int)] = [(self, 0)]
        while let (file, next) = open.popLast() {
            if next < file.dependencies.count {
                open.append((file, next + 1))
                let dependency = file.dependencies[next]
                if !seen.contains(ObjectIdentifier(dependency)) { open.append((dependency, 0)) }
            } else if seen.insert(ObjectIdentifier(file)).inserted {
                result.append(file)
            }
        }
        return result
    }

    /// The extension of this full name, if the file declares it.
    func extensionField(named fullName: String) -> CarriedField? { extensionsByName[fullName] }
    /// The extensions of the message of this full name that the file declares, by number.
    func extensions(of message: String) -> [Int32: CarriedField] { extensionsByExtendee[message] ?? [:] }

    /// Extensions are of use to JSON only, so one that makes no sense is left out and stays an unknown field.
    private func linkExtensions(_ declared: [Declarations.Extension], _ types: TypeScope) {
        for found in declared {
            guard
                let field = try? CarriedField(
                    extension: found.record, in: found.scope, features: found.features, types: types,
                    file: self)
            else { continue }
            extensionsByName[field.name] = field
            extensionsByExtendee[field.extendee, default: [:]][field.number] = field
        }
    }

    private static func imports(
        of record: FileRecord, among files: [FileDescriptor]
    ) throws(SchemaError) -> [FileDescriptor] {
        let byName = Dictionary(files.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        var result: [FileDescriptor] = []
        for path in record.dependencies {
            guard let file = byName[path] else { throw .missingImport(path, of: record.name) }
            result.append(file)
        }
        return result
    }

    /// The files whose types are visible to a file with these imports: they and, through any number of them,
    /// their public imports.
    private static func visible(through imports: [FileDescriptor]) throws(SchemaError) -> [FileDescriptor] {
        var seen: Set<ObjectIdentifier> = []
        var result = imports
        var next = 0
        while next < result.count {
            guard result.count <= DescriptorRules.importsMax else {
                throw SchemaError(
                    .invalidSchema, "a file imports more than \(DescriptorRules.importsMax) files")
            }
            for file in result[next].publicDependencies where seen.insert(ObjectIdentifier(file)).inserted {
                result.append(file)
            }
            next += 1
        }
        return result
    }
}

/// The types of one file while it is being read.
private struct Declarations {
    struct Message {
        var descriptor: MessageDescriptor
        var record: MessageRecord
        var features: FeatureSet
    }

    struct Extension {
        var record: FieldRecord
        var scope: String
        var features: FeatureSet
    }

    var messages: [Message] = []
    var extensions: [Extension] = []
    var enums: [EnumDescriptor] = []
    var messagesByName: [String: MessageDescriptor] = [:]
    var enumsByName: [String: EnumDescriptor] = [:]
    private var names: Set<String> = []
    private var namesLeft: Int

    /// - Parameter namesMax: how many bytes all full names together may have.
    init(namesMax: Int) { namesLeft = namesMax }

    /// Nesting was bounded when the record was read.
    mutating func add(_ record: MessageRecord, scope: String, features: FeatureSet) throws(SchemaError) {
        let fullName = qualified(record.name, in: scope)
        let features = try features.overridden(by: record.options, at: 12)
        try addName(fullName, ending: record.name)
        let descriptor = try MessageDescriptor(record, fullName: fullName)
        messagesByName[fullName] = descriptor
        messages.append(Message(descriptor: descriptor, record: record, features: features))
        for found in record.extensions {
            extensions.append(Extension(record: found, scope: fullName, features: features))
        }
        for nested in record.nested { try add(nested, scope: fullName, features: features) }
        for enumeration in record.enums { try add(enumeration, scope: fullName, features: features) }
    }

    mutating func add(_ record: EnumRecord, scope: String, features: FeatureSet) throws(SchemaError) {
        let descriptor = try EnumDescriptor(record, scope: scope, features: features)
        try addName(descriptor.fullName, ending: record.name)
        enumsByName[descriptor.fullName] = descriptor
        enums.append(descriptor)
    }

    /// Notes the full name of a type or service, whose own name it ends with.
    mutating func addName(_ fullName: String, ending name: String) throws(SchemaError) {
        try DescriptorRules.check(name, fullName: fullName)
        guard names.insert(fullName).inserted else {
            throw SchemaError(.invalidSchema, "\(fullName) is declared twice")
        }
        namesLeft -= fullName.utf8.count
        guard namesLeft >= 0 else {
            throw SchemaError(.invalidSchema, "the full names of a file's types are too long")
        }
    }
}

/// The types that a file may refer to: its own and those of its imports.
struct TypeScope {
    let messages: [String: MessageDescriptor]
    let enums: [String: EnumDescriptor]
    let imports: [FileDescriptor]

    /// The message type that `user` refers to by a fully qualified name with a leading dot.
    func message(_ reference: String, for user: String) throws(SchemaError) -> MessageDescriptor {
        let name = reference.hasPrefix(".") ? String(reference.dropFirst()) : reference
        if let own = messages[name] { return own }
        for file in imports { if let found = file.message(named: name) { return found } }
        throw SchemaError(
            .invalidSchema, "\(user) refers to the unknown message type \(SchemaError.excerpt(name))")
    }

    /// The enum type that `user` refers to by a fully qualified name with a leading dot.
    func enumeration(_ reference: String, for user: String) throws(SchemaError) -> EnumDescriptor {
        let name = reference.hasPrefix(".") ? String(reference.dropFirst()) : reference
        if let own = enums[name] { return own }
        for file in imports { if let found = file.enumeration(named: name) { return found } }
        throw SchemaError(
            .invalidSchema, "\(user) refers to the unknown enum type \(SchemaError.excerpt(name))")
    }
}
